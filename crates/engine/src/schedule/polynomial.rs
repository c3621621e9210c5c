use super::horizon::share_of;
use super::{Horizon, ScheduleKind, Unit, check};
use serde::{Deserialize, Serialize};
use std::ops::Bound;

/// `factor = end_factor + (1 - end_factor) (1 - min(t / total, 1))^power`: a straight line at power 1. As
/// `torch.optim.lr_scheduler.PolynomialLR` where `end_factor` is 0, and as `keras.optimizers.schedules.PolynomialDecay` without `cycle`,
/// whose `end_learning_rate` is `end_factor` times the learning rate. After `total` it stays at `end_factor`.
///
/// ```
/// use relumine_engine::{Horizon, Schedule};
/// let square: Schedule = serde_json::from_str(r#"{ "name": "polynomial", "power": 2 }"#)?;
/// let horizon = Horizon { steps_per_epoch: 10, total_steps: 100 };
/// assert_eq!([0, 50, 75, 100, 999].map(|steps| square.factor(steps, horizon)), [1.0, 0.25, 0.0625, 0.0, 0.0]);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Polynomial {
    /// Units until `end_factor`, at least 1; the whole run where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// How early most of the way is made, over 0.
    pub power: f64,
    /// The last factor, in [0, 1].
    pub end_factor: f64,
    /// What t and `total` count.
    pub unit: Unit,
}

impl Default for Polynomial {
    fn default() -> Self {
        Self { total: None, power: 1.0, end_factor: 0.0, unit: Unit::Step }
    }
}

impl ScheduleKind for Polynomial {
    fn factor(&self, steps_done: u64, horizon: Horizon) -> f64 {
        let total = self.total.unwrap_or_else(|| self.unit.whole_run(horizon));
        let left = 1.0 - share_of(self.unit.elapsed(steps_done, horizon), total);
        self.end_factor + (1.0 - self.end_factor) * libm::pow(left, self.power)
    }

    fn validate(&self) -> Result<(), String> {
        check::optional_length("total", self.total)?;
        check::within("power", self.power, (Bound::Excluded(0.0), Bound::Excluded(f64::INFINITY)), "a finite number over 0, such as 1")?;
        check::share("end_factor", self.end_factor)
    }
}
