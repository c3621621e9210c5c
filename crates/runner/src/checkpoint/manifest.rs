//! `checkpoints/manifest.json`: what a set of checkpoint files is, and where training goes on from it.

use super::sha256;
use crate::environment::{CANDLE, VERSION};
use crate::pipeline::{Best, Ending, Job, Outcome, Waited};
use crate::recipe::{DataSection, Recipe};
use anyhow::{anyhow, bail};
use relumine_engine::metrics::Totals;
use relumine_engine::{NamedTensors, Step};
use relumine_report::{Score, StopReason};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// It holds no times, so that identical runs have identical files. Numbers are written so that they read back to the same bits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`Manifest::FORMAT`].
    pub format: u32,
    /// The program's version.
    pub version: String,
    /// Candle's version.
    pub candle: String,
    /// Checksum of the settings that decide the weights: see [`RunIdentity::checksum_of`].
    pub recipe: String,
    /// Checksum of the data and its division.
    pub data_fingerprint: String,
    /// Whole epochs done; a limit may have cut the last one short.
    pub epoch: u64,
    /// Optimiser steps taken.
    pub step: u64,
    /// What has been done of the epoch after these; `None` between epochs.
    pub partial_epoch: Option<PartialEpoch>,
    /// Why training ended; `None` where it goes on.
    pub stopped_by: Option<StopReason>,
    /// The best epoch; `None` before the first one's end.
    pub best: Option<BestEpoch>,
    /// The validation score of the last epoch.
    pub last_validation: Option<Score>,
    /// Of any epoch.
    pub highest_validation_accuracy: Option<f64>,
    /// What early stopping has counted.
    pub early_stopping: Waited,
    /// The validation loss of each epoch, where the schedule watches them.
    pub validation_losses: Vec<f64>,
    /// The set's files, by their names beside this one.
    pub files: BTreeMap<String, FileRecord>,
}

/// The part of an epoch before a checkpoint within it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartialEpoch {
    /// Rows that have been trained on.
    pub rows: u64,
    /// Sum of their losses.
    pub loss: f64,
    /// Those predicted right.
    pub correct: u64,
}

/// The epoch whose weights are the best so far.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BestEpoch {
    /// Counted from 1.
    pub epoch: u64,
    /// Optimiser steps by its end.
    pub step: u64,
    /// Its validation score; `None` without validation rows.
    pub validation: Option<Score>,
}

/// A file of the set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileRecord {
    /// Its length.
    pub bytes: u64,
    /// Its checksum, as `sha256sum` prints it.
    pub sha256: String,
}

/// What the checkpoints of a run have in common: what it trains, and on which data.
#[derive(Clone, Debug, PartialEq)]
pub struct RunIdentity {
    recipe: Recipe,
    checksum: String,
    data_fingerprint: String,
}

impl RunIdentity {
    /// Of the run of a job.
    ///
    /// # Errors
    /// A number that TOML cannot hold.
    pub fn of(job: &Job) -> anyhow::Result<Self> {
        let (recipe, checksum) = (job.recipe.clone(), Self::checksum_of(&job.recipe)?);
        Ok(Self { recipe, checksum, data_fingerprint: job.fingerprint.clone() })
    }

    /// The checksum of all settings but `train.epochs`, which may be raised, and those that change no weight: `train.checkpoint_steps`,
    /// `train.tensorboard`, `[probes]`, and the place of the data, whose contents have a fingerprint of their own.
    ///
    /// # Errors
    /// A number that TOML cannot hold.
    pub fn checksum_of(recipe: &Recipe) -> anyhow::Result<String> {
        Self::checksum_with_place(&Recipe { data: DataSection { name: String::new(), ..recipe.data.clone() }, ..recipe.clone() })
    }

    /// The same with the place of the data, as checkpoints had it once.
    fn checksum_with_place(recipe: &Recipe) -> anyhow::Result<String> {
        let mut recipe = recipe.clone();
        (recipe.train.epochs, recipe.train.checkpoint_steps, recipe.train.tensorboard) = (1, None, false);
        recipe.probes = None;
        Ok(sha256(recipe.to_toml()?.as_bytes()))
    }

    /// Whether `recipe` is the one that a checkpoint was trained by.
    ///
    /// # Errors
    /// Another recipe, as a sentence.
    pub fn check_recipe(recipe: &Recipe, manifest: &Manifest) -> Result<(), String> {
        let checksums = [Self::checksum_of(recipe), Self::checksum_with_place(recipe)];
        if checksums.into_iter().flatten().any(|checksum| checksum == manifest.recipe) {
            return Ok(());
        }
        Err("its recipe.toml is not the one that its weights were trained by: restore it, or train anew".into())
    }

