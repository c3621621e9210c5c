//! The best weights so far, chosen on validation rows alone.

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

/// Whether `score` beats the best so far: higher validation accuracy, then lower validation loss. Without validation rows later is better.
pub(super) fn is_better(score: Option<Score>, best: Option<&Best>) -> bool {
    let (Some(score), Some(Best { validation: Some(best), .. })) = (score, best) else { return true };
    score.accuracy > best.accuracy || (score.accuracy == best.accuracy && score.loss < best.loss)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accuracy_decides_and_loss_breaks_ties() {
        let score = |accuracy, loss| Some(Score { loss, accuracy });
        let best = Best { epoch: 1, steps: 10, validation: score(0.9, 0.5), parameters: NamedTensors::new() };
        assert!(is_better(score(0.91, 0.9), Some(&best)));
        assert!(is_better(score(0.9, 0.4), Some(&best)));
        assert!(!is_better(score(0.9, 0.5), Some(&best)));
        assert!(!is_better(score(0.89, 0.1), Some(&best)));
        assert!(is_better(score(0.1, 9.0), None));
        assert!(is_better(None, Some(&Best { validation: None, ..best })));
    }
}
