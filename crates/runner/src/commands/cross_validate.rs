//! `relumine train --folds K`: a run for each fold, and what they say together.

use super::resume::{agreement, resume_recipe};
use super::train::{Request, train_recipe};
use super::{check_data_is_there, within};
use crate::failure::Failure;
use crate::pipeline::{Job, TrainRows};
use crate::recipe::{Origin, Recipe};
use crate::run_directory::{Place, RunDirectory, RunLock, json};
use crate::terminal;
use anyhow::{Context, anyhow};
use relumine_data::Fold;
use relumine_model::ConfigError;
use relumine_report::{CrossValidation, FoldResult, Status, read_epochs};
use std::time::Instant;

/// Trains once per fold, in folders `fold-1`, `fold-2`, .. of one folder. The test rows are set aside and never read.
pub(super) fn run(request: &Request<'_>, place: &Place, folds: u64, as_json: bool) -> Result<(), Failure> {
    check(&request.recipe)?;
    let (all, record) = begin(request, place, folds)?;
    let lock = all.lock()?;
    finish(request, &all, record, lock, as_json)
}

/// Goes on with the cross-validation in `all`: folds that are done are kept, and the one that was stopped goes on.
pub(super) fn resume(request: Request<'_>, all: &RunDirectory, folds: Option<u64>, as_json: bool) -> Result<(), Failure> {
    let (lock, folder) = (all.lock()?, all.path().display());
    let path = all.file(CrossValidation::FILE);
    let text = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut record: CrossValidation =
        serde_json::from_slice(&text).with_context(|| format!("{} is not what a cross-validation writes", path.display()))?;
    let planned = record.planned_folds;
    if let Some(folds) = folds.filter(|folds| *folds != planned) {
        return Err(Failure::usage(anyhow!(
            "--folds {folds} is not the {planned} of {folder}: leave it out, or train anew with another --out"
        )));
    }
    let own = Recipe::load(&Origin::from_file(&all.file(RunDirectory::RECIPE))?, &[])?;
    let name = record.recipe.clone();
    let request = Request { recipe: agreement::agreed(&own, request.recipe, all)?, recipe_name: &name, ..request };
    if own.train.epochs != request.recipe.train.epochs {
        let remedy = format!("the folds of {folder} train for {} epochs each; leave it out, or train anew", own.train.epochs);
        return Err(ConfigError::new("train.epochs", request.recipe.train.epochs, remedy).into());
    }
    if record.status == Status::Finished {
        all.remove_unfinished()?;
        terminal::say(format_args!("{folder} is finished with {planned} folds: nothing to do"));
    } else {
        check_data_is_there(&request.recipe, "if it was moved, say where with --data")?;
        check_data(&record, &first_fold(&request, planned)?, all)?;
        all.remove_unfinished()?;
        record.status = Status::Running;
        all.write_json(CrossValidation::FILE, &record)?;
    }
    finish(&request, all, record, lock, as_json)
}

/// Trains the folds that are not done, and says what all of them come to.
fn finish(request: &Request<'_>, all: &RunDirectory, mut record: CrossValidation, lock: RunLock, as_json: bool) -> Result<(), Failure> {
    let ended = train_folds(request, all, &mut record);
    record.status = match &ended {
        Ok(()) => Status::Finished,
        Err(Failure::Interrupted) => Status::Interrupted,
        Err(_) => Status::Failed,
    };
    let saved = all.write_json(CrossValidation::FILE, &record);
    if let Err(failure) = ended {
        return Err(report_failure(failure, saved, all, &record));
    }
    saved?;
    drop(lock);
    if as_json {
        terminal::print_json(&record)?;
    } else {
        terminal::print(format_args!("{}{}\ncross-validation: {}\n", record.table(), CrossValidation::NOTE, all.path().display()))?;
    }
    check_target(&record, request.recipe.train.target_accuracy)
}

/// Refuses what has no meaning over folds.
fn check(recipe: &Recipe) -> Result<(), ConfigError> {
    let beside = |key, found: &str, remedy| Err(ConfigError::new(key, found, remedy));
    match recipe {
        Recipe { data, .. } if data.fold.is_some() => {
            beside("data.fold", "set beside --folds", "--folds trains on every fold in turn; leave one of them out")
        }
        Recipe { train, .. } if train.refit => {
            beside("train.refit", "true beside --folds", "a cross-validation tests nothing; leave it out")
        }
        Recipe { train, .. } if train.overfit_batches.is_some() => {
            beside("train.overfit_batches", "set beside --folds", "it has no folds; leave one of them out")
        }
        _ => Ok(()),
    }
}

