use super::{Fans, InitializerKind, Orthogonal, range};
use serde::{Deserialize, Serialize};

/// Layer-sequential unit variance: an [`Orthogonal`] start, then, from the first layer to the last, `weight /= sqrt(v)` until the variance
/// `v` of the layer's outputs on a batch of training rows is within `tolerance` (0.1) of 1, `max_iterations` (10) times at most. Mishkin and
/// Matas 2016, algorithm 1; the defaults are those of their program for Keras. Not for biases.
///
/// The values here are the orthogonal start. The rescaling needs data: see [`calibrate`](crate::calibration::calibrate).
///
/// ```
/// # use relumine_model::initializer::{Fans, Initializer};
/// # use relumine_random::{Purpose, Stream};
/// let initializer: Initializer = serde_json::from_str(r#""lsuv""#)?;
/// let weight = initializer.sample(Fans::of(&[2, 3], 3), 6, &Stream::new(0, Purpose::Weights, 0));
/// // Before it meets data: rows of length 1.
/// assert!((weight[..3].iter().map(|value| value * value).sum::<f32>() - 1.0).abs() < 1e-6);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Lsuv {
    /// How far from 1 the variance of a layer's outputs may stay, over 0.
    pub tolerance: f64,
    /// How often a layer is rescaled at most, at least 1.
    pub max_iterations: u32,
}

impl Default for Lsuv {
    fn default() -> Self {
        Self { tolerance: 0.1, max_iterations: 10 }
    }
}

impl InitializerKind for Lsuv {
    fn sample(&self, fans: Fans, words: &[u32]) -> Vec<f64> {
        Orthogonal { gain: 1.0 }.sample(fans, words)
    }

    fn validate(&self) -> Result<(), String> {
        range::over_0("tolerance", self.tolerance, 0.1)?;
        if self.max_iterations == 0 { Err("max_iterations = 0 must be at least 1, such as 10".to_owned()) } else { Ok(()) }
    }

    fn needs_matrix(&self) -> bool {
        true
    }
}
