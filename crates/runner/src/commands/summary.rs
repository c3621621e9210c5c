//! A run's results, saved and shown.

use crate::failure::Failure;
use crate::run_directory::RunDirectory;
use relumine_report::{Align, Run, Score, StopReason, Summary, Table, run_page};

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

/// A line above the table: why training ended before the last epoch of the recipe; nothing where it did not.
pub(super) fn end_line(summary: &Summary) -> String {
    let early = summary.stopped_by.filter(|reason| *reason != StopReason::Epochs);
    early.map_or_else(String::new, |reason| format!("training ended in epoch {}, {}\n", summary.epochs_run, reason.why()))
}

/// The 95 % interval that so many test rows leave.
pub(super) fn interval(score: Score, rows: u64) -> String {
    let (low, high) = score.accuracy_interval(rows);
    format!("95 % interval {:.2} to {:.2} %", 100.0 * low, 100.0 * high)
}
