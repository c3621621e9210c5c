//! The one list of layers from which every training step is built.

use crate::{Activation, Head, Initializer, ModelConfig, activation, initializer::Fans};
use relumine_random::{Purpose, Stream};

/// A model with all its sizes: what to compute and which parameters it takes.
#[derive(Clone, Debug, PartialEq)]
pub struct Architecture {
    /// First to last; the last one gives the logits.
    pub layers: Vec<LayerSpec>,
    /// What the logits mean.
    pub head: Head,
    /// How many classes the head tells apart.
    pub num_classes: usize,
}

/// A dense layer: `output = activation(dropout(input) weight^T + bias)`.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerSpec {
    /// Position in the network; also the layer of its random streams.
    pub index: u16,
    /// Inputs of each unit.
    pub fan_in: usize,
    /// Units.
    pub fan_out: usize,
    /// Share of this layer's inputs that a training step drops.
    pub input_dropout: f64,
    /// What follows the affine map; the identity in the last layer.
    pub activation: Activation,
    /// How `weight` starts.
    pub weight_init: Initializer,
    /// How `bias` starts.
    pub bias_init: Initializer,
}

/// What a parameter is to its layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// `[out, in]`.
    Weight,
    /// `[out]`.
    Bias,
}

/// A named tensor that training changes.
#[derive(Clone, Debug, PartialEq)]
pub struct ParameterSpec {
    /// Such as `layers.0.weight`.
    pub name: String,
    /// `[out, in]` or `[out]`.
    pub shape: Vec<usize>,
    /// What it is to its layer.
    pub role: Role,
}

impl Architecture {
    pub(crate) fn new(config: &ModelConfig, features: usize, num_classes: usize) -> Self {
        let outputs = config.head.units(num_classes);
        let depth = config.hidden.len();
        let fan_ins = std::iter::once(features).chain(config.hidden.iter().copied());
        let fan_outs = config.hidden.iter().copied().chain(std::iter::once(outputs));
        let layers = fan_ins.zip(fan_outs).enumerate().map(|(position, (fan_in, fan_out))| {
            let is_output = position == depth;
            LayerSpec {
                index: position as u16,
                fan_in,
                fan_out,
                input_dropout: if position == 0 { config.input_dropout } else { config.dropout },
                activation: if is_output { Activation::Identity(activation::Identity {}) } else { config.activation.clone() },
                weight_init: match &config.output_init {
                    Some(output_init) if is_output => output_init.clone(),
                    _ => config.init.clone(),
                },
                bias_init: config.bias_init.clone(),
            }
        });
        Self { layers: layers.collect(), head: config.head, num_classes }
    }

    /// Every parameter in its order: `layers.0.weight`, `layers.0.bias`, `layers.1.weight`, ...
    #[must_use]
    pub fn parameters(&self) -> Vec<ParameterSpec> {
        self.layers.iter().flat_map(LayerSpec::parameters).collect()
    }

    /// How many numbers training adjusts.
    #[must_use]
    pub fn num_parameters(&self) -> usize {
        self.layers.iter().map(|layer| layer.fan_out * (layer.fan_in + 1)).sum()
    }

    /// Floating-point operations of one example's forward pass through the matrix products: two per weight.
    #[must_use]
    pub fn forward_flops(&self) -> usize {
        self.layers.iter().map(|layer| 2 * layer.fan_in * layer.fan_out).sum()
    }
}

impl LayerSpec {
    /// This layer's parameters, weight first.
    #[must_use]
    pub fn parameters(&self) -> [ParameterSpec; 2] {
        let name = |part| format!("layers.{}.{part}", self.index);
        [
            ParameterSpec { name: name("weight"), shape: vec![self.fan_out, self.fan_in], role: Role::Weight },
            ParameterSpec { name: name("bias"), shape: vec![self.fan_out], role: Role::Bias },
        ]
    }

    /// The initial values of one of this layer's parameters, row-major.
    #[must_use]
    pub fn initial_values(&self, parameter: &ParameterSpec, seed: u64) -> Vec<f32> {
        let (initializer, purpose) = match parameter.role {
            Role::Weight => (&self.weight_init, Purpose::Weights),
            Role::Bias => (&self.bias_init, Purpose::Biases),
        };
        let elements = parameter.shape.iter().product();
        initializer.sample(Fans::of(&parameter.shape, self.fan_in), elements, &Stream::new(seed, purpose, self.index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_note_s_network_has_its_layers_names_and_counts() {
        let config = ModelConfig { dropout: 0.5, ..ModelConfig::default() };
        let architecture = config.architecture(784, 10).unwrap();
        let shapes: Vec<_> = architecture.parameters().into_iter().map(|spec| (spec.name, spec.shape)).collect();
        let expected = [
            ("layers.0.weight", vec![256, 784]),
            ("layers.0.bias", vec![256]),
            ("layers.1.weight", vec![256, 256]),
            ("layers.1.bias", vec![256]),
            ("layers.2.weight", vec![10, 256]),
            ("layers.2.bias", vec![10]),
        ];
        assert_eq!(shapes, expected.map(|(name, shape)| (name.to_owned(), shape)));
        assert_eq!(architecture.num_parameters(), 784 * 256 + 256 + 256 * 256 + 256 + 256 * 10 + 10);
        let dropout: Vec<f64> = architecture.layers.iter().map(|layer| layer.input_dropout).collect();
        assert_eq!(dropout, [0.0, 0.5, 0.5]);
        assert_eq!(architecture.layers[2].activation.name(), "identity");
    }

    #[test]
    fn depth_zero_is_one_affine_map() {
        let config = ModelConfig { hidden: vec![], head: Head::Sigmoid, input_dropout: 0.2, ..ModelConfig::default() };
        let architecture = config.architecture(30, 2).unwrap();
        assert_eq!(architecture.layers.len(), 1);
        assert_eq!((architecture.layers[0].fan_in, architecture.layers[0].fan_out), (30, 1));
        assert_eq!(architecture.layers[0].input_dropout, 0.2);
    }
}
