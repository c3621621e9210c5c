use super::ActivationKind;
use candle_core::{Result, Tensor};
use serde::{Deserialize, Serialize};

/// `f(z) = tanh(z)`, `f'(z) = 1 - f(z)^2 <= 1`: a sigmoid centred on zero with slope 1 there. As `torch.tanh`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tanh {}

impl ActivationKind for Tanh {
    fn forward(&self, z: &Tensor) -> Result<Tensor> {
        z.tanh()
    }
}
