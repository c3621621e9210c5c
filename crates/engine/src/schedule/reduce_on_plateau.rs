use super::{Horizon, ScheduleKind, check};
use serde::{Deserialize, Serialize};
use std::ops::Bound;

/// Multiplies the rate by `factor`, down to `min_factor` in all, whenever more than `patience` validation losses in a row were no better than
/// the best before them:
///
/// ```text
/// better:  loss < best (1 - threshold)      or, with threshold_mode = "abs",  loss < best - threshold
/// ```
///
/// As `torch.optim.lr_scheduler.ReduceLROnPlateau` with mode "min" and eps 0: PyTorch also skips a reduction by less than its eps, 1e-8,
/// whatever the learning rate is. `min_factor` is its `min_lr` over the learning rate.
///
/// ```
/// use relumine_engine::schedule::ReduceOnPlateau;
/// let plateau: ReduceOnPlateau = serde_json::from_str(r#"{ "factor": 0.5, "patience": 1 }"#)?;
/// let losses = [1.0, 0.9, 0.9, 0.9, 0.9, 0.9];
/// assert_eq!([0, 3, 4, 5, 6].map(|epochs| plateau.factor_after(&losses[..epochs])), [1.0, 1.0, 0.5, 0.5, 0.25]);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReduceOnPlateau {
    /// What each reduction multiplies by, over 0 and under 1.
    pub factor: f64,
    /// How many losses in a row may be no better.
    pub patience: u64,
    /// How much better a loss must be, at least 0, and under 1 when it is relative.
    pub threshold: f64,
    /// What `threshold` is measured in.
    pub threshold_mode: ThresholdMode,
    /// How many losses after a reduction do not wear the patience.
    pub cooldown: u64,
    /// The lowest factor, in [0, 1].
    pub min_factor: f64,
}

/// What a threshold is measured in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThresholdMode {
    /// The best loss.
    #[default]
    Rel,
    /// The unit of the loss.
    Abs,
}

impl Default for ReduceOnPlateau {
    fn default() -> Self {
        Self { factor: 0.1, patience: 10, threshold: 1e-4, threshold_mode: ThresholdMode::Rel, cooldown: 0, min_factor: 0.0 }
    }
}

impl ReduceOnPlateau {
    /// The factor after these validation losses, oldest first. They are replayed, so that a run that resumes needs nothing else.
    #[must_use]
    pub fn factor_after(&self, losses: &[f64]) -> f64 {
        let (mut factor, mut best) = (1.0_f64, f64::INFINITY);
        let (mut no_better, mut cooldown) = (0, 0);
        for loss in losses {
            if self.is_better(*loss, best) {
                (best, no_better) = (*loss, 0);
            } else {
                no_better += 1;
            }
            if cooldown > 0 {
                (cooldown, no_better) = (cooldown - 1, 0);
            }
            if no_better > self.patience {
                factor = (factor * self.factor).max(self.min_factor);
                (cooldown, no_better) = (self.cooldown, 0);
            }
        }
        factor
    }

    /// A loss that is not a number is no better than any.
    fn is_better(&self, loss: f64, best: f64) -> bool {
        match self.threshold_mode {
            ThresholdMode::Rel => loss < best * (1.0 - self.threshold),
            ThresholdMode::Abs => loss < best - self.threshold,
        }
    }
}

impl ScheduleKind for ReduceOnPlateau {
    /// 1: what the losses demand comes on top.
    fn factor(&self, _steps_done: u64, _horizon: Horizon) -> f64 {
        1.0
    }

    fn validate(&self) -> Result<(), String> {
        let open = (Bound::Excluded(0.0), Bound::Excluded(1.0));
        check::within("factor", self.factor, open, "a number over 0 and under 1, such as 0.1")?;
        match self.threshold_mode {
            ThresholdMode::Rel => check::within("threshold", self.threshold, 0.0..1.0, "a number of at least 0 and under 1, such as 1e-4")?,
            ThresholdMode::Abs => {
                check::within("threshold", self.threshold, 0.0..f64::INFINITY, "a finite number of at least 0, such as 1e-4")?;
            }
        }
        check::share("min_factor", self.min_factor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn factors(plateau: ReduceOnPlateau, losses: &[f64]) -> Vec<f64> {
        (0..=losses.len()).map(|count| plateau.factor_after(&losses[..count])).collect()
    }

    #[test]
    fn a_cooldown_puts_off_the_next_reduction_and_the_floor_ends_them() {
        let plateau = ReduceOnPlateau { factor: 0.5, patience: 0, cooldown: 2, min_factor: 0.3, ..ReduceOnPlateau::default() };
        assert_eq!(factors(plateau, &[1.0; 8]), [1.0, 1.0, 0.5, 0.5, 0.5, 0.3, 0.3, 0.3, 0.3]);
    }

    #[test]
    fn a_threshold_is_a_share_of_the_best_loss_or_a_difference() {
        let relative = ReduceOnPlateau { factor: 0.5, patience: 0, threshold: 0.25, ..ReduceOnPlateau::default() };
        let absolute = ReduceOnPlateau { threshold_mode: ThresholdMode::Abs, ..relative };
        assert_eq!(relative.factor_after(&[2.0, 1.6]), 0.5);
        assert_eq!(absolute.factor_after(&[2.0, 1.6]), 1.0);
        assert_eq!(relative.factor_after(&[0.5, 0.3]), 1.0);
        assert_eq!(absolute.factor_after(&[0.5, 0.3]), 0.5);
    }

    #[test]
    fn a_loss_that_is_not_a_number_is_no_better() {
        let plateau = ReduceOnPlateau { patience: 0, factor: 0.5, ..ReduceOnPlateau::default() };
        assert_eq!(factors(plateau, &[f64::NAN, 1.0, f64::NAN, 0.5]), [1.0, 0.5, 0.5, 0.25, 0.25]);
    }
}
