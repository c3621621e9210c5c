//! The best weights so far, chosen on validation rows alone.

use crate::recipe::{Monitor, TrainSection};
use relumine_engine::NamedTensors;
use relumine_report::Score;

/// The weights that will be tested.
#[derive(Clone, Debug)]
pub struct Best {
    /// The epoch they are from, counted from 1.
    pub epoch: u64,
    /// Optimiser steps taken by its end.
    pub steps: u64,
    /// Their validation score; `None` without validation rows, where the last weights are the best.
    pub validation: Option<Score>,
    /// The weights.
    pub parameters: NamedTensors,
}

/// What makes the weights of one epoch better than those of another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Preference {
    monitor: Monitor,
    target_accuracy: Option<f64>,
}

impl Preference {
    /// By what early stopping watches, so that the weights it stops for are the ones that are kept; by the accuracy without it.
    pub(super) fn of(settings: &TrainSection) -> Self {
        let monitor = settings.early_stopping.map_or(Monitor::Accuracy, |early_stopping| early_stopping.monitor);
        Self { monitor, target_accuracy: settings.target_accuracy }
    }

    /// Whether `score` beats the best so far: a lower validation loss, or a higher validation accuracy and between equal ones the lower
    /// loss. A score that reaches the target accuracy beats any: it ends training. Without validation rows later is better.
    pub(super) fn is_better(self, score: Option<Score>, best: Option<&Best>) -> bool {
        let (Some(score), Some(Best { validation: Some(best), .. })) = (score, best) else { return true };
        let reaches_target = self.target_accuracy.is_some_and(|target| score.accuracy >= target);
        reaches_target
            || match self.monitor {
                Monitor::Loss => score.loss < best.loss,
                Monitor::Accuracy => score.accuracy > best.accuracy || (score.accuracy == best.accuracy && score.loss < best.loss),
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::EarlyStopping;

    fn score(accuracy: f64, loss: f64) -> Option<Score> {
        Some(Score { loss, accuracy })
    }

    fn best() -> Best {
        Best { epoch: 1, steps: 10, validation: score(0.9, 0.5), parameters: NamedTensors::new() }
    }

    #[test]
    fn accuracy_decides_and_loss_breaks_ties() {
        let preference = Preference::of(&TrainSection::default());
        let is_better = |score| preference.is_better(score, Some(&best()));
        assert!(is_better(score(0.91, 0.9)) && is_better(score(0.9, 0.4)));
        assert!(!is_better(score(0.9, 0.5)) && !is_better(score(0.89, 0.1)));
        assert!(preference.is_better(score(0.1, 9.0), None));
        assert!(preference.is_better(None, Some(&Best { validation: None, ..best() })));
    }

    #[test]
    fn early_stopping_prefers_what_it_watches() {
        let by = |monitor| {
            let early_stopping = Some(EarlyStopping { monitor, ..EarlyStopping::default() });
            Preference::of(&TrainSection { early_stopping, target_accuracy: Some(0.95), ..TrainSection::default() })
        };
        for (monitor, accuracy, loss, expected) in [
            (Monitor::Loss, 0.1, 0.4, true),
            (Monitor::Loss, 0.94, 0.5, false),
            (Monitor::Loss, 0.95, 0.6, true),
            (Monitor::Accuracy, 0.91, 0.9, true),
            (Monitor::Accuracy, 0.89, 0.1, false),
        ] {
            assert_eq!(by(monitor).is_better(score(accuracy, loss), Some(&best())), expected, "{monitor:?}: {accuracy}, {loss}");
        }
    }
}
