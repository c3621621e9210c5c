//! What is measured of a trial.

use relumine_report::statistics::median;
use relumine_report::{EpochRecord, LayerProbe, ProbeRecord, Summary, TrialRecord};
use std::collections::BTreeMap;

/// A measure: its name, whether a higher one is better, and what it is.
pub type Measure = (&'static str, bool, &'static str);

/// Those of epochs need validation rows where they name them, and those of layers need `[probes]`. "At the start" is before the first step.
pub const MEASURES: &[Measure] = &[
    ("validation_accuracy", true, "of the weights that validation chose, 0 to 1"),
    ("validation_loss", false, "of the same weights, in nats"),
    ("train_accuracy", true, "of the same weights, in evaluation mode"),
    ("train_loss", false, "of the same weights, in evaluation mode"),
    ("accuracy_gap", false, "train_accuracy minus validation_accuracy"),
    ("loss_gap", false, "validation_loss minus train_loss"),
    ("last_validation_accuracy", true, "at the end of the last epoch"),
    ("last_validation_loss", false, "at the end of the last epoch"),
    ("last_train_accuracy", true, "over the passes of the last epoch, dropout included"),
    ("last_train_loss", false, "over the passes of the last epoch, dropout included"),
    ("last_accuracy_gap", false, "last_train_accuracy minus last_validation_accuracy"),
    ("loss_rise", false, "last_validation_loss over the lowest validation loss of any epoch"),
    ("best_epoch", false, "the epoch that validation chose"),
    ("lowest_loss_epoch", false, "the epoch of the lowest validation loss"),
    ("early_stop_epoch", false, "where early stopping with the study's patience, on the validation loss, would have ended training"),
    ("reached_target", true, "1 where the study's target_accuracy was reached on validation, 0 elsewhere"),
    ("epochs_to_target", false, "the first epoch at whose end it was"),
    ("steps_to_target", false, "optimiser steps by then"),
    ("epochs", false, "trained"),
    ("steps", false, "trained"),
    ("seconds", false, "on one thread, evaluation included"),
    ("failed", false, "1 where training failed, as by a loss that is not finite, 0 elsewhere"),
    ("gradient_ratio_at_start", true, "norm of dL/dW of the first layer over that of the last one, the output layer"),
    ("gradient_ratio_at_end", true, "the same after the last step"),
    ("gradient_ratio_over_training", true, "the median of all probes"),
    ("first_gradient_at_start", true, "norm of dL/dW of the first layer"),
    ("last_gradient_at_start", true, "norm of dL/dW of the last layer"),
    ("backward_ratio_at_start", true, "standard deviation of dL/dz of the first layer over that of the last hidden one"),
    ("forward_ratio_at_start", true, "standard deviation of the outputs of the last hidden layer over that of the first"),
    ("saturated_at_start", false, "the largest share of saturated outputs of a layer"),
    ("saturated_at_end", false, "the same after the last step"),
    ("dead_at_start", false, "the largest share of dead units of a layer"),
    ("dead_at_end", false, "the same after the last step"),
];

/// The names of all measures.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    MEASURES.iter().map(|(name, ..)| *name)
}

pub(super) fn is_known(name: &str) -> bool {
    names().any(|known| known == name)
}

/// Whether a higher one is better.
pub(super) fn is_higher_better(name: &str) -> bool {
    MEASURES.iter().any(|(known, higher, _)| *known == name && *higher)
}

/// What of the study the measures depend on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Yardstick {
    pub(super) target_accuracy: f64,
    pub(super) patience: u64,
}

impl Yardstick {
    /// Whether the measures of `record` were taken by it.
    pub(super) fn is_of(self, record: &TrialRecord) -> bool {
        (record.target_accuracy, record.patience) == (Some(self.target_accuracy), Some(self.patience))
    }
}

/// The measures that a trial has; what is not finite is left out. `summary` is `None` where training failed.
pub(super) fn of_trial(
    epochs: &[EpochRecord],
    probes: &[ProbeRecord],
    summary: Option<&Summary>,
    yardstick: Yardstick,
) -> BTreeMap<String, f64> {
    let mut measures = vec![("failed", Some(f64::from(u8::from(summary.is_none()))))];
    if let Some(summary) = summary {
        measures.extend(of_summary(summary));
        measures.extend(of_epochs(epochs, yardstick));
    }
    measures.extend(of_probes(probes));
    let finite = measures.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.filter(|value| value.is_finite())?)));
    finite.collect()
}

