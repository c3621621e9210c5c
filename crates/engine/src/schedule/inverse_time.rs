use super::{Horizon, ScheduleKind, Unit, check};
use serde::{Deserialize, Serialize};

/// `factor = 1 / (1 + decay_rate t / decay_steps)`, or `1 / (1 + decay_rate floor(t / decay_steps))` as a staircase. As
/// `keras.optimizers.schedules.InverseTimeDecay`, which counts optimiser steps only.
///
/// ```
/// use relumine_engine::{Horizon, Schedule};
/// let schedule: Schedule = serde_json::from_str(r#"{ "name": "inverse_time", "decay_rate": 0.5, "decay_steps": 2 }"#)?;
/// let horizon = Horizon { steps_per_epoch: 10, total_steps: 100 };
/// assert_eq!([0, 4, 12].map(|steps| schedule.factor(steps, horizon)), [1.0, 0.5, 0.25]);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InverseTime {
    /// What `decay_steps` units add to the divisor, at least 0.
    pub decay_rate: f64,
    /// Units in which the divisor grows by `decay_rate`, at least 1; 1 where absent.
    #[serde(default = "decay_steps")]
    pub decay_steps: u64,
    /// Whether the divisor grows only once `decay_steps` units are over; false where absent.
    #[serde(default)]
    pub staircase: bool,
    /// What t and `decay_steps` count; steps where absent.
    #[serde(default)]
    pub unit: Unit,
}

const fn decay_steps() -> u64 {
    1
}

impl ScheduleKind for InverseTime {
    fn factor(&self, steps_done: u64, horizon: Horizon) -> f64 {
        let elapsed = self.unit.elapsed(steps_done, horizon);
        let decay_steps = self.decay_steps.max(1);
        let periods = if self.staircase { (elapsed / decay_steps) as f64 } else { elapsed as f64 / decay_steps as f64 };
        1.0 / (1.0 + self.decay_rate * periods)
    }

    fn validate(&self) -> Result<(), String> {
        check::within("decay_rate", self.decay_rate, 0.0..f64::INFINITY, "a finite number of at least 0, such as 0.5")?;
        check::length("decay_steps", self.decay_steps)
    }
}
