//! Runs that have begun and have no results yet.

use crate::history::{divided, folders_with, read_json, read_settings};
use crate::{CrossValidation, Found, ReportError, read_epochs};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// A run without a summary: it is running, or was killed before it could write one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UnfinishedRun {
    /// Its folder.
    #[serde(skip)]
    pub folder: PathBuf,
    /// The recipe's name.
    pub recipe: String,
    /// The data as the recipe names it.
    pub dataset: String,
    /// The device that it began on.
    pub device: String,
    /// Of its weights.
    pub seed: u64,
    /// Whole epochs so far.
    pub epochs_run: u64,
}

/// The part of `environment.json` that is shown.
#[derive(Deserialize)]
struct Begun {
    recipe: String,
    device: String,
}

/// Written before the first step.
const ENVIRONMENT: &str = "environment.json";

impl UnfinishedRun {
    /// Reads what there is of the run in `folder`.
    ///
    /// # Errors
    /// Files that are not what a run writes.
    pub fn open(folder: &Path) -> Result<Self, ReportError> {
        let settings = read_settings(folder)?;
        let Begun { recipe, device } = read_json(&folder.join(ENVIRONMENT))?;
        let metrics = folder.join("metrics.jsonl");
        let epochs = if metrics.is_file() { read_epochs(&metrics)? } else { Vec::new() };
        let seed = settings.get("train.seed").and_then(toml::Value::as_integer).unwrap_or_default();
        Ok(Self {
            folder: folder.to_owned(),
            recipe,
            dataset: settings.get("data.name").and_then(toml::Value::as_str).unwrap_or_default().to_owned(),
            device,
            seed: seed.cast_unsigned(),
            epochs_run: epochs.len() as u64,
        })
    }
}

/// The runs without a summary directly inside `folder`, by name, and the errors of those that are not what a run writes. Folders that are
/// being made, whose names begin with a dot, are passed over.
///
/// # Errors
/// A folder that cannot be read.
pub fn find_unfinished_runs(folder: &Path) -> Result<Found<UnfinishedRun>, ReportError> {
    let is_unfinished = |folder: &PathBuf| {
        let has = |name: &str| folder.join(name).is_file();
        let is_hidden = folder.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        has("recipe.toml") && !has("summary.json") && !has(CrossValidation::FILE) && !is_hidden
    };
    let folders = folders_with(ENVIRONMENT, folder)?;
    Ok(divided(folders.iter().filter(|folder| is_unfinished(folder)).map(|folder| UnfinishedRun::open(folder))))
}
