//! Runs side by side: what differs between their recipes, and their results.

use crate::comparison_groups::{ComparedGroup, PairedDifference, groups_of, paired_differences};
use crate::{Align, ReportError, Run, Score, Settings, Summary, Table};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use toml::Value;

/// What `relumine compare` shows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// In the order in which they were named.
    pub runs: Vec<ComparedRun>,
    /// The recipe keys whose values differ, each with a value per run; `None` where a recipe does not have the key.
    pub differences: BTreeMap<String, Vec<Option<Value>>>,
    /// Whether all runs had the same data, divided in the same way: only then do their accuracies say which is better.
    pub same_data: bool,
    /// What to know before comparing, in sentences.
    pub remarks: Vec<String>,
    /// Runs that differ in nothing but their seed, where there are several of any.
    pub groups: Vec<ComparedGroup>,
    /// Of groups on the same data that have seeds in common.
    pub paired_differences: Vec<PairedDifference>,
}

/// A run of a comparison.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ComparedRun {
    /// Its folder, as it was named.
    pub run: String,
    /// Its results.
    pub summary: Summary,
}

impl Comparison {
    /// Compares `runs`.
    ///
    /// # Errors
    /// A run whose recipe cannot be read.
    pub fn of(runs: &[Run]) -> Result<Self, ReportError> {
        let settings: Vec<&Settings> = runs.iter().map(|run| &run.settings).collect();
        let compared: Vec<ComparedRun> =
            runs.iter().map(|run| ComparedRun { run: run.folder.display().to_string(), summary: run.summary.clone() }).collect();
        let groups = groups_of(runs);
        let several = groups.iter().any(|group| group.seeds.len() > 1);
        Ok(Self {
            differences: differences(&settings),
            same_data: values_of(&compared, |summary| summary.data_fingerprint.clone()).len() == 1,
            remarks: remarks(&compared),
            paired_differences: paired_differences(&groups, runs),
            groups: if several { groups } else { Vec::new() },
            runs: compared,
        })
    }

    /// A row for each key or result and a column for each run.
    #[must_use]
    pub fn table(&self) -> Table {
        let columns = self.runs.iter().map(|run| (run.run.as_str(), Align::Right));
        let mut table = Table::new(&std::iter::once(("", Align::Left)).chain(columns).collect::<Vec<_>>());
        for (key, values) in &self.differences {
            let cells = values.iter().map(|value| value.as_ref().map_or_else(|| "-".into(), Value::to_string));
            table.row(std::iter::once(key.clone()).chain(cells));
        }
        for (name, cell) in CIRCUMSTANCES {
            if values_of(&self.runs, cell).len() > 1 {
                table.row(std::iter::once((*name).to_owned()).chain(self.runs.iter().map(|run| cell(&run.summary))));
            }
        }
        for (name, cell) in RESULTS {
            table.row(std::iter::once((*name).to_owned()).chain(self.runs.iter().map(|run| cell(&run.summary))));
        }
        table
    }
}

/// A named cell of a run's column.
type Cell = (&'static str, fn(&Summary) -> String);

/// Shown where they differ.
const CIRCUMSTANCES: &[Cell] = &[
    ("data set", |summary| summary.dataset.clone()),
    ("data fingerprint", |summary| summary.data_fingerprint.clone()),
    ("device", |summary| summary.device.clone()),
    ("training step", |summary| summary.step.clone()),
    ("threads", |summary| summary.threads.to_string()),
    ("version", |summary| summary.version.clone()),
];

const RESULTS: &[Cell] = &[
    ("status", |summary| summary.status.to_string()),
    ("parameters", |summary| summary.parameters.to_string()),
    ("epochs", |summary| summary.epochs_run.to_string()),
    ("best epoch", |summary| summary.best_epoch.to_string()),
    ("train loss", |summary| loss(summary.train)),
    ("train accuracy", |summary| accuracy(summary.train)),
    ("validation loss", |summary| loss(summary.validation)),
    ("validation accuracy", |summary| accuracy(summary.validation)),
    ("test loss", |summary| loss(summary.test)),
    ("test accuracy", |summary| accuracy(summary.test)),
    ("its 95 % interval", interval),
    ("seconds per epoch", |summary| summary.epoch_seconds_median.map_or_else(none, |seconds| format!("{seconds:.3}"))),
    ("seconds in all", |summary| format!("{:.2}", summary.wall_seconds)),
];

fn none() -> String {
    "-".into()
}

fn loss(score: Option<Score>) -> String {
    score.map_or_else(none, |score| format!("{:.4}", score.loss))
}

fn accuracy(score: Option<Score>) -> String {
    score.map_or_else(none, |score| format!("{:.2} %", 100.0 * score.accuracy))
}

fn interval(summary: &Summary) -> String {
    summary.test.map_or_else(none, |test| {
        let (low, high) = test.accuracy_interval(summary.test_rows);
        format!("{:.2} to {:.2} %", 100.0 * low, 100.0 * high)
    })
}

fn values_of(runs: &[ComparedRun], value: impl Fn(&Summary) -> String) -> BTreeSet<String> {
    runs.iter().map(|run| value(&run.summary)).collect()
}

fn differences(settings: &[&Settings]) -> BTreeMap<String, Vec<Option<Value>>> {
    let keys: BTreeSet<&str> = settings.iter().flat_map(|settings| settings.iter().map(|(key, _)| key)).collect();
    let row = |key: &str| settings.iter().map(|settings| settings.get(key).cloned()).collect::<Vec<_>>();
    let rows = keys.into_iter().map(|key| (key.to_owned(), row(key)));
    rows.filter(|(_, values)| values.iter().any(|value| *value != values[0])).collect()
}

fn remarks(runs: &[ComparedRun]) -> Vec<String> {
    let mut remarks = Vec::new();
    let fingerprints = values_of(runs, |summary| summary.data_fingerprint.clone());
    if fingerprints.len() > 1 {
        remarks.push(format!(
            "the data, or its division into train, validation and test rows, differs between the runs ({} fingerprints): their accuracies \
             may not be compared",
            fingerprints.len()
        ));
    }
    let unfinished: Vec<&str> = runs.iter().filter(|run| run.summary.train.is_none()).map(|run| run.run.as_str()).collect();
    if !unfinished.is_empty() {
        remarks.push(format!("{} did not finish: what it shows is from where it stopped", unfinished.join(", ")));
    }
    if values_of(runs, |summary| summary.device.clone()).len() > 1 || values_of(runs, |summary| summary.threads.to_string()).len() > 1 {
        remarks.push("the device or the number of threads differs: so may the times for that reason alone".into());
    }
    let again: Vec<&str> = runs.iter().filter(|run| run.summary.test_evaluations > 1).map(|run| run.run.as_str()).collect();
    if !again.is_empty() {
        remarks.push(format!("the test rows of {} were read more than once", again.join(", ")));
    }
    remarks
}
