//! What a study writes: `study.json`, and a line of `trials.jsonl` for each trial.

mod tables;
mod trial;

pub use tables::{is_share, measure_text, short};
pub(crate) use tables::{shown_difference, shown_interval};
pub use trial::TrialRecord;

use crate::probes::nans_from_nulls;
use crate::records::nan_from_null;
use crate::statistics::{self, PairedTest};
use crate::{ReportError, Status};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// `study.json`: cells with their means and intervals, planned contrasts, findings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Study {
    /// [`Study::FORMAT`].
    pub format: u32,
    /// The study file's name without its ending.
    pub name: String,
    /// What it asks, in a line.
    pub title: String,
    /// Whether it was run in its small form, by `--quick`.
    pub quick: bool,
    /// How it ended.
    pub status: Status,
    /// The version that ran.
    pub version: String,
    /// The device, such as `cpu`.
    pub device: String,
    /// The measure that cells are compared by: a key of [`StudyCell::measures`].
    pub measure: String,
    /// Whether a higher one is better.
    pub higher_is_better: bool,
    /// The measures that are shown beside it.
    pub columns: Vec<String>,
    /// The keys that the study sets cell by cell, in alphabetical order.
    pub axes: Vec<String>,
    /// The training seeds.
    pub seeds: Vec<u64>,
    /// In the order of the study file.
    pub cells: Vec<StudyCell>,
    /// The planned ones and no others.
    pub contrasts: Vec<Contrast>,
    /// What was expected, and whether it is there.
    pub findings: Vec<Finding>,
    /// How under- and over-fitting were told apart, where the study says so.
    pub fit_rule: Option<FitRule>,
    /// The name of the cell that is best on validation; `None` where nothing is chosen.
    pub winner: Option<String>,
    /// The name of the cell that others are measured against.
    pub baseline: String,
    /// Trials that are done, failed ones included.
    pub trials: u64,
    /// Those that failed, as by a loss that is not finite.
    pub failed_trials: u64,
    /// Trials at a time.
    pub jobs: u64,
    /// Seconds that the trials took, each on one thread, in all.
    pub trial_seconds: f64,
    /// Seconds from start to end, of the last call alone where the study went on.
    pub wall_seconds: f64,
}

/// One setting of the study, with all of its seeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StudyCell {
    /// Its values in a line, such as `relu, depth 8`.
    pub name: String,
    /// Its value of each axis, by recipe key or shorthand (`model.depth`, `model.width`, `recipe`).
    pub settings: BTreeMap<String, Value>,
    /// By axis what its name says of it, such as `depth 8`: axes that no two cells differ in are left out, and keys that this cell leaves out.
    pub labels: BTreeMap<String, String>,
    /// The seeds that are done, in order.
    pub seeds: Vec<u64>,
    /// Their folders under `trials/`, likewise.
    pub trials: Vec<String>,
    /// How many of them failed; they have no scores.
    pub failed: u64,
    /// What the first of them failed of.
    pub error: Option<String>,
    /// Epochs of the last rung that it reached, where successive halving stopped it early; `None` where it trained to its end.
    pub halted_after: Option<u64>,
    /// Numbers that training adjusts.
    pub parameters: u64,
    /// Train rows.
    pub train_rows: u64,
    /// Validation rows.
    pub validation_rows: u64,
    /// By name, each over the seeds that have it.
    pub measures: BTreeMap<String, Estimate>,
    /// The 95 % interval (Wilson) that so many validation rows leave for the mean validation accuracy: how far another draw of validation
    /// rows could take it, beside how far other seeds do.
    pub validation_sampling: Option<(f64, f64)>,
    /// What the fit rule says.
    pub fit: Option<Fit>,
    /// What flowed through the layers before the first step, first layer to last; empty without probes.
    pub first_layers: Vec<LayerMeans>,
    /// The same at the end of training.
    pub last_layers: Vec<LayerMeans>,
    /// Means over the seeds of each epoch that all of them have.
    pub curve: Vec<CurvePoint>,
    /// The test rows, where they were read: of the winner and the baseline, or of all cells where the study says so.
    pub test: Option<TestEstimate>,
    /// Numbers that others published, by where.
    pub references: BTreeMap<String, f64>,
}

/// A measure over seeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// One for each seed that has it, in the order of the seeds.
    pub values: Vec<f64>,
    /// Their mean.
    pub mean: f64,
    /// Their sample standard deviation; `None` of one.
    pub sd: Option<f64>,
    /// The 95 % interval of the mean, by Student's t; `None` of one.
    pub interval: Option<(f64, f64)>,
}

/// The test rows of a cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TestEstimate {
    /// Over the seeds, each of which read the rows once.
    pub accuracy: Estimate,
    /// Test rows.
    pub rows: u64,
    /// The 95 % interval (Wilson) that so many rows leave for the mean accuracy.
    pub sampling: (f64, f64),
}

