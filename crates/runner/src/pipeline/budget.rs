//! What ends training before its last epoch: patience, steps, minutes, and a target that is reached.

use super::{Ending, Outcome};
use crate::recipe::{EarlyStopping, Monitor, TrainSection};
use relumine_report::Score;
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// The limits of a run, and how much of them is used up.
pub(super) struct Budget {
    max_steps: Option<u64>,
    deadline: Option<Instant>,
    target_accuracy: Option<f64>,
    patience: Option<EarlyStopping>,
}

impl Budget {
    /// The limits that `settings` give, of which training has used up `earlier` before now.
    pub(super) fn new(settings: &TrainSection, earlier: Duration) -> Self {
        let deadline = settings.max_minutes.and_then(|minutes| {
            // A time that the clock cannot hold is no limit.
            Instant::now().checked_add(Duration::try_from_secs_f64(60.0 * minutes).ok()?.saturating_sub(earlier))
        });
        Self { max_steps: settings.max_steps, deadline, target_accuracy: settings.target_accuracy, patience: settings.early_stopping }
    }

    /// Why training has to end after `steps` steps, within an epoch or not.
    pub(super) fn is_spent(&self, steps: u64) -> Option<Ending> {
        if self.max_steps.is_some_and(|most| steps >= most) {
            return Some(Ending::StepLimit);
        }
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline).then_some(Ending::TimeLimit)
    }

    /// Why training may end with an epoch that validation gave this score; it counts in `outcome` what early stopping makes of it.
    pub(super) fn is_satisfied(&self, validation: Option<Score>, outcome: &mut Outcome) -> Option<Ending> {
        let score = validation?;
        if self.target_accuracy.is_some_and(|target| score.accuracy >= target) {
            return Some(Ending::TargetReached);
        }
        outcome.waited.is_too_long(self.patience?, score).then_some(Ending::EarlyStopped)
    }
}

/// Epochs without improvement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waited {
    /// The lowest loss so far, or the lowest negative accuracy; `None` before the first epoch's end.
    lowest: Option<f64>,
    /// Epochs since then.
    epochs: u64,
}

impl Waited {
    fn is_too_long(&mut self, settings: EarlyStopping, score: Score) -> bool {
        let watched = match settings.monitor {
            Monitor::Loss => score.loss,
            Monitor::Accuracy => -score.accuracy,
        };
        if self.lowest.is_none_or(|lowest| watched < lowest - settings.min_delta) {
            *self = Self { lowest: Some(watched), epochs: 0 };
        } else {
            self.epochs += 1;
        }
        self.epochs >= settings.patience
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_runs_out_after_epochs_without_enough_improvement() {
        let settings = EarlyStopping { patience: 2, min_delta: 0.1, ..EarlyStopping::default() };
        let mut waited = Waited::default();
        let mut exhausted = |loss| waited.is_too_long(settings, Score { loss, accuracy: 0.0 });
        assert_eq!([1.0, 0.5, 0.45, 0.35, 0.34, 0.33].map(&mut exhausted), [false, false, false, false, false, true]);
        let settings = EarlyStopping { monitor: Monitor::Accuracy, ..settings };
        let mut waited = Waited::default();
        let mut exhausted = |accuracy| waited.is_too_long(settings, Score { loss: 0.0, accuracy });
        assert_eq!([0.1, 0.5, 0.55, 0.7, 0.75, 0.79].map(&mut exhausted), [false, false, false, false, false, true]);
    }

    #[test]
    fn steps_and_targets_end_training() {
        let settings = TrainSection { max_steps: Some(3), target_accuracy: Some(0.9), ..TrainSection::default() };
        let budget = Budget::new(&settings, Duration::ZERO);
        assert_eq!([2, 3].map(|steps| budget.is_spent(steps)), [None, Some(Ending::StepLimit)]);
        let mut outcome = Outcome::default();
        let mut satisfied = |accuracy| budget.is_satisfied(Some(Score { loss: 1.0, accuracy }), &mut outcome);
        assert_eq!([0.89, 0.9].map(&mut satisfied), [None, Some(Ending::TargetReached)]);
        let settings = TrainSection { max_minutes: Some(1e-9), ..TrainSection::default() };
        assert_eq!(Budget::new(&settings, Duration::ZERO).is_spent(0), Some(Ending::TimeLimit));
    }

    #[test]
    fn minutes_that_were_used_before_count() {
        let settings = TrainSection { max_minutes: Some(10.0), ..TrainSection::default() };
        let after = |minutes: u64| Budget::new(&settings, Duration::from_secs(60 * minutes)).is_spent(0);
        assert_eq!([0, 9, 10, 11].map(after), [None, None, Some(Ending::TimeLimit), Some(Ending::TimeLimit)]);
    }
}
