use super::{Horizon, MomentumKind};
use crate::schedule::check;
use serde::{Deserialize, Serialize};

/// `momentum = min(1 - 2^(-1 - log2(floor(t / period) + 1)), full)`, t in steps, which is `min(1 - 1 / (2 floor(t / period) + 2), full)`:
/// 0.5 in the first period, then 0.75, 0.8333, 0.875. Sutskever, Martens, Dahl and Hinton 2013, equation 5, with its period of 250. They
/// also return to 0.9 for the last 1000 steps, which is not done here.
///
/// ```
/// use relumine_engine::{Horizon, MomentumSchedule};
/// let sutskever: MomentumSchedule = serde_json::from_str(r#""sutskever""#)?;
/// let horizon = Horizon { steps_per_epoch: 10, total_steps: 1000 };
/// assert_eq!([0, 249, 250, 750, 1000].map(|steps| sutskever.momentum(0.88, steps, horizon)), [0.5, 0.5, 0.75, 0.875, 0.88]);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sutskever {
    /// Steps between two values, at least 1.
    pub period: u64,
}

impl Default for Sutskever {
    fn default() -> Self {
        Self { period: 250 }
    }
}

impl MomentumKind for Sutskever {
    fn momentum(&self, full: f64, steps_done: u64, _horizon: Horizon) -> f64 {
        let periods = (steps_done / self.period.max(1)) as f64;
        (1.0 - 0.5 / (periods + 1.0)).min(full)
    }

    fn validate(&self) -> Result<(), String> {
        check::length("period", self.period)
    }
}
