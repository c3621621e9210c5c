use super::{Fans, InitializerKind};
use relumine_random::variates::uniform;
use serde::{Deserialize, Serialize};

/// Uniform in ±`sqrt(6 / fan_in)`, so variance `2 / fan_in`: makes up for the half of its inputs that a ReLU sets to zero. He, Zhang, Ren
/// and Sun 2015, equation 10. As `keras.initializers.HeUniform` and `torch.nn.init.kaiming_uniform_(nonlinearity="relu")`.
///
/// ```
/// # use relumine_model::initializer::{Fans, Initializer};
/// # use relumine_random::{Purpose, Stream};
/// let initializer: Initializer = serde_json::from_str(r#""he_uniform""#)?;
/// // fan_in = 600: every weight lies within sqrt(6 / 600) = 0.1.
/// let weight = initializer.sample(Fans::of(&[10, 600], 600), 6000, &Stream::new(0, Purpose::Weights, 0));
/// let largest = weight.into_iter().fold(0.0, |largest: f32, value| largest.max(value.abs()));
/// assert!(0.099 < largest && largest <= 0.1);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeUniform {}

impl InitializerKind for HeUniform {
    fn sample(&self, Fans { fan_in, .. }: Fans, words: &[u32]) -> Vec<f64> {
        let limit = (6.0 / fan_in as f64).sqrt();
        words.iter().map(|word| uniform(*word, -limit, limit)).collect()
    }
}
