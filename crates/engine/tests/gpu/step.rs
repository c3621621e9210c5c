//! The step that is tested here: the kernels of the GPU, emulated on the host.

use candle_core::Device;
use relumine_engine::{Examples, GpuStep, Step, StepError, TrainingConfig};
use relumine_kernels::gpu::{Emulator, Order};
use relumine_model::Architecture;

pub(crate) type Fused = GpuStep;
pub(crate) const EVALUATION_ROWS: usize = GpuStep::EVALUATION_ROWS;

pub(crate) fn fused(architecture: &Architecture, config: &TrainingConfig) -> Fused {
    fused_in(Order::Forward, architecture, config)
}

/// With the threads and blocks of every kernel in this order.
pub(crate) fn fused_in(order: Order, architecture: &Architecture, config: &TrainingConfig) -> Fused {
    GpuStep::new(Box::new(Emulator::new(order).unwrap()), architecture, config, &Device::Cpu).unwrap()
}

/// Takes a step and gives its own error, which would come later otherwise.
pub(crate) fn train_now(step: &mut Fused, examples: &Examples, rows: &[u32]) -> Result<(), StepError> {
    step.train(examples, rows)?;
    step.totals().map(drop)
}
