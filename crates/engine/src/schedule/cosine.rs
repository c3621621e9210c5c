use super::horizon::share_of;
use super::{Horizon, ScheduleKind, Unit, check};
use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

/// Half a cosine wave from 1 to `min_factor`, after a linear warm-up (Loshchilov and Hutter 2017, equation 5):
///
/// ```text
/// t < warmup:  factor = s + (1 - s) t / warmup                        with s = warmup_start_factor
/// afterwards:  factor = m + (1 - m) (1 + cos(pi c / period)) / 2      with m = min_factor, c = t - warmup
/// ```
///
/// With `restarts`, c starts again from 0 when it reaches the period, and every period is `period_mult` times as long as the one before.
/// Without, the factor then stays at `min_factor`, where PyTorch's turns upwards again.
///
/// As `torch.optim.lr_scheduler.CosineAnnealingLR`, or `CosineAnnealingWarmRestarts` with `restarts`; with a warm-up, as `SequentialLR` of
/// `LinearLR` and one of these. `LinearLR` takes no start at 0: a run does not move in a unit whose factor is 0.
///
/// ```
/// use relumine_engine::{Horizon, Schedule};
/// let cosine: Schedule = serde_json::from_str(r#"{ "name": "cosine", "warmup": 4 }"#)?;
/// let horizon = Horizon { steps_per_epoch: 10, total_steps: 24 };
/// assert_eq!([0, 1, 2, 4].map(|steps| cosine.factor(steps, horizon)), [0.0, 0.25, 0.5, 1.0]);
/// assert!((cosine.factor(14, horizon) - 0.5).abs() < 1e-15);
/// assert_eq!([24, 999].map(|steps| cosine.factor(steps, horizon)), [0.0, 0.0]);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cosine {
    /// Units of warm-up; 0 is none.
    pub warmup: u64,
    /// The factor at the start of the warm-up, in [0, 1].
    pub warmup_start_factor: f64,
    /// The lowest factor after the warm-up, in [0, 1].
    pub min_factor: f64,
    /// Units from 1 to `min_factor`, at least 1; the rest of the run after the warm-up where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period: Option<u64>,
    /// Whether to start again after the period, which must then be given.
    pub restarts: bool,
    /// How much longer each period is than the one before, at least 1.
    pub period_mult: u64,
    /// What t, `warmup` and `period` count.
    pub unit: Unit,
}

impl Default for Cosine {
    fn default() -> Self {
        Self { warmup: 0, warmup_start_factor: 0.0, min_factor: 0.0, period: None, restarts: false, period_mult: 1, unit: Unit::Step }
    }
}

impl Cosine {
    /// The share of the current period that has passed `since` the warm-up.
    fn share(&self, since: u64, period: u64) -> f64 {
        let (mut since, mut period) = (since, period.max(1));
        match self.period_mult {
            _ if !self.restarts => {}
            0 | 1 => since %= period,
            // Periods at least double: no more than 64 rounds.
            mult => {
                while since >= period {
                    since -= period;
                    period = period.saturating_mul(mult);
                }
            }
        }
        share_of(since, period)
    }
}

impl ScheduleKind for Cosine {
    fn factor(&self, steps_done: u64, horizon: Horizon) -> f64 {
        let elapsed = self.unit.elapsed(steps_done, horizon);
        let Some(since) = elapsed.checked_sub(self.warmup) else {
            return self.warmup_start_factor + (1.0 - self.warmup_start_factor) * share_of(elapsed, self.warmup);
        };
        let period = self.period.unwrap_or_else(|| self.unit.whole_run(horizon).saturating_sub(self.warmup));
        self.min_factor + (1.0 - self.min_factor) * (1.0 + libm::cos(PI * self.share(since, period))) / 2.0
    }

    fn validate(&self) -> Result<(), String> {
        check::share("warmup_start_factor", self.warmup_start_factor)?;
        check::share("min_factor", self.min_factor)?;
        check::optional_length("period", self.period)?;
        check::length("period_mult", self.period_mult)?;
        match self {
            Self { restarts: true, period: None, .. } => Err("restarts = true needs a period, such as period = 10".into()),
            Self { restarts: false, period_mult: 2.., .. } => {
                Err(format!("period_mult = {} has no effect without restarts = true", self.period_mult))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HORIZON: Horizon = Horizon { steps_per_epoch: 3, total_steps: 30 };

    #[test]
    fn restarts_come_after_1_3_and_7_periods_when_each_is_twice_as_long() {
        let cosine = Cosine { period: Some(5), restarts: true, period_mult: 2, min_factor: 0.1, ..Cosine::default() };
        for restart in [0, 5, 15, 35] {
            assert_eq!(cosine.factor(restart, HORIZON), 1.0, "{restart}");
        }
        for middle in [10, 25] {
            assert!((cosine.factor(middle, HORIZON) - 0.55).abs() < 1e-15, "{middle}");
        }
        assert!(cosine.factor(u64::MAX, HORIZON) >= 0.1);
    }

    #[test]
    fn a_warm_up_as_long_as_the_run_ends_at_the_full_rate() {
        let cosine = Cosine { warmup: 30, warmup_start_factor: 0.5, ..Cosine::default() };
        assert_eq!([0, 15, 30, 31].map(|steps| cosine.factor(steps, HORIZON)), [0.5, 0.75, 1.0, 0.0]);
    }

    #[test]
    fn in_epochs_the_period_is_what_the_warm_up_leaves_of_the_run() {
        let cosine = Cosine { warmup: 2, unit: Unit::Epoch, ..Cosine::default() };
        assert_eq!([0, 2, 3, 5, 6, 8].map(|steps| cosine.factor(steps, HORIZON)), [0.0, 0.0, 0.5, 0.5, 1.0, 1.0]);
        assert!((cosine.factor(18, HORIZON) - 0.5).abs() < 1e-15);
        assert_eq!(cosine.factor(30, HORIZON), 0.0);
    }
}
