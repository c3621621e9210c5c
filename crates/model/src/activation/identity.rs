use super::ActivationKind;
use candle_core::{Result, Tensor};
use serde::{Deserialize, Serialize};

/// `f(z) = z`, `f'(z) = 1`: a network of identities is a linear model however deep it is. As `torch.nn.Identity`, `keras.activations.linear`.
///
/// ```
/// # let identity: relumine_model::Activation = serde_json::from_str(r#""identity""#)?;
/// assert_eq!(identity.at(-3.0)?, (-3.0, 1.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {}

impl ActivationKind for Identity {
    fn forward(&self, z: &Tensor) -> Result<Tensor> {
        Ok(z.clone())
    }
}
