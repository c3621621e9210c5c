//! `train.refit`: training again on train and validation rows together, once validation has chosen how long.

use super::within;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::observers::{MetricsCsv, MetricsLog, Progress, TensorBoard};
use crate::pipeline::{Ending, Job, Observer, TrainRows, train};
use crate::recipe::TrainSection;
use crate::run_directory::RunDirectory;
use relumine_engine::Step;
use relumine_report::Refit;

/// Trains fresh weights of the same seed for `steps` steps on the train and validation rows of `job`, by the learning rates of its plan,
/// and writes its epochs into `run`.
pub(super) fn train_again(
    job: &Job,
    steps: u64,
    run: &RunDirectory,
    quiet: bool,
    interrupt: &Interrupt,
) -> Result<(Job, Box<dyn Step>), Failure> {
    let mut recipe = job.recipe.clone();
    recipe.train = TrainSection {
        // More rows make longer epochs, so that there is never a need for more of them.
        max_steps: Some(steps),
        early_stopping: None,
        target_accuracy: None,
        max_minutes: None,
        checkpoint_steps: None,
        refit: false,
        ..recipe.train
    };
    let name = format!("{} again, on train and validation rows", job.recipe_name);
    let mut merged = Job::prepare(recipe, &name, job.device.clone(), TrainRows::Merged)?;
    merged.horizon = job.horizon;
    let mut step = merged.step()?;
    let mut progress = Progress::new(quiet);
    let mut metrics = MetricsLog::open(run, RunDirectory::REFIT_METRICS, 0)?;
    let mut table = MetricsCsv::open(run, RunDirectory::REFIT_METRICS_CSV, &[])?;
    let events = || TensorBoard::open(run, RunDirectory::REFIT_EVENTS, &merged, (&[], &[]));
    let mut tensorboard = merged.recipe.train.tensorboard.then(events).transpose()?;
    let mut observers: Vec<&mut dyn Observer> = vec![&mut progress, &mut metrics, &mut table];
    observers.extend(tensorboard.as_mut().map(|tensorboard| tensorboard as &mut dyn Observer));
    let (_, ending) = train(&merged, &mut *step, &mut observers, interrupt);
    match ending.map_err(|failure| within(failure, "training again on train and validation rows (train.refit)"))? {
        Ending::Interrupted => Err(Failure::Interrupted),
        _ => Ok((merged, step)),
    }
}

/// What the summary says of it.
pub(super) fn record(job: &Job, step: &dyn Step) -> Refit {
    Refit { steps: step.steps(), rows: job.split.train.len() as u64 }
}
