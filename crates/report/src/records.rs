//! What a run writes: a line per epoch, a summary, a confusion matrix.

use crate::{ClassificationMetrics, statistics};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// How good a model is on some rows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Mean loss per row, in nats. One that is not finite is `null` in JSON, and NaN when read back.
    #[serde(deserialize_with = "nan_from_null")]
    pub loss: f64,
    /// Share of rows predicted right, 0 to 1.
    pub accuracy: f64,
}

impl Score {
    /// The 95 % interval that so many rows leave for the accuracy (Wilson).
    #[must_use]
    pub fn accuracy_interval(&self, rows: u64) -> (f64, f64) {
        statistics::wilson_interval((self.accuracy * rows as f64).round() as u64, rows)
    }
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

pub(crate) fn nan_from_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f64::NAN))
}

/// One line of `metrics.jsonl`. Everything but the last two fields is the same bits whenever the run is repeated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// Counted from 1.
    pub epoch: u64,
    /// Optimiser steps taken by its end.
    pub step: u64,
    /// The learning rate of the next step.
    pub learning_rate: f64,
    /// Over the epoch's training passes, while the weights were changing and with dropout acting.
    pub train: Score,
    /// At the end of the epoch; `None` without validation rows.
    pub validation: Option<Score>,
    /// Whether this epoch's weights are the best so far.
    pub best: bool,
    /// Time spent training, without evaluation.
    pub seconds: f64,
    /// Train rows per second of that time.
    pub samples_per_second: f64,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It has not ended: a cross-validation with folds to come, or one that was killed.
    Running,
    /// It trained to its end.
    Finished,
    /// A signal stopped it; what there was is saved.
    Interrupted,
    /// It met an error; what there was is saved.
    Failed,
}

impl fmt::Display for Status {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Interrupted => "interrupted",
            Self::Failed => "failed",
        })
    }
}

/// Why training ended where it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// All epochs were done.
    Epochs,
    /// Validation stopped improving.
    EarlyStopping,
    /// Validation reached `train.target_accuracy`.
    TargetAccuracy,
    /// `train.max_steps` were done.
    MaxSteps,
    /// `train.max_minutes` were over.
    MaxMinutes,
}

impl StopReason {
    /// The same as the end of a sentence.
    #[must_use]
    pub fn why(self) -> &'static str {
        match self {
            Self::Epochs => "as all epochs of the recipe were done",
            Self::EarlyStopping => "as validation had stopped improving",
            Self::TargetAccuracy => "as validation had reached train.target_accuracy",
            Self::MaxSteps => "as train.max_steps were done",
            Self::MaxMinutes => "as train.max_minutes were over",
        }
    }
}

/// Which weights a run tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TestedWeights {
    /// Those of the epoch that is best on validation.
    #[default]
    Best,
    /// Those of the last epoch.
    Last,
    /// Those of a training on train and validation rows together.
    Refit,
}

/// A second training, on train and validation rows together, for as long as the best epoch of the first one took.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refit {
    /// Optimiser steps.
    pub steps: u64,
    /// Train and validation rows.
    pub rows: u64,
}

