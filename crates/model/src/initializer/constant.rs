use super::{Fans, InitializerKind, range};
use serde::{Deserialize, Serialize};

/// Every value is `value` (0). For biases: a small positive one, such as 0.1, starts ReLU units in their linear part. As
/// `keras.initializers.Constant`, which also takes arrays, and `torch.nn.init.constant_`.
///
/// ```
/// # use relumine_model::initializer::{Fans, Initializer};
/// # use relumine_random::{Purpose, Stream};
/// let initializer: Initializer = serde_json::from_str(r#"{ "name": "constant", "value": 0.1 }"#)?;
/// assert_eq!(initializer.sample(Fans::of(&[3], 784), 3, &Stream::new(0, Purpose::Biases, 0)), [0.1; 3]);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Constant {
    /// What every element is.
    pub value: f64,
}

impl InitializerKind for Constant {
    fn sample(&self, _fans: Fans, words: &[u32]) -> Vec<f64> {
        vec![self.value; words.len()]
    }

    fn validate(&self) -> Result<(), String> {
        range::any_number("value", self.value, 0.1)
    }
}
