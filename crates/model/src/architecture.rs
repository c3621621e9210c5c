//! The one list of layers from which every training step is built.

use crate::norm::{self, Position};
use crate::{Activation, DropoutKind, Head, Initializer, ModelConfig, Norm, activation, initializer::Fans};
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

/// A dense layer: `output = activation(norm(dropout(input + noise) weight^T + bias))`, or with the norm outside the activation.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerSpec {
    /// Position in the network; also the layer of its random streams.
    pub index: u16,
    /// Inputs of each unit.
    pub fan_in: usize,
    /// Rows of the weight: the units, times the pieces of a maxout.
    pub fan_out: usize,
    /// Outputs.
    pub units: usize,
    /// Standard deviation of the noise that a training step adds to this layer's inputs.
    pub input_noise: f64,
    /// Share of this layer's inputs that a training step drops.
    pub input_dropout: f64,
    /// What becomes of a dropped input.
    pub dropout_kind: DropoutKind,
    /// How pre-activations or outputs are normalised; not at all in the last layer.
    pub norm: Norm,
    /// What follows the affine map; the identity in the last layer.
    pub activation: Activation,
    /// How `weight` starts.
    pub weight_init: Initializer,
    /// How `bias` starts.
    pub bias_init: Initializer,
}

/// What a tensor is to its layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// `[out, in]`.
    Weight,
    /// `[out]`.
    Bias,
    /// The scale of a normalisation, `[units]`.
    NormWeight,
    /// The shift of a normalisation, `[units]`.
    NormBias,
    /// The running mean of a normalisation, `[units]`: a buffer, which no gradient changes.
    RunningMean,
    /// The running variance of a normalisation, `[units]`: a buffer.
    RunningVariance,
}

impl Role {
    /// Whether training follows a gradient here; otherwise it is a buffer.
    #[must_use]
    pub fn is_trainable(self) -> bool {
        !matches!(self, Self::RunningMean | Self::RunningVariance)
    }
}

/// A named tensor that training changes.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorSpec {
    /// Such as `layers.0.weight`.
    pub name: String,
    /// `[out, in]`, `[out]` or `[units]`.
    pub shape: Vec<usize>,
    /// What it is to its layer.
    pub role: Role,
}

impl Architecture {
    pub(crate) fn new(config: &ModelConfig, features: usize, num_classes: usize) -> Self {
        let outputs = config.head.units(num_classes);
        let depth = config.hidden.len();
        let fan_ins = std::iter::once(features).chain(config.hidden.iter().copied());
        let units = config.hidden.iter().copied().chain(std::iter::once(outputs));
        let layers = fan_ins.zip(units).enumerate().map(|(position, (fan_in, units))| {
            let (is_first, is_output) = (position == 0, position == depth);
            LayerSpec {
                index: position as u16,
                fan_in,
                fan_out: if is_output { units } else { units * config.activation.pieces() },
                units,
                input_noise: if is_first { config.input_noise } else { config.noise },
                input_dropout: if is_first { config.input_dropout } else { config.dropout },
                dropout_kind: config.dropout_kind,
                norm: if is_output { Norm::NoNorm(norm::NoNorm {}) } else { config.norm.clone() },
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

    /// Every tensor in its order, parameters and buffers: `layers.0.weight`, `layers.0.bias`, `layers.0.norm.weight`, ...
    #[must_use]
    pub fn tensors(&self) -> Vec<TensorSpec> {
        self.layers.iter().flat_map(LayerSpec::tensors).collect()
    }

    /// How many numbers training adjusts by gradients.
    #[must_use]
    pub fn num_parameters(&self) -> usize {
        self.layers.iter().map(LayerSpec::num_parameters).sum()
    }

    /// Floating-point operations of one example's forward pass through the matrix products: two per weight.
    #[must_use]
    pub fn forward_flops(&self) -> usize {
        self.layers.iter().map(LayerSpec::forward_flops).sum()
    }
}

impl LayerSpec {
    /// This layer's tensors, weight first.
    #[must_use]
    pub fn tensors(&self) -> Vec<TensorSpec> {
        let tensor = |part, shape, role| TensorSpec { name: format!("layers.{}.{part}", self.index), shape, role };
        let mut tensors =
            vec![tensor("weight", vec![self.fan_out, self.fan_in], Role::Weight), tensor("bias", vec![self.fan_out], Role::Bias)];
        let units = self.norm_units().map(|units| vec![units]);
        if let Some(shape) = &units {
            tensors.push(tensor("norm.weight", shape.clone(), Role::NormWeight));
            tensors.push(tensor("norm.bias", shape.clone(), Role::NormBias));
        }
        if let (Some(shape), true) = (&units, self.norm.keeps_running_statistics()) {
            tensors.push(tensor("norm.running_mean", shape.clone(), Role::RunningMean));
            tensors.push(tensor("norm.running_var", shape.clone(), Role::RunningVariance));
        }
        tensors
    }

    /// How many numbers of this layer training adjusts by gradients.
    #[must_use]
    pub fn num_parameters(&self) -> usize {
        self.tensors().iter().filter(|tensor| tensor.role.is_trainable()).map(|tensor| tensor.shape.iter().product::<usize>()).sum()
    }

    /// Floating-point operations of one example's forward pass through the matrix product: two per weight.
    #[must_use]
    pub fn forward_flops(&self) -> usize {
        2 * self.fan_in * self.fan_out
    }

    /// How many values the normalisation sees: all pieces of a maxout before it, its units after it; `None` where there is none.
    pub(crate) fn norm_units(&self) -> Option<usize> {
        self.norm.position().map(|position| match position {
            Position::BeforeActivation => self.fan_out,
            Position::AfterActivation => self.units,
        })
    }

    /// The initial values of one of this layer's tensors, row-major.
    #[must_use]
    pub fn initial_values(&self, tensor: &TensorSpec, seed: u64) -> Vec<f32> {
        let elements = tensor.shape.iter().product();
        let (initializer, purpose) = match tensor.role {
            Role::Weight => (&self.weight_init, Purpose::Weights),
            Role::Bias => (&self.bias_init, Purpose::Biases),
            Role::NormWeight | Role::RunningVariance => return vec![1.0; elements],
            Role::NormBias | Role::RunningMean => return vec![0.0; elements],
        };
        initializer.sample(Fans::of(&tensor.shape, self.fan_in), elements, &Stream::new(seed, purpose, self.index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_note_s_network_has_its_layers_names_and_counts() {
        let config = ModelConfig { dropout: 0.5, ..ModelConfig::default() };
        let architecture = config.architecture(784, 10).unwrap();
        let shapes: Vec<_> = architecture.tensors().into_iter().map(|spec| (spec.name, spec.shape)).collect();
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
