use super::ActivationKind;
use super::elu::scaled_elu;
use candle_core::{Result, Tensor};
use serde::{Deserialize, Serialize};

/// `f(z) = scale * elu(z, alpha)` with `alpha = 1.6733` and `scale = 1.0507`: under `lecun_normal` weights a deep network's activations
/// keep mean 0 and variance 1 by themselves (Klambauer, Unterthiner, Mayr and Hochreiter 2017). `f'(0) = scale * alpha`, as
/// `torch.nn.SELU`; `keras.activations.selu` is the same function. Its dropout is `dropout_kind = "alpha_dropout"`.
///
/// ```
/// # let selu: relumine_model::Activation = serde_json::from_str(r#""selu""#)?;
/// let (value, slope) = selu.at(2.0)?;
/// assert_eq!((value, slope), (2.0 * relumine_model::activation::Selu::SCALE, relumine_model::activation::Selu::SCALE));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Selu {}

impl Selu {
    /// `alpha` of the paper, solving its fixed-point equations for mean 0 and variance 1.
    pub const ALPHA: f64 = 1.673_263_242_354_377_2;
    /// `lambda` of the paper.
    pub const SCALE: f64 = 1.050_700_987_355_480_5;
}

impl ActivationKind for Selu {
    fn forward(&self, z: &Tensor) -> Result<Tensor> {
        scaled_elu(z, Self::ALPHA, Self::SCALE)
    }
}
