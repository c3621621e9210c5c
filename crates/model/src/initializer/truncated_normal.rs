use super::{Fans, InitializerKind, range};
use relumine_random::variates::truncated_normal;
use serde::{Deserialize, Serialize};

/// Normal with a fixed `mean` (0) and `stddev` (0.05), given that the value lies within two of these standard deviations of the mean. As
/// `keras.initializers.TruncatedNormal`.
///
/// As there, `stddev` is that of the distribution before it is cut: the values' own is `0.8796 stddev`. (`variance_scaling` makes up for
/// that.) `torch.nn.init.trunc_normal_` differs: it cuts at -2 and 2, whatever its `std`.
///
/// ```
/// # use relumine_model::initializer::{Fans, Initializer};
/// # use relumine_random::{Purpose, Stream};
/// let initializer: Initializer = serde_json::from_str(r#""truncated_normal""#)?;
/// let weight = initializer.sample(Fans::of(&[100, 100], 100), 10000, &Stream::new(0, Purpose::Weights, 0));
/// // Two standard deviations.
/// let largest = weight.into_iter().fold(0.0, |largest: f32, value| largest.max(value.abs()));
/// assert!(0.099 < largest && largest <= 0.1);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TruncatedNormal {
    /// Mean of the values.
    pub mean: f64,
    /// Standard deviation before the cut, at least 0.
    pub stddev: f64,
}

impl Default for TruncatedNormal {
    fn default() -> Self {
        Self { mean: 0.0, stddev: 0.05 }
    }
}

impl InitializerKind for TruncatedNormal {
    fn sample(&self, _fans: Fans, words: &[u32]) -> Vec<f64> {
        words.iter().map(|word| truncated_normal(*word, self.mean, self.stddev)).collect()
    }

    fn validate(&self) -> Result<(), String> {
        range::any_number("mean", self.mean, 0.0)?;
        range::at_least_0("stddev", self.stddev, 0.05)
    }
}