/// `summary.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// How the run ended.
    pub status: Status,
    /// The error, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The recipe's name.
    pub recipe: String,
    /// The data set's name.
    pub dataset: String,
    /// Train rows.
    pub train_rows: u64,
    /// Validation rows.
    pub validation_rows: u64,
    /// Test rows.
    pub test_rows: u64,
    /// A checksum of the data and its division: see `Split::fingerprint` in the data crate.
    pub data_fingerprint: String,
    /// Rows of the data that were left out because they cannot be used (`data.skip_bad_rows`).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub skipped_rows: u64,
    /// The device, such as `cpu` or `cuda:0`.
    pub device: String,
    /// The training step, such as `reference`.
    pub step: String,
    /// The training seed.
    pub seed: u64,
    /// CPU threads.
    pub threads: u64,
    /// How many numbers training adjusts.
    pub parameters: u64,
    /// Epochs trained; a limit may have cut the last one short.
    pub epochs_run: u64,
    /// Why there were no more; `None` where training did not come to its end.
    #[serde(default)]
    pub stopped_by: Option<StopReason>,
    /// The epoch that is best on validation, or the last without validation rows.
    pub best_epoch: u64,
    /// The highest validation accuracy of any epoch, which need not be that of `best_epoch`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub highest_validation_accuracy: Option<f64>,
    /// Which weights were tested.
    #[serde(default)]
    pub weights: TestedWeights,
    /// Whether evaluation uses moving averages of the weights (`optimizer.ema_decay`).
    #[serde(default)]
    pub averaged: bool,
    /// The second training, where the recipe asks for one and it came to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refit: Option<Refit>,
    /// The tested weights on the train rows, in evaluation mode; `None` where the run did not finish.
    pub train: Option<Score>,
    /// The tested weights on the validation rows, or after a refit the weights it was chosen by; `None` without validation rows.
    pub validation: Option<Score>,
    /// The tested weights on the test rows; `None` without them, or where the run did not finish.
    pub test: Option<Score>,
    /// How often the test rows were read.
    pub test_evaluations: u64,
    /// Median training time of epochs 2 and later (of epoch 1 where there is no other).
    pub epoch_seconds_median: Option<f64>,
    /// Train rows per second at that median.
    pub samples_per_second: Option<f64>,
    /// From process start to the end of the first training step.
    pub seconds_to_first_step: Option<f64>,
    /// From process start to the writing of this file.
    pub wall_seconds: f64,
    /// The process' largest resident memory, in MiB; `None` where the system does not tell.
    pub peak_rss_mb: Option<f64>,
    /// The version that ran.
    pub version: String,
    /// More about `validation`; `None` without it, where the run did not finish, and in runs of versions that did not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation_metrics: Option<ClassificationMetrics>,
    /// More about `test`; `None` as above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_metrics: Option<ClassificationMetrics>,
}

impl Summary {
    /// Which weights were tested, such as `weights of epoch 3 of 20`.
    #[must_use]
    pub fn tested_weights(&self) -> String {
        match (self.weights, self.refit) {
            (TestedWeights::Refit, Some(refit)) => {
                format!("{} of {} steps on {} train and validation rows", self.kind_of_weights(), refit.steps, refit.rows)
            }
            (TestedWeights::Last, _) => format!("{} of epoch {}, the last one", self.kind_of_weights(), self.epochs_run),
            _ => self.chosen_weights(),
        }
    }

    /// The weights that validation chose, which a refit takes the place of when it comes to testing.
    #[must_use]
    pub fn chosen_weights(&self) -> String {
        format!("{} of epoch {} of {}", self.kind_of_weights(), self.best_epoch, self.epochs_run)
    }

    /// The weights that `validation` is of.
    #[must_use]
    pub fn validated_weights(&self) -> String {
        if self.weights == TestedWeights::Refit { self.chosen_weights() } else { self.tested_weights() }
    }

    fn kind_of_weights(&self) -> &'static str {
        if self.averaged { "averaged weights" } else { "weights" }
    }

    /// The metrics to judge the run by, and the rows they are of: test, or validation in a run without test rows.
    #[must_use]
    pub fn judging_metrics(&self) -> Option<(&'static str, &ClassificationMetrics)> {
        let test = self.test_metrics.as_ref().map(|metrics| ("test", metrics));
        test.or_else(|| self.validation_metrics.as_ref().filter(|_| self.test.is_none()).map(|metrics| ("validation", metrics)))
    }
}

/// `test/confusion.json`: how many rows of each class were predicted as each class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confusion {
    /// Class names, in label order.
    pub classes: Vec<String>,
    /// `matrix[true class][predicted class]`.
    pub matrix: Vec<Vec<u64>>,
}

impl Confusion {
    /// Counts pairs of (true, predicted) class.
    #[must_use]
    pub fn count(classes: &[String], pairs: impl Iterator<Item = (u32, u32)>) -> Self {
        let mut matrix = vec![vec![0; classes.len()]; classes.len()];
        for (truth, predicted) in pairs {
            matrix[truth as usize][predicted as usize] += 1;
        }
        Self { classes: classes.to_vec(), matrix }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_that_is_not_finite_survives_json_as_nan() {
        let text = serde_json::to_string(&Score { loss: f64::INFINITY, accuracy: 0.5 }).unwrap();
        assert_eq!(text, r#"{"loss":null,"accuracy":0.5}"#);
        assert!(serde_json::from_str::<Score>(&text).unwrap().loss.is_nan());
    }
}
