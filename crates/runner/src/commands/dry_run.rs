//! `relumine train --dry-run`: everything but the training.

use super::train::Request;
use crate::failure::Failure;
use crate::pipeline::{Job, TrainRows, judge, score_rows};
use crate::terminal;
use relumine_engine::StepError;
use serde::Serialize;

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Report {
    recipe: String,
    dataset: String,
    train_rows: u64,
    validation_rows: u64,
    test_rows: u64,
    parameters: u64,
    step: &'static str,
    device: String,
    steps_per_epoch: u64,
    total_steps: u64,
    /// Rows of the first step.
    rows: u64,
    /// Of these rows, in evaluation mode.
    loss_before: f64,
    /// The same after the step.
    loss_after: f64,
}

/// Opens the data, takes one step, evaluates its rows before and after, and says what a run would be. Nothing is written.
pub(super) fn run(request: Request<'_>, as_json: bool) -> Result<(), Failure> {
    let job = Job::prepare(request.recipe, request.recipe_name, request.device, TrainRows::Divided)?;
    let mut step = job.step()?;
    let rows = job.epoch_rows(1);
    let batch = &rows[..rows.len().min(job.recipe.train.rows_per_step())];
    let before = score_rows(&job, &*step, &job.examples, batch)?.map_or(f64::NAN, |score| score.loss);
    step.train(&job.examples, batch)?;
    judge(&job, &*step)?;
    let after = score_rows(&job, &*step, &job.examples, batch)?.map_or(f64::NAN, |score| score.loss);
    if !after.is_finite() {
        return Err(StepError::RuinedWeights { step: 1, loss: after, rows: "train", learning_rate: step.learning_rate() }.into());
    }
    let report = Report {
        recipe: job.recipe_name.clone(),
        dataset: job.dataset.clone(),
        train_rows: job.split.train.len() as u64,
        validation_rows: job.split.validation.len() as u64,
        test_rows: job.split.test.len() as u64,
        parameters: job.architecture.num_parameters() as u64,
        step: step.name(),
        device: job.device.name.clone(),
        steps_per_epoch: job.horizon.steps_per_epoch,
        total_steps: job.horizon.total_steps,
        rows: batch.len() as u64,
        loss_before: before,
        loss_after: after,
    };
    if as_json {
        return terminal::print_json(&report);
    }
    terminal::print(text(&job, &report))
}

fn text(job: &Job, report: &Report) -> String {
    format!(
        "dry run of {} on {}: {} train, {} validation, {} test rows; {} parameters; {}; device {} ({})\n\
         {} steps an epoch, {} in all; the first one, on {} rows, took their loss from {:.4} to {:.4} (both without dropout)\n\
         nothing was written\n",
        report.recipe,
        report.dataset,
        report.train_rows,
        report.validation_rows,
        report.test_rows,
        report.parameters,
        job.step,
        report.device,
        job.device.reason,
        report.steps_per_epoch,
        report.total_steps,
        report.rows,
        report.loss_before,
        report.loss_after,
    )
}
