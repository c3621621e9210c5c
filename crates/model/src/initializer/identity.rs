use super::{Fans, InitializerKind, range};
use serde::{Deserialize, Serialize};

/// `gain` (1) on the main diagonal and 0 elsewhere: a square layer passes its inputs on, times `gain`; a wider or narrower one passes on
/// the first `min(fan_in, fan_out)` of them. As `keras.initializers.Identity` and, for a gain of 1, `torch.nn.init.eye_`. Not for biases.
///
/// ```
/// # use relumine_model::initializer::{Fans, Initializer};
/// # use relumine_random::{Purpose, Stream};
/// let initializer: Initializer = serde_json::from_str(r#"{ "name": "identity", "gain": 2.0 }"#)?;
/// let weight = initializer.sample(Fans::of(&[2, 3], 3), 6, &Stream::new(0, Purpose::Weights, 0));
/// assert_eq!(weight, [2.0, 0.0, 0.0, 0.0, 2.0, 0.0]);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Identity {
    /// The value of the diagonal.
    pub gain: f64,
}

impl Default for Identity {
    fn default() -> Self {
        Self { gain: 1.0 }
    }
}

impl InitializerKind for Identity {
    fn sample(&self, Fans { fan_in, .. }: Fans, words: &[u32]) -> Vec<f64> {
        (0..words.len()).map(|element| if element / fan_in == element % fan_in { self.gain } else { 0.0 }).collect()
    }

    fn validate(&self) -> Result<(), String> {
        range::any_number("gain", self.gain, 1.0)
    }

    fn needs_matrix(&self) -> bool {
        true
    }
}
