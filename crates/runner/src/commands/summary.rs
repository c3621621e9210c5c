//! A run's results, as a record and as a table.

use crate::environment::{VERSION, peak_rss_mb};
use crate::failure::Failure;
use crate::pipeline::{Job, Outcome};
use crate::recipe::TrainSection;
use crate::run_directory::RunDirectory;
use crate::threads;
use relumine_engine::Step;
use relumine_report::{Align, Run, Score, Status, Summary, Table, TestedWeights, run_page, statistics};
use std::time::Instant;

/// When things happened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// The process started.
    pub(crate) started: Instant,
    /// The first training step was done.
    pub(crate) first_step: Option<Instant>,
}

impl Times {
    /// Fills in what is known only at the end.
    pub(crate) fn finish(&self, summary: &mut Summary) {
        summary.wall_seconds = self.started.elapsed().as_secs_f64();
        summary.peak_rss_mb = peak_rss_mb();
    }
}

/// What is known when training stops: everything but the scores of the train and test rows.
pub(crate) fn summarise(job: &Job, step: &dyn Step, outcome: &Outcome, times: &Times) -> Summary {
    let later_epochs = if outcome.epoch_seconds.len() > 1 { &outcome.epoch_seconds[1..] } else { &outcome.epoch_seconds };
    let epoch_seconds_median = statistics::median(later_epochs);
    let weights = tested_weights(&job.recipe.train);
    Summary {
        status: Status::Finished,
        error: None,
        recipe: job.recipe_name.clone(),
        dataset: job.dataset.clone(),
        train_rows: job.split.train.len() as u64,
        validation_rows: job.split.validation.len() as u64,
        test_rows: job.split.test.len() as u64,
        data_fingerprint: job.fingerprint.clone(),
        skipped_rows: job.skipped_rows,
        device: job.device.name.clone(),
        step: step.name().into(),
        seed: job.recipe.train.seed,
        threads: threads::count() as u64,
        parameters: job.architecture.num_parameters() as u64,
        epochs_run: outcome.epochs,
        stopped_by: None,
        best_epoch: outcome.best.as_ref().map_or(0, |best| best.epoch),
        highest_validation_accuracy: outcome.highest_accuracy,
        weights,
        averaged: job.recipe.optimizer.ema_decay.is_some(),
        refit: None,
        train: None,
        validation: match weights {
            TestedWeights::Last => outcome.last_validation,
            TestedWeights::Best | TestedWeights::Refit => outcome.best.as_ref().and_then(|best| best.validation),
        },
        test: None,
        test_evaluations: 0,
        epoch_seconds_median,
        samples_per_second: epoch_seconds_median.map(|seconds| job.split.train.len() as f64 / seconds),
        seconds_to_first_step: times.first_step.map(|first| first.duration_since(times.started).as_secs_f64()),
        wall_seconds: 0.0,
        peak_rss_mb: None,
        version: VERSION.into(),
        validation_metrics: None,
        test_metrics: None,
    }
}

/// Which weights a recipe has tested.
pub(super) fn tested_weights(train: &TrainSection) -> TestedWeights {
    match (train.refit, train.restores_best()) {
        (true, _) => TestedWeights::Refit,
        (false, true) => TestedWeights::Best,
        (false, false) => TestedWeights::Last,
    }
}

/// Writes `summary.json`, and then `report.html` from the files of the run.
pub(super) fn save(summary: &Summary, run: &RunDirectory) -> Result<(), Failure> {
    run.write_json(RunDirectory::SUMMARY, summary)?;
    save_page(run);
    Ok(())
}

/// Writes `report.html` from the files of the run, where it is not that already. The results are safe; a page that cannot be made of them
/// is no reason to hold them back.
pub(super) fn save_page(run: &RunDirectory) {
    let write = || -> anyhow::Result<()> {
        let page = run_page(&Run::open(run.path())?)?;
        let is_there = std::fs::read(run.file(RunDirectory::REPORT)).is_ok_and(|there| there == page.as_bytes());
        if is_there { Ok(()) } else { run.write(RunDirectory::REPORT, page.as_bytes()) }
    };
    if let Err(error) = write() {
        tracing::warn!("{} could not be written: {error:#}", RunDirectory::REPORT);
    }
}

/// The scores for people, the test accuracy with its interval.
pub(super) fn result_table(summary: &Summary) -> Table {
    let mut table =
        Table::new(&[("", Align::Left), ("rows", Align::Right), ("loss", Align::Right), ("accuracy", Align::Right), ("", Align::Left)]);
    let mut row = |name: &str, rows: u64, score: Option<Score>, remark: String| {
        if let Some(Score { loss, accuracy }) = score {
            table.row([name.to_owned(), rows.to_string(), format!("{loss:.4}"), format!("{:.2} %", 100.0 * accuracy), remark]);
        }
    };
    let chosen = if summary.refit.is_some() { summary.chosen_weights() } else { String::new() };
    row("train", summary.train_rows, summary.train, summary.tested_weights());
    row("validation", summary.validation_rows, summary.validation, chosen);
    row("test", summary.test_rows, summary.test, summary.test.map_or_else(String::new, |score| interval(score, summary.test_rows)));
    table
}

/// A line under the table: what the metrics say beyond it; nothing where there are none.
pub(super) fn metrics_line(summary: &Summary) -> String {
    summary.judging_metrics().map_or_else(String::new, |(rows, metrics)| format!("{rows}: {}\n", metrics.headline()))
}

/// The 95 % interval that so many test rows leave.
pub(super) fn interval(score: Score, rows: u64) -> String {
    let (low, high) = score.accuracy_interval(rows);
    format!("95 % interval {:.2} to {:.2} %", 100.0 * low, 100.0 * high)
}
