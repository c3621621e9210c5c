use super::{NormKind, NormTensors, Normalized, Pass, Position, check_epsilon, standardize};
use candle_core::{Result, Tensor};
use serde::{Deserialize, Serialize};

/// Layer normalisation (Ba, Kiros and Hinton 2016): each row is centred and scaled over its units, in training and evaluation alike, and
/// each unit has a scale and a shift to learn: `y = weight (x - mean_u) / sqrt(var_u + epsilon) + bias`, `var_u` with 1/units. As
/// `torch.nn.LayerNorm`; `keras.layers.LayerNormalization` has `epsilon = 1e-3`.
///
/// # Shapes
/// `[rows, units]`; `weight` and `bias` `[units]`.
///
/// ```
/// # use relumine_model::Norm;
/// let norm: Norm = serde_json::from_str(r#"{"name": "layer", "epsilon": 1e-3}"#)?;
/// assert!(norm.validate().is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Layer {
    /// Added to the variance, over 0.
    pub epsilon: f64,
    /// Where it stands.
    pub position: Position,
}

impl Default for Layer {
    fn default() -> Self {
        Self { epsilon: 1e-5, position: Position::BeforeActivation }
    }
}

impl NormKind for Layer {
    fn position(&self) -> Option<Position> {
        Some(self.position)
    }

    fn forward(&self, inputs_bu: &Tensor, tensors: &NormTensors, _pass: Pass) -> Result<Normalized> {
        let standardized = standardize(inputs_bu, 1, self.epsilon)?;
        Ok(Normalized { outputs: tensors.scale_and_shift(&standardized.values)?, statistics: None })
    }

    fn validate(&self) -> std::result::Result<(), String> {
        check_epsilon(self.epsilon)
    }
}
