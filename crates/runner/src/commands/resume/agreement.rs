//! What a run that goes on may be asked for: its own recipe, more epochs where no step before would have been another, and more logs.

use crate::failure::Failure;
use crate::pipeline::Job;
use crate::recipe::Recipe;
use crate::run_directory::RunDirectory;
use anyhow::{Context, anyhow};
use relumine_engine::{Horizon, OptimizerConfig};
use relumine_model::ConfigError;
use relumine_report::CrossValidation;
use std::collections::{BTreeMap, BTreeSet};
use toml::Value;

/// The recipe that is asked for, which may differ from the run's `own` in `train.epochs`, in how often it is saved, and in logs that the
/// run does not have yet.
pub(in crate::commands) fn agreed(own: &Recipe, mut asked: Recipe, run: &RunDirectory) -> Result<Recipe, Failure> {
    // The file that training started with was pinned when the run began, and is not read again.
    if let (Some(pinned), Some(named)) = (&own.train.init_from, &asked.train.init_from)
        && named.sha256.is_none()
        && named.file == pinned.file
    {
        asked.train.init_from = Some(pinned.clone());
    }
    let different = differences(own, &asked).map_err(Failure::Usage)?;
    if different.is_empty() {
        return Ok(asked);
    }
    let folder = run.path().display();
    Err(Failure::usage(anyhow!(
        "{folder} goes on by its own recipe, and {}: leave the difference out, or train anew with another --out",
        different.join(", ")
    )))
}

/// `KEY is X in the run and Y here`, for each key.
fn differences(own: &Recipe, asked: &Recipe) -> anyhow::Result<Vec<String>> {
    let (own, asked) = (flat(own)?, flat(asked)?);
    let shown = |value: Option<&String>| value.map_or("absent", String::as_str).to_owned();
    let keys: BTreeSet<&String> = own.keys().chain(asked.keys()).collect();
    let is_other = |key: &&&String| own.get(**key) != asked.get(**key) && !is_free(key, own.get(**key).map(String::as_str));
    let sentence = |key: &String| format!("{key} is {} in the run and {} here", shown(own.get(key)), shown(asked.get(key)));
    Ok(keys.iter().filter(is_other).map(|key| sentence(key)).collect())
}

/// Whether a key may be another than in the run, where it is `own`: no weight depends on it. (A log that would no longer be written, or by
/// another plan, would not be of one piece.)
fn is_free(key: &str, own: Option<&str>) -> bool {
    match key {
        // Data may have been moved: its contents have a fingerprint.
        "train.epochs" | "train.checkpoint_steps" | "data.name" => true,
        "train.tensorboard" => own.is_none_or(|own| own == "false"),
        key => key.starts_with("probes.") && own.is_none(),
    }
}

/// The settings by their dotted keys, as TOML writes them.
fn flat(recipe: &Recipe) -> anyhow::Result<BTreeMap<String, String>> {
    fn collect(prefix: &str, value: &Value, settings: &mut BTreeMap<String, String>) {
        match value {
            Value::Table(table) => {
                for (key, value) in table {
                    let key = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
                    collect(&key, value, settings);
                }
            }
            value => drop(settings.insert(prefix.to_owned(), value.to_string())),
        }
    }
    let mut settings = BTreeMap::new();
    let table = toml::from_str::<toml::Table>(&recipe.to_toml()?).context("the recipe cannot be compared")?;
    collect("", &Value::Table(table), &mut settings);
    Ok(settings)
}

/// Refuses other epochs for one fold than for the others of its cross-validation.
pub(super) fn check_fold(own: &Recipe, asked: &Recipe, run: &RunDirectory) -> Result<(), ConfigError> {
    let is_one_of_several = run.path().join("..").join(CrossValidation::FILE).is_file();
    if own.data.fold.is_none() || own.train.epochs == asked.train.epochs || !is_one_of_several {
        return Ok(());
    }
    let remedy = format!("{} is a fold, and all train for {} epochs; leave it out, or train anew", run.path().display(), own.train.epochs);
    Err(ConfigError::new("train.epochs", asked.train.epochs, remedy))
}

/// Refuses fewer epochs than the run has done; the second of `done` says whether it has begun one more.
pub(super) fn check_epochs(asked: &Recipe, done: (u64, bool), run: &RunDirectory) -> Result<(), ConfigError> {
    let (epochs, has_begun) = done;
    let least = epochs + u64::from(has_begun);
    if asked.train.epochs >= least {
        return Ok(());
    }
    let begun = if has_begun { " and begun another" } else { "" };
    let remedy = format!("{} has done {epochs} epochs{begun}; give {least} at least, or leave it out", run.path().display());
    Err(ConfigError::new("train.epochs", asked.train.epochs, remedy))
}

