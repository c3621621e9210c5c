//! `relumine train`.

use super::summary::{Times, metrics_line, result_table, save, summarise};
use super::{cross_validate, dry_run, refit};
use crate::cli::TrainArguments;
use crate::device::{Chosen, DeviceRequest};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::observers::{Checkpoints, MetricsLog, Progress, to_safetensors};
use crate::pipeline::{Best, Ending, Job, TrainRows, evaluate, score_rows, train};
use crate::recipe::{Origin, Recipe};
use crate::run_directory::{Place, RunDirectory, json};
use crate::terminal;
use anyhow::anyhow;
use relumine_engine::Step;
use relumine_report::{Status, Summary, TestedWeights};
use std::time::Instant;

/// What there is to train, and how to talk about it.
pub(super) struct Request<'a> {
    pub(super) recipe: Recipe,
    pub(super) recipe_name: &'a str,
    pub(super) device: Chosen,
    pub(super) place: Place,
    pub(super) quiet: bool,
    pub(super) started: Instant,
    pub(super) interrupt: &'a Interrupt,
}

/// Checks everything that can be checked cheaply, then the data, and makes the run directory only when training can start.
pub(super) fn run(arguments: &TrainArguments, started: Instant) -> Result<(), Failure> {
    let device: DeviceRequest = arguments.device.parse().map_err(Failure::Usage)?;
    let origin = Origin::find(arguments.recipe.as_deref())?;
    let recipe = Recipe::load(&origin, &overrides(arguments))?;
    let place = Place::choose(arguments.out.as_deref(), &origin.name).map_err(Failure::Usage)?;
    place.probe()?;
    let device = device.open()?;
    let interrupt = Interrupt::listen()?;
    let request = Request { recipe, recipe_name: &origin.name, device, place, quiet: arguments.quiet, started, interrupt: &interrupt };
    if arguments.dry_run {
        return dry_run::run(request, arguments.json);
    }
    if let Some(folds) = arguments.folds {
        return cross_validate::run(&request, folds, arguments.json);
    }
    let target = request.recipe.train.target_accuracy;
    let (summary, run) = train_recipe(request)?;
    if arguments.json {
        terminal::print(String::from_utf8_lossy(&json(&summary)?))?;
    } else {
        terminal::print(format_args!("{}{}run: {}\n", result_table(&summary), metrics_line(&summary), run.path().display()))?;
    }
    check_target(&summary, target)
}

/// Trains, validates and tests into a new run directory.
pub(super) fn train_recipe(request: Request<'_>) -> Result<(Summary, RunDirectory), Failure> {
    let Request { recipe, recipe_name, device, place, quiet, started, interrupt } = request;
    let recipe_toml = recipe.to_toml().map_err(Failure::Usage)?;
    let job = Job::prepare(recipe, recipe_name, device, TrainRows::Divided)?;
    let mut step = job.step()?;
    if interrupt.is_requested() {
        terminal::say("interrupted before training began; no run was written");
        return Err(Failure::Interrupted);
    }
    let run = place.create(&[
        (RunDirectory::RECIPE, recipe_toml.into_bytes()),
        (RunDirectory::ENVIRONMENT, json(&Environment::probe(&job.device.name, &job.device.reason))?),
        (RunDirectory::INITIAL, to_safetensors(&step.parameters()?)?),
    ])?;

    let mut progress = Progress::new(quiet);
    let mut metrics = MetricsLog::create(&run, RunDirectory::METRICS)?;
    let mut checkpoints = Checkpoints::new(&run);
    let (outcome, ending) = train(&job, &mut *step, &mut [&mut progress, &mut metrics, &mut checkpoints], interrupt);

    let times = Times { started, first_step: outcome.first_step };
    let mut summary = summarise(&job, &*step, &outcome, &times);
    let tested = match ending {
        Ok(Ending::Interrupted) => Err(Failure::Interrupted),
        Ok(ending) => {
            summary.stopped_by = ending.reason();
            test(&job, &mut *step, outcome.best.as_ref(), &mut summary, &run, (quiet, interrupt))
        }
        Err(failure) => Err(failure),
    };
    conclude(tested, summary, &run, &times, step.steps()).map(|summary| (summary, run))
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
             test the weights that validation chose with relumine test {folder} --weights best"
        ));
    } else {
        terminal::say(format_args!("interrupted after step {steps}; what there is was saved in {folder}"));
    }
    Err(failure)
}

/// The recipe keys that have a flag of their own.
fn overrides(arguments: &TrainArguments) -> Vec<String> {
    let mut overrides = arguments.overrides.clone();
    let quoted = |text: &String| toml::Value::String(text.clone()).to_string();
    let flags = [
        ("data.name", arguments.data.as_ref().map(quoted)),
        ("train.seed", arguments.seed.map(|seed| seed.to_string())),
        ("train.epochs", arguments.epochs.map(|epochs| epochs.to_string())),
        ("train.max_steps", arguments.max_steps.map(|steps| steps.to_string())),
        ("train.max_minutes", arguments.max_minutes.map(|minutes| format!("{minutes:?}"))),
        ("train.target_accuracy", arguments.target_accuracy.map(|target| format!("{target:?}"))),
        ("train.overfit_batches", arguments.overfit_batches.map(|batches| batches.to_string())),
        ("train.step", arguments.step.as_ref().map(quoted)),
    ];
    overrides.extend(flags.into_iter().filter_map(|(key, value)| Some(format!("{key}={}", value?))));
    overrides
}

/// Scores the weights that validation chose, refits them if asked, and tests: the one time that training reads the test rows.
fn test(
    job: &Job,
    step: &mut dyn Step,
    best: Option<&Best>,
    summary: &mut Summary,
    run: &RunDirectory,
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
    run.write(RunDirectory::REFIT, &to_safetensors(&refit_step.parameters()?)?)?;
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
        test.save(&job.classes, run)?;
        summary.test_evaluations = 1;
        summary.test = Some(test.score);
        summary.test_metrics = test.metrics(&job.classes);
    }
    Ok(())
}

/// A target that was never reached fails the command, after everything has been saved and said.
fn check_target(summary: &Summary, target: Option<f64>) -> Result<(), Failure> {
    let (Some(target), Some(highest)) = (target, summary.highest_validation_accuracy) else { return Ok(()) };
    if highest >= target {
        return Ok(());
    }
    let percent = |share: f64| format!("{:.2} %", 100.0 * share);
    let kept = match summary.validation {
        Some(kept) if kept.accuracy < highest => format!(", that of the {} {}", summary.validated_weights(), percent(kept.accuracy)),
        _ => String::new(),
    };
    Err(Failure::Run(anyhow!(
        "the target accuracy of {} was missed: the highest validation accuracy of {} epochs is {}{kept}; \
         train longer, or lower train.target_accuracy",
        percent(target),
        summary.epochs_run,
        percent(highest)
    )))
}
