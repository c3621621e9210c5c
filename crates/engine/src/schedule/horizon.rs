use serde::{Deserialize, Serialize};

/// The plan of a run that schedules measure time by. A run that is shorter or longer is still defined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Horizon {
    /// Optimiser steps in each epoch; 0 counts as 1.
    pub steps_per_epoch: u64,
    /// Optimiser steps in the whole run; 0 counts as 1.
    pub total_steps: u64,
}

/// What a schedule counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Optimiser steps.
    #[default]
    Step,
    /// Whole epochs done: `floor(steps_done / steps_per_epoch)`, so that nothing changes within an epoch.
    Epoch,
}

impl Unit {
    /// For serde, where epochs are the default.
    pub(super) const fn epoch() -> Self {
        Self::Epoch
    }

    /// Units done after `steps_done` steps.
    pub(super) fn elapsed(self, steps_done: u64, horizon: Horizon) -> u64 {
        match self {
            Self::Step => steps_done,
            Self::Epoch => steps_done / horizon.steps_per_epoch.max(1),
        }
    }

    /// Units in the whole run, at least 1. An epoch that the run only begins counts.
    pub(super) fn whole_run(self, horizon: Horizon) -> u64 {
        let units = match self {
            Self::Step => horizon.total_steps,
            Self::Epoch => horizon.total_steps.div_ceil(horizon.steps_per_epoch.max(1)),
        };
        units.max(1)
    }
}

/// The share of `total` that has passed, from 0 to 1.
pub(super) fn share_of(elapsed: u64, total: u64) -> f64 {
    elapsed.min(total) as f64 / total.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_counts_once_it_is_whole_and_belongs_to_the_run_once_it_has_begun() {
        let horizon = Horizon { steps_per_epoch: 4, total_steps: 9 };
        assert_eq!([0, 3, 4, 9].map(|steps| Unit::Epoch.elapsed(steps, horizon)), [0, 0, 1, 2]);
        assert_eq!([Unit::Step, Unit::Epoch].map(|unit| unit.whole_run(horizon)), [9, 3]);
    }

    #[test]
    fn an_empty_plan_divides_by_nothing() {
        let empty = Horizon { steps_per_epoch: 0, total_steps: 0 };
        for unit in [Unit::Step, Unit::Epoch] {
            assert_eq!((unit.elapsed(7, empty), unit.whole_run(empty)), (7, 1));
        }
        assert_eq!([share_of(0, 0), share_of(3, 0), share_of(1, 4), share_of(9, 4)], [0.0, 0.0, 0.25, 1.0]);
    }
}
