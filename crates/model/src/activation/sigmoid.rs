use super::ActivationKind;
use super::elementwise::elementwise;
use candle_core::{Result, Tensor};
use candle_nn::ops::sigmoid;
use serde::{Deserialize, Serialize};

/// `f(z) = 1 / (1 + exp(-z))`, `f'(z) = f(z) (1 - f(z)) <= 1/4`: each layer shrinks the gradient at least fourfold before its weights
/// act, so it vanishes through depth (Hochreiter 1991). As `torch.sigmoid`, `keras.activations.sigmoid`.
///
/// ```
/// # let sigmoid: relumine_model::Activation = serde_json::from_str(r#""sigmoid""#)?;
/// assert_eq!(sigmoid.at(0.0)?, (0.5, 0.25));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sigmoid {}

impl ActivationKind for Sigmoid {
    fn forward(&self, z: &Tensor) -> Result<Tensor> {
        elementwise(z, sigmoid, |_, f| f * f.affine(-1.0, 1.0)?)
    }
}
