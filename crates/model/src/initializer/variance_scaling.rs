use super::{Fans, InitializerKind, range};
use relumine_random::variates::{normal, truncated_normal, uniform};
use serde::{Deserialize, Serialize};

/// The standard deviation of a standard normal variate that lies within 2 of 0: Keras' 0.87962566103423978, the same f64.
const STDDEV_WITHIN_2: f64 = 0.879_625_661_034_239_8;

/// Mean 0 and variance `scale / n`, where `n` is the fan that `mode` names: the family that the Glorot, He and LeCun initialisers belong
/// to. As `keras.initializers.VarianceScaling`.
///
/// `uniform` lies in ±`sqrt(3 scale / n)`. `truncated_normal` is cut at two standard deviations of a normal distribution that is wider by
/// 1/0.8796, so that the values' own variance is `scale / n`. A bias vector's fans are its length.
///
/// ```
/// # use relumine_model::initializer::{Fans, Initializer};
/// # use relumine_random::{Purpose, Stream};
/// let initializer: Initializer = serde_json::from_str(
///     r#"{ "name": "variance_scaling", "scale": 3.0, "mode": "fan_out", "distribution": "uniform" }"#,
/// )?;
/// // fan_out = 100: every weight lies within sqrt(3 * 3 / 100) = 0.3.
/// let weight = initializer.sample(Fans::of(&[100, 50], 50), 5000, &Stream::new(0, Purpose::Weights, 0));
/// let largest = weight.into_iter().fold(0.0, |largest: f32, value| largest.max(value.abs()));
/// assert!(0.299 < largest && largest <= 0.3);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VarianceScaling {
    /// The variance times `n`, over 0.
    pub scale: f64,
    /// What `n` is.
    pub mode: FanMode,
    /// The shape of the distribution.
    pub distribution: Distribution,
}

/// Which number of connections the variance is divided by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FanMode {
    /// Inputs of each unit: keeps the variance of activations.
    #[default]
    FanIn,
    /// Units that each input feeds: keeps the variance of gradients.
    FanOut,
    /// The mean of both.
    FanAvg,
}

/// From which distribution values are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Distribution {
    /// Normal, without the values beyond two standard deviations. Keras also calls it `normal`.
    #[default]
    #[serde(alias = "normal")]
    TruncatedNormal,
    /// Normal.
    UntruncatedNormal,
    /// Uniform around 0.
    Uniform,
}

impl Default for VarianceScaling {
    fn default() -> Self {
        Self { scale: 1.0, mode: FanMode::default(), distribution: Distribution::default() }
    }
}

impl InitializerKind for VarianceScaling {
    fn sample(&self, Fans { fan_in, fan_out, .. }: Fans, words: &[u32]) -> Vec<f64> {
        let n = match self.mode {
            FanMode::FanIn => fan_in as f64,
            FanMode::FanOut => fan_out as f64,
            FanMode::FanAvg => (fan_in + fan_out) as f64 / 2.0,
        };
        let variance = self.scale / n;
        match self.distribution {
            Distribution::TruncatedNormal => {
                let stddev = variance.sqrt() / STDDEV_WITHIN_2;
                words.iter().map(|word| truncated_normal(*word, 0.0, stddev)).collect()
            }
            Distribution::UntruncatedNormal => words.iter().map(|word| normal(*word, 0.0, variance.sqrt())).collect(),
            Distribution::Uniform => {
                let limit = (3.0 * variance).sqrt();
                words.iter().map(|word| uniform(*word, -limit, limit)).collect()
            }
        }
    }

    fn validate(&self) -> Result<(), String> {
        range::over_0("scale", self.scale, 2.0)
    }
}
