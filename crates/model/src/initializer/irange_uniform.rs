use super::{Fans, InitializerKind, range};
use relumine_random::variates::uniform;
use serde::{Deserialize, Serialize};

/// Uniform in ±`irange` (0.05), whatever the layer's size. As the layers of Pylearn2 (Goodfellow et al. 2013, arXiv:1308.4214) take it
/// under that name, but there it has no default. The same as [`RandomUniform`](super::RandomUniform) with symmetric bounds.
///
/// ```
/// # use relumine_model::initializer::{Fans, Initializer};
/// # use relumine_random::{Purpose, Stream};
/// let initializer: Initializer = serde_json::from_str(r#"{ "name": "irange_uniform", "irange": 0.005 }"#)?;
/// let weight = initializer.sample(Fans::of(&[100, 100], 100), 10000, &Stream::new(0, Purpose::Weights, 0));
/// let largest = weight.into_iter().fold(0.0, |largest: f32, value| largest.max(value.abs()));
/// assert!(0.00499 < largest && largest <= 0.005);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IrangeUniform {
    /// Largest magnitude of the values, at least 0.
    pub irange: f64,
}

impl Default for IrangeUniform {
    fn default() -> Self {
        Self { irange: 0.05 }
    }
}

impl InitializerKind for IrangeUniform {
    fn sample(&self, _fans: Fans, words: &[u32]) -> Vec<f64> {
        words.iter().map(|word| uniform(*word, -self.irange, self.irange)).collect()
    }

    fn validate(&self) -> Result<(), String> {
        range::at_least_0("irange", self.irange, 0.05)
    }
}
