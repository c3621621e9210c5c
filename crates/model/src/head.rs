//! What a network's outputs mean.

use crate::ConfigError;
use serde::{Deserialize, Serialize};

/// The output layer and the loss that belongs to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Head {
    /// One logit per class; `p(c) = exp(z_c) / sum_k exp(z_k)`. For two or more classes.
    #[default]
    Softmax,
    /// One logit; `p(class 1) = 1 / (1 + exp(-z))`. For exactly two classes.
    Sigmoid,
}

impl Head {
    /// How many logits the output layer has.
    #[must_use]
    pub fn units(self, num_classes: usize) -> usize {
        match self {
            Self::Softmax => num_classes,
            Self::Sigmoid => 1,
        }
    }

    /// Checks that the head can tell `num_classes` classes apart.
    ///
    /// # Errors
    /// The key, the number of classes, and which head to use.
    pub fn validate(self, num_classes: usize) -> Result<(), ConfigError> {
        match self {
            Self::Softmax if num_classes < 2 => {
                Err(ConfigError::new("model.head", format!("\"softmax\" with {num_classes} class"), "give data with two or more classes"))
            }
            Self::Sigmoid if num_classes != 2 => {
                let found = format!("\"sigmoid\" with {num_classes} classes");
                Err(ConfigError::new("model.head", found, "one logit tells two classes apart; use head = \"softmax\""))
            }
            _ => Ok(()),
        }
    }
}
