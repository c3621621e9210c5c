//! `relumine train --folds K`: a run for each fold, and what they say together.

use super::train::{Request, train_recipe};
use crate::failure::Failure;
use crate::pipeline::{Job, TrainRows};
use crate::recipe::Recipe;
use crate::run_directory::{Place, RunDirectory, json};
use crate::terminal;
use anyhow::Context;
use relumine_data::Fold;
use relumine_model::ConfigError;
use relumine_report::{Align, Table, statistics};
use serde::Serialize;
use std::time::Instant;

/// `cross-validation.json`.
#[derive(Debug, Serialize)]
struct Report {
    recipe: String,
    folds: Vec<FoldResult>,
    validation_accuracy_mean: f64,
    /// Over folds, with n - 1. The folds share train rows, so it understates the spread between fresh data sets.
    validation_accuracy_sd: f64,
    validation_loss_mean: f64,
    validation_loss_sd: f64,
}

#[derive(Debug, Serialize)]
struct FoldResult {
    fold: u64,
    best_epoch: u64,
    epochs_run: u64,
    train_rows: u64,
    validation_rows: u64,
    validation_loss: f64,
    validation_accuracy: f64,
}

/// Trains once per fold, in folders `fold-1`, `fold-2`, .. of one folder. The test rows are set aside and never read.
pub(super) fn run(request: &Request<'_>, folds: u64, as_json: bool) -> Result<(), Failure> {
    check(&request.recipe)?;
    let all = make_folder(request, folds)?;
    let mut results = Vec::new();
    for fold in 1..=folds {
        if !request.quiet {
            terminal::say(format_args!("fold {fold} of {folds}"));
        }
        let (summary, _) = train_recipe(Request {
            recipe: recipe_of(request, fold, folds),
            device: request.device.clone(),
            place: Place::Named(all.path().join(format!("fold-{fold}"))),
            started: Instant::now(),
            ..*request
        })?;
        let validation = summary.validation.context("a fold has no validation rows")?;
        results.push(FoldResult {
            fold,
            best_epoch: summary.best_epoch,
            epochs_run: summary.epochs_run,
            train_rows: summary.train_rows,
            validation_rows: summary.validation_rows,
            validation_loss: validation.loss,
            validation_accuracy: validation.accuracy,
        });
    }
    let report = summarise(request.recipe_name, results);
    all.write_json("cross-validation.json", &report)?;
    if as_json {
        return terminal::print(String::from_utf8_lossy(&json(&report)?));
    }
    terminal::print(format_args!("{}cross-validation: {}\n", table(&report), all.path().display()))
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

/// The folder of all folds, made once the first one could be trained.
fn make_folder(request: &Request<'_>, folds: u64) -> Result<RunDirectory, Failure> {
    let recipe = request.recipe.to_toml().map_err(Failure::Usage)?;
    Job::prepare(recipe_of(request, 1, folds), request.recipe_name, request.device.clone(), TrainRows::Divided)?;
    Ok(request.place.create(&[(RunDirectory::RECIPE, recipe.into_bytes())])?)
}

fn recipe_of(request: &Request<'_>, fold: u64, folds: u64) -> Recipe {
    let mut recipe = request.recipe.clone();
    recipe.data.fold = Some(Fold { index: fold, of: folds });
    recipe
}

fn summarise(recipe: &str, folds: Vec<FoldResult>) -> Report {
    let accuracies: Vec<f64> = folds.iter().map(|fold| fold.validation_accuracy).collect();
    let losses: Vec<f64> = folds.iter().map(|fold| fold.validation_loss).collect();
    Report {
        recipe: recipe.to_owned(),
        folds,
        validation_accuracy_mean: statistics::mean(&accuracies),
        validation_accuracy_sd: statistics::standard_deviation(&accuracies),
        validation_loss_mean: statistics::mean(&losses),
        validation_loss_sd: statistics::standard_deviation(&losses),
    }
}

fn table(report: &Report) -> Table {
    let mut table = Table::new(&[
        ("fold", Align::Left),
        ("train", Align::Right),
        ("validation rows", Align::Right),
        ("best epoch", Align::Right),
        ("validation loss", Align::Right),
        ("accuracy", Align::Right),
    ]);
    for fold in &report.folds {
        table.row([
            fold.fold.to_string(),
            fold.train_rows.to_string(),
            fold.validation_rows.to_string(),
            format!("{} of {}", fold.best_epoch, fold.epochs_run),
            format!("{:.4}", fold.validation_loss),
            format!("{:.2} %", 100.0 * fold.validation_accuracy),
        ]);
    }
    let both = |loss: f64, accuracy: f64| [format!("{loss:.4}"), format!("{:.2} %", 100.0 * accuracy)];
    let mut last = |name: &str, [loss, accuracy]: [String; 2]| {
        table.row([name.to_owned(), String::new(), String::new(), String::new(), loss, accuracy]);
    };
    last("mean", both(report.validation_loss_mean, report.validation_accuracy_mean));
    last("sd", both(report.validation_loss_sd, report.validation_accuracy_sd));
    table
}