/// A layer's flow, means over seeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerMeans {
    /// Such as `layers.0`.
    pub layer: String,
    /// Standard deviation of its outputs.
    #[serde(deserialize_with = "nan_from_null")]
    pub activation_sd: f64,
    /// Its outputs at the [percentiles](crate::PERCENTILES).
    #[serde(deserialize_with = "nans_from_nulls")]
    pub activation_percentiles: [f64; 7],
    /// Standard deviation of dL/dz.
    #[serde(deserialize_with = "nan_from_null")]
    pub gradient_sd: f64,
    /// dL/dz at the percentiles.
    #[serde(deserialize_with = "nans_from_nulls")]
    pub gradient_percentiles: [f64; 7],
    /// Norm of dL/dW.
    #[serde(deserialize_with = "nan_from_null")]
    pub weight_gradient_norm: f64,
    /// Share of outputs at an end of the activation's range.
    pub saturated: Option<f64>,
    /// Share of units that are zero on every row.
    pub dead: Option<f64>,
}

/// An epoch, means over seeds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// Counted from 1.
    pub epoch: u64,
    /// Over the epoch's training passes.
    pub train_loss: f64,
    /// Likewise.
    pub train_accuracy: f64,
    /// At the epoch's end; `None` without validation rows.
    pub validation_loss: Option<f64>,
    /// Likewise.
    pub validation_accuracy: Option<f64>,
}

/// A planned comparison of two cells over the seeds that both have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contrast {
    /// From the study file; a contrast of several pairs of cells has a line for each.
    pub name: String,
    /// What is compared.
    pub measure: String,
    /// The cell that `against` is subtracted from.
    pub cell: String,
    /// The other one.
    pub against: String,
    /// `None` where the cells have fewer than two seeds with a measure in common.
    pub test: Option<PairedTest>,
    /// The p-value, corrected for the number of planned contrasts (Holm).
    pub holm_p: Option<f64>,
}

/// Something that was expected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// A short name.
    pub name: String,
    /// In a sentence.
    pub statement: String,
    /// Whether it is there.
    pub found: bool,
    /// The numbers that decided.
    pub evidence: Vec<String>,
}

/// How a cell's fit is named, by means over its seeds. Under-fitted: the train accuracy of the last epoch is under `train_accuracy`.
/// Over-fitted: not that, and the validation loss of the last epoch is more than `loss_rise` times the lowest of its run, or the validation
/// accuracy of the last epoch is more than `accuracy_gap` under the train accuracy. Well-fitted: neither.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FitRule {
    /// 0 to 1.
    pub train_accuracy: f64,
    /// At least 1, such as 1.1 for a tenth.
    pub loss_rise: f64,
    /// 0 to 1; `None` where the gap has no say.
    pub accuracy_gap: Option<f64>,
}

/// What a fit rule says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// The train rows are not learnt.
    Under,
    /// Neither.
    Well,
    /// The train rows are learnt at the cost of others.
    Over,
}

impl Study {
    /// The version of this form.
    pub const FORMAT: u32 = 1;
    /// The results' file in the study's folder.
    pub const FILE: &str = "study.json";
    /// The trials' file there.
    pub const TRIALS: &str = "trials.jsonl";
    /// The folder there that holds a run directory for each trial.
    pub const TRIALS_FOLDER: &str = "trials";

    /// Reads the study in `folder`.
    ///
    /// # Errors
    /// A file that is missing or not what a study writes.
    pub fn open(folder: &Path) -> Result<Self, ReportError> {
        let path = folder.join(Self::FILE);
        let text = std::fs::read_to_string(&path).map_err(|reason| ReportError::Unreadable { path: path.clone(), reason })?;
        serde_json::from_str(&text).map_err(|reason| ReportError::Malformed { path, reason })
    }

    /// The cell of this name.
    #[must_use]
    pub fn cell(&self, name: &str) -> Option<&StudyCell> {
        self.cells.iter().find(|cell| cell.name == name)
    }
}

impl Estimate {
    /// Of these values; `None` of nothing.
    #[must_use]
    pub fn of(values: Vec<f64>) -> Option<Self> {
        if values.is_empty() {
            return None;
        }
        let sd = (values.len() > 1).then(|| statistics::standard_deviation(&values));
        Some(Self { mean: statistics::mean(&values), sd, interval: statistics::mean_interval(&values), values })
    }
}

impl FitRule {
    /// Names a fit by its numbers: see the type.
    ///
    /// ```
    /// use relumine_report::{Fit, FitRule};
    ///
    /// let rule = FitRule { train_accuracy: 0.98, loss_rise: 1.1, accuracy_gap: Some(0.05) };
    /// let fits = [(0.9, 1.0, 0.0), (0.99, 1.05, 0.01), (0.99, 1.5, 0.01), (0.99, 1.05, 0.2)].map(|(train, rise, gap)| rule.fit(train, rise, gap));
    /// assert_eq!(fits, [Fit::Under, Fit::Well, Fit::Over, Fit::Over]);
    /// ```
    #[must_use]
    pub fn fit(self, train_accuracy: f64, loss_rise: f64, accuracy_gap: f64) -> Fit {
        let is_over = loss_rise > self.loss_rise || self.accuracy_gap.is_some_and(|most| accuracy_gap > most);
        match (train_accuracy < self.train_accuracy, is_over) {
            (true, _) => Fit::Under,
            (false, true) => Fit::Over,
            (false, false) => Fit::Well,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_of_one_seed_has_no_interval() {
        assert_eq!(Estimate::of(vec![0.5]), Some(Estimate { values: vec![0.5], mean: 0.5, sd: None, interval: None }));
        assert_eq!(Estimate::of(vec![]), None);
    }
}
