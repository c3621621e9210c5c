//! A run's results, as the record that `summary.json` holds.

use super::{Job, Outcome};
use crate::environment::{VERSION, peak_rss_mb};
use crate::recipe::TrainSection;
use crate::threads;
use relumine_engine::Step;
use relumine_report::{Status, Summary, TestedWeights, statistics};
use std::time::{Duration, Instant};

/// When things happened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// The process started.
    pub(crate) started: Instant,
    /// The first training step was done.
    pub(crate) first_step: Option<Instant>,
    /// What earlier processes have spent on the run.
    pub(crate) earlier: Duration,
}

impl Times {
    /// Fills in what is known only at the end.
    pub(crate) fn finish(&self, summary: &mut Summary) {
        summary.wall_seconds = (self.earlier + self.started.elapsed()).as_secs_f64();
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
fn tested_weights(train: &TrainSection) -> TestedWeights {
    match (train.refit, train.restores_best()) {
        (true, _) => TestedWeights::Refit,
        (false, true) => TestedWeights::Best,
        (false, false) => TestedWeights::Last,
    }
}
