use super::ActivationKind;
use candle_core::{D, Result, Tensor};
use serde::{Deserialize, Serialize};

/// `f(z_1 .. z_k) = max_j z_j`: each unit has `pieces` affine maps of its own and outputs the largest, so that it learns its activation
/// function (Goodfellow, Warde-Farley, Mirza, Courville and Bengio 2013). The gradient goes to the largest piece alone; of equal ones to
/// the first.
///
/// # Shapes
/// The layer's weight is `[units * pieces, in]`, and row `u * pieces + j` is piece `j` of unit `u`: as `torch.nn.Linear(in, units * pieces)`
/// followed by `.reshape(rows, units, pieces).max(2).values`.
///
/// ```
/// # let maxout: relumine_model::Activation = serde_json::from_str(r#"{"name": "maxout", "pieces": 2}"#)?;
/// # use candle_core::{Device, Tensor};
/// let z = Tensor::new(&[[1.0_f32, 3.0, -2.0, -5.0]], &Device::Cpu)?; // two units of two pieces
/// assert_eq!(maxout.forward(&z)?.to_vec2::<f32>()?, [[3.0, -2.0]]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Maxout {
    /// Affine maps of each unit, 2 or more.
    pub pieces: usize,
}

impl Default for Maxout {
    fn default() -> Self {
        Self { pieces: 2 }
    }
}

impl ActivationKind for Maxout {
    fn forward(&self, z: &Tensor) -> Result<Tensor> {
        let (rows, all_pieces) = z.dims2()?;
        let z_buk = z.reshape((rows, all_pieces / self.pieces, self.pieces))?;
        let constant = z_buk.detach();
        let largest = z_buk.gather(&constant.argmax_keepdim(D::Minus1)?, D::Minus1)?.squeeze(D::Minus1)?;
        // An argmax passes over what is no number; zero times the sum of all pieces does not.
        largest + (constant.sum(D::Minus1)? * 0.0)?
    }

    fn pieces(&self) -> usize {
        self.pieces
    }

    fn validate(&self) -> std::result::Result<(), String> {
        /// More pieces than this are taken for a slip of the hand.
        const MOST: usize = 1024;
        if (2..=MOST).contains(&self.pieces) {
            Ok(())
        } else {
            Err(format!("pieces = {} must be a whole number from 2 to {MOST}, such as 2", self.pieces))
        }
    }
}
