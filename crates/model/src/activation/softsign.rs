use super::ActivationKind;
use super::elementwise::elementwise;
use candle_core::{Result, Tensor};
use serde::{Deserialize, Serialize};

/// `f(z) = z / (1 + |z|)`, `f'(z) = 1 / (1 + |z|)^2`: like tanh, with slower tails (Bergstra, Desjardins, Lamblin and Bengio 2009).
/// `f'(0) = 1`. As `torch.nn.Softsign`, `keras.activations.softsign`.
///
/// ```
/// # let softsign: relumine_model::Activation = serde_json::from_str(r#""softsign""#)?;
/// assert_eq!(softsign.at(-1.0)?, (-0.5, 0.25));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Softsign {}

impl ActivationKind for Softsign {
    fn forward(&self, z: &Tensor) -> Result<Tensor> {
        elementwise(z, |z| z / (z.abs()? + 1.0)?, |z, _| (z.abs()? + 1.0)?.recip()?.sqr())
    }
}