/// The folder of all folds and their record, made once the first one could be trained.
fn begin(request: &Request<'_>, place: &Place, folds: u64) -> Result<(RunDirectory, CrossValidation), Failure> {
    let recipe = request.recipe.to_toml().map_err(Failure::Usage)?;
    let first = first_fold(request, folds)?;
    let record = CrossValidation::begin(request.recipe_name, &first.dataset, &first.fingerprint, folds);
    let files = [(RunDirectory::RECIPE, recipe.into_bytes()), (CrossValidation::FILE, json(&record)?)];
    Ok((place.create(&files)?, record))
}

/// The first fold, whose fingerprint stands for those of all folds: the recipe divides the same data into them.
fn first_fold(request: &Request<'_>, folds: u64) -> Result<Job, Failure> {
    Job::prepare(recipe_of(request, 1, folds), request.recipe_name, request.device.clone(), TrainRows::Divided)
}

/// Refuses to set folds of other data beside those that are done.
fn check_data(record: &CrossValidation, first: &Job, all: &RunDirectory) -> Result<(), Failure> {
    let here = &first.fingerprint;
    match &record.data_fingerprint {
        Some(begun) if begun != here => Err(Failure::Run(anyhow!(
            "cannot go on with {}: the data or its division has changed since it began (fingerprint {here}, not {begun}): \
             restore the data, or train anew with another --out",
            all.path().display()
        ))),
        _ => Ok(()),
    }
}

/// The record is on disk after every fold: a later one that fails takes nothing away.
fn train_folds(request: &Request<'_>, all: &RunDirectory, record: &mut CrossValidation) -> Result<(), Failure> {
    let folds = record.planned_folds;
    for fold in record.folds.len() as u64 + 1..=folds {
        if !request.quiet {
            terminal::say(format_args!("fold {fold} of {folds}"));
        }
        let path = all.path().join(format!("fold-{fold}"));
        let request =
            Request { recipe: recipe_of(request, fold, folds), device: request.device.clone(), started: Instant::now(), ..*request };
        // A fold has its folder before its first step.
        let (summary, run) =
            if path.is_dir() { resume_recipe(request, &RunDirectory::open(&path)?)? } else { train_recipe(request, &Place::Named(path))? };
        let last = read_epochs(&run.file(RunDirectory::METRICS))?.last().and_then(|epoch| epoch.validation);
        record.add(FoldResult::of(fold, &summary, last).context("a fold has no validation rows")?);
        all.write_json(CrossValidation::FILE, record)?;
    }
    Ok(())
}

fn recipe_of(request: &Request<'_>, fold: u64, folds: u64) -> Recipe {
    let mut recipe = request.recipe.clone();
    recipe.data.fold = Some(Fold { index: fold, of: folds });
    recipe
}

/// Says which fold it was, and where the others are.
fn report_failure(failure: Failure, saved: anyhow::Result<()>, all: &RunDirectory, record: &CrossValidation) -> Failure {
    // The first failure is the one to report; it may well be why this one cannot be saved either.
    if let Err(second) = saved {
        tracing::warn!("the cross-validation could not be saved: {second:#}");
    }
    let (fold, folds, folder) = (record.folds.len() + 1, record.planned_folds, all.path().display());
    if matches!(failure, Failure::Interrupted) {
        terminal::say(format_args!(
            "the cross-validation was interrupted in fold {fold} of {folds}; what there is was saved in {folder}: \
             go on with relumine train --resume {folder}"
        ));
    }
    within(failure, format!("fold {fold} of {folds} in {folder}"))
}

/// A fold that never reached the target fails the command, after everything has been saved and said. (One that reached it stopped there.)
fn check_target(record: &CrossValidation, target: Option<f64>) -> Result<(), Failure> {
    let Some(target) = target else { return Ok(()) };
    let missed = record.folds_under(target);
    if missed.is_empty() {
        return Ok(());
    }
    let numbers = missed.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
    Err(Failure::Run(anyhow!(
        "the target accuracy of {:.2} % was missed in {} of {} folds ({numbers}); train longer, or lower train.target_accuracy",
        100.0 * target,
        missed.len(),
        record.folds.len()
    )))
}
