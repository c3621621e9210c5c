//! `relumine train`.

use super::session::Session;
use super::summary::{end_line, metrics_line, result_table};
use super::{cross_validate, dry_run, resume};
use crate::checkpoint::{Store, to_safetensors};
use crate::cli::TrainArguments;
use crate::device::{Chosen, DeviceRequest};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::pipeline::{Job, Outcome, TrainRows};
use crate::recipe::{Origin, Recipe};
use crate::run_directory::{Place, RunDirectory, json};
use crate::terminal;
use anyhow::anyhow;
use relumine_report::Summary;
use serde::Serialize;
use std::time::{Duration, Instant};

/// What there is to train, and how to talk about it.
pub(super) struct Request<'a> {
    pub(super) recipe: Recipe,
    pub(super) recipe_name: &'a str,
    pub(super) device: Chosen,
    pub(super) quiet: bool,
    pub(super) started: Instant,
    pub(super) interrupt: &'a Interrupt,
}

/// Checks everything that can be checked cheaply, then the data, and makes the run directory only when training can start.
pub(super) fn run(arguments: &TrainArguments, started: Instant) -> Result<(), Failure> {
    if let Some(folder) = &arguments.resume {
        return resume::run(arguments, folder, started);
    }
    let device: DeviceRequest = arguments.device.parse().map_err(Failure::Usage)?;
    let origin = Origin::find(arguments.recipe.as_deref())?;
    let recipe = Recipe::load(&origin, &overrides(arguments))?;
    let place = Place::choose(arguments.out.as_deref(), &origin.name).map_err(Failure::Usage)?;
    place.probe()?;
    let device = device.open()?;
    let interrupt = Interrupt::listen()?;
    let request = Request { recipe, recipe_name: &origin.name, device, quiet: arguments.quiet, started, interrupt: &interrupt };
    if arguments.dry_run {
        return dry_run::run(request, arguments.json);
    }
    if let Some(folds) = arguments.folds {
        return cross_validate::run(&request, &place, folds, arguments.json);
    }
    let target = request.recipe.train.target_accuracy;
    let (summary, run) = train_recipe(request, &place)?;
    show(&summary, &run, target, arguments.json)
}

/// Prints the results; a target that was missed is a failure then.
pub(super) fn show(summary: &Summary, run: &RunDirectory, target: Option<f64>, as_json: bool) -> Result<(), Failure> {
    if as_json {
        terminal::print_json(summary)?;
    } else {
        let (end, table, metrics) = (end_line(summary), result_table(summary), metrics_line(summary));
        terminal::print(format_args!("{end}{table}{metrics}run: {}\n", run.path().display()))?;
    }
    check_target(summary, target)
}

/// Trains, validates and tests into a new run directory.
pub(super) fn train_recipe(request: Request<'_>, place: &Place) -> Result<(Summary, RunDirectory), Failure> {
    let Request { mut recipe, recipe_name, device, quiet, started, interrupt } = request;
    recipe.train.init_from = recipe.train.init_from.map(|init_from| init_from.pinned()).transpose()?;
    let recipe_toml = recipe.to_toml().map_err(Failure::Usage)?;
    let job = Job::prepare(recipe, recipe_name, device, TrainRows::Divided)?;
    let step = job.step()?;
    if interrupt.is_requested() {
        terminal::say("interrupted before training began; no run was written");
        return Err(Failure::Interrupted);
    }
    let environment = Environment::probe(&job.device.name, &job.device.reason);
    let run = place.create(&[
        (RunDirectory::RECIPE, recipe_toml.into_bytes()),
        (RunDirectory::ENVIRONMENT, json(&Begun { recipe: recipe_name, environment })?),
        (RunDirectory::MODEL, json(&job.signature)?),
        (RunDirectory::INITIAL, to_safetensors(&step.parameters()?)?),
    ])?;
    let (lock, store) = (run.lock()?, Store::new(&run.file(RunDirectory::CHECKPOINTS)));
    let (outcome, earlier) = (Outcome::default(), Duration::ZERO);
    Session { job, step, run, lock, store, outcome, test_evaluations: 0, quiet, started, earlier, interrupt }.train()
}

/// `environment.json`.
#[derive(Serialize)]
struct Begun<'a> {
    /// What the run is called after.
    recipe: &'a str,
    #[serde(flatten)]
    environment: Environment,
}

/// The recipe keys that have a flag of their own.
pub(super) fn overrides(arguments: &TrainArguments) -> Vec<String> {
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
        ("data.skip_bad_rows", arguments.skip_bad_rows.then(|| "true".to_owned())),
        ("train.init_from", arguments.init_from.as_ref().map(quoted)),
        ("probes.every", arguments.probe_every.map(|every| every.to_string())),
        ("train.tensorboard", arguments.tensorboard.then(|| "true".to_owned())),
    ];
    overrides.extend(flags.into_iter().filter_map(|(key, value)| Some(format!("{key}={}", value?))));
    overrides
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
