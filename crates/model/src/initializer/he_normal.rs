use super::{Distribution, FanMode, Fans, InitializerKind, VarianceScaling};
use serde::{Deserialize, Serialize};

/// Normal, cut at two standard deviations, with variance `2 / fan_in`: makes up for the half of its inputs that a ReLU sets to zero. He,
/// Zhang, Ren and Sun 2015, equation 10. As `keras.initializers.HeNormal`; `torch.nn.init.kaiming_normal_(nonlinearity="relu")` has the
/// same variance and does not cut.
///
/// ```
/// # use relumine_model::initializer::{Fans, Initializer};
/// # use relumine_random::{Purpose, Stream};
/// let initializer: Initializer = serde_json::from_str(r#""he_normal""#)?;
/// // fan_in = 50: a standard deviation of sqrt(2 / 50) = 0.2.
/// let weight = initializer.sample(Fans::of(&[100, 50], 50), 5000, &Stream::new(0, Purpose::Weights, 0));
/// let variance = weight.iter().map(|value| value * value).sum::<f32>() / 5000.0;
/// assert!((variance.sqrt() - 0.2).abs() < 0.006);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeNormal {}

impl InitializerKind for HeNormal {
    fn sample(&self, fans: Fans, words: &[u32]) -> Vec<f64> {
        VarianceScaling { scale: 2.0, mode: FanMode::FanIn, distribution: Distribution::TruncatedNormal }.sample(fans, words)
    }
}
