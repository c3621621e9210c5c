//! How good a classifier is on labelled rows: pure functions in f64, and the record that a run keeps of them.

mod calibration;
mod per_class;
mod ranking;

pub use calibration::{CalibrationBin, calibration_bins, expected_calibration_error, log_loss};
pub use per_class::{ClassMetrics, MacroAverage, per_class};
pub use ranking::{roc_auc, top_k_accuracy};

use crate::records::nan_from_null;
use crate::{Align, Confusion, Table, statistics};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a classifier did on some rows. Everything but the log loss is a function of the labels, predictions and probabilities alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassificationMetrics {
    /// Share of rows predicted right, 0 to 1, as `sklearn.metrics.accuracy_score`.
    pub accuracy: f64,
    /// The 95 % interval that so many rows leave for it (Wilson).
    pub accuracy_interval: (f64, f64),
    /// Mean loss per row, in nats, as given. One that is not finite is `null` in JSON, and NaN when read back.
    #[serde(deserialize_with = "nan_from_null")]
    pub log_loss: f64,
    /// [`top_k_accuracy`] by k: for 2, 3 and 5, as far as there are more classes than k. (With k classes every row is a hit.)
    pub top_k_accuracy: BTreeMap<usize, f64>,
    /// [`expected_calibration_error`] of the predicted classes' probabilities, 0 to 1. Two classes are treated as many are:
    /// the confidence is that of the predicted class, not that of class 1. NaN is `null` in JSON.
    #[serde(deserialize_with = "nan_from_null")]
    pub expected_calibration_error: f64,
    /// [`roc_auc`] of class 1 against class 0; `None` unless there are two classes, both with rows.
    pub roc_auc: Option<f64>,
    /// Means over the classes.
    pub macro_average: MacroAverage,
    /// In label order.
    pub per_class: Vec<ClassMetrics>,
    /// Rows by `[true class][predicted class]`, as `sklearn.metrics.confusion_matrix`; `None` of more than
    /// [`CONFUSION_CLASSES`](Self::CONFUSION_CLASSES) classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confusion: Option<Vec<Vec<u64>>>,
}

impl ClassificationMetrics {
    /// The values of k that are told.
    pub const TOP_K: [usize; 3] = [2, 3, 5];
    /// The most classes whose confusion matrix is kept: its size is the square of their number.
    pub const CONFUSION_CLASSES: usize = 100;
    /// The most classes whose confusion matrix is shown as a table.
    const TABLE_CLASSES: usize = 20;

    /// The metrics of rows with these labels, predicted classes and probabilities (`[rows][classes]`); `None` where there are no rows.
    ///
    /// `log_loss` is given because a loss taken from logits is exact where a probability has been rounded to 0; [`log_loss()`] is the
    /// same mean, taken from probabilities. Labels and predictions are below the number of classes, and every list has as many rows.
    ///
    /// ```
    /// use relumine_report::{ClassificationMetrics, classification::log_loss};
    ///
    /// let probabilities = [vec![0.75, 0.25], vec![0.25, 0.75], vec![0.25, 0.75], vec![0.5, 0.5]];
    /// let loss = log_loss(&[0, 1, 0, 1], &probabilities);
    /// let metrics = ClassificationMetrics::of(&["no".into(), "yes".into()], &[0, 1, 0, 1], &[0, 1, 1, 0], &probabilities, loss).unwrap();
    /// assert_eq!(metrics.accuracy, 0.5);
    /// assert_eq!((metrics.macro_average.precision, metrics.macro_average.recall, metrics.macro_average.f1), (0.5, 0.5, 0.5));
    /// // Of the four pairs of a yes (at 0.75 and 0.5) and a no (at 0.25 and 0.75), two are ordered right and one ties.
    /// assert_eq!(metrics.roc_auc, Some(0.625));
    /// // Of three rows at 0.75 two are right; the one at 0.5 is wrong: (|2 - 2.25| + |0 - 0.5|) / 4.
    /// assert_eq!(metrics.expected_calibration_error, 0.1875);
    /// assert!(metrics.top_k_accuracy.is_empty());
    /// // One row of each kind: a no for a no, a no for a yes, and so on.
    /// assert_eq!(metrics.confusion, Some(vec![vec![1, 1], vec![1, 1]]));
    /// ```
    #[must_use]
    pub fn of(classes: &[String], labels: &[u32], predictions: &[u32], probabilities: &[Vec<f64>], log_loss: f64) -> Option<Self> {
        debug_assert!(labels.len() == predictions.len() && labels.len() == probabilities.len(), "every list has as many rows");
        if labels.is_empty() {
            return None;
        }
        let rows = labels.len() as u64;
        let right: Vec<bool> = labels.iter().zip(predictions).map(|(label, prediction)| label == prediction).collect();
        let correct = right.iter().filter(|right| **right).count() as u64;
        let confidences: Vec<f64> = predictions.iter().zip(probabilities).map(|(class, row)| row[*class as usize]).collect();
        let confusion = Confusion::count(classes, labels.iter().copied().zip(predictions.iter().copied()));
        let per_class = per_class(&confusion);
        let told = Self::TOP_K.into_iter().filter(|k| *k < classes.len());
        Some(Self {
            accuracy: correct as f64 / rows as f64,
            accuracy_interval: statistics::wilson_interval(correct, rows),
            log_loss,
            top_k_accuracy: told.map(|k| (k, top_k_accuracy(labels, probabilities, k))).collect(),
            expected_calibration_error: expected_calibration_error(&right, &confidences),
            roc_auc: if classes.len() == 2 { roc_auc_of_class_1(labels, probabilities) } else { None },
            macro_average: MacroAverage::of(&per_class),
            per_class,
            confusion: (classes.len() <= Self::CONFUSION_CLASSES).then_some(confusion.matrix),
        })
    }

