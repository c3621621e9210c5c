use super::ActivationKind;
use candle_core::{Result, Tensor};
use serde::{Deserialize, Serialize};

/// `f(z) = max(z, 0)`, `f'(z) = 1` above zero and 0 elsewhere: where a unit is on, its gradient passes unshrunk (Nair and Hinton 2010;
/// Glorot, Bordes and Bengio 2011). `f'(0) = 0`, as `torch.relu` and `keras.activations.relu`.
///
/// Built as `z * [z > 0]`, because Candle's own `relu` has `f'(0) = 1` and turns NaN into 0, which would hide a diverged run. The price:
/// a pre-activation that overflowed to minus infinity gives NaN and is reported, where PyTorch gives 0.
///
/// ```
/// # let relu: relumine_model::Activation = serde_json::from_str(r#""relu""#)?;
/// assert_eq!((relu.at(-2.0)?, relu.at(0.0)?, relu.at(2.0)?), ((0.0, 0.0), (0.0, 0.0), (2.0, 1.0)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relu {}

impl ActivationKind for Relu {
    fn forward(&self, z: &Tensor) -> Result<Tensor> {
        let on = z.detach().gt(0.0)?.to_dtype(z.dtype())?;
        z * on
    }
}
