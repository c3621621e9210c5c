use super::{BatchStatistics, NormKind, NormTensors, Normalized, Pass, Position, check_epsilon, standardize};
use candle_core::{Result, Tensor};
use serde::{Deserialize, Serialize};

/// Batch normalisation (Ioffe and Szegedy 2015, algorithm 1). Each unit is centred and scaled over the rows of the batch, then given a
/// scale and a shift of its own to learn:
///
/// ```text
/// training     y = weight (x - mean_b) / sqrt(var_b + epsilon) + bias        mean_b, var_b over the batch, var_b with 1/n
///              running <- (1 - momentum) running + momentum (statistic)      var with 1/(n - 1)
/// evaluation   the running mean and variance in their place
/// ```
///
/// As `torch.nn.BatchNorm1d`, except that a training batch of ONE row is normalised by the running statistics and leaves them as they are:
/// one row has no variance, and PyTorch refuses it. `keras.layers.BatchNormalization` has `momentum = 0.99` for our 0.01,
/// `epsilon = 1e-3`, and keeps the variance with 1/n.
///
/// # Shapes
/// `[rows, units]`; `weight`, `bias`, `running_mean`, `running_var` `[units]`.
///
/// Around a norm of one unit, layers that pass on what they get. The batch of 1 and 3 has mean 2 and variance 1, or 2 with 1/(n - 1), of
/// which the running statistics take a tenth:
///
/// ```
/// # use relumine_model::{MaskPosition, Mlp, Mode, ModelConfig, Parameters};
/// # use candle_core::{DType, Device, Tensor};
/// let config: ModelConfig = serde_json::from_str(
///     r#"{ "hidden": [1], "activation": "identity", "init": "ones", "head": "sigmoid", "norm": { "name": "batch", "epsilon": 1e-12 } }"#,
/// )?;
/// # let architecture = config.architecture(1, 2)?;
/// # let parameters = Parameters::initialize(&architecture, 0, DType::F32, &Device::Cpu)?;
/// # let mlp = Mlp::new(&architecture, parameters.var_builder(DType::F32, &Device::Cpu))?;
/// # let training = Mode::Training(MaskPosition { seed: 0, step: 0, first_row: 0 });
/// let pass = mlp.forward(&Tensor::new(&[[1_f32], [3.0]], &Device::Cpu)?, training)?;
/// assert_eq!(pass.logits.to_vec2::<f32>()?, [[-1.0], [1.0]]);
/// parameters.absorb(&pass.statistics)?;
/// let running = |part| parameters.get(part).unwrap().to_vec1::<f32>();
/// assert_eq!(running("layers.0.norm.running_mean")?, [0.2]);
/// assert_eq!(running("layers.0.norm.running_var")?, [0.9 + 0.2]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BatchNorm {
    /// Weight of the newest batch in the running statistics, over 0 and at most 1.
    pub momentum: f64,
    /// Added to the variance, over 0.
    pub epsilon: f64,
    /// Where it stands.
    pub position: Position,
}

impl Default for BatchNorm {
    fn default() -> Self {
        Self { momentum: 0.1, epsilon: 1e-5, position: Position::BeforeActivation }
    }
}

impl NormKind for BatchNorm {
    fn position(&self) -> Option<Position> {
        Some(self.position)
    }

    fn keeps_running_statistics(&self) -> bool {
        true
    }

    fn forward(&self, inputs_bu: &Tensor, tensors: &NormTensors, pass: Pass) -> Result<Normalized> {
        let rows = inputs_bu.dim(0)?;
        let Some((running_mean, running_var)) = &tensors.running else { candle_core::bail!("batch normalisation has no running statistics") };
        if pass == Pass::Evaluation || rows == 1 {
            let centred = inputs_bu.broadcast_sub(running_mean)?;
            let deviation = (running_var + self.epsilon)?.sqrt()?;
            return Ok(Normalized { outputs: tensors.scale_and_shift(&centred.broadcast_div(&deviation)?)?, statistics: None });
        }
        let standardized = standardize(inputs_bu, 0, self.epsilon)?;
        let unbiased = rows as f64 / (rows - 1) as f64;
        let statistics = BatchStatistics {
            momentum: self.momentum,
            mean: standardized.mean.squeeze(0)?.detach(),
            variance: (standardized.variance.squeeze(0)?.detach() * unbiased)?,
        };
        Ok(Normalized { outputs: tensors.scale_and_shift(&standardized.values)?, statistics: Some(statistics) })
    }

    fn validate(&self) -> std::result::Result<(), String> {
        if !(self.momentum > 0.0 && self.momentum <= 1.0) {
            return Err(format!("momentum = {} must be over 0 and at most 1, such as 0.1", self.momentum));
        }
        check_epsilon(self.epsilon)
    }
}
