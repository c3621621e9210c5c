use super::{Horizon, MomentumKind};
use crate::schedule::horizon::share_of;
use crate::schedule::{Unit, check};
use serde::{Deserialize, Serialize};

/// `momentum = start + (full - start) min(t / duration, 1)`. As Hinton, Srivastava, Krizhevsky, Sutskever and Salakhutdinov 2012 (appendix
/// A: from 0.5 to 0.99 over 500 epochs), who also scale the gradient by `1 - momentum`, which is not done here.
///
/// ```
/// use relumine_engine::{Horizon, MomentumSchedule};
/// let linear: MomentumSchedule = serde_json::from_str(r#"{ "name": "linear", "start": 0.5, "duration": 4 }"#)?;
/// let horizon = Horizon { steps_per_epoch: 10, total_steps: 100 };
/// assert_eq!([0, 9, 10, 20, 40, 999].map(|steps| linear.momentum(0.75, steps, horizon)), [0.5, 0.5, 0.5625, 0.625, 0.75, 0.75]);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Linear {
    /// The first momentum, in [0, 1); 0.5 where absent.
    #[serde(default = "start")]
    pub start: f64,
    /// Units until the full momentum, at least 1.
    pub duration: u64,
    /// What t and `duration` count; epochs where absent.
    #[serde(default = "Unit::epoch")]
    pub unit: Unit,
}

const fn start() -> f64 {
    0.5
}

impl MomentumKind for Linear {
    fn momentum(&self, full: f64, steps_done: u64, horizon: Horizon) -> f64 {
        self.start + (full - self.start) * share_of(self.unit.elapsed(steps_done, horizon), self.duration)
    }

    fn validate(&self) -> Result<(), String> {
        check::momentum("start", self.start)?;
        check::length("duration", self.duration)
    }
}
