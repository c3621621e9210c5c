//! The network as Candle computes and differentiates it.

use crate::{Architecture, LayerSpec, MaskPosition, dropout};
use candle_core::{Module, Result, Tensor};
use candle_nn::VarBuilder;

/// A multilayer perceptron: flatten, then dense layers. Shape suffixes: `b` batch, `i` inputs of a layer, `o` its outputs.
#[derive(Clone, Debug)]
pub struct Mlp {
    layers: Vec<Dense>,
}

#[derive(Clone, Debug)]
struct Dense {
    spec: LayerSpec,
    /// `[out, in]`
    weight_oi: Tensor,
    /// `[out]`
    bias_o: Tensor,
}

/// Whether the forward pass is one of training, where dropout acts, or of evaluation, where it does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Dropout is the identity.
    Evaluation,
    /// Dropout draws its masks for this place in the run.
    Training(MaskPosition),
}

impl Mlp {
    /// Builds the network on the tensors that `vb` holds under `layers.{index}.{weight,bias}`.
    ///
    /// # Errors
    /// A tensor that is missing or of another shape.
    pub fn new(architecture: &Architecture, vb: VarBuilder<'_>) -> Result<Self> {
        let layers = architecture.layers.iter().map(|spec| {
            let vb = vb.pp("layers").pp(spec.index);
            Ok(Dense {
                spec: spec.clone(),
                weight_oi: vb.get((spec.fan_out, spec.fan_in), "weight")?,
                bias_o: vb.get(spec.fan_out, "bias")?,
            })
        });
        Ok(Self { layers: layers.collect::<Result<_>>()? })
    }

    /// The logits.
    ///
    /// # Shapes
    /// `inputs` `[N, ...]` of the parameters' dtype, flattened to `[N, features]`; the result `[N, logits]`.
    ///
    /// # Errors
    /// A number of features that is not the first layer's.
    pub fn forward(&self, inputs: &Tensor, mode: Mode) -> Result<Tensor> {
        self.layers.iter().try_fold(inputs.flatten_from(1)?, |x_bi, layer| layer.forward(&x_bi, mode))
    }
}

impl Dense {
    fn forward(&self, x_bi: &Tensor, mode: Mode) -> Result<Tensor> {
        let x_bi = match mode {
            Mode::Evaluation => x_bi.clone(),
            Mode::Training(at) => dropout(x_bi, self.spec.input_dropout, self.spec.index, at)?,
        };
        let z_bo = x_bi.matmul(&self.weight_oi.t()?)?.broadcast_add(&self.bias_o)?;
        self.spec.activation.forward(&z_bo)
    }
}

/// The forward pass of evaluation.
impl Module for Mlp {
    fn forward(&self, inputs: &Tensor) -> Result<Tensor> {
        self.forward(inputs, Mode::Evaluation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ModelConfig, Parameters};
    use candle_core::{DType, Device};

    fn build(config: &ModelConfig, features: usize, classes: usize) -> Mlp {
        let architecture = config.architecture(features, classes).unwrap();
        let parameters = Parameters::initialize(&architecture, 1, DType::F32, &Device::Cpu).unwrap();
        Mlp::new(&architecture, parameters.var_builder(DType::F32, &Device::Cpu)).unwrap()
    }

    #[test]
    fn images_are_flattened_to_rows() {
        let mlp = build(&ModelConfig::default(), 784, 10);
        let images = Tensor::rand(0_f32, 1.0, (5, 28, 28, 1), &Device::Cpu).unwrap();
        let from_images = mlp.forward(&images, Mode::Evaluation).unwrap();
        let from_rows = mlp.forward(&images.reshape((5, 784)).unwrap(), Mode::Evaluation).unwrap();
        assert_eq!(from_images.dims(), [5, 10]);
        assert_eq!(from_images.to_vec2::<f32>().unwrap(), from_rows.to_vec2::<f32>().unwrap());
    }

    #[test]
    fn dropout_acts_in_training_only_and_follows_the_step() {
        let mlp = build(&ModelConfig { hidden: vec![16], dropout: 0.5, ..ModelConfig::default() }, 8, 3);
        let rows = Tensor::rand(0_f32, 1.0, (4, 8), &Device::Cpu).unwrap();
        let logits = |mode| mlp.forward(&rows, mode).unwrap().to_vec2::<f32>().unwrap();
        let training = |step| logits(Mode::Training(MaskPosition { seed: 1, step, first_row: 0 }));
        assert_eq!(logits(Mode::Evaluation), logits(Mode::Evaluation));
        assert_eq!(training(0), training(0));
        assert_ne!(training(0), training(1));
        assert_ne!(training(0), logits(Mode::Evaluation));
    }

    #[test]
    fn depth_zero_is_an_affine_map() {
        let mlp = build(&ModelConfig { hidden: vec![], ..ModelConfig::default() }, 3, 2);
        let zero = mlp.forward(&Tensor::zeros((1, 3), DType::F32, &Device::Cpu).unwrap(), Mode::Evaluation).unwrap();
        assert_eq!(zero.to_vec2::<f32>().unwrap(), [[0.0, 0.0]]);
    }
}
