//! What ends training before its last epoch: patience, steps, minutes, and a target that is reached.

use super::train::Ending;
use crate::recipe::{EarlyStopping, Monitor, TrainSection};
use relumine_report::Score;
use std::time::{Duration, Instant};

/// The limits of a run, and how much of them is used up.
pub(super) struct Budget {
    max_steps: Option<u64>,
    deadline: Option<Instant>,
    target_accuracy: Option<f64>,
    patience: Option<Patience>,
}

impl Budget {
    /// The limits that `settings` give, from now on.
    pub(super) fn new(settings: &TrainSection) -> Self {
        let deadline = settings.max_minutes.and_then(|minutes| {
            // A time that the clock cannot hold is no limit.
            Instant::now().checked_add(Duration::try_from_secs_f64(60.0 * minutes).ok()?)
        });
        Self {
            max_steps: settings.max_steps,
            deadline,
            target_accuracy: settings.target_accuracy,
            patience: settings.early_stopping.map(Patience::new),
        }
    }

    /// Why training has to end after `steps` steps, within an epoch or not.
    pub(super) fn is_spent(&self, steps: u64) -> Option<Ending> {
        if self.max_steps.is_some_and(|most| steps >= most) {
            return Some(Ending::StepLimit);
        }
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline).then_some(Ending::TimeLimit)
    }

    /// Why training may end with an epoch that validation gave this score.
    pub(super) fn is_satisfied(&mut self, validation: Option<Score>) -> Option<Ending> {
        let score = validation?;
        if self.target_accuracy.is_some_and(|target| score.accuracy >= target) {
            return Some(Ending::TargetReached);
        }
        self.patience.as_mut()?.is_exhausted(score).then_some(Ending::EarlyStopped)
    }
}

/// Counts epochs without improvement.
struct Patience {
    settings: EarlyStopping,
    /// The lowest loss, or the lowest negative accuracy.
    lowest: f64,
    waited: u64,
}

impl Patience {
    fn new(settings: EarlyStopping) -> Self {
        Self { settings, lowest: f64::INFINITY, waited: 0 }
    }

    fn is_exhausted(&mut self, score: Score) -> bool {
        let watched = match self.settings.monitor {
            Monitor::Loss => score.loss,
            Monitor::Accuracy => -score.accuracy,
        };
        if watched < self.lowest - self.settings.min_delta {
            (self.lowest, self.waited) = (watched, 0);
        } else {
            self.waited += 1;
        }
        self.waited >= self.settings.patience
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_runs_out_after_epochs_without_enough_improvement() {
        let settings = EarlyStopping { patience: 2, min_delta: 0.1, ..EarlyStopping::default() };
        let mut patience = Patience::new(settings);
        let mut exhausted = |loss| patience.is_exhausted(Score { loss, accuracy: 0.0 });
        assert_eq!([1.0, 0.5, 0.45, 0.35, 0.34, 0.33].map(&mut exhausted), [false, false, false, false, false, true]);
        let mut patience = Patience::new(EarlyStopping { monitor: Monitor::Accuracy, ..settings });
        let mut exhausted = |accuracy| patience.is_exhausted(Score { loss: 0.0, accuracy });
        assert_eq!([0.1, 0.5, 0.55, 0.7, 0.75, 0.79].map(&mut exhausted), [false, false, false, false, false, true]);
    }

    #[test]
    fn steps_and_targets_end_training() {
        let settings = TrainSection { max_steps: Some(3), target_accuracy: Some(0.9), ..TrainSection::default() };
        let mut budget = Budget::new(&settings);
        assert_eq!([2, 3].map(|steps| budget.is_spent(steps)), [None, Some(Ending::StepLimit)]);
        let mut satisfied = |accuracy| budget.is_satisfied(Some(Score { loss: 1.0, accuracy }));
        assert_eq!([0.89, 0.9].map(&mut satisfied), [None, Some(Ending::TargetReached)]);
        let settings = TrainSection { max_minutes: Some(1e-9), ..TrainSection::default() };
        assert_eq!(Budget::new(&settings).is_spent(0), Some(Ending::TimeLimit));
    }
}
