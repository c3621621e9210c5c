use super::{Fans, InitializerKind};
use relumine_random::variates::uniform;
use serde::{Deserialize, Serialize};

/// Uniform in ±`sqrt(6 / fan_in)`, so variance `2 / fan_in`: makes up for the half of its inputs that a ReLU sets to zero. He, Zhang, Ren
/// and Sun 2015, equation 10. As `keras.initializers.HeUniform` and `torch.nn.init.kaiming_uniform_(nonlinearity="relu")`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeUniform {}

impl InitializerKind for HeUniform {
    fn sample(&self, Fans { fan_in, .. }: Fans, words: &[u32]) -> Vec<f64> {
        let limit = (6.0 / fan_in as f64).sqrt();
        words.iter().map(|word| uniform(*word, -limit, limit)).collect()
    }
}