    /// One line for people, such as `macro F1 0.9812, top-2 99.50 %, ECE 1.20 %`.
    #[must_use]
    pub fn headline(&self) -> String {
        let top_k = self.top_k_accuracy.first_key_value().map(|(k, share)| format!("top-{k} {:.2} %", 100.0 * share));
        let parts = [
            Some(format!("macro F1 {:.4}", self.macro_average.f1)),
            top_k,
            Some(format!("ECE {:.2} %", 100.0 * self.expected_calibration_error)),
            self.roc_auc.map(|area| format!("ROC-AUC {area:.4}")),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    /// One row per class, and the macro averages; what is undefined is a dash.
    #[must_use]
    pub fn class_table(&self) -> Table {
        let columns = ["precision", "recall", "F1", "rows"].map(|name| (name, Align::Right));
        let mut table = Table::new(&[&[("class", Align::Left)], &columns[..]].concat());
        for cells in self.class_rows() {
            table.row(cells);
        }
        table
    }

    /// The confusion matrix, true classes down and predicted ones across; `None` where there is none, or too many classes to be read.
    #[must_use]
    pub fn confusion_table(&self) -> Option<Table> {
        let matrix = self.confusion.as_ref().filter(|matrix| matrix.len() <= Self::TABLE_CLASSES)?;
        let classes = || self.per_class.iter().map(|class| class.class.as_str());
        let columns: Vec<_> =
            std::iter::once(("true \\ predicted", Align::Left)).chain(classes().map(|class| (class, Align::Right))).collect();
        let mut table = Table::new(&columns);
        for (class, counts) in classes().zip(matrix) {
            table.row(std::iter::once(class.to_owned()).chain(counts.iter().map(u64::to_string)));
        }
        Some(table)
    }

    /// The cells of the class table.
    pub(crate) fn class_rows(&self) -> Vec<[String; 5]> {
        let share = |value: Option<f64>| value.map_or_else(|| "-".into(), |value| format!("{value:.4}"));
        let class = |class: &ClassMetrics| {
            [class.class.clone(), share(class.precision), share(class.recall), share(class.f1), class.rows.to_string()]
        };
        let MacroAverage { precision, recall, f1 } = self.macro_average;
        let rows: u64 = self.per_class.iter().map(|class| class.rows).sum();
        let average = ["macro average".into(), share(Some(precision)), share(Some(recall)), share(Some(f1)), rows.to_string()];
        self.per_class.iter().map(class).chain([average]).collect()
    }
}

fn roc_auc_of_class_1(labels: &[u32], probabilities: &[Vec<f64>]) -> Option<f64> {
    let positive: Vec<bool> = labels.iter().map(|label| *label == 1).collect();
    let scores: Vec<f64> = probabilities.iter().map(|row| row[1]).collect();
    roc_auc(&positive, &scores)
}

#[cfg(test)]
mod tests;
