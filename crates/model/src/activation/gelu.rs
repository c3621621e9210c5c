use super::ActivationKind;
use super::elementwise::elementwise;
use candle_core::{Result, Tensor};
use serde::{Deserialize, Serialize};
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_PI, PI};

/// `f(z) = z P(Z <= z)` for a standard normal `Z`; `f'(z) = P(Z <= z) + z p(z)` (Hendrycks and Gimpel 2016). As `torch.nn.GELU` and
/// `keras.activations.gelu`.
///
/// With `approximate = "tanh"` it is `z (1 + tanh(u)) / 2`, `u = sqrt(2 / pi) (z + 0.044715 z^3)`, which differs by 5e-4 at the most.
///
/// ```
/// # let gelu: relumine_model::Activation = serde_json::from_str(r#""gelu""#)?;
/// assert_eq!(gelu.at(0.0)?, (0.0, 0.5));
/// assert!((gelu.at(1.0)?.0 - 0.841_344_746).abs() < 1e-8); // P(Z <= 1)
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Gelu {
    /// Whether to compute the distribution function as it is, or its approximation.
    pub approximate: Approximation,
}

/// How [`Gelu`] computes the normal distribution function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Approximation {
    /// By the error function.
    #[default]
    None,
    /// By a hyperbolic tangent.
    Tanh,
}

impl ActivationKind for Gelu {
    fn forward(&self, z: &Tensor) -> Result<Tensor> {
        match self.approximate {
            Approximation::None => elementwise(
                z,
                |z| z * distribution(z)?,
                |z, _| distribution(z)? + (z * ((z.sqr()? * -0.5)?.exp()? * (2.0 * PI).sqrt().recip())?)?,
            ),
            Approximation::Tanh => elementwise(z, |z| z * (approximate(z)? * 0.5)?, approximate_slope),
        }
    }
}

/// `P(Z <= z)`.
fn distribution(z: &Tensor) -> Result<Tensor> {
    (z * FRAC_1_SQRT_2)?.erf()?.affine(0.5, 0.5)
}

const CUBIC: f64 = 0.044_715;

/// `1 + tanh(u)`, with `z` held within +-20, where the tangent has long been +-1 and the cube cannot overflow.
fn approximate(z: &Tensor) -> Result<Tensor> {
    let z = z.clamp(-20.0, 20.0)?;
    let u = (&z * z.sqr()?.affine(CUBIC, 1.0)?)?;
    (u * FRAC_2_PI.sqrt())?.tanh()? + 1.0
}

fn approximate_slope(z: &Tensor, _value: &Tensor) -> Result<Tensor> {
    let one_plus_tanh = approximate(z)?;
    let sech_squared = (&one_plus_tanh * one_plus_tanh.affine(-1.0, 2.0)?)?;
    let z = z.clamp(-20.0, 20.0)?;
    let du = (z.sqr()?.affine(3.0 * CUBIC, 1.0)? * FRAC_2_PI.sqrt())?;
    (one_plus_tanh + (z * (sech_squared * du)?)?)? * 0.5
}
