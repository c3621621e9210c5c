//! What the folds of a cross-validation say together.

use crate::records::nan_from_null;
use crate::{Align, Status, Summary, Table, statistics};
use serde::{Deserialize, Serialize};

/// `cross-validation.json`, which is written anew after every fold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CrossValidation {
    /// The recipe's name.
    pub recipe: String,
    /// The data set's name.
    pub dataset: String,
    /// How it ended.
    pub status: Status,
    /// Folds that were to be trained.
    pub planned_folds: u64,
    /// Those that were, in order.
    pub folds: Vec<FoldResult>,
    /// Over these folds; NaN of none, which is `null` in JSON, as are the other three.
    #[serde(deserialize_with = "nan_from_null")]
    pub validation_accuracy_mean: f64,
    /// Over folds, with n - 1. The folds share train rows, so it understates the spread between fresh data sets.
    #[serde(deserialize_with = "nan_from_null")]
    pub validation_accuracy_sd: f64,
    /// As the accuracy's.
    #[serde(deserialize_with = "nan_from_null")]
    pub validation_loss_mean: f64,
    /// As the accuracy's.
    #[serde(deserialize_with = "nan_from_null")]
    pub validation_loss_sd: f64,
}

/// What one fold came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FoldResult {
    /// Counted from 1.
    pub fold: u64,
    /// The epoch that is best on its validation rows.
    pub best_epoch: u64,
    /// Epochs trained.
    pub epochs_run: u64,
    /// Train rows.
    pub train_rows: u64,
    /// Validation rows.
    pub validation_rows: u64,
    /// Of the weights that the fold's run keeps.
    #[serde(deserialize_with = "nan_from_null")]
    pub validation_loss: f64,
    /// Of the same weights, 0 to 1.
    pub validation_accuracy: f64,
}

impl FoldResult {
    /// The result in a fold's summary; `None` where it has no validation score.
    #[must_use]
    pub fn of(fold: u64, summary: &Summary) -> Option<Self> {
        let validation = summary.validation?;
        Some(Self {
            fold,
            best_epoch: summary.best_epoch,
            epochs_run: summary.epochs_run,
            train_rows: summary.train_rows,
            validation_rows: summary.validation_rows,
            validation_loss: validation.loss,
            validation_accuracy: validation.accuracy,
        })
    }
}

impl CrossValidation {
    /// Where it is kept, in the folder of its folds.
    pub const FILE: &str = "cross-validation.json";

    /// One that is about to begin.
    #[must_use]
    pub fn begin(recipe: &str, dataset: &str, planned_folds: u64) -> Self {
        Self {
            recipe: recipe.to_owned(),
            dataset: dataset.to_owned(),
            status: Status::Running,
            planned_folds,
            folds: Vec::new(),
            validation_accuracy_mean: f64::NAN,
            validation_accuracy_sd: f64::NAN,
            validation_loss_mean: f64::NAN,
            validation_loss_sd: f64::NAN,
        }
    }

    /// Takes in the next fold.
    pub fn add(&mut self, fold: FoldResult) {
        self.folds.push(fold);
        let accuracies: Vec<f64> = self.folds.iter().map(|fold| fold.validation_accuracy).collect();
        let losses: Vec<f64> = self.folds.iter().map(|fold| fold.validation_loss).collect();
        (self.validation_accuracy_mean, self.validation_loss_mean) = (statistics::mean(&accuracies), statistics::mean(&losses));
        self.validation_accuracy_sd = statistics::standard_deviation(&accuracies);
        self.validation_loss_sd = statistics::standard_deviation(&losses);
    }

    /// The folds whose weights are under this validation accuracy.
    #[must_use]
    pub fn folds_under(&self, accuracy: f64) -> Vec<u64> {
        self.folds.iter().filter(|fold| fold.validation_accuracy < accuracy).map(|fold| fold.fold).collect()
    }

    /// A row per fold, their mean and their standard deviation.
    #[must_use]
    pub fn table(&self) -> Table {
        let columns = ["train", "validation rows", "best epoch", "validation loss", "accuracy"].map(|name| (name, Align::Right));
        let mut table = Table::new(&[&[("fold", Align::Left)], &columns[..]].concat());
        for fold in &self.folds {
            table.row([
                fold.fold.to_string(),
                fold.train_rows.to_string(),
                fold.validation_rows.to_string(),
                format!("{} of {}", fold.best_epoch, fold.epochs_run),
                format!("{:.4}", fold.validation_loss),
                format!("{:.2} %", 100.0 * fold.validation_accuracy),
            ]);
        }
        for (name, loss, accuracy) in [
            ("mean", self.validation_loss_mean, self.validation_accuracy_mean),
            ("sd", self.validation_loss_sd, self.validation_accuracy_sd),
        ] {
            let cells = [name.to_owned(), String::new(), String::new(), String::new()];
            table.row(cells.into_iter().chain([format!("{loss:.4}"), format!("{:.2} %", 100.0 * accuracy)]));
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fold(fold: u64, validation_loss: f64, validation_accuracy: f64) -> FoldResult {
        FoldResult { fold, best_epoch: 2, epochs_run: 3, train_rows: 20, validation_rows: 10, validation_loss, validation_accuracy }
    }

    #[test]
    fn a_record_before_its_first_fold_and_one_with_two_survive_json() {
        let mut record = CrossValidation::begin("r", "d", 3);
        let read = |record: &CrossValidation| serde_json::from_str::<CrossValidation>(&serde_json::to_string(record).unwrap()).unwrap();
        assert!(read(&record).validation_accuracy_mean.is_nan());
        record.add(fold(1, 0.5, 0.8));
        assert!(read(&record).validation_accuracy_sd.is_nan(), "one fold has no spread");
        record.add(fold(2, 0.25, 0.9));
        assert_eq!(read(&record), record);
        assert!((record.validation_accuracy_mean - 0.85).abs() < 1e-15 && record.validation_loss_mean == 0.375);
        assert!((record.validation_accuracy_sd - 0.005_f64.sqrt()).abs() < 1e-15);
        assert_eq!((record.folds_under(0.9), record.status), (vec![1], Status::Running));
    }
}
