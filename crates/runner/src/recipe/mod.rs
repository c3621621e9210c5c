//! A recipe: everything that decides what a run computes.

mod data;
mod error;
mod find;
mod overrides;
mod train;

pub use data::DataSection;
pub use find::Origin;
pub use train::{BalancedRule, ClassWeights, EarlyStopping, Monitor, Precision, StepChoice, TrainSection};

use crate::failure::Failure;
use relumine_data::Catalog;
use relumine_engine::OptimizerConfig;
use relumine_model::{ConfigError, ModelConfig};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// A validated recipe.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Recipe {
    /// What to learn from.
    pub data: DataSection,
    /// What to train.
    pub model: ModelConfig,
    /// How gradients change it.
    pub optimizer: OptimizerConfig,
    /// How long, in which order, and by which means.
    pub train: TrainSection,
}

impl Recipe {
    /// Reads a recipe, applies overrides (`KEY=VALUE`, in order), and validates every value.
    ///
    /// # Errors
    /// The file, key or value that is wrong, and what is right; always the user's to mend.
    pub fn load(origin: &Origin, overrides: &[String]) -> Result<Self, Failure> {
        Self::read(origin, overrides).map_err(Failure::usage)
    }

    fn read(origin: &Origin, overrides: &[String]) -> anyhow::Result<Self> {
        let mut table: toml::Table = toml::from_str(&origin.text).map_err(|error| error::syntax(origin, &error))?;
        for text in overrides {
            overrides::apply(&mut table, text)?;
        }
        let mut recipe: Self = serde_path_to_error::deserialize(toml::Value::Table(table)).map_err(|error| error::key(origin, &error))?;
        recipe.validate()?;
        recipe.optimizer = recipe.optimizer.resolved();
        let is_flag = overrides.iter().any(|text| text.trim_start().starts_with("data.name"));
        let folder = if is_flag { None } else { origin.folder.as_deref() };
        recipe.data.name = find_data(folder, recipe.data.name);
        Ok(recipe)
    }

