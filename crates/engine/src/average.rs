//! A moving average of the weights, to evaluate by.

use candle_core::{DType, Device, Result};
use relumine_model::{Architecture, Mlp, Parameters};

/// The exponential moving average of the weights: `a <- decay a + (1 - decay) w` after every step, and `a = w` after the first (Polyak and
/// Juditsky 1992, in the exponential form). Buffers of normalisations are those of the latest step. As
/// `torch.optim.swa_utils.AveragedModel(multi_avg_fn=get_ema_multi_avg_fn(decay))`, and `use_ema` in Keras.
///
/// After n steps the first weights still count for `decay^(n - 1)`: the horizon is `1 / (1 - decay)` steps, and a run should be several
/// times as long.
///
/// ```
/// # use candle_core::Device;
/// # use relumine_engine::{Examples, FeatureBuffer, ReferenceStep, Step, TrainingConfig};
/// # use relumine_model::ModelConfig;
/// // One row of class 1 and one logit: lion raises the bias by 1 in every step.
/// let config: ModelConfig = serde_json::from_str(r#"{ "hidden": [], "head": "sigmoid" }"#)?;
/// let optimizer = serde_json::from_str(r#"{ "name": "lion", "learning_rate": 1.0, "ema_decay": 0.5 }"#)?;
/// let examples = Examples::new(FeatureBuffer::F32(vec![0.0]), &[1], vec![1], &[0.0], &[1.0], &Device::Cpu)?;
/// let training = TrainingConfig { optimizer, ..TrainingConfig::default() };
/// let mut step = ReferenceStep::new(&config.architecture(1, 2)?, &training, &Device::Cpu)?;
/// let mut averages = Vec::new();
/// for _ in 0..3 {
///     step.train(&examples, &[0])?;
///     averages.extend(step.parameters()?["layers.0.bias"].to_vec1::<f32>()?);
/// }
/// assert_eq!(averages, [1.0, 1.5, 2.25]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Average {
    decay: f64,
    parameters: Parameters,
    mlp: Mlp,
}

impl Average {
    /// An average that starts as a copy of `parameters`.
    ///
    /// # Errors
    /// Those of Candle: a device out of memory.
    pub(crate) fn new(decay: f64, architecture: &Architecture, parameters: &Parameters, dtype: DType, device: &Device) -> Result<Self> {
        let parameters = parameters.duplicate()?;
        let mlp = Mlp::new(architecture, parameters.var_builder(dtype, device))?;
        Ok(Self { decay, parameters, mlp })
    }

    /// Takes in the weights after step `step`, counted from 1.
    pub(crate) fn update(&self, weights: &Parameters, step: u64) -> Result<()> {
        for (average, weight) in self.parameters.iter().zip(weights.iter()) {
            let newest = weight.var.as_detached_tensor();
            if step == 1 || !weight.role.is_trainable() {
                average.var.set(&newest.copy()?)?;
            } else {
                let kept = (average.var.as_detached_tensor() * self.decay)?;
                average.var.set(&(kept + (newest * (1.0 - self.decay))?)?)?;
            }
        }
        Ok(())
    }

    /// The averaged weights.
    pub(crate) fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// The network on the averaged weights.
    pub(crate) fn mlp(&self) -> &Mlp {
        &self.mlp
    }
}
