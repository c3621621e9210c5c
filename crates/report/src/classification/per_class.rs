//! Precision, recall and F1.

use crate::Confusion;
use serde::{Deserialize, Serialize};

/// How well one class is told from the rest. With TP its rows that were predicted as it, FP the other rows that were, and FN its rows that
/// were not. A quotient 0 / 0 is `None`, `null` in JSON: what was never put to the test is neither good nor bad.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassMetrics {
    /// Its name.
    pub class: String,
    /// TP / (TP + FP); `None` where it is never predicted.
    pub precision: Option<f64>,
    /// TP / (TP + FN); `None` where it has no rows.
    pub recall: Option<f64>,
    /// 2 TP / (2 TP + FP + FN), the harmonic mean of the two; `None` where it has no rows and is never predicted. So a class that has rows
    /// and is never predicted has F1 0.
    pub f1: Option<f64>,
    /// Its rows (scikit-learn's support).
    pub rows: u64,
}

/// Precision, recall, F1 and rows of each class, in label order.
///
/// As `sklearn.metrics.precision_recall_fscore_support(.., labels=range(classes), zero_division=numpy.nan)`.
///
/// ```
/// use relumine_report::{Confusion, classification::per_class};
///
/// let confusion = Confusion { classes: vec!["no".into(), "yes".into()], matrix: vec![vec![3, 1], vec![0, 1]] };
/// let yes = &per_class(&confusion)[1];
/// assert_eq!((yes.precision, yes.recall, yes.f1, yes.rows), (Some(0.5), Some(1.0), Some(2.0 / 3.0), 1));
/// ```
#[must_use]
pub fn per_class(confusion: &Confusion) -> Vec<ClassMetrics> {
    let mut predicted = vec![0; confusion.classes.len()];
    for counts in &confusion.matrix {
        for (total, count) in predicted.iter_mut().zip(counts) {
            *total += count;
        }
    }
    let metrics = |(class, name): (usize, &String)| {
        let (right, rows) = (confusion.matrix[class][class], confusion.matrix[class].iter().sum());
        ClassMetrics {
            class: name.clone(),
            precision: quotient(right, predicted[class]),
            recall: quotient(right, rows),
            // TP + FP are the predictions of the class, TP + FN its rows.
            f1: quotient(2 * right, predicted[class] + rows),
            rows,
        }
    };
    confusion.classes.iter().enumerate().map(metrics).collect()
}

fn quotient(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// Unweighted means over the classes for which the value is defined; NaN where it is for none.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MacroAverage {
    /// Over the classes that are predicted at all. One that never is shows in `recall` and `f1`, which count it as 0.
    pub precision: f64,
    /// Over the classes with rows, as `sklearn.metrics.balanced_accuracy_score`.
    pub recall: f64,
    /// Mean of the classes' F1 (not the F1 of the means): over the classes that have rows or are predicted.
    pub f1: f64,
}

impl MacroAverage {
    /// As `sklearn.metrics.precision_recall_fscore_support(.., average="macro", labels=range(classes), zero_division=numpy.nan)`.
    ///
    /// ```
    /// use relumine_report::{Confusion, classification::{MacroAverage, per_class}};
    ///
    /// let confusion = Confusion { classes: vec!["no".into(), "yes".into()], matrix: vec![vec![3, 1], vec![0, 1]] };
    /// // no: precision 1, recall 3/4; yes: precision 1/2, recall 1
    /// let average = MacroAverage::of(&per_class(&confusion));
    /// assert_eq!((average.precision, average.recall), (0.75, 0.875));
    /// ```
    #[must_use]
    pub fn of(classes: &[ClassMetrics]) -> Self {
        let mean = |value: fn(&ClassMetrics) -> Option<f64>| {
            let defined: Vec<f64> = classes.iter().filter_map(value).collect();
            crate::statistics::mean(&defined)
        };
        Self { precision: mean(|class| class.precision), recall: mean(|class| class.recall), f1: mean(|class| class.f1) }
    }
}
