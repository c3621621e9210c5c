//! What can be wrong with a model.

/// A setting that no model can be built from.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{key} = {found} is not usable: {remedy}")]
pub struct ConfigError {
    /// The recipe key, such as `model.dropout`.
    pub key: &'static str,
    /// The value found there.
    pub found: String,
    /// What is expected, as an instruction.
    pub remedy: String,
}

impl ConfigError {
    /// An error for `key`, which holds `found`.
    pub fn new(key: &'static str, found: impl ToString, remedy: impl Into<String>) -> Self {
        Self { key, found: found.to_string(), remedy: remedy.into() }
    }
}

/// A model that could not be built, loaded or run.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// A setting is out of range or does not fit the data.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A tensor that the model needs is not in the file.
    #[error("the weights lack the tensor `{name}` of shape {shape:?}: they were saved from another model")]
    MissingTensor {
        /// The parameter's name.
        name: String,
        /// The shape the model needs.
        shape: Vec<usize>,
    },
    /// The file has tensors that the model does not know.
    #[error("the weights hold the tensor `{name}`, which this model does not have: they were saved from another model")]
    ExtraTensor {
        /// The unknown name.
        name: String,
    },
    /// A tensor has another shape than the model's.
    #[error("the tensor `{name}` has shape {found:?}, this model needs {expected:?}: it was saved from another model")]
    MisshapenTensor {
        /// The parameter's name.
        name: String,
        /// The shape in the file.
        found: Vec<usize>,
        /// The shape the model needs.
        expected: Vec<usize>,
    },
    /// Candle refused an operation.
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
}