/// Refuses another number of epochs where a schedule measures time by it: the steps that were taken would have been others.
pub(super) fn check_horizon(own: &Recipe, job: &Job, steps: u64) -> Result<(), ConfigError> {
    let (asked, steps_per_epoch) = (&job.recipe.train, job.horizon.steps_per_epoch);
    if own.train.epochs == asked.epochs {
        return Ok(());
    }
    let total = steps_per_epoch.saturating_mul(own.train.epochs);
    let planned = Horizon { steps_per_epoch, total_steps: own.train.max_steps.map_or(total, |most| most.min(total)) };
    let Some(key) = first_other_pace(&job.recipe.optimizer, planned, job.horizon, steps) else { return Ok(()) };
    let remedy = format!(
        "{key} runs over the whole training, which was planned for {}: with another number its first steps would have been others; \
         leave it out, or train anew",
        own.train.epochs
    );
    Err(ConfigError::new("train.epochs", asked.epochs, remedy))
}

/// The schedule by which a step up to `steps`, or the one after them, differs between two plans.
fn first_other_pace(optimizer: &OptimizerConfig, planned: Horizon, asked: Horizon, steps: u64) -> Option<&'static str> {
    let factor = |step, horizon| optimizer.schedule.factor(step, horizon).to_bits();
    if (0..=steps).any(|step| factor(step, planned) != factor(step, asked)) {
        return Some("optimizer.schedule");
    }
    let schedule = optimizer.momentum_schedule.as_ref()?;
    // Whether two plans differ does not depend on the momentum that is scheduled, as long as there is one.
    let full = optimizer.momentum.or(optimizer.betas.map(|betas| betas[0])).unwrap_or(0.9);
    let momentum = |step, horizon| schedule.momentum(full, step, horizon).to_bits();
    (0..=steps).any(|step| momentum(step, planned) != momentum(step, asked)).then_some("optimizer.momentum_schedule")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipe(text: &str) -> Recipe {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn every_other_key_is_named_with_both_values_and_epochs_may_differ() {
        let own = recipe("[train]\nepochs = 3\n[model]\ndropout = 0.5\n[train.early_stopping]\npatience = 2");
        let asked = recipe("[train]\nepochs = 5\nseed = 1\n[model]\ndropout = 0.25");
        assert_eq!(differences(&own, &own).unwrap(), Vec::<String>::new());
        assert_eq!(
            differences(&own, &recipe("[train]\nepochs = 9\n[model]\ndropout = 0.5\n[train.early_stopping]\npatience = 2")).unwrap().len(),
            0
        );
        let found = differences(&own, &asked).unwrap();
        assert_eq!(found[0], "model.dropout is 0.5 in the run and 0.25 here");
        assert!(found.contains(&"train.early_stopping.patience is 2 in the run and absent here".to_owned()), "{found:?}");
        assert!(found.contains(&"train.seed is 0 in the run and 1 here".to_owned()), "{found:?}");
    }

    #[test]
    fn checkpoints_and_logs_that_the_run_does_not_have_may_be_added() {
        let own = recipe("[train]\nepochs = 3");
        let logged = recipe("[train]\nepochs = 3\ncheckpoint_steps = 5\ntensorboard = true\n[probes]\nevery = 10");
        assert_eq!(differences(&own, &logged).unwrap(), Vec::<String>::new());
        let found = differences(&logged, &own).unwrap().join("; ");
        assert!(found.contains("train.tensorboard is true in the run") && found.contains("probes.every is 10 in the run"), "{found}");
        assert!(!found.contains("checkpoint_steps"), "{found}");
    }

    #[test]
    fn only_a_schedule_that_runs_over_the_whole_plan_forbids_a_longer_one() {
        let (short, long) = (Horizon { steps_per_epoch: 10, total_steps: 30 }, Horizon { steps_per_epoch: 10, total_steps: 60 });
        let of = |schedule: &str| recipe(&format!("[optimizer]\nname = \"sgd\"\nmomentum = 0.9\n{schedule}")).optimizer;
        for (schedule, expected) in [
            ("schedule = \"constant\"", None),
            ("schedule = { name = \"step\", step_size = 2 }", None),
            ("schedule = { name = \"cosine\", period = 20 }", None),
            ("schedule = \"reduce_on_plateau\"", None),
            ("schedule = \"cosine\"", Some("optimizer.schedule")),
            ("schedule = \"one_cycle\"", Some("optimizer.schedule")),
            ("momentum_schedule = { name = \"one_cycle\" }", Some("optimizer.momentum_schedule")),
        ] {
            assert_eq!(first_other_pace(&of(schedule), short, long, 30), expected, "{schedule}");
        }
    }
}
