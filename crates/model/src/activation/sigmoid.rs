use super::ActivationKind;
use candle_core::{Result, Tensor};
use serde::{Deserialize, Serialize};

/// `f(z) = 1 / (1 + exp(-z))`, `f'(z) = f(z) (1 - f(z)) <= 1/4`: each layer shrinks the gradient at least fourfold before its weights
/// act, so it vanishes through depth (Hochreiter 1991). As `torch.sigmoid`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sigmoid {}

impl ActivationKind for Sigmoid {
    fn forward(&self, z: &Tensor) -> Result<Tensor> {
        candle_nn::ops::sigmoid(z)
    }
}
