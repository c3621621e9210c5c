use super::{Fans, InitializerKind};
use relumine_random::variates::uniform;
use serde::{Deserialize, Serialize};

/// Uniform in ±`sqrt(6 / (fan_in + fan_out))`, so variance `2 / (fan_in + fan_out)`: keeps the variance of activations and of gradients
/// about equal through linear or tanh layers. Also called Xavier; Glorot and Bengio 2010, equation 16. As
/// `keras.initializers.GlorotUniform` and `torch.nn.init.xavier_uniform_`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GlorotUniform {}

impl InitializerKind for GlorotUniform {
    fn sample(&self, Fans { fan_in, fan_out }: Fans, words: &[u32]) -> Vec<f64> {
        let limit = (6.0 / (fan_in + fan_out) as f64).sqrt();
        words.iter().map(|word| uniform(*word, -limit, limit)).collect()
    }
}
