//! A recipe: everything that decides what a run computes.

mod data;
mod error;
mod find;
mod init_from;
mod optimizer_change;
mod overrides;
mod probes;
mod synonyms;
mod train;

pub use data::DataSection;
pub use find::Origin;
pub use init_from::InitFrom;
pub use probes::ProbesSection;
pub use train::{BalancedRule, ClassWeights, EarlyStopping, Monitor, StepChoice, TrainSection};

use crate::failure::Failure;
use anyhow::anyhow;
use relumine_data::Catalog;
use relumine_engine::{AugmentConfig, Horizon, OptimizerConfig};
use relumine_model::{ConfigError, ModelConfig};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::Once;

/// A validated recipe.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Recipe {
    /// What to learn from.
    pub data: DataSection,
    /// How the training images are changed at random; they are not where it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub augment: Option<AugmentConfig>,
    /// What to train.
    pub model: ModelConfig,
    /// How gradients change it.
    pub optimizer: OptimizerConfig,
    /// How long, in which order, and by which means.
    pub train: TrainSection,
    /// How often to look at what flows through the layers; never where it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probes: Option<ProbesSection>,
}

impl Recipe {
    /// Reads a recipe, applies overrides (`KEY=VALUE` sets a key and `KEY=` leaves it out, in order), and validates every value.
    ///
    /// Where an override names another optimiser, what the recipe has of the old one's defaults gives way to those of the new one; its
    /// other settings stay.
    ///
    /// # Errors
    /// The file, key or value that is wrong, and what is right; always the user's to mend.
    pub fn load(origin: &Origin, overrides: &[String]) -> Result<Self, Failure> {
        Self::read(origin, overrides).map_err(Failure::usage)
    }

    fn read(origin: &Origin, overrides: &[String]) -> anyhow::Result<Self> {
        let mut table: toml::Table = toml::from_str(&origin.text).map_err(|error| error::syntax(origin, &error))?;
        let is_other_optimizer = optimizer_change::forget_defaults(&mut table, overrides);
        for text in overrides {
            if !overrides::apply(&mut table, text)? {
                check_is_key(origin, &table, text)?;
            }
        }
        let mut recipe = Self::from_table(table.clone()).map_err(|error| error::key(origin, &error))?;
        error::check_lists(origin, &table, &recipe)?;
        recipe.validate().map_err(|error| match error.key {
            key if is_other_optimizer && key.starts_with("optimizer.") => anyhow!("{error} (--set {key}= leaves it out)"),
            _ => error.into(),
        })?;
        recipe.optimizer = recipe.optimizer.resolved();
        let folder_of = |key: &str| {
            let is_flag = overrides.iter().any(|text| text.trim_start().starts_with(key));
            if is_flag { None } else { origin.folder.as_deref() }
        };
        recipe.data.name = find_data(folder_of("data.name"), recipe.data.name);
        if let Some(init_from) = &mut recipe.train.init_from {
            init_from.file = find_data(folder_of("train.init_from"), std::mem::take(&mut init_from.file));
        }
        Ok(recipe)
    }

    fn from_table(table: toml::Table) -> Result<Self, serde_path_to_error::Error<toml::de::Error>> {
        serde_path_to_error::deserialize(toml::Value::Table(table))
    }

    /// Says so where the run is shorter than the average of the weights looks back, so that the average is not yet one of good weights.
    pub(crate) fn warn_of_young_average(&self, horizon: Horizon) {
        /// Folds and refits are planned one by one, and one warning is enough for all of them.
        static SAID: Once = Once::new();
        if let Some(steps) = self.steps_before_average(horizon) {
            let total = horizon.total_steps;
            SAID.call_once(|| {
                tracing::warn!(
                    "optimizer.ema_decay averages over about {steps:.0} steps, and the run has {total}: its results are those of early \
                     weights; lower it, or train longer"
                );
            });
        }
    }

    /// The horizon of the average, `1 / (1 - ema_decay)` steps, where the plan of the run is shorter.
    fn steps_before_average(&self, horizon: Horizon) -> Option<f64> {
        let steps = self.optimizer.ema_decay.map(|decay| (1.0 - decay).recip());
        steps.filter(|steps| *steps > horizon.total_steps as f64)
    }

    fn validate(&self) -> Result<(), ConfigError> {
        self.model.validate()?;
        self.optimizer.validate()?;
        self.train.validate()?;
        self.data.validate()?;
        self.augment.as_ref().map_or(Ok(()), AugmentConfig::validate)?;
        self.probes.as_ref().map_or(Ok(()), ProbesSection::validate)?;
        if self.train.refit && self.optimizer.schedule.plateau().is_some() {
            let remedy = "its learning rate depends on validation, which train.refit does without; choose another schedule";
            return Err(ConfigError::new("optimizer.schedule", self.optimizer.schedule.name(), remedy));
        }
        if self.train.refit && self.data.fold.is_some() {
            return Err(ConfigError::new("train.refit", true, "a fold of a cross-validation tests nothing; leave one of them out"));
        }
        Ok(())
    }

    /// The recipe with every value filled in, as TOML.
    ///
    /// # Errors
    /// A number that TOML cannot hold: an integer of 2^63 or more.
    pub fn to_toml(&self) -> anyhow::Result<String> {
        use anyhow::Context;
        toml::to_string(self).context("the recipe holds a number that TOML cannot: seeds must be under 2^63")
    }
}

/// Refuses an override `KEY=` of a key that no recipe has, by setting it: to leave out what is not there is no mistake, but a slip of the
/// hand is.
fn check_is_key(origin: &Origin, table: &toml::Table, text: &str) -> anyhow::Result<()> {
    let mut with_key = table.clone();
    overrides::apply(&mut with_key, &format!("{text}\"\""))?;
    match Recipe::from_table(with_key) {
        Err(error) if error.inner().message().starts_with("unknown field") => Err(error::key(origin, &error)),
        _ => Ok(()),
    }
}

fn at_least_one(key: &'static str, value: Option<u64>, example: &str) -> Result<(), ConfigError> {
    match value {
        Some(0) => Err(ConfigError::new(key, 0, format!("give a whole number of at least 1, such as {example}"))),
        _ => Ok(()),
    }
}

/// The absolute path of data that is a file or folder, beside the recipe or in the working directory; a data set's name stays as it is.
fn find_data(recipe_folder: Option<&Path>, name: String) -> String {
    if name.is_empty() || Catalog::is_name(&name) {
        return name;
    }
    let places = recipe_folder.into_iter().chain([Path::new(".")]);
    let found = places.filter_map(|folder| folder.join(&name).canonicalize().ok()).next();
    found.map_or(name, |path| path.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests;
