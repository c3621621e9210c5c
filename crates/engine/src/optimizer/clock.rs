//! What schedules make of a run's steps.

use super::OptimizerConfig;
use crate::{Horizon, MomentumSchedule};

/// The settings of one step that schedules decide.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Pace {
    /// Counted from 1.
    pub(crate) step: u64,
    pub(crate) learning_rate: f64,
    /// The first beta, for those of Adam's family.
    pub(crate) momentum: f64,
}

/// Counts steps and tells the pace of the next one.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    /// With every key of its optimiser.
    pub(crate) config: OptimizerConfig,
    horizon: Horizon,
    /// Steps taken.
    pub(crate) steps: u64,
    /// What a schedule that watches the validation loss makes of the learning rate.
    pub(crate) outer_factor: f64,
}

impl Clock {
    pub(crate) fn new(config: &OptimizerConfig, horizon: Horizon) -> Self {
        Self { config: config.clone().resolved(), horizon, steps: 0, outer_factor: 1.0 }
    }

    /// The learning rate of the next step.
    pub(crate) fn learning_rate(&self) -> f64 {
        self.config.learning_rate.unwrap_or_default() * self.config.schedule.factor(self.steps, self.horizon) * self.outer_factor
    }

    /// The pace of the next step.
    pub(crate) fn pace(&self) -> Pace {
        let full = self.config.momentum.or(self.config.betas.map(|betas| betas[0])).unwrap_or_default();
        let scheduled = |schedule: &MomentumSchedule| schedule.momentum(full, self.steps, self.horizon);
        let momentum = self.config.momentum_schedule.as_ref().map_or(full, scheduled);
        Pace { step: self.steps + 1, learning_rate: self.learning_rate(), momentum }
    }
}
