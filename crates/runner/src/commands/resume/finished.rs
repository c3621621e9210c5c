//! A run that has ended, and is asked to go on.

use crate::commands::summary::save_page;
use crate::failure::Failure;
use crate::observers::TensorBoard;
use crate::recipe::Recipe;
use crate::run_directory::RunDirectory;
use relumine_report::{Status, StopReason, Summary, read_epochs};

/// Whether a run that has ended would not train on by this recipe.
pub(super) fn is_finished(summary: &Summary, asked: &Recipe) -> bool {
    let may_go_on = summary.stopped_by == Some(StopReason::Epochs) && summary.epochs_run < asked.train.epochs;
    summary.status == Status::Finished && !may_go_on
}

/// Makes up for what a kill between the results and the end of the process left undone: the page, and the end of the event file.
pub(super) fn complete(run: &RunDirectory, summary: &Summary) -> Result<(), Failure> {
    run.remove_unfinished()?;
    save_page(run);
    if run.file(RunDirectory::EVENTS).is_file() {
        let last_step = read_epochs(&run.file(RunDirectory::METRICS))?.last().map_or(0, |record| record.step);
        TensorBoard::close(run, last_step, summary.test)?;
    }
    Ok(())
}

/// What is said instead of training.
pub(super) fn line(summary: &Summary, own: &Recipe, asked: &Recipe, run: &RunDirectory) -> String {
    let (folder, epochs) = (run.path().display(), summary.epochs_run);
    let why = match summary.stopped_by {
        Some(StopReason::Epochs) | None => return format!("{folder} is finished after {epochs} epochs: nothing to do; more with --epochs"),
        Some(StopReason::EarlyStopping) => "early stopping",
        Some(StopReason::TargetAccuracy) => "its target accuracy",
        Some(StopReason::MaxSteps) => "train.max_steps",
        Some(StopReason::MaxMinutes) => "train.max_minutes",
    };
    let more = if asked.train.epochs > own.train.epochs { ", which more epochs would not change" } else { "" };
    format!("{folder} is finished: {why} ended it in epoch {epochs}{more}: nothing to do")
}
