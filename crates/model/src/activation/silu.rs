use super::ActivationKind;
use super::elementwise::elementwise;
use candle_core::{Result, Tensor};
use candle_nn::ops::sigmoid;
use serde::{Deserialize, Serialize};

/// `f(z) = z s(z)` with the sigmoid `s`; `f'(z) = s(z) (1 + z (1 - s(z)))` (Elfwing, Uchibe and Doya 2018; "swish" in Ramachandran, Zoph and
/// Le 2017). As `torch.nn.SiLU`, `keras.activations.silu`.
///
/// ```
/// # let silu: relumine_model::Activation = serde_json::from_str(r#""silu""#)?;
/// assert_eq!(silu.at(0.0)?, (0.0, 0.5));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Silu {}

impl ActivationKind for Silu {
    fn forward(&self, z: &Tensor) -> Result<Tensor> {
        elementwise(
            z,
            |z| z * sigmoid(z)?,
            |z, f| {
                let s = sigmoid(z)?;
                &s + ((z - f)? * &s)?
            },
        )
    }
}
