use super::ActivationKind;
use super::elementwise::{elementwise, softplus};
use candle_core::{Result, Tensor};
use candle_nn::ops::sigmoid;
use serde::{Deserialize, Serialize};

/// `f(z) = log(1 + exp(z))`, `f'(z) = 1 / (1 + exp(-z))`: a ReLU without a kink (Dugas, Bengio, Bélisle, Nadeau and Garcia 2001). As
/// `torch.nn.Softplus` with `beta = 1` (which turns linear above 20, where the difference is under 3e-9), `keras.activations.softplus`.
///
/// ```
/// # let softplus: relumine_model::Activation = serde_json::from_str(r#""softplus""#)?;
/// let (value, slope) = softplus.at(0.0)?;
/// assert!((value - 2_f64.ln()).abs() < 1e-12 && slope == 0.5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Softplus {}

impl ActivationKind for Softplus {
    fn forward(&self, z: &Tensor) -> Result<Tensor> {
        elementwise(z, softplus, |z, _| sigmoid(z))
    }
}