    fn validate(&self) -> Result<(), ConfigError> {
        self.model.validate()?;
        self.optimizer.validate()?;
        self.train.validate()?;
        self.data.validate()?;
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
mod tests {
    use super::*;

    fn load(text: &str, overrides: &[&str]) -> Result<Recipe, String> {
        let origin = Origin { name: "test".into(), shown: "test.toml".into(), text: text.into(), folder: None };
        let overrides: Vec<String> = overrides.iter().map(|text| (*text).to_owned()).collect();
        Recipe::load(&origin, &overrides).map_err(|failure| failure.to_string())
    }

    #[test]
    fn an_empty_recipe_is_the_defaults_and_survives_writing() {
        let recipe = load("", &[]).unwrap();
        assert_eq!(recipe, Recipe { optimizer: OptimizerConfig::default().resolved(), ..Recipe::default() });
        assert_eq!(load(&recipe.to_toml().unwrap(), &[]).unwrap(), recipe);
    }

    #[test]
    fn every_key_of_the_design_is_read() {
        let text = r#"
            [data]
            name = "mnist"
            validation = 5000
            test = 0.2
            stratified = false
            split_seed = 3
            scale = "standard"
            limit_train = 1000
            label = "kind"
            fold = { index = 2, of = 5 }
            [model]
            hidden = [32]
            activation = { name = "tanh" }
            init = { name = "random_normal", stddev = 0.1 }
            output_init = "zeros"
            bias_init = "zeros"
            dropout = 0.5
            input_dropout = 0.2
            dropout_kind = "alpha_dropout"
            noise = 0.1
            input_noise = 0.2
            norm = { name = "batch", momentum = 0.01, epsilon = 1e-3, position = "after_activation" }
            head = "sigmoid"
            [optimizer]
            name = "sgd"
            learning_rate = 1e-2
            momentum = 0.9
            nesterov = true
            weight_decay = 0
            weight_decay_of = "all"
            l1 = 1e-5
            l2 = 1e-5
            max_norm = 3
            clip_norm = 1
            ema_decay = 0.99
            schedule = { name = "cosine", warmup = 100 }
            momentum_schedule = { name = "linear", duration = 3 }
            [train]
            epochs = 3
            batch_size = 32
            accumulate = 2
            seed = 1
            step = "auto"
            precision = "f32"
            label_smoothing = 0.1
            class_weights = "balanced"
            early_stopping = { patience = 2, min_delta = 0.1, monitor = "accuracy", restore_best = false }
            max_steps = 100
            max_minutes = 1.5
            target_accuracy = 0.9
            refit = false
            overfit_batches = 3
            checkpoint_steps = 10
        "#;
        let recipe = load(text, &[]).unwrap();
        assert_eq!(recipe.model.activation.name(), "tanh");
        assert_eq!(load(&recipe.to_toml().unwrap(), &[]).unwrap(), recipe);
    }

    #[test]
    fn overrides_take_toml_or_plain_words() {
        let recipe = load("[model]\ndropout = 0.1", &["model.dropout=0.3", "model.activation=tanh", "model.hidden=[3, 4]"]).unwrap();
        assert_eq!((recipe.model.dropout, recipe.model.hidden.as_slice()), (0.3, [3, 4].as_slice()));
        assert_eq!(recipe.model.activation.name(), "tanh");
        let recipe = load("", &["train.early_stopping.patience=7"]).unwrap();
        assert_eq!(recipe.train.early_stopping, Some(EarlyStopping { patience: 7, ..EarlyStopping::default() }));
    }

    #[test]
    fn mistakes_are_named_with_the_nearest_key() {
        for (text, overrides, expected) in [
            ("[model]\ndropuot = 0.3", vec![], "test.toml: model.dropuot is no recipe key; did you mean model.dropout?"),
            ("[modle]\ndropout = 0.3", vec![], "test.toml: modle is no recipe key; did you mean model?"),
            ("[model]\nactivation = \"rellu\"", vec![], "model.activation = \"rellu\" is not known; did you mean \"relu\"?"),
            ("[train]\nepochs = \"many\"", vec![], "train.epochs"),
            ("[train]\nepochs = 0", vec![], "train.epochs = 0"),
            ("[train\nepochs = 1", vec![], "test.toml, line 1"),
            ("", vec!["model.hiden=[1]"], "model.hiden is no recipe key; did you mean model.hidden?"),
            ("", vec!["optimizer.learning_rate=-1"], "optimizer.learning_rate = -1"),
            ("", vec!["train.batch_size=0"], "train.batch_size = 0"),
            ("", vec!["model.dropout=1.0"], "model.dropout = 1"),
            ("", vec!["data.validation=-5"], "data.validation"),
            ("", vec!["train.seed=-1"], "train.seed"),
            ("", vec!["train.accumulate=0"], "train.accumulate = 0"),
            ("", vec!["train.target_accuracy=98"], "train.target_accuracy = 98"),
            ("", vec!["train.max_minutes=0"], "train.max_minutes = 0"),
            ("", vec!["train.class_weights=even"], "or \"balanced\""),
            ("", vec!["train.refit=true", "train.overfit_batches=1"], "train.refit = true"),
            ("", vec!["train.refit=true", "optimizer.schedule=reduce_on_plateau"], "optimizer.schedule = reduce_on_plateau"),
            ("", vec!["optimizer.schedule={ name = \"step\" }"], "missing field `step_size`"),
            ("", vec!["model.norm=bach"], "did you mean \"batch\"?"),
            ("", vec!["optimizer.name=adamax"], "did you mean \"adam\"?"),
            ("", vec!["optimizer.rho=0.9"], "adam has no such setting, rmsprop, adadelta has"),
            ("", vec!["dropout"], "--set dropout is not KEY=VALUE"),
            ("[model]\nactivation = \"relu\"", vec!["model.activation.slope=1"], "model.activation is no table"),
        ] {
            let message = load(text, &overrides).unwrap_err();
            assert!(message.contains(expected), "{text:?} {overrides:?}: {message}");
            assert!(!message.contains('\n'), "{message}");
        }
    }
}
