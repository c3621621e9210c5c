use super::{Distribution, FanMode, Fans, InitializerKind, VarianceScaling};
use serde::{Deserialize, Serialize};

/// Normal, cut at two standard deviations, with variance `2 / (fan_in + fan_out)`: keeps the variance of activations and of gradients about
/// equal through linear or tanh layers. Also called Xavier; the variance is Glorot and Bengio 2010, equation 12. As
/// `keras.initializers.GlorotNormal`; `torch.nn.init.xavier_normal_` has the same variance and does not cut.
///
/// ```
/// # use relumine_model::initializer::{Fans, Initializer};
/// # use relumine_random::{Purpose, Stream};
/// let initializer: Initializer = serde_json::from_str(r#""glorot_normal""#)?;
/// // fan_in = 150 and fan_out = 50: a standard deviation of sqrt(2 / 200) = 0.1.
/// let weight = initializer.sample(Fans::of(&[50, 150], 150), 7500, &Stream::new(0, Purpose::Weights, 0));
/// let variance = weight.iter().map(|value| value * value).sum::<f32>() / 7500.0;
/// assert!((variance.sqrt() - 0.1).abs() < 0.003);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GlorotNormal {}

impl InitializerKind for GlorotNormal {
    fn sample(&self, fans: Fans, words: &[u32]) -> Vec<f64> {
        VarianceScaling { scale: 1.0, mode: FanMode::FanAvg, distribution: Distribution::TruncatedNormal }.sample(fans, words)
    }
}
