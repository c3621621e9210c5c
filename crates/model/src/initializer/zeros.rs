use super::{Fans, InitializerKind};
use serde::{Deserialize, Serialize};

/// Every value is 0. The usual start of biases; as weights it leaves all units of a layer equal for ever. As `keras.initializers.Zeros`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Zeros {}

impl InitializerKind for Zeros {
    fn sample(&self, _fans: Fans, words: &[u32]) -> Vec<f64> {
        vec![0.0; words.len()]
    }
}
