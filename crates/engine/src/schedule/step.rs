use super::{Horizon, ScheduleKind, Unit, check};
use serde::{Deserialize, Serialize};

/// `factor = gamma^floor(t / step_size)`: a staircase. As `torch.optim.lr_scheduler.StepLR`, which also takes a `gamma` over 1.
///
/// ```
/// use relumine_engine::{Horizon, Schedule};
/// let halve: Schedule = serde_json::from_str(r#"{ "name": "step", "step_size": 2, "gamma": 0.5, "unit": "step" }"#)?;
/// let horizon = Horizon { steps_per_epoch: 10, total_steps: 100 };
/// assert_eq!([0, 1, 2, 3, 4].map(|steps| halve.factor(steps, horizon)), [1.0, 1.0, 0.5, 0.5, 0.25]);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepDecay {
    /// Units on each stair, at least 1.
    pub step_size: u64,
    /// From one stair to the next, in (0, 1]; 0.1 where absent.
    #[serde(default = "gamma")]
    pub gamma: f64,
    /// What t counts; epochs where absent.
    #[serde(default = "Unit::epoch")]
    pub unit: Unit,
}

const fn gamma() -> f64 {
    0.1
}

impl ScheduleKind for StepDecay {
    fn factor(&self, steps_done: u64, horizon: Horizon) -> f64 {
        let stairs = self.unit.elapsed(steps_done, horizon) / self.step_size.max(1);
        libm::pow(self.gamma, stairs as f64)
    }

    fn validate(&self) -> Result<(), String> {
        check::length("step_size", self.step_size)?;
        check::decay("gamma", self.gamma)
    }
}
