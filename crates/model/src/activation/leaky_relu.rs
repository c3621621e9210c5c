use super::elementwise::{above_zero, elementwise};
use super::{ActivationKind, finite};
use candle_core::{Result, Tensor};
use serde::{Deserialize, Serialize};

/// `f(z) = z` above zero and `negative_slope * z` elsewhere: a unit that is off still passes some gradient (Maas, Hannun and Ng 2013).
/// `f'(0) = negative_slope`, as `torch.nn.LeakyReLU`, whose default of 0.01 it shares. Keras has 0.3 in `layers.LeakyReLU` and 0.2 in
/// `activations.leaky_relu`.
///
/// ```
/// # let leaky: relumine_model::Activation = serde_json::from_str(r#"{"name": "leaky_relu", "negative_slope": 0.25}"#)?;
/// assert_eq!((leaky.at(-2.0)?, leaky.at(0.0)?, leaky.at(2.0)?), ((-0.5, 0.25), (0.0, 0.25), (2.0, 1.0)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LeakyRelu {
    /// The slope below zero; any finite number.
    pub negative_slope: f64,
}

impl Default for LeakyRelu {
    fn default() -> Self {
        Self { negative_slope: 0.01 }
    }
}

impl ActivationKind for LeakyRelu {
    fn forward(&self, z: &Tensor) -> Result<Tensor> {
        elementwise(
            z,
            |z| above_zero(z, z, &(z * self.negative_slope)?),
            |z, _| above_zero(z, &z.ones_like()?, &(z.ones_like()? * self.negative_slope)?),
        )
    }

    fn validate(&self) -> std::result::Result<(), String> {
        finite("negative_slope", self.negative_slope, "0.01")
    }
}
