use super::ActivationKind;
use super::elementwise::elementwise;
use candle_core::{Result, Tensor};
use serde::{Deserialize, Serialize};

/// `f(z) = tanh(z)`, `f'(z) = 1 - f(z)^2 <= 1`: a sigmoid centred on zero with slope 1 there. As `torch.tanh`, `keras.activations.tanh`.
///
/// ```
/// # let tanh: relumine_model::Activation = serde_json::from_str(r#""tanh""#)?;
/// // tanh(ln 3) = (3 - 1/3) / (3 + 1/3) = 0.8, and 1 - 0.8^2 = 0.36
/// let (value, slope) = tanh.at(3_f64.ln())?;
/// assert!((value - 0.8).abs() < 1e-12 && (slope - 0.36).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tanh {}

impl ActivationKind for Tanh {
    fn forward(&self, z: &Tensor) -> Result<Tensor> {
        elementwise(z, Tensor::tanh, |_, f| f.sqr()?.affine(-1.0, 1.0))
    }
}
