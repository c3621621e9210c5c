//! `relumine train`.

use super::summary::{Times, metrics_line, result_table, save, summarise};
use super::{cross_validate, dry_run, refit};
use crate::cli::TrainArguments;
use crate::device::{Chosen, DeviceRequest};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::observers::{Checkpoints, MetricsLog, Progress, to_safetensors};
use crate::pipeline::{Ending, Job, Outcome, TrainRows, evaluate, score_rows, train};
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
        return dry_run::run(request);
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
        terminal::say("interrupted before training began; nothing was written");
        return Err(Failure::Interrupted);
    }
    let run = place.create(&[
        (RunDirectory::RECIPE, recipe_toml.into_bytes()),
        (RunDirectory::ENVIRONMENT, json(&Environment::probe(&job.device.name, &job.device.reason))?),
        (RunDirectory::INITIAL, to_safetensors(&step.parameters()?)?),
    ])?;

    let mut progress = Progress::new(quiet);
    let mut metrics = MetricsLog::create(&run)?;
    let mut checkpoints = Checkpoints::new(&run);
    let (outcome, ending) = train(&job, &mut *step, &mut [&mut progress, &mut metrics, &mut checkpoints], interrupt);

    let times = Times { started, first_step: outcome.first_step };
    let tested = match ending {
        Ok(Ending::Interrupted) => Err(Failure::Interrupted),
        Ok(ending) => test(&job, &mut *step, &outcome, &times, ending, &run, (quiet, interrupt)),
        Err(failure) => Err(failure),
    };
    match tested {
        Ok(summary) => Ok((summary, run)),
        Err(Failure::Interrupted) => {
            save(&summarise(&job, &*step, &outcome, &times, Status::Interrupted, None), &run)?;
            terminal::say(format_args!("interrupted after step {}; what there is was saved in {}", step.steps(), run.path().display()));
            Err(Failure::Interrupted)
        }
        Err(failure) => {
            let summary = summarise(&job, &*step, &outcome, &times, Status::Failed, Some(failure.to_string()));
            // The first failure is the one to report; it may well be why this one cannot be saved either.
            if let Err(second) = save(&summary, &run) {
                tracing::warn!("the summary could not be saved: {second}");
            }
            Err(failure)
        }
    }
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
    outcome: &Outcome,
    times: &Times,
    ending: Ending,
    run: &RunDirectory,
    (quiet, interrupt): (bool, &Interrupt),
) -> Result<Summary, Failure> {
    let mut summary = summarise(job, step, outcome, times, Status::Finished, None);
    summary.stopped_by = ending.reason();
    if let (Some(best), true) = (&outcome.best, summary.weights != TestedWeights::Last) {
        step.load_parameters(&best.parameters)?;
    }
    let validation = evaluate(job, step, &job.examples, &job.split.validation)?;
    summary.validation_metrics = validation.and_then(|validation| validation.metrics(&job.classes));
    match &outcome.best {
        Some(best) if summary.weights == TestedWeights::Refit => {
            let (refit_job, mut refit_step) = refit::train_again(job, best.steps, quiet, interrupt)?;
            run.write(RunDirectory::REFIT, &to_safetensors(&refit_step.parameters()?)?)?;
            summary.refit = Some(refit::record(&refit_job, &*refit_step));
            read_test_rows(&refit_job, &mut *refit_step, &job.split.train, &mut summary, run)?;
        }
        _ => read_test_rows(job, step, &job.split.train, &mut summary, run)?,
    }
    times.finish(&mut summary);
    save(&summary, run)?;
    Ok(summary)
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
pub(super) fn check_target(summary: &Summary, target: Option<f64>) -> Result<(), Failure> {
    let (Some(target), Some(validation)) = (target, summary.validation) else { return Ok(()) };
    if validation.accuracy >= target {
        return Ok(());
    }
    Err(Failure::Run(anyhow!(
        "the target accuracy of {:.2} % was missed: the best validation accuracy of {} epochs is {:.2} %; train longer, or lower train.target_accuracy",
        100.0 * target,
        summary.epochs_run,
        100.0 * validation.accuracy
    )))
}
