//! A recipe: everything that decides what a run computes.

mod error;
mod find;
mod overrides;

pub use find::Origin;

use crate::failure::Failure;
use relumine_data::{Amount, Catalog, Scale, SplitSpec};
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

/// `[data]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DataSection {
    /// digits, mnist, fashion-mnist, an MNIST-format folder or a CSV file. A relative path is looked for beside the recipe, then in the
    /// working directory.
    pub name: String,
    /// A table's class column; the last one where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Classes of an MNIST-format folder; 10 where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_classes: Option<usize>,
    /// Rows to choose by: a count or a fraction of the train rows; 0 for none.
    pub validation: Amount,
    /// Rows to test on, for data without a test set of its own: a count or a fraction; 0 for none.
    pub test: Amount,
    /// Whether every part has the classes in the proportions of the whole.
    pub stratified: bool,
    /// Which rows go where; independent of `train.seed`.
    pub split_seed: u64,
    /// How features are scaled.
    pub scale: Scale,
    /// At most so many train rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit_train: Option<u64>,
}

/// `[train]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainSection {
    /// How often to go through the train rows.
    pub epochs: u64,
    /// Rows per optimiser step; an epoch's last batch may be smaller.
    pub batch_size: u64,
    /// Seed of weights, row order and dropout.
    pub seed: u64,
    /// By which means.
    pub step: StepChoice,
    /// In which arithmetic.
    pub precision: Precision,
    /// Stop when validation no longer improves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub early_stopping: Option<EarlyStopping>,
    /// Save a checkpoint every so many steps, besides those at the ends of epochs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoint_steps: Option<u64>,
}

/// The training step to use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepChoice {
    /// The fastest that supports the configuration; at present the reference step.
    #[default]
    Auto,
    /// Candle's automatic differentiation.
    Reference,
}

/// The arithmetic of a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// 32-bit floating point throughout.
    #[default]
    F32,
}

/// Stops training when the validation loss has not improved for a while.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EarlyStopping {
    /// Epochs without improvement after which to stop.
    pub patience: u64,
    /// By how much the validation loss must fall to count as better.
    pub min_delta: f64,
}

impl Default for DataSection {
    fn default() -> Self {
        Self {
            name: "digits".into(),
            label: None,
            num_classes: None,
            validation: Amount::Fraction(0.1),
            test: Amount::Fraction(0.2),
            stratified: true,
            split_seed: 0,
            scale: Scale::Unit,
            limit_train: None,
        }
    }
}

impl Default for TrainSection {
    fn default() -> Self {
        Self {
            epochs: 20,
            batch_size: 128,
            seed: 0,
            step: StepChoice::Auto,
            precision: Precision::F32,
            early_stopping: None,
            checkpoint_steps: None,
        }
    }
}

impl Default for EarlyStopping {
    fn default() -> Self {
        Self { patience: 5, min_delta: 0.0 }
    }
}

impl DataSection {
    /// How to divide the rows.
    #[must_use]
    pub fn split_spec(&self) -> SplitSpec {
        SplitSpec {
            validation: self.validation,
            test: self.test,
            stratified: self.stratified,
            seed: self.split_seed,
            limit_train: self.limit_train,
        }
    }
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
        let is_flag = overrides.iter().any(|text| text.trim_start().starts_with("data.name"));
        let folder = if is_flag { None } else { origin.folder.as_deref() };
        recipe.data.name = find_data(folder, recipe.data.name);
        Ok(recipe)
    }

    fn validate(&self) -> Result<(), ConfigError> {
        self.model.validate()?;
        self.optimizer.validate()?;
        let at_least_one = |key, value: Option<u64>, example: &str| match value {
            Some(0) => Err(ConfigError::new(key, 0, format!("give a whole number of at least 1, such as {example}"))),
            _ => Ok(()),
        };
        at_least_one("train.epochs", Some(self.train.epochs), "20")?;
        if self.train.epochs > u64::from(u32::MAX) {
            let remedy = format!("give {} at most: the epoch is 32 bits of the shuffle's counter", u32::MAX);
            return Err(ConfigError::new("train.epochs", self.train.epochs, remedy));
        }
        at_least_one("train.batch_size", Some(self.train.batch_size), "128")?;
        at_least_one("train.checkpoint_steps", self.train.checkpoint_steps, "1000")?;
        at_least_one("data.limit_train", self.data.limit_train, "10000")?;
        at_least_one("data.num_classes", self.data.num_classes.map(|classes| classes as u64), "10")?;
        if let Some(EarlyStopping { patience, min_delta }) = self.train.early_stopping {
            at_least_one("train.early_stopping.patience", Some(patience), "5")?;
            if !(0.0..f64::INFINITY).contains(&min_delta) {
                let remedy = "give a finite number of at least 0, such as 0.001";
                return Err(ConfigError::new("train.early_stopping.min_delta", min_delta, remedy));
            }
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
        assert_eq!(recipe, Recipe::default());
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
            [model]
            hidden = [32]
            activation = { name = "tanh" }
            init = { name = "random_normal", stddev = 0.1 }
            output_init = "zeros"
            bias_init = "zeros"
            dropout = 0.5
            input_dropout = 0.2
            norm = "none"
            head = "sigmoid"
            [optimizer]
            name = "sgd"
            learning_rate = 1e-2
            momentum = 0.9
            nesterov = true
            weight_decay = 0
            clip_norm = 1
            schedule = { name = "constant" }
            [train]
            epochs = 3
            batch_size = 32
            seed = 1
            step = "auto"
            precision = "f32"
            early_stopping = { patience = 2 }
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
        assert_eq!(recipe.train.early_stopping, Some(EarlyStopping { patience: 7, min_delta: 0.0 }));
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
            ("", vec!["dropout"], "--set dropout is not KEY=VALUE"),
            ("[model]\nactivation = \"relu\"", vec!["model.activation.slope=1"], "model.activation is no table"),
        ] {
            let message = load(text, &overrides).unwrap_err();
            assert!(message.contains(expected), "{text:?} {overrides:?}: {message}");
            assert!(!message.contains('\n'), "{message}");
        }
    }
}
