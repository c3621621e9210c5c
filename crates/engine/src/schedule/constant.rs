use super::{Horizon, ScheduleKind};
use serde::{Deserialize, Serialize};

/// `factor = 1`: the learning rate stays as it is.
///
/// ```
/// use relumine_engine::{Horizon, Schedule};
/// let constant: Schedule = serde_json::from_str(r#""constant""#)?;
/// let horizon = Horizon { steps_per_epoch: 10, total_steps: 100 };
/// assert_eq!([0, 50, 999].map(|steps| constant.factor(steps, horizon)), [1.0; 3]);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Constant {}

impl ScheduleKind for Constant {
    fn factor(&self, _steps_done: u64, _horizon: Horizon) -> f64 {
        1.0
    }
}
