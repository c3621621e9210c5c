use super::{Fans, InitializerKind};
use relumine_random::variates::uniform;
use serde::{Deserialize, Serialize};

/// Uniform in ±`1 / sqrt(inputs)`, where `inputs` are those of the layer, for a bias too: how a layer of PyTorch starts where nothing else
/// is asked for. As `torch.nn.Linear`, which writes the weight's bound as `kaiming_uniform_(a=sqrt(5))`.
///
/// The variance is `1 / (3 inputs)`, a third of LeCun's and a sixth of He's. To start as PyTorch does, name it as `bias_init` as well.
///
/// ```
/// # use relumine_model::initializer::{Fans, Initializer};
/// # use relumine_random::{Purpose, Stream};
/// let initializer: Initializer = serde_json::from_str(r#""torch_linear""#)?;
/// // A layer with 100 inputs: its 2000 biases lie within 1 / sqrt(100) = 0.1.
/// let bias = initializer.sample(Fans::of(&[2000], 100), 2000, &Stream::new(0, Purpose::Biases, 0));
/// let largest = bias.into_iter().fold(0.0, |largest: f32, value| largest.max(value.abs()));
/// assert!(0.099 < largest && largest <= 0.1);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TorchLinear {}

impl InitializerKind for TorchLinear {
    fn sample(&self, Fans { layer_inputs, .. }: Fans, words: &[u32]) -> Vec<f64> {
        let limit = 1.0 / (layer_inputs as f64).sqrt();
        words.iter().map(|word| uniform(*word, -limit, limit)).collect()
    }
}
