//! The step that is tested here.

use candle_core::Device;
use relumine_engine::{Examples, FusedStep, Step, StepError, TrainingConfig};
use relumine_model::Architecture;

pub(crate) type Fused = FusedStep;
/// Whether it trains on images that are changed at random.
pub(crate) const AUGMENTS: bool = true;
pub(crate) const EVALUATION_ROWS: usize = FusedStep::EVALUATION_ROWS;

pub(crate) fn fused(architecture: &Architecture, config: &TrainingConfig) -> Fused {
    FusedStep::new(architecture, config, &Device::Cpu).unwrap()
}

/// Takes a step and gives its own error.
pub(crate) fn train_now(step: &mut Fused, examples: &Examples, rows: &[u32]) -> Result<(), StepError> {
    step.train(examples, rows)
}
