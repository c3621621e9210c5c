use super::{Fans, InitializerKind};
use relumine_random::variates::uniform;
use serde::{Deserialize, Serialize};

/// Uniform in ±`sqrt(6 / (fan_in + fan_out))`, so variance `2 / (fan_in + fan_out)`: keeps the variance of activations and of gradients
/// about equal through linear or tanh layers. Also called Xavier; Glorot and Bengio 2010, equation 16. As
/// `keras.initializers.GlorotUniform` and `torch.nn.init.xavier_uniform_`.
///
/// ```
/// # use relumine_model::initializer::{Fans, Initializer};
/// # use relumine_random::{Purpose, Stream};
/// let initializer: Initializer = serde_json::from_str(r#""glorot_uniform""#)?;
/// // fan_in = 400 and fan_out = 200: every weight lies within sqrt(6 / 600) = 0.1.
/// let weight = initializer.sample(Fans::of(&[200, 400], 400), 80000, &Stream::new(0, Purpose::Weights, 0));
/// let largest = weight.into_iter().fold(0.0, |largest: f32, value| largest.max(value.abs()));
/// assert!(0.099 < largest && largest <= 0.1);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GlorotUniform {}

impl InitializerKind for GlorotUniform {
    fn sample(&self, Fans { fan_in, fan_out, .. }: Fans, words: &[u32]) -> Vec<f64> {
        let limit = (6.0 / (fan_in + fan_out) as f64).sqrt();
        words.iter().map(|word| uniform(*word, -limit, limit)).collect()
    }
}
