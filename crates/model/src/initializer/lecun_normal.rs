use super::{Distribution, FanMode, Fans, InitializerKind, VarianceScaling};
use serde::{Deserialize, Serialize};

/// Normal, cut at two standard deviations, with variance `1 / fan_in`: a unit that sums independent inputs of variance 1 has variance 1. The
/// start that self-normalising (SELU) networks ask for. LeCun, Bottou, Orr and Müller 1998, equation 16; Klambauer et al. 2017. As
/// `keras.initializers.LecunNormal`.
///
/// ```
/// # use relumine_model::initializer::{Fans, Initializer};
/// # use relumine_random::{Purpose, Stream};
/// let initializer: Initializer = serde_json::from_str(r#""lecun_normal""#)?;
/// // fan_in = 100: a standard deviation of sqrt(1 / 100) = 0.1.
/// let weight = initializer.sample(Fans::of(&[50, 100], 100), 5000, &Stream::new(0, Purpose::Weights, 0));
/// let variance = weight.iter().map(|value| value * value).sum::<f32>() / 5000.0;
/// assert!((variance.sqrt() - 0.1).abs() < 0.003);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LecunNormal {}

impl InitializerKind for LecunNormal {
    fn sample(&self, fans: Fans, words: &[u32]) -> Vec<f64> {
        VarianceScaling { scale: 1.0, mode: FanMode::FanIn, distribution: Distribution::TruncatedNormal }.sample(fans, words)
    }
}
