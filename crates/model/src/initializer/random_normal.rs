use super::{Fans, InitializerKind};
use relumine_random::variates::normal;
use serde::{Deserialize, Serialize};

/// Normal with a fixed `mean` (0) and `stddev` (0.05), whatever the layer's size. As `keras.initializers.RandomNormal`.
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
        match self {
            Self { mean, .. } if !mean.is_finite() => Err(format!("mean = {mean} must be a finite number, such as 0")),
            Self { stddev, .. } if !(0.0..f64::INFINITY).contains(stddev) => {
                Err(format!("stddev = {stddev} must be a finite number of at least 0, such as 0.05"))
            }
            _ => Ok(()),
        }
    }
}
