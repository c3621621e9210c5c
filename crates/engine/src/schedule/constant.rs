use super::{Horizon, ScheduleKind};
use serde::{Deserialize, Serialize};

/// `factor = 1`: the learning rate stays as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Constant {}

impl ScheduleKind for Constant {
    fn factor(&self, _steps_done: u64, _horizon: Horizon) -> f64 {
        1.0
    }
}
