//! The step that is tested here: the kernels of the GPU, emulated on the host. With the feature `cuda-calls` they are asked for as on a GPU, of
//! libraries that pretend to be NVIDIA's (scripts/cuda-calls).

use candle_core::Device;
use relumine_engine::{Examples, GpuStep, Step, StepError, TrainingConfig};
#[cfg(not(feature = "cuda-calls"))]
use relumine_kernels::gpu::Emulator;
use relumine_kernels::gpu::{Gpu, Order};
use relumine_model::Architecture;

pub(crate) type Fused = GpuStep;
/// Whether it trains on images that are changed at random.
pub(crate) const AUGMENTS: bool = false;
pub(crate) const EVALUATION_ROWS: usize = GpuStep::EVALUATION_ROWS;

pub(crate) fn fused(architecture: &Architecture, config: &TrainingConfig) -> Fused {
    fused_in(Order::Forward, architecture, config)
}

/// With the threads and blocks of every kernel in this order.
pub(crate) fn fused_in(order: Order, architecture: &Architecture, config: &TrainingConfig) -> Fused {
    GpuStep::new(gpu(order), architecture, config, &Device::Cpu).unwrap()
}

pub(crate) fn gpu(order: Order) -> Box<dyn Gpu> {
    // Far fewer than a GPU's, so that some products of most tests are the library's.
    gpu_with(order, 1)
}

/// With kernels of dense layers up to so many rounds.
#[cfg(not(feature = "cuda-calls"))]
pub(crate) fn gpu_with(order: Order, dense_limit: usize) -> Box<dyn Gpu> {
    Box::new(Emulator::new(order).unwrap().with_dense_limit(dense_limit))
}

/// The libraries choose an order of their own.
#[cfg(feature = "cuda-calls")]
pub(crate) fn gpu_with(_: Order, dense_limit: usize) -> Box<dyn Gpu> {
    let gpu = relumine_kernels::gpu::CudaGpu::new(0, relumine_engine::Precision::F32).unwrap();
    Box::new(gpu.with_dense_limit(dense_limit))
}

/// Takes a step and gives its own error, which would come later otherwise.
pub(crate) fn train_now(step: &mut Fused, examples: &Examples, rows: &[u32]) -> Result<(), StepError> {
    step.train(examples, rows)?;
    step.totals().map(drop)
}
