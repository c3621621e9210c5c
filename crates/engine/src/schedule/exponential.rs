use super::{Horizon, ScheduleKind, Unit, check};
use serde::{Deserialize, Serialize};

/// `factor = gamma^t`. As `torch.optim.lr_scheduler.ExponentialLR`, which also takes a `gamma` over 1.
///
/// ```
/// use relumine_engine::{Horizon, Schedule};
/// let schedule: Schedule = serde_json::from_str(r#"{ "name": "exponential", "gamma": 0.5 }"#)?;
/// let horizon = Horizon { steps_per_epoch: 10, total_steps: 100 };
/// assert_eq!([0, 9, 10, 20, 30].map(|steps| schedule.factor(steps, horizon)), [1.0, 1.0, 0.5, 0.25, 0.125]);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exponential {
    /// From one unit to the next, in (0, 1].
    pub gamma: f64,
    /// What t counts; epochs where absent.
    #[serde(default = "Unit::epoch")]
    pub unit: Unit,
}

impl ScheduleKind for Exponential {
    fn factor(&self, steps_done: u64, horizon: Horizon) -> f64 {
        libm::pow(self.gamma, self.unit.elapsed(steps_done, horizon) as f64)
    }

    fn validate(&self) -> Result<(), String> {
        check::decay("gamma", self.gamma)
    }
}
