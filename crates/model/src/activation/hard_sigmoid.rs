use super::ActivationKind;
use super::elementwise::elementwise;
use candle_core::{Result, Tensor};
use serde::{Deserialize, Serialize};

/// `f(z) = min(max(z / 6 + 1/2, 0), 1)`, `f'(z) = 1/6` between -3 and 3 and 0 elsewhere: a sigmoid of three straight lines. The slope at both
/// kinks is 0. As `torch.nn.Hardsigmoid` and `keras.activations.hard_sigmoid` of Keras 3 (Keras 2 had the slope 1/5).
///
/// ```
/// # let hard: relumine_model::Activation = serde_json::from_str(r#""hard_sigmoid""#)?;
/// assert_eq!((hard.at(0.0)?.0, hard.at(3.0)?, hard.at(-3.0)?), (0.5, (1.0, 0.0), (0.0, 0.0)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HardSigmoid {}

impl ActivationKind for HardSigmoid {
    fn forward(&self, z: &Tensor) -> Result<Tensor> {
        elementwise(
            z,
            |z| {
                // Candle's clamp loses NaN: only what lies beyond an end is replaced.
                let line = z.affine(1.0 / 6.0, 0.5)?;
                let line = z.ge(3.0)?.where_cond(&z.ones_like()?, &line)?;
                z.le(-3.0)?.where_cond(&z.zeros_like()?, &line)
            },
            |z, _| z.abs()?.lt(3.0)?.to_dtype(z.dtype())? * (1.0 / 6.0),
        )
    }
}