    /// Why a run of this identity does not go on from a checkpoint.
    ///
    /// # Errors
    /// Another recipe or other data, as a sentence.
    pub fn check(&self, manifest: &Manifest) -> Result<(), String> {
        Self::check_recipe(&self.recipe, manifest)?;
        if manifest.data_fingerprint != self.data_fingerprint {
            return Err(format!(
                "the data or its division has changed since the checkpoint (fingerprint {}, not {}): restore the data, or train anew",
                self.data_fingerprint, manifest.data_fingerprint
            ));
        }
        Ok(())
    }
}

impl FileRecord {
    /// Of a file with these contents.
    #[must_use]
    pub fn of(contents: &[u8]) -> Self {
        Self { bytes: contents.len() as u64, sha256: sha256(contents) }
    }

    /// Whether a file with these contents is the one.
    #[must_use]
    pub fn matches(&self, contents: &[u8]) -> bool {
        contents.len() as u64 == self.bytes && sha256(contents) == self.sha256
    }
}

impl Manifest {
    /// The format that this version writes and reads.
    pub const FORMAT: u32 = 2;
    /// The manifest's own name, beside its files.
    pub const NAME: &str = "manifest.json";

    /// Describes where `step` and `outcome` stand in a training of `identity`; its files are still to come.
    ///
    /// # Errors
    /// A device that fails.
    pub fn of(identity: &RunIdentity, step: &dyn Step, outcome: &Outcome) -> anyhow::Result<Self> {
        let partial = |Totals { loss, correct, rows }| PartialEpoch { rows, loss, correct };
        Ok(Self {
            format: Self::FORMAT,
            version: VERSION.into(),
            candle: CANDLE.into(),
            recipe: identity.checksum.clone(),
            data_fingerprint: identity.data_fingerprint.clone(),
            epoch: outcome.epochs,
            step: step.steps(),
            partial_epoch: if outcome.rows > 0 { Some(partial(step.totals()?)) } else { None },
            stopped_by: outcome.ended.and_then(Ending::reason),
            best: outcome.best.as_ref().map(|best| BestEpoch { epoch: best.epoch, step: best.steps, validation: best.validation }),
            last_validation: outcome.last_validation,
            highest_validation_accuracy: outcome.highest_accuracy,
            early_stopping: outcome.waited,
            validation_losses: outcome.validation_losses.clone(),
            files: BTreeMap::new(),
        })
    }

    /// Reads one.
    ///
    /// # Errors
    /// Text that is no manifest, or one of another format.
    pub fn parse(text: &[u8]) -> anyhow::Result<Self> {
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let Format { format } = serde_json::from_slice(text).map_err(|error| anyhow!("is not a whole manifest ({error})"))?;
        if format != Self::FORMAT {
            bail!(
                "is of checkpoint format {format}, and relumine {VERSION} reads format {}: use the version that wrote it, or train again",
                Self::FORMAT
            );
        }
        serde_json::from_slice(text).map_err(|error| anyhow!("is not a whole manifest ({error})"))
    }

    /// What the loop remembered, with the weights of the best epoch. Times are not known here.
    #[must_use]
    pub fn outcome(&self, best: Option<NamedTensors>) -> Outcome {
        let best = self.best.zip(best).map(|(BestEpoch { epoch, step, validation }, parameters)| Best {
            epoch,
            steps: step,
            validation,
            parameters,
        });
        Outcome {
            epochs: self.epoch,
            rows: self.partial_epoch.map_or(0, |partial| partial.rows),
            ended: self.stopped_by.map(Ending::from),
            best,
            last_validation: self.last_validation,
            highest_accuracy: self.highest_validation_accuracy,
            validation_losses: self.validation_losses.clone(),
            waited: self.early_stopping,
            epoch_seconds: Vec::new(),
            earlier: Duration::ZERO,
            first_step: None,
        }
    }

    /// What training saw of the epoch that was left within.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.partial_epoch.map_or_else(Totals::default, |PartialEpoch { rows, loss, correct }| Totals { loss, correct, rows })
    }

    /// Sorts the manifests of a run by age: later ones are greater.
    #[must_use]
    pub fn age(&self) -> (u64, u64, bool) {
        (self.step, self.epoch, self.stopped_by.is_some())
    }
}
