//! `relumine train --resume DIR`: a run goes on where its checkpoint is, with the bits of one that was never stopped.

pub(super) mod agreement;
mod finished;
mod restore;

use super::session::Session;
use super::train::{Request, overrides, show};
use super::{check_data_is_there, cross_validate, within};
use crate::checkpoint::{Found, RunIdentity, Store};
use crate::cli::TrainArguments;
use crate::device::DeviceRequest;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::pipeline::{Job, Outcome, TrainRows};
use crate::recipe::{Origin, Recipe};
use crate::run_directory::RunDirectory;
use crate::terminal;
use anyhow::anyhow;
use relumine_report::{CrossValidation, EpochRecord, ReportError, Summary, read_epochs};
use std::path::Path;
use std::time::{Duration, Instant};

/// Goes on with the run or the cross-validation in `folder`.
pub(super) fn run(arguments: &TrainArguments, folder: &Path, started: Instant) -> Result<(), Failure> {
    let device: DeviceRequest = arguments.device.parse().map_err(Failure::Usage)?;
    let is_cross_validation = folder.join(CrossValidation::FILE).is_file();
    let run = if is_cross_validation { RunDirectory::open_folds(folder) } else { RunDirectory::open(folder) };
    let run = run.map_err(Failure::Usage)?;
    if arguments.folds.is_some() && !is_cross_validation {
        let message = "is a single run, which has no folds to go on with; leave out --folds";
        return Err(Failure::usage(anyhow!("{} {message}", folder.display())));
    }
    let own = Origin::from_file(&run.file(RunDirectory::RECIPE))?;
    let origin = arguments.recipe.as_deref().map_or_else(|| Ok(own), |path| Origin::find(Some(path)))?;
    let recipe = Recipe::load(&origin, &overrides(arguments))?;
    let recipe_name = restore::recipe_name(&run).unwrap_or(origin.name);
    let (device, interrupt) = (device.open()?, Interrupt::listen()?);
    let request = Request { recipe, recipe_name: &recipe_name, device, quiet: arguments.quiet, started, interrupt: &interrupt };
    if is_cross_validation {
        return cross_validate::resume(request, &run, arguments.folds, arguments.json);
    }
    let target = request.recipe.train.target_accuracy;
    let (summary, run) = resume_recipe(request, &run)?;
    show(&summary, &run, target, arguments.json)
}

/// Goes on with one run; one that is finished stays as it is.
pub(super) fn resume_recipe(request: Request<'_>, run: &RunDirectory) -> Result<(Summary, RunDirectory), Failure> {
    let lock = run.lock()?;
    let folder = run.path().display();
    let own = Recipe::load(&Origin::from_file(&run.file(RunDirectory::RECIPE))?, &[])?;
    let request = Request { recipe: agreement::agreed(&own, request.recipe, run)?, ..request };
    agreement::check_fold(&own, &request.recipe, run)?;
    check_data_is_there(&request.recipe, "if it was moved, say where with --data")?;
    let summary = if run.file(RunDirectory::SUMMARY).is_file() { Some(run.summary()?) } else { None };
    if let Some(summary) = summary.as_ref().filter(|summary| finished::is_finished(summary, &request.recipe)) {
        agreement::check_epochs(&request.recipe, (summary.epochs_run, false), run)?;
        finished::complete(run, summary)?;
        terminal::say(finished::line(summary, &own, &request.recipe, run));
        return Ok((summary.clone(), run.clone()));
    }
    let Request { recipe, recipe_name, device, quiet, started, interrupt } = request;
    let job = Job::prepare(recipe, recipe_name, device, TrainRows::Divided)?;
    let mut step = job.blank_step()?;
    if interrupt.is_requested() {
        terminal::say(format_args!("interrupted before training went on; {folder} is as it was"));
        return Err(Failure::Interrupted);
    }
    let mut store = Store::new(&run.file(RunDirectory::CHECKPOINTS));
    let found = find(&mut store, &job, run)?;
    let mut outcome = match &found {
        Some((found, epochs)) => {
            agreement::check_epochs(&job.recipe, (found.manifest.epoch, found.manifest.partial_epoch.is_some()), run)?;
            agreement::check_horizon(&own, &job, found.manifest.step)?;
            restore::restore(&job, &mut *step, found, epochs)
                .map_err(|failure| within(failure, format!("the checkpoint in {folder} does not fit its run")))?
        }
        None => {
            step.load_parameters(&restore::initial(&job, run)?)?;
            Outcome::default()
        }
    };
    outcome.earlier = restore::earlier(run, found.as_ref().map_or(&[], |(_, epochs)| epochs));
    let at = (outcome.epochs, step.steps());
    let here = Environment::probe(&job.device.name, &job.device.reason);
    restore::begin(run, &job, summary.as_ref(), here, at)?;
    if !quiet {
        terminal::say(restore::line(run, found.is_some(), at));
    }
    let test_evaluations = summary.as_ref().map_or(0, |summary| summary.test_evaluations);
    // Tests and pages count, too; a process that was killed left no summary.
    let told = summary.and_then(|summary| Duration::try_from_secs_f64(summary.wall_seconds).ok()).unwrap_or_default();
    let earlier = told.max(outcome.earlier);
    let run = run.clone();
    Session { job, step, run, lock, store, outcome, test_evaluations, quiet, started, earlier, interrupt }.train()
}

/// The newest whole checkpoint with the epochs that it counts, of those that belong to `job`.
fn find(store: &mut Store, job: &Job, run: &RunDirectory) -> Result<Option<(Found, Vec<EpochRecord>)>, Failure> {
    let metrics = run.file(RunDirectory::METRICS);
    let mut epochs = if metrics.is_file() { read_epochs(&metrics).map_err(needed)? } else { Vec::new() };
    let there = epochs.len() as u64;
    let has_epochs = |epoch: u64| {
        let problem = || format!("{} holds {there} epochs, and the checkpoint is of epoch {epoch}", metrics.display());
        if epoch <= there { Ok(()) } else { Err(problem()) }
    };
    let Some(found) = store.recover(|manifest| has_epochs(manifest.epoch))? else { return Ok(None) };
    for problem in &found.problems {
        let step = found.manifest.step;
        terminal::say(format_args!("warning: {problem}; going on from the older checkpoint of step {step}, with the same results"));
    }
    let folder = run.path().display();
    RunIdentity::of(job)?.check(&found.manifest).map_err(|reason| Failure::Run(anyhow!("cannot go on with {folder}: {reason}")))?;
    epochs.truncate(usize::try_from(found.manifest.epoch).unwrap_or(usize::MAX));
    Ok(Some((found, epochs)))
}

/// A run cannot go on without its log of epochs.
fn needed(error: ReportError) -> Failure {
    match error {
        ReportError::Damaged { path, reason } => {
            let remedy = "restore it to go on from the checkpoint, or train anew with another --out";
            Failure::Run(anyhow!("{} is not what a run writes ({reason}): {remedy}", path.display()))
        }
        error => error.into(),
    }
}
