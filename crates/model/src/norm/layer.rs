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
/// Around a norm of two units, layers that pass on what they get. The row of 1 and 3 has mean 2 and variance 1:
///
/// ```
/// # use relumine_model::{Mlp, Mode, ModelConfig, Parameters};
/// # use candle_core::{DType, Device, Tensor};
/// let config: ModelConfig = serde_json::from_str(
///     r#"{ "hidden": [2], "activation": "identity", "init": "identity", "norm": { "name": "layer", "epsilon": 1e-12 } }"#,
/// )?;
/// # let architecture = config.architecture(2, 2)?;
/// # let parameters = Parameters::initialize(&architecture, 0, DType::F32, &Device::Cpu)?;
/// # let mlp = Mlp::new(&architecture, parameters.var_builder(DType::F32, &Device::Cpu))?;
/// let pass = mlp.forward(&Tensor::new(&[[1_f32, 3.0], [50.0, 10.0]], &Device::Cpu)?, Mode::Evaluation)?;
/// assert_eq!(pass.logits.to_vec2::<f32>()?, [[-1.0, 1.0], [1.0, -1.0]]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LayerNorm {
    /// Added to the variance, over 0.
    pub epsilon: f64,
    /// Where it stands.
    pub position: Position,
}

impl Default for LayerNorm {
    fn default() -> Self {
        Self { epsilon: 1e-5, position: Position::BeforeActivation }
    }
}

impl NormKind for LayerNorm {
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
