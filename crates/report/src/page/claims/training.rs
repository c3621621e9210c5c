//! How training went.

use crate::page::families::Trained;
use crate::page::percent;
use crate::{EpochRecord, Summary};

pub(super) fn claims(trained: &Trained) -> Vec<String> {
    let Trained { run, epochs, .. } = trained;
    let claims = [best_epoch(epochs), gap(&run.summary), overfitting(epochs), end(&run.summary), speed(&run.summary)];
    claims.into_iter().flatten().collect()
}

/// The epoch of the highest validation accuracy; of equal ones the first.
fn best_epoch(epochs: &[EpochRecord]) -> Option<String> {
    let scored: Vec<(u64, f64)> = epochs.iter().filter_map(|epoch| Some((epoch.epoch, epoch.validation?.accuracy))).collect();
    let (epoch, best) = *scored.iter().reduce(|best, next| if next.1 > best.1 { next } else { best })?;
    let (last_epoch, last) = *scored.last()?;
    let ending = if last_epoch == epoch {
        "the last one".to_owned()
    } else if last == best {
        format!("and no lower at the end, after epoch {last_epoch}")
    } else {
        format!("and {} at the end, after epoch {last_epoch}", percent(last))
    };
    Some(format!("Validation accuracy was highest in epoch {epoch} ({}), {ending}.", percent(best)))
}

/// Both in evaluation mode, by the same weights: after a refit the validation score is of other weights.
fn gap(summary: &Summary) -> Option<String> {
    let (train, validation) = (summary.train?, summary.validation.filter(|_| summary.refit.is_none())?);
    let points = 100.0 * (train.accuracy - validation.accuracy);
    let direction = if points < 0.0 { "below" } else { "above" };
    Some(format!(
        "Train accuracy ({}) is {:.2} points {direction} validation accuracy ({}), both by the {} without dropout.",
        percent(train.accuracy),
        points.abs(),
        percent(validation.accuracy),
        summary.validated_weights()
    ))
}

fn overfitting(epochs: &[EpochRecord]) -> Option<String> {
    let losses: Vec<(u64, f64)> = epochs.iter().filter_map(|epoch| Some((epoch.epoch, epoch.validation?.loss))).collect();
    let finite = losses.iter().copied().filter(|(_, loss)| loss.is_finite() && *loss > 0.0);
    let (epoch, lowest) = finite.reduce(|best, next| if next.1 < best.1 { next } else { best })?;
    let (last_epoch, last) = *losses.last()?;
    if last_epoch == epoch || !last.is_finite() {
        return Some(format!("Validation loss was lowest in epoch {epoch} ({lowest:.4} nats).")).filter(|_| losses.len() > 1);
    }
    let rise = 100.0 * (last / lowest - 1.0);
    Some(format!("Validation loss was lowest in epoch {epoch} ({lowest:.4} nats) and {rise:.1} % higher at the end ({last:.4} nats)."))
}

fn end(summary: &Summary) -> Option<String> {
    Some(format!("Training ended after epoch {}, {}.", summary.epochs_run, summary.stopped_by?.why()))
}

fn speed(summary: &Summary) -> Option<String> {
    let (seconds, rate) = (summary.epoch_seconds_median?, summary.samples_per_second?);
    Some(format!(
        "An epoch took {} s (median, without evaluation), which is {} rows per second; the run took {} s in all.",
        crate::chart::number(seconds),
        thousands(rate.round() as u64),
        crate::chart::number(summary.wall_seconds)
    ))
}

/// `1,234,567`.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let groups = digits.as_bytes().rchunks(3).rev().map(|group| String::from_utf8_lossy(group).into_owned());
    groups.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Score;

    fn epochs(validation: &[(f64, f64)]) -> Vec<EpochRecord> {
        let record = |(place, (accuracy, loss)): (usize, &(f64, f64))| EpochRecord {
            epoch: place as u64 + 1,
            step: 0,
            learning_rate: 0.1,
            train: Score { loss: 1.0, accuracy: 0.5 },
            validation: Some(Score { loss: *loss, accuracy: *accuracy }),
            best: false,
            seconds: 1.0,
            samples_per_second: 1.0,
        };
        validation.iter().enumerate().map(record).collect()
    }

    #[test]
    fn the_best_epoch_is_the_first_of_equal_ones_and_the_end_is_told() {
        let claim = best_epoch(&epochs(&[(0.5, 1.0), (0.75, 0.5), (0.75, 0.4), (0.7, 0.6)])).unwrap();
        assert_eq!(claim, "Validation accuracy was highest in epoch 2 (75.00 %), and 70.00 % at the end, after epoch 4.");
        assert_eq!(best_epoch(&epochs(&[(0.5, 1.0)])).unwrap(), "Validation accuracy was highest in epoch 1 (50.00 %), the last one.");
        assert_eq!(best_epoch(&[]), None);
    }

    #[test]
    fn a_rising_validation_loss_is_told_with_its_size() {
        let claim = overfitting(&epochs(&[(0.5, 1.0), (0.7, 0.5), (0.7, 0.6)])).unwrap();
        assert_eq!(claim, "Validation loss was lowest in epoch 2 (0.5000 nats) and 20.0 % higher at the end (0.6000 nats).");
        assert_eq!(overfitting(&epochs(&[(0.5, f64::NAN)])), None);
        assert_eq!(overfitting(&epochs(&[(0.5, 1.0), (0.5, 0.9)])).unwrap(), "Validation loss was lowest in epoch 2 (0.9000 nats).");
    }

    #[test]
    fn thousands_have_commas() {
        assert_eq!([0, 999, 1000, 1_234_567].map(thousands), ["0", "999", "1,000", "1,234,567"]);
    }
}
