//! The `[model]` section of a recipe.

use crate::{Activation, Architecture, ConfigError, DropoutKind, Head, Initializer, Norm, activation, initializer, norm};
use serde::{Deserialize, Serialize};

/// A multilayer perceptron, before the sizes of its input and output are known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelConfig {
    /// Units of each hidden layer, first to last. Empty: softmax (or logistic) regression.
    pub hidden: Vec<usize>,
    /// What follows each hidden layer.
    pub activation: Activation,
    /// How hidden weights start.
    pub init: Initializer,
    /// How the output layer's weights start; like `init` where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_init: Option<Initializer>,
    /// How every bias starts.
    pub bias_init: Initializer,
    /// Share of each hidden layer's outputs that a training step drops, in [0, 1).
    pub dropout: f64,
    /// Share of the network's inputs that a training step drops, in [0, 1).
    pub input_dropout: f64,
    /// Whether dropped units become zero (`dropout`) or SELU's lowest value (`alpha_dropout`).
    pub dropout_kind: DropoutKind,
    /// Standard deviation of the Gaussian noise that a training step adds to each hidden layer's outputs, at least 0.
    pub noise: f64,
    /// Standard deviation of the Gaussian noise that a training step adds to the network's scaled inputs, at least 0.
    pub input_noise: f64,
    /// Normalisation of hidden layers.
    pub norm: Norm,
    /// What the outputs mean.
    pub head: Head,
}

impl Default for ModelConfig {
    fn default() -> Self {
        Self {
            hidden: vec![256, 256],
            activation: Activation::Relu(activation::Relu {}),
            init: Initializer::GlorotUniform(initializer::GlorotUniform {}),
            output_init: None,
            bias_init: Initializer::Zeros(initializer::Zeros {}),
            dropout: 0.0,
            input_dropout: 0.0,
            dropout_kind: DropoutKind::Dropout,
            noise: 0.0,
            input_noise: 0.0,
            norm: Norm::NoNorm(norm::NoNorm {}),
            head: Head::Softmax,
        }
    }
}

/// More units than this in one layer is taken for a slip of the hand: its weights alone would fill a data centre.
const MOST_UNITS: usize = 1 << 24;
/// Differentiation recurses through the layers, and the stack ends somewhere; no multilayer perceptron is known to train near this depth.
const MOST_LAYERS: usize = 1024;

impl ModelConfig {
    /// Checks every value that can be checked without the data.
    ///
    /// # Errors
    /// The first key that is out of range, and what it may hold.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if self.hidden.len() > MOST_LAYERS {
            return Err(ConfigError::new("model.hidden", format!("{} layers", self.hidden.len()), format!("give {MOST_LAYERS} at most")));
        }
        if self.hidden.iter().any(|units| !(1..=MOST_UNITS).contains(units)) {
            let remedy = format!("every hidden layer needs 1 to {MOST_UNITS} units, as in [256, 256]");
            return Err(ConfigError::new("model.hidden", format!("{:?}", self.hidden), remedy));
        }
        for (key, rate) in [("model.dropout", self.dropout), ("model.input_dropout", self.input_dropout)] {
            if !(0.0..1.0).contains(&rate) {
                let remedy = "a dropout rate is the share of units to drop, at least 0 and under 1, such as 0.5";
                return Err(ConfigError::new(key, rate, remedy));
            }
        }
        for (key, stddev) in [("model.noise", self.noise), ("model.input_noise", self.input_noise)] {
            if !(stddev >= 0.0 && (stddev as f32).is_finite()) {
                return Err(ConfigError::new(
                    key,
                    stddev,
                    "noise is given by its standard deviation, a finite number of at least 0, such as 0.1",
                ));
            }
        }
        self.activation.validate().map_err(|remedy| ConfigError::new("model.activation", self.activation.name(), remedy))?;
        self.norm.validate().map_err(|remedy| ConfigError::new("model.norm", self.norm.name(), remedy))?;
        let output_init = self.output_init.as_ref().unwrap_or(&self.init);
        for (key, init) in [("model.init", &self.init), ("model.output_init", output_init), ("model.bias_init", &self.bias_init)] {
            init.validate().map_err(|remedy| ConfigError::new(key, init.name(), remedy))?;
        }
        if self.bias_init.needs_matrix() {
            let remedy = "it fills matrices, and a bias is a vector: give another, such as \"zeros\"";
            return Err(ConfigError::new("model.bias_init", self.bias_init.name(), remedy));
        }
        Ok(())
    }

    /// The layers of this model for `features` inputs and `num_classes` classes.
    ///
    /// # Errors
    /// As [`validate`](Self::validate), and where the head does not fit the number of classes.
    pub fn architecture(&self, features: usize, num_classes: usize) -> Result<Architecture, ConfigError> {
        self.validate()?;
        self.head.validate(num_classes)?;
        Ok(Architecture::new(self, features, num_classes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_out_of_range_are_named_with_their_key() {
        let broken = [
            ("hidden = [256, 0]", "model.hidden"),
            ("dropout = 1.0", "model.dropout"),
            ("dropout = -0.1", "model.dropout"),
            ("dropout = nan", "model.dropout"),
            ("input_dropout = 1.5", "model.input_dropout"),
            ("noise = -1.0", "model.noise"),
            ("input_noise = inf", "model.input_noise"),
            ("activation = { name = \"maxout\", pieces = 1 }", "model.activation"),
            ("norm = { name = \"batch\", momentum = 0.0 }", "model.norm"),
            ("init = { name = \"random_normal\", stddev = -1.0 }", "model.init"),
            ("output_init = { name = \"random_normal\", stddev = inf }", "model.output_init"),
            ("bias_init = { name = \"random_normal\", mean = nan }", "model.bias_init"),
            ("bias_init = \"orthogonal\"", "model.bias_init"),
        ];
        for (toml, key) in broken {
            let config: ModelConfig = toml::from_str(toml).unwrap();
            let error = config.validate().unwrap_err();
            assert_eq!(error.key, key, "{toml}: {error}");
        }
        assert!(ModelConfig::default().validate().is_ok());
    }

    #[test]
    fn a_head_that_does_not_fit_the_classes_is_refused() {
        let sigmoid = ModelConfig { head: Head::Sigmoid, ..ModelConfig::default() };
        assert!(sigmoid.architecture(4, 2).is_ok());
        assert_eq!(sigmoid.architecture(4, 10).unwrap_err().key, "model.head");
        assert!(ModelConfig::default().architecture(4, 1).is_err());
    }
}
