use super::{Fans, InitializerKind};
use serde::{Deserialize, Serialize};

/// Every value is 0. The usual start of biases; as weights it leaves all units of a layer equal for ever. As `keras.initializers.Zeros`
/// and `torch.nn.init.zeros_`.
///
/// ```
/// # use relumine_model::initializer::{Fans, Initializer};
/// # use relumine_random::{Purpose, Stream};
/// let initializer: Initializer = serde_json::from_str(r#""zeros""#)?;
/// let weight = initializer.sample(Fans::of(&[2, 3], 3), 6, &Stream::new(0, Purpose::Weights, 0));
/// assert_eq!(weight, [0.0; 6]);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Zeros {}

impl InitializerKind for Zeros {
    fn sample(&self, _fans: Fans, words: &[u32]) -> Vec<f64> {
        vec![0.0; words.len()]
    }
}
