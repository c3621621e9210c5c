use super::{Fans, InitializerKind, range};
use relumine_random::variates::normal;
use serde::{Deserialize, Serialize};

/// Normal with a fixed `mean` (0) and `stddev` (0.05), whatever the layer's size. As `keras.initializers.RandomNormal` and
/// `torch.nn.init.normal_`, whose `std` is 1 where none is given.
///
/// 32 bits a value end the tails at 6.3 standard deviations.
///
/// ```
/// # use relumine_model::initializer::{Fans, Initializer};
/// # use relumine_random::{Purpose, Stream};
/// let initializer: Initializer = serde_json::from_str(r#"{ "name": "random_normal", "mean": 2.0, "stddev": 0.1 }"#)?;
/// let weight = initializer.sample(Fans::of(&[100, 100], 100), 10000, &Stream::new(0, Purpose::Weights, 0));
/// let variance = weight.iter().map(|value| (value - 2.0).powi(2)).sum::<f32>() / 10_000.0;
/// assert!((variance.sqrt() - 0.1).abs() < 0.003);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RandomNormal {
    /// Mean of the values.
    pub mean: f64,
    /// Standard deviation of the values, at least 0.
    pub stddev: f64,
}

impl Default for RandomNormal {
    fn default() -> Self {
        Self { mean: 0.0, stddev: 0.05 }
    }
}

impl InitializerKind for RandomNormal {
    fn sample(&self, _fans: Fans, words: &[u32]) -> Vec<f64> {
        words.iter().map(|word| normal(*word, self.mean, self.stddev)).collect()
    }

    fn validate(&self) -> Result<(), String> {
        range::any_number("mean", self.mean, 0.0)?;
        range::at_least_0("stddev", self.stddev, 0.05)
    }
}