type Named = (&'static str, Option<f64>);

fn of_summary(summary: &Summary) -> Vec<Named> {
    let (train, validation) = (summary.train, summary.validation);
    let both = train.zip(validation);
    vec![
        ("validation_accuracy", validation.map(|score| score.accuracy)),
        ("validation_loss", validation.map(|score| score.loss)),
        ("train_accuracy", train.map(|score| score.accuracy)),
        ("train_loss", train.map(|score| score.loss)),
        ("accuracy_gap", both.map(|(train, validation)| train.accuracy - validation.accuracy)),
        ("loss_gap", both.map(|(train, validation)| validation.loss - train.loss)),
        ("best_epoch", Some(summary.best_epoch as f64)),
        ("epochs", Some(summary.epochs_run as f64)),
        ("seconds", Some(summary.wall_seconds)),
    ]
}

fn of_epochs(epochs: &[EpochRecord], yardstick: Yardstick) -> Vec<Named> {
    let Some(last) = epochs.last() else { return Vec::new() };
    let losses: Vec<f64> = epochs.iter().filter_map(|epoch| Some(epoch.validation?.loss)).collect();
    let lowest = losses.iter().copied().enumerate().min_by(|a, b| a.1.total_cmp(&b.1));
    let reaches = |epoch: &&EpochRecord| epoch.validation.is_some_and(|score| score.accuracy >= yardstick.target_accuracy);
    let reached = epochs.iter().find(reaches);
    vec![
        ("steps", Some(last.step as f64)),
        ("last_train_accuracy", Some(last.train.accuracy)),
        ("last_train_loss", Some(last.train.loss)),
        ("last_validation_accuracy", last.validation.map(|score| score.accuracy)),
        ("last_validation_loss", last.validation.map(|score| score.loss)),
        ("last_accuracy_gap", last.validation.map(|score| last.train.accuracy - score.accuracy)),
        ("loss_rise", last.validation.zip(lowest).map(|(score, (_, lowest))| score.loss / lowest)),
        ("lowest_loss_epoch", lowest.map(|(place, _)| (place + 1) as f64)),
        ("early_stop_epoch", stop_epoch(&losses, yardstick.patience)),
        ("reached_target", last.validation.map(|_| f64::from(u8::from(reached.is_some())))),
        ("epochs_to_target", reached.map(|epoch| epoch.epoch as f64)),
        ("steps_to_target", reached.map(|epoch| epoch.step as f64)),
    ]
}

/// The epoch after which the loss has not fallen for `patience` epochs, or the last one.
fn stop_epoch(losses: &[f64], patience: u64) -> Option<f64> {
    let (mut lowest, mut waited) = (f64::INFINITY, 0);
    for (place, loss) in losses.iter().enumerate() {
        (lowest, waited) = if *loss < lowest { (*loss, 0) } else { (lowest, waited + 1) };
        if waited >= patience {
            return Some((place + 1) as f64);
        }
    }
    (!losses.is_empty()).then_some(losses.len() as f64)
}

fn of_probes(probes: &[ProbeRecord]) -> Vec<Named> {
    let (Some(start), Some(end)) = (probes.first().filter(|probe| probe.step == 0), probes.last()) else { return Vec::new() };
    let ratios: Vec<f64> = probes.iter().filter_map(gradient_ratio).filter(|ratio| ratio.is_finite()).collect();
    let hidden = &start.layers[..start.layers.len().saturating_sub(1)];
    let ends = hidden.first().zip(hidden.last());
    let largest = |probe: &ProbeRecord, share: fn(&LayerProbe) -> Option<f64>| probe.layers.iter().filter_map(share).reduce(f64::max);
    vec![
        ("gradient_ratio_at_start", gradient_ratio(start)),
        ("gradient_ratio_at_end", gradient_ratio(end)),
        ("gradient_ratio_over_training", median(&ratios)),
        ("first_gradient_at_start", start.layers.first().map(|layer| layer.weight_gradients.norm)),
        ("last_gradient_at_start", start.layers.last().map(|layer| layer.weight_gradients.norm)),
        ("backward_ratio_at_start", ends.map(|(first, last)| first.gradients.standard_deviation / last.gradients.standard_deviation)),
        ("forward_ratio_at_start", ends.map(|(first, last)| last.activations.standard_deviation / first.activations.standard_deviation)),
        ("saturated_at_start", largest(start, |layer| layer.saturated)),
        ("saturated_at_end", largest(end, |layer| layer.saturated)),
        ("dead_at_start", largest(start, |layer| layer.dead)),
        ("dead_at_end", largest(end, |layer| layer.dead)),
    ]
}

fn gradient_ratio(probe: &ProbeRecord) -> Option<f64> {
    Some(probe.layers.first()?.weight_gradients.norm / probe.layers.last()?.weight_gradients.norm)
}

#[cfg(test)]
mod tests {
    use super::*;
    use relumine_report::Score;

    fn epoch(epoch: u64, loss: f64, accuracy: f64) -> EpochRecord {
        let train = Score { loss: 0.5, accuracy: 0.75 };
        let validation = Some(Score { loss, accuracy });
        EpochRecord { epoch, step: 10 * epoch, learning_rate: 1.0, train, validation, best: false, seconds: 1.0, samples_per_second: 1.0 }
    }

    #[test]
    fn early_stopping_is_told_from_the_curve_as_the_training_loop_would_stop() {
        assert_eq!(stop_epoch(&[1.0, 0.5, 0.6, 0.4, 0.5, 0.45], 2), Some(6.0));
        assert_eq!(stop_epoch(&[1.0, 0.5, 0.6, 0.7], 2), Some(4.0));
        assert_eq!(stop_epoch(&[1.0, 0.5], 2), Some(2.0));
        assert_eq!(stop_epoch(&[], 2), None);
    }

    #[test]
    fn epochs_give_what_their_curve_shows() {
        let yardstick = Yardstick { target_accuracy: 0.9, patience: 1 };
        let measures: BTreeMap<_, _> =
            of_epochs(&[epoch(1, 0.5, 0.8), epoch(2, 0.25, 0.9), epoch(3, 0.5, 0.95)], yardstick).into_iter().collect();
        for (name, value) in [
            ("loss_rise", 2.0),
            ("lowest_loss_epoch", 2.0),
            ("early_stop_epoch", 3.0),
            ("epochs_to_target", 2.0),
            ("steps_to_target", 20.0),
            ("reached_target", 1.0),
        ] {
            assert_eq!(measures[name], Some(value), "{name}");
        }
        assert!((measures["last_accuracy_gap"].unwrap() + 0.2).abs() < 1e-12);
    }
}
