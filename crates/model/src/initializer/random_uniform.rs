use super::{Fans, InitializerKind, range};
use relumine_random::variates::uniform;
use serde::{Deserialize, Serialize};

/// Uniform between `minval` (-0.05) and `maxval` (0.05), whatever the layer's size. As `keras.initializers.RandomUniform` and
/// `torch.nn.init.uniform_`, which draws from 0 to 1 where no bounds are given.
///
/// ```
/// # use relumine_model::initializer::{Fans, Initializer};
/// # use relumine_random::{Purpose, Stream};
/// let initializer: Initializer = serde_json::from_str(r#"{ "name": "random_uniform", "minval": 1.0, "maxval": 2.0 }"#)?;
/// let weight = initializer.sample(Fans::of(&[100, 100], 100), 10000, &Stream::new(0, Purpose::Weights, 0));
/// assert!(weight.iter().all(|value| (1.0..=2.0).contains(value)));
/// assert!((weight.iter().sum::<f32>() / 10_000.0 - 1.5).abs() < 0.01);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RandomUniform {
    /// Lower bound of the values.
    pub minval: f64,
    /// Upper bound of the values, at least `minval`.
    pub maxval: f64,
}

impl Default for RandomUniform {
    fn default() -> Self {
        Self { minval: -0.05, maxval: 0.05 }
    }
}

impl InitializerKind for RandomUniform {
    fn sample(&self, _fans: Fans, words: &[u32]) -> Vec<f64> {
        words.iter().map(|word| uniform(*word, self.minval, self.maxval)).collect()
    }

    fn validate(&self) -> Result<(), String> {
        range::any_number("minval", self.minval, -0.05)?;
        range::any_number("maxval", self.maxval, 0.05)?;
        let Self { minval, maxval } = self;
        if minval > maxval { Err(format!("minval = {minval:?} must be at most maxval = {maxval:?}, such as -0.05 and 0.05")) } else { Ok(()) }
    }
}
