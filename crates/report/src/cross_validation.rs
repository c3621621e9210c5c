//! What the folds of a cross-validation say together.

use crate::records::nan_from_null;
use crate::{Align, Score, Status, Summary, Table, statistics};
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
    /// A checksum of the data and its division into the first fold and the others; `None` in records of versions that did not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_fingerprint: Option<String>,
    /// Those that were, in order.
    pub folds: Vec<FoldResult>,
    /// Over these folds; NaN of none, which is `null` in JSON, as are the other three. As the [fold's](FoldResult::validation_accuracy), by
    /// default chosen on the rows it is of.
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
    /// As [`FoldResult::last_validation_accuracy`]; `None` where a fold does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_validation_accuracy_mean: Option<f64>,
    /// As the other standard deviations; `None` of one fold, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_validation_accuracy_sd: Option<f64>,
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
    /// Of the same weights, 0 to 1. By default they are those of `best_epoch`, which was chosen on the very rows that this is of, so that it is
    /// higher than on rows that chose nothing.
    pub validation_accuracy: f64,
    /// At the end of the last epoch: not chosen on these rows, unless they said when training ended. `None` in records of versions that did
    /// not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_validation_accuracy: Option<f64>,
}

impl FoldResult {
    /// The result in a fold's summary, with the validation score at the end of its last epoch; `None` where it has no validation score.
    #[must_use]
    pub fn of(fold: u64, summary: &Summary, last: Option<Score>) -> Option<Self> {
        let validation = summary.validation?;
        Some(Self {
            fold,
            best_epoch: summary.best_epoch,
            epochs_run: summary.epochs_run,
            train_rows: summary.train_rows,
            validation_rows: summary.validation_rows,
            validation_loss: validation.loss,
            validation_accuracy: validation.accuracy,
            last_validation_accuracy: last.map(|score| score.accuracy),
        })
    }
}

impl CrossValidation {
    /// Where it is kept, in the folder of its folds.
    pub const FILE: &str = "cross-validation.json";

    /// What is to be said beside its table.
    pub const NOTE: &str = "accuracy: of the weights that a fold keeps, by default those of its best epoch, which its own validation rows chose: \
         higher than on new rows; last: at the end of its last epoch";

    /// One that is about to begin, on data of this fingerprint.
    #[must_use]
    pub fn begin(recipe: &str, dataset: &str, data_fingerprint: &str, planned_folds: u64) -> Self {
        Self {
            recipe: recipe.to_owned(),
            dataset: dataset.to_owned(),
            status: Status::Running,
            planned_folds,
            data_fingerprint: Some(data_fingerprint.to_owned()),
            folds: Vec::new(),
            validation_accuracy_mean: f64::NAN,
            validation_accuracy_sd: f64::NAN,
            validation_loss_mean: f64::NAN,
            validation_loss_sd: f64::NAN,
            last_validation_accuracy_mean: None,
            last_validation_accuracy_sd: None,
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
        let last: Option<Vec<f64>> = self.folds.iter().map(|fold| fold.last_validation_accuracy).collect();
        self.last_validation_accuracy_mean = last.as_deref().map(statistics::mean);
        self.last_validation_accuracy_sd = last.as_deref().map(statistics::standard_deviation).filter(|sd| sd.is_finite());
    }

    /// The folds whose weights are under this validation accuracy.
    #[must_use]
    pub fn folds_under(&self, accuracy: f64) -> Vec<u64> {
        self.folds.iter().filter(|fold| fold.validation_accuracy < accuracy).map(|fold| fold.fold).collect()
    }

    /// A row per fold, their mean and their standard deviation; what its columns are of, [`NOTE`](Self::NOTE) says.
    #[must_use]
    pub fn table(&self) -> Table {
        let columns = ["train", "validation rows", "best epoch", "validation loss", "accuracy", "last"].map(|name| (name, Align::Right));
        let mut table = Table::new(&[&[("fold", Align::Left)], &columns[..]].concat());
        let percent = |accuracy: f64| format!("{:.2} %", 100.0 * accuracy);
        let told = |accuracy: Option<f64>| accuracy.map_or_else(|| "-".into(), percent);
        for fold in &self.folds {
            table.row([
                fold.fold.to_string(),
                fold.train_rows.to_string(),
                fold.validation_rows.to_string(),
                format!("{} of {}", fold.best_epoch, fold.epochs_run),
                format!("{:.4}", fold.validation_loss),
                percent(fold.validation_accuracy),
                told(fold.last_validation_accuracy),
            ]);
        }
        for (name, loss, accuracy, last) in [
            ("mean", self.validation_loss_mean, self.validation_accuracy_mean, self.last_validation_accuracy_mean),
            ("sd", self.validation_loss_sd, self.validation_accuracy_sd, self.last_validation_accuracy_sd),
        ] {
            let cells = [name.to_owned(), String::new(), String::new(), String::new()];
            table.row(cells.into_iter().chain([format!("{loss:.4}"), percent(accuracy), told(last)]));
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fold(fold: u64, validation_loss: f64, validation_accuracy: f64) -> FoldResult {
        let last_validation_accuracy = Some(validation_accuracy - 0.05);
        FoldResult {
            fold,
            best_epoch: 2,
            epochs_run: 3,
            train_rows: 20,
            validation_rows: 10,
            validation_loss,
            validation_accuracy,
            last_validation_accuracy,
        }
    }

    fn read(record: &CrossValidation) -> CrossValidation {
        serde_json::from_str(&serde_json::to_string(record).unwrap()).unwrap()
    }

    #[test]
    fn a_record_before_its_first_fold_and_one_with_two_survive_json() {
        let mut record = CrossValidation::begin("r", "d", "0badcafe", 3);
        assert!(read(&record).validation_accuracy_mean.is_nan());
        record.add(fold(1, 0.5, 0.8));
        assert!(read(&record).validation_accuracy_sd.is_nan(), "one fold has no spread");
        assert_eq!(read(&record).last_validation_accuracy_sd, None);
        record.add(fold(2, 0.25, 0.9));
        assert_eq!(read(&record), record);
        assert!((record.validation_accuracy_mean - 0.85).abs() < 1e-15 && record.validation_loss_mean == 0.375);
        assert!((record.validation_accuracy_sd - 0.005_f64.sqrt()).abs() < 1e-15);
        assert_eq!((record.folds_under(0.9), record.status), (vec![1], Status::Running));
    }

    #[test]
    fn the_last_epoch_stands_beside_the_one_that_its_own_rows_chose() {
        let mut record = CrossValidation::begin("r", "d", "0badcafe", 3);
        record.add(fold(1, 0.5, 0.8));
        record.add(fold(2, 0.25, 0.9));
        assert!((record.last_validation_accuracy_mean.unwrap() - 0.8).abs() < 1e-15);
        assert!((record.last_validation_accuracy_sd.unwrap() - 0.005_f64.sqrt()).abs() < 1e-15);
        let text = record.table().to_string();
        assert!(text.contains("80.00 %  75.00 %") && text.contains("85.00 %  80.00 %"), "{text}");
        // A fold of a version that did not tell leaves the mean open.
        record.add(FoldResult { last_validation_accuracy: None, ..fold(3, 0.5, 0.7) });
        assert_eq!((record.last_validation_accuracy_mean, read(&record).folds[2].last_validation_accuracy), (None, None));
        assert!(record.table().to_string().contains("70.00 %        -"), "{}", record.table());
    }
}
