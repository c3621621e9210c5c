//! `relumine train`.

use super::summary::{Times, metrics_line, result_table, save, summarise};
use crate::cli::TrainArguments;
use crate::device::DeviceRequest;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::observers::{Checkpoints, MetricsLog, Progress, to_safetensors};
use crate::pipeline::{Ending, Job, Outcome, evaluate, score_rows, train};
use crate::recipe::{Origin, Recipe};
use crate::run_directory::{Place, RunDirectory, json};
use crate::terminal;
use relumine_engine::Step;
use relumine_report::Status;
use std::time::Instant;

/// Checks everything that can be checked cheaply, then the data, and makes the run directory only when training can start.
pub(super) fn run(arguments: &TrainArguments, started: Instant) -> Result<(), Failure> {
    let device: DeviceRequest = arguments.device.parse().map_err(Failure::Usage)?;
    let origin = Origin::find(arguments.recipe.as_deref())?;
    let recipe = Recipe::load(&origin, &overrides(arguments))?;
    let recipe_toml = recipe.to_toml().map_err(Failure::Usage)?;
    let place = Place::choose(arguments.out.as_deref(), &origin.name).map_err(Failure::Usage)?;
    place.probe()?;
    let device = device.open()?;
    let interrupt = Interrupt::listen()?;

    let job = Job::prepare(recipe, &origin.name, device)?;
    let mut step = job.step()?;
    if interrupt.is_requested() {
        terminal::say("interrupted before training began; nothing was written");
        return Err(Failure::Interrupted);
    }
    let run = place.create(&[
        (RunDirectory::RECIPE, recipe_toml.clone().into_bytes()),
        (RunDirectory::ENVIRONMENT, json(&Environment::probe(&job.device.name, &job.device.reason))?),
        (RunDirectory::INITIAL, to_safetensors(&step.parameters()?)?),
    ])?;

    let mut progress = Progress::new(arguments.quiet);
    let mut metrics = MetricsLog::create(&run)?;
    let mut checkpoints = Checkpoints::new(&run);
    let (outcome, ending) = train(&job, &mut *step, &mut [&mut progress, &mut metrics, &mut checkpoints], &interrupt);

    let times = Times { started, first_step: outcome.first_step };
    match ending {
        Ok(Ending::Completed | Ending::EarlyStopped) => finish(&job, &mut *step, &outcome, &times, &run, arguments),
        Ok(Ending::Interrupted) => {
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
        ("train.step", arguments.step.as_ref().map(quoted)),
    ];
    overrides.extend(flags.into_iter().filter_map(|(key, value)| Some(format!("{key}={}", value?))));
    overrides
}

/// Tests the best weights: the one time that training reads the test rows.
fn finish(
    job: &Job,
    step: &mut dyn Step,
    outcome: &Outcome,
    times: &Times,
    run: &RunDirectory,
    arguments: &TrainArguments,
) -> Result<(), Failure> {
    if let Some(best) = &outcome.best {
        step.load_parameters(&best.parameters)?;
    }
    let mut summary = summarise(job, step, outcome, times, Status::Finished, None);
    summary.train = score_rows(job, step, &job.examples, &job.split.train)?;
    let validation = evaluate(job, step, &job.examples, &job.split.validation)?;
    summary.validation_metrics = validation.and_then(|validation| validation.metrics(&job.classes));
    if let Some(test) = evaluate(job, step, job.test_examples(), &job.split.test)? {
        test.save(&job.classes, run)?;
        summary.test_evaluations = 1;
        summary.test = Some(test.score);
        summary.test_metrics = test.metrics(&job.classes);
    }
    times.finish(&mut summary);
    save(&summary, run)?;
    if arguments.json {
        terminal::print(String::from_utf8_lossy(&json(&summary)?))
    } else {
        terminal::print(format_args!("{}{}run: {}\n", result_table(&summary), metrics_line(&summary), run.path().display()))
    }
}
