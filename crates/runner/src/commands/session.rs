//! A run from its first step, or from where it stopped, to its results.

use super::refit;
use super::summary::save;
use crate::checkpoint::{Store, to_safetensors};
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::observers::Watchers;
use crate::pipeline::{Best, Ending, Job, Outcome, Times, evaluate, score_rows, summarise, train_on};
use crate::run_directory::{RunDirectory, RunLock};
use crate::terminal;
use relumine_engine::Step;
use relumine_report::{Status, Summary, TestedWeights};
use std::time::{Duration, Instant};

/// A run that is ready to train.
pub(super) struct Session<'a> {
    pub(super) job: Job,
    pub(super) step: Box<dyn Step>,
    pub(super) run: RunDirectory,
    /// Nobody else writes to the run while this is held.
    pub(super) lock: RunLock,
    /// Where the run's checkpoints are.
    pub(super) store: Store,
    /// Where training goes on.
    pub(super) outcome: Outcome,
    /// How often the test rows have been read.
    pub(super) test_evaluations: u64,
    pub(super) quiet: bool,
    pub(super) started: Instant,
    /// What earlier processes have spent on the run.
    pub(super) earlier: Duration,
    pub(super) interrupt: &'a Interrupt,
}

impl Session<'_> {
    /// Trains, validates and tests.
    pub(super) fn train(self) -> Result<(Summary, RunDirectory), Failure> {
        let Self { job, mut step, run, lock, store, outcome, test_evaluations, quiet, started, earlier, interrupt } = self;
        let mut watchers = Watchers::open(&run, &job, store, quiet, (&outcome, step.steps()))?;
        let (outcome, ending) = train_on(&job, &mut *step, &mut watchers.each(), interrupt, outcome);

        let times = Times { started, first_step: outcome.first_step, earlier };
        let mut summary = summarise(&job, &*step, &outcome, &times);
        summary.test_evaluations = test_evaluations;
        let tested = match ending {
            Ok(Ending::Interrupted) => Err(Failure::Interrupted),
            Ok(ending) => {
                summary.stopped_by = ending.reason();
                let (best, store) = (outcome.best.as_ref(), watchers.store());
                let settled = store.settle().map_err(Failure::Run);
                settled.and_then(|()| test(&job, &mut *step, best, &mut summary, (&run, store), (quiet, interrupt)))
            }
            Err(failure) => Err(failure),
        };
        let ended = conclude(tested, summary, &run, &times, step.steps());
        watchers.finish(&ended);
        drop(lock);
        ended.map(|summary| (summary, run))
    }
}

/// Saves what there is, however the run ended.
fn conclude(tested: Result<(), Failure>, mut summary: Summary, run: &RunDirectory, times: &Times, steps: u64) -> Result<Summary, Failure> {
    times.finish(&mut summary);
    let Err(failure) = tested else {
        save(&summary, run)?;
        return Ok(summary);
    };
    (summary.status, summary.error) = match &failure {
        Failure::Interrupted => (Status::Interrupted, None),
        failure => (Status::Failed, Some(failure.to_string())),
    };
    let saved = save(&summary, run);
    if !matches!(failure, Failure::Interrupted) {
        // The first failure is the one to report; it may well be why this one cannot be saved either.
        if let Err(second) = saved {
            tracing::warn!("the summary could not be saved: {second}");
        }
        return Err(failure);
    }
    saved?;
    let folder = run.path().display();
    if summary.stopped_by.is_some() {
        terminal::say(format_args!(
            "interrupted while training again on train and validation rows; what came before was saved in {folder}: \
             test the weights that validation chose with relumine test {folder} --weights best, \
             or go on with relumine train --resume {folder}"
        ));
    } else {
        terminal::say(format_args!(
            "interrupted after step {steps}; what there is was saved in {folder}: go on with relumine train --resume {folder}"
        ));
    }
    Err(failure)
}

/// Scores the weights that validation chose, refits them if asked, and tests: the one time that training reads the test rows.
fn test(
    job: &Job,
    step: &mut dyn Step,
    best: Option<&Best>,
    summary: &mut Summary,
    (run, store): (&RunDirectory, &Store),
    (quiet, interrupt): (bool, &Interrupt),
) -> Result<(), Failure> {
    if let (Some(best), true) = (best, summary.weights != TestedWeights::Last) {
        step.load_parameters(&best.parameters)?;
    }
    let validation = evaluate(job, step, &job.examples, &job.split.validation)?;
    summary.validation_metrics = validation.and_then(|validation| validation.metrics(&job.classes));
    let Some(best) = best.filter(|_| summary.weights == TestedWeights::Refit) else {
        return read_test_rows(job, step, &job.split.train, summary, run);
    };
    let (refit_job, mut refit_step) = refit::train_again(job, best.steps, run, quiet, interrupt)?;
    run.write_json(RunDirectory::REFIT_MODEL, &refit_job.signature)?;
    store.add(RunDirectory::name_of(RunDirectory::REFIT), &to_safetensors(&refit_step.parameters()?)?)?;
    summary.refit = Some(refit::record(&refit_job, &*refit_step));
    read_test_rows(&refit_job, &mut *refit_step, &job.split.train, summary, run)
}

/// Scores the train rows and, except in a fold of a cross-validation, the test rows.
fn read_test_rows(job: &Job, step: &mut dyn Step, train_rows: &[u32], summary: &mut Summary, run: &RunDirectory) -> Result<(), Failure> {
    summary.train = score_rows(job, step, &job.examples, train_rows)?;
    if job.recipe.data.fold.is_some() {
        return Ok(());
    }
    if let Some(test) = evaluate(job, step, job.test_examples(), &job.split.test)? {
        test.save(job, run)?;
        summary.test_evaluations += 1;
        summary.test = Some(test.score);
        summary.test_metrics = test.metrics(&job.classes);
    }
    Ok(())
}
