//! A trial between two rungs of successive halving.

use crate::failure::Failure;
use crate::pipeline::{Job, Outcome};
use relumine_engine::{NamedTensors, Step};
use relumine_report::{EpochRecord, ProbeRecord};

/// All that training goes on from. It is kept in memory alone: after a kill the trial trains from its start again, to the same bits.
pub(super) struct Paused {
    parameters: NamedTensors,
    optimizer_state: NamedTensors,
    pub(super) outcome: Outcome,
    pub(super) epochs: Vec<EpochRecord>,
    pub(super) probes: Vec<ProbeRecord>,
    /// On its thread so far.
    pub(super) seconds: f64,
}

impl Paused {
    /// # Errors
    /// A device that fails.
    pub(super) fn new(
        step: &dyn Step,
        outcome: Outcome,
        records: (Vec<EpochRecord>, Vec<ProbeRecord>),
        seconds: f64,
    ) -> Result<Self, Failure> {
        let (epochs, probes) = records;
        Ok(Self { parameters: step.parameters()?, optimizer_state: step.optimizer_state()?, outcome, epochs, probes, seconds })
    }

    /// A step that stands where the trial was left.
    ///
    /// # Errors
    /// A device that fails.
    pub(super) fn step(&self, job: &Job) -> Result<Box<dyn Step>, Failure> {
        let mut step = job.blank_step()?;
        step.load_parameters(&self.parameters)?;
        step.load_optimizer_state(&self.optimizer_state)?;
        if let Some(plateau) = job.recipe.optimizer.schedule.plateau() {
            step.scale_learning_rate(plateau.factor_after(&self.outcome.validation_losses));
        }
        Ok(step)
    }
}
