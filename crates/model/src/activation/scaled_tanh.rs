use super::ActivationKind;
use super::elementwise::elementwise;
use candle_core::{Result, Tensor};
use serde::{Deserialize, Serialize};

/// `f(z) = 1.7159 tanh(2 z / 3)`, `f'(z) = 1.7159 (2/3) (1 - tanh(2 z / 3)^2)`: LeCun's sigmoid, for which `f(1) = 1`, `f(-1) = -1`, and the
/// second derivative is largest there, so that targets of +-1 lie where the function bends and not where it is flat (LeCun, Bottou, Orr
/// and Müller, "Efficient BackProp", 1998, section 4.4). Neither PyTorch nor Keras has it.
///
/// ```
/// # let scaled: relumine_model::Activation = serde_json::from_str(r#""scaled_tanh""#)?;
/// assert!((scaled.at(1.0)?.0 - 1.0).abs() < 1e-4);
/// assert!((scaled.at(0.0)?.1 - 1.7159 * 2.0 / 3.0).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScaledTanh {}

impl ScaledTanh {
    /// What the tangent is multiplied by.
    pub const SCALE: f64 = 1.7159;
    /// What its argument is multiplied by.
    pub const STRETCH: f64 = 2.0 / 3.0;
}

impl ActivationKind for ScaledTanh {
    fn forward(&self, z: &Tensor) -> Result<Tensor> {
        let (scale, stretch) = (Self::SCALE, Self::STRETCH);
        elementwise(z, |z| (z * stretch)?.tanh()? * scale, |_, f| f.sqr()?.affine(-stretch / scale, stretch * scale))
    }
}
