use super::{Distribution, FanMode, Fans, InitializerKind, VarianceScaling};
use serde::{Deserialize, Serialize};

/// Uniform in ±`sqrt(3 / fan_in)`, so variance `1 / fan_in`: a unit that sums independent inputs of variance 1 has variance 1. LeCun,
/// Bottou, Orr and Müller 1998, equation 16. As `keras.initializers.LecunUniform`.
///
/// ```
/// # use relumine_model::initializer::{Fans, Initializer};
/// # use relumine_random::{Purpose, Stream};
/// let initializer: Initializer = serde_json::from_str(r#""lecun_uniform""#)?;
/// // fan_in = 300: every weight lies within sqrt(3 / 300) = 0.1.
/// let weight = initializer.sample(Fans::of(&[20, 300], 300), 6000, &Stream::new(0, Purpose::Weights, 0));
/// let largest = weight.into_iter().fold(0.0, |largest: f32, value| largest.max(value.abs()));
/// assert!(0.099 < largest && largest <= 0.1);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LecunUniform {}

impl InitializerKind for LecunUniform {
    fn sample(&self, fans: Fans, words: &[u32]) -> Vec<f64> {
        VarianceScaling { scale: 1.0, mode: FanMode::FanIn, distribution: Distribution::Uniform }.sample(fans, words)
    }
}
