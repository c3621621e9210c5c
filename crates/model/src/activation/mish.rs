use super::ActivationKind;
use super::elementwise::{above_zero, elementwise};
use candle_core::{Result, Tensor};
use candle_nn::ops::sigmoid;
use serde::{Deserialize, Serialize};

/// `f(z) = z t(z)` with `t(z) = tanh(log(1 + exp(z)))`; `f'(z) = t + z (1 - t^2) s(z)` with the sigmoid `s` (Misra 2020). As `torch.nn.Mish`,
/// `keras.activations.mish`.
///
/// Computed without the logarithm: with `n = e (e + 2)`, `e = exp(z)`, it is `t = n / (n + 2)` and `1 - t^2 = 4 (n + 1) / (n + 2)^2`. Above
/// 20, `t` is 1 to the last bit of an f64, and the exponential is not taken further.
///
/// ```
/// # let mish: relumine_model::Activation = serde_json::from_str(r#""mish""#)?;
/// let (value, slope) = mish.at(0.0)?; // n = 3: t = 3/5
/// assert!(value == 0.0 && (slope - 0.6).abs() < 1e-15);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mish {}

impl ActivationKind for Mish {
    fn forward(&self, z: &Tensor) -> Result<Tensor> {
        elementwise(
            z,
            |z| {
                let n = n(z)?;
                z * (&n / (&n + 2.0)?)?
            },
            |z, _| {
                let n = n(z)?;
                let inverse = (&n + 2.0)?.recip()?;
                let one_minus_t_squared = ((&n + 1.0)? * inverse.sqr()?)?.affine(4.0, 0.0)?;
                (n * inverse)? + (z * (one_minus_t_squared * sigmoid(z)?)?)?
            },
        )
    }
}

fn n(z: &Tensor) -> Result<Tensor> {
    const FLAT: f64 = 20.0;
    let e = above_zero(&(z - FLAT)?, &z.ones_like()?.affine(FLAT, 0.0)?, z)?.exp()?;
    &e * (&e + 2.0)?
}
