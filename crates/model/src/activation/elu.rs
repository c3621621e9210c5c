use super::elementwise::{above_zero, elementwise, exp_m1, negative_part};
use super::{ActivationKind, finite};
use candle_core::{Result, Tensor};
use serde::{Deserialize, Serialize};

/// `f(z) = z` above zero and `alpha (exp(z) - 1)` elsewhere; `f'(z) = 1` and `alpha exp(z)`: negative outputs draw the mean of a layer
/// towards zero (Clevert, Unterthiner and Hochreiter 2016). `f'(0) = alpha`, as `torch.nn.ELU`; `keras.activations.elu` is the same
/// function.
///
/// ```
/// # let elu: relumine_model::Activation = serde_json::from_str(r#""elu""#)?;
/// let (value, slope) = elu.at(-(2_f64.ln()))?; // exp(-ln 2) - 1 = -1/2
/// assert!((value + 0.5).abs() < 1e-12 && (slope - 0.5).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Elu {
    /// What `-f` approaches far below zero; any finite number.
    pub alpha: f64,
}

impl Default for Elu {
    fn default() -> Self {
        Self { alpha: 1.0 }
    }
}

impl ActivationKind for Elu {
    fn forward(&self, z: &Tensor) -> Result<Tensor> {
        scaled_elu(z, self.alpha, 1.0)
    }

    fn validate(&self) -> std::result::Result<(), String> {
        finite("alpha", self.alpha, "1.0")
    }
}

/// `scale * elu(z)`. The exponential sees the negative part alone, and so cannot overflow.
pub(super) fn scaled_elu(z: &Tensor, alpha: f64, scale: f64) -> Result<Tensor> {
    elementwise(
        z,
        |z| above_zero(z, &(z * scale)?, &(exp_m1(&negative_part(z)?)? * (scale * alpha))?),
        |z, _| above_zero(z, &(z.ones_like()? * scale)?, &(negative_part(z)?.exp()? * (scale * alpha))?),
    )
}
