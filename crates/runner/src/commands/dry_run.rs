//! `relumine train --dry-run`: everything but the training.

use super::train::Request;
use crate::failure::Failure;
use crate::pipeline::{Job, TrainRows, score_rows};
use crate::terminal;

/// Opens the data, takes one step, evaluates some rows, and says what a run would be. Nothing is written.
pub(super) fn run(request: Request<'_>) -> Result<(), Failure> {
    let job = Job::prepare(request.recipe, request.recipe_name, request.device, TrainRows::Divided)?;
    let mut step = job.step()?;
    let settings = &job.recipe.train;
    let rows = job.epoch_rows(1);
    let batch = &rows[..rows.len().min(settings.rows_per_step())];
    step.train(&job.examples, batch)?;
    let before = step.totals()?.mean_loss();
    let after = score_rows(&job, &*step, &job.examples, batch)?.map_or(f64::NAN, |score| score.loss);
    terminal::print(format_args!(
        "dry run of {} on {}: {} train, {} validation, {} test rows; {} parameters; {}; device {} ({})\n\
         {} steps an epoch, {} in all; the first one, on {} rows, took their loss from {before:.4} to {after:.4}\n\
         nothing was written\n",
        job.recipe_name,
        job.dataset,
        job.split.train.len(),
        job.split.validation.len(),
        job.split.test.len(),
        job.architecture.num_parameters(),
        job.step,
        job.device.name,
        job.device.reason,
        job.horizon.steps_per_epoch,
        job.horizon.total_steps,
        batch.len(),
    ))
}
