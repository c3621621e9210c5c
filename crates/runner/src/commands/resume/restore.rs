//! What a checkpoint gives back, and what a run notes when it goes on.

use crate::checkpoint::{Found, read_tensors, tensors_of, to_safetensors};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::observers::ElapsedTime;
use crate::pipeline::{ChosenStep, Job, Outcome};
use crate::run_directory::RunDirectory;
use crate::terminal;
use anyhow::{Context, anyhow};
use relumine_engine::{NamedTensors, Step};
use relumine_report::{EpochRecord, Status, Summary};
use serde::Serialize;
use serde_json::Value;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

/// Puts `step` where the checkpoint was, and gives what the loop remembered; `epochs` are the records of the epochs that it counts.
pub(super) fn restore(job: &Job, step: &mut dyn Step, found: &Found, epochs: &[EpochRecord]) -> Result<Outcome, Failure> {
    let manifest = &found.manifest;
    step.load_parameters(&tensors(found, RunDirectory::LAST)?)?;
    step.load_optimizer_state(&tensors(found, RunDirectory::LAST_STATE)?)?;
    step.restore_totals(manifest.totals())?;
    if let Some(plateau) = job.recipe.optimizer.schedule.plateau() {
        step.scale_learning_rate(plateau.factor_after(&manifest.validation_losses));
    }
    if step.steps() != manifest.step {
        return Err(Failure::Run(anyhow!("its files are of step {}, and its manifest is of step {}", step.steps(), manifest.step)));
    }
    let (rows, all) = (manifest.totals().rows, job.split.train.len() as u64);
    if rows > all || (rows < all && !rows.is_multiple_of(job.recipe.train.rows_per_step() as u64)) {
        return Err(Failure::Run(anyhow!("it was left after {rows} rows of an epoch, where no step ends")));
    }
    let best = manifest.best.map(|_| tensors(found, RunDirectory::BEST)).transpose()?;
    let mut outcome = manifest.outcome(best);
    // The time that another process spent is known by the rates that it wrote down: an epoch that was cut short has fewer rows.
    let is_whole = |record: &&EpochRecord| (record.seconds * record.samples_per_second - all as f64).abs() < 0.5;
    outcome.epoch_seconds = epochs.iter().filter(is_whole).map(|record| record.seconds).collect();
    Ok(outcome)
}

/// What other processes have used of `train.max_minutes`; in a run that did not keep it the training time of its `epochs`, without validation.
pub(super) fn earlier(run: &RunDirectory, epochs: &[EpochRecord]) -> Duration {
    ElapsedTime::of(run)
        .unwrap_or_else(|| Duration::try_from_secs_f64(epochs.iter().map(|record| record.seconds).sum()).unwrap_or_default())
}

/// The weights that the run began with. No checksum tells whether their file is whole, so they are drawn again beside it.
pub(super) fn initial(job: &Job, run: &RunDirectory) -> Result<NamedTensors, Failure> {
    let path = run.file(RunDirectory::INITIAL);
    let initial = read_tensors(&path)?;
    if to_safetensors(&initial)? != to_safetensors(&job.step()?.parameters()?)? {
        return Err(Failure::Run(anyhow!("{} is not what the run began with: restore it, or train anew", path.display())));
    }
    Ok(initial)
}

fn tensors(found: &Found, path: &str) -> anyhow::Result<NamedTensors> {
    let name = RunDirectory::name_of(path);
    let bytes = found.files.get(name).ok_or_else(|| anyhow!("its manifest lists no {name}"))?;
    tensors_of(Path::new(path), bytes)
}

/// What the run is called after, from its `environment.json`.
pub(super) fn recipe_name(run: &RunDirectory) -> Option<String> {
    Some(environment(run)?.get("recipe")?.as_str()?.to_owned())
}

fn environment(run: &RunDirectory) -> Option<Value> {
    serde_json::from_slice(&std::fs::read(run.file(RunDirectory::ENVIRONMENT)).ok()?).ok()
}

/// A line of `resumed.jsonl`: where a run went on, and on what.
#[derive(Serialize)]
struct Resumption {
    /// Whole epochs done.
    epoch: u64,
    /// Optimiser steps taken.
    step: u64,
    #[serde(flatten)]
    environment: Environment,
}

/// Notes in the run that it goes on after `at`, whole epochs and steps, and by which recipe.
pub(super) fn begin(run: &RunDirectory, job: &Job, summary: Option<&Summary>, here: Environment, at: (u64, u64)) -> Result<(), Failure> {
    run.remove_unfinished()?;
    run.write(RunDirectory::RECIPE, job.recipe.to_toml().map_err(Failure::Usage)?.as_bytes())?;
    if let Some(summary) = summary {
        // Until it has ended again, a run has no scores: those that it had are of the recipe before. How often the test rows were read is kept.
        let running = Summary {
            status: Status::Running,
            error: None,
            stopped_by: None,
            highest_validation_accuracy: None,
            refit: None,
            train: None,
            validation: None,
            test: None,
            validation_metrics: None,
            test_metrics: None,
            ..summary.clone()
        };
        run.write_json(RunDirectory::SUMMARY, &running)?;
    }
    warn_of_change(run, &job.step, &here);
    let mut line = serde_json::to_vec(&Resumption { epoch: at.0, step: at.1, environment: here }).map_err(anyhow::Error::new)?;
    line.push(b'\n');
    let path = run.file(RunDirectory::RESUMED);
    let appended = File::options().create(true).append(true).open(&path).and_then(|mut file| file.write_all(&line));
    Ok(appended.with_context(|| format!("cannot write {}", path.display()))?)
}

/// Says so where the run began on something else that may round otherwise.
fn warn_of_change(run: &RunDirectory, step: &ChosenStep, here: &Environment) {
    let (Some(before), Ok(here)) = (environment(run), serde_json::to_value(here)) else { return };
    // The fused step has the same bits on every processor, by every instruction set but the one that rounds a multiply-add twice. Candle's
    // products and a library's are those of one kind of processor.
    let is_own = |environment: &Value| environment["library"].is_null() && environment.get("isa").is_some_and(|isa| isa != "portable");
    let is_any_processor = *step == ChosenStep::Fused && is_own(&before) && is_own(&here);
    let of_processor: &[&str] = if is_any_processor { &[] } else { &["cpu", "simd", "isa"] };
    let changed: Vec<String> = ["version", "candle", "library", "device"]
        .iter()
        .chain(of_processor)
        .filter(|key| before.get(*key).unwrap_or(&Value::Null) != &here[**key])
        .map(|key| format!("{key} {} for {}", here[key], before.get(key).unwrap_or(&Value::Null)))
        .collect();
    if !changed.is_empty() {
        terminal::say(format_args!(
            "warning: {} goes on with {}: the results need not be bit for bit those of a run that was not stopped",
            run.path().display(),
            changed.join(", ")
        ));
    }
}

/// What is said when training goes on.
pub(super) fn line(run: &RunDirectory, has_checkpoint: bool, (epoch, step): (u64, u64)) -> String {
    let folder = run.path().display();
    if has_checkpoint {
        format!("{folder} goes on after step {step}, with {epoch} whole epochs done")
    } else {
        format!("{folder} has no checkpoint: training starts over from its initial weights")
    }
}
