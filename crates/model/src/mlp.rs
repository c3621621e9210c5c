//! The network as Candle computes and differentiates it.

use crate::norm::{NormTensors, Normalized, Pass, Position};
use crate::{Architecture, BatchStatistics, LayerSpec, MaskPosition, gaussian_noise};
use candle_core::{Module, Result, Tensor};
use candle_nn::VarBuilder;

/// A multilayer perceptron: flatten, then dense layers. Shape suffixes: `b` batch, `i` inputs of a layer, `o` rows of its weight, `u` its
/// outputs.
#[derive(Clone, Debug)]
pub struct Mlp {
    pub(crate) layers: Vec<Dense>,
}

#[derive(Clone, Debug)]
pub(crate) struct Dense {
    pub(crate) spec: LayerSpec,
    /// `[out, in]`
    weight_oi: Tensor,
    /// `[out]`
    bias_o: Tensor,
    norm: Option<NormTensors>,
}

/// Whether the forward pass is one of training, where dropout and noise act and batches are normalised by their own statistics, or of
/// evaluation, which is a function of the row alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Dropout and noise are the identity, normalisation uses the running statistics, and no gradient can be asked for.
    Evaluation,
    /// Dropout and noise draw for this place in the run.
    Training(MaskPosition),
}

impl Mode {
    fn pass(self) -> Pass {
        match self {
            Self::Evaluation => Pass::Evaluation,
            Self::Training(_) => Pass::Training,
        }
    }
}

/// What a forward pass gives.
#[derive(Clone, Debug)]
pub struct Forward {
    /// `[N, logits]`
    pub logits: Tensor,
    /// What the batch says about normalised layers, by layer: see [`Parameters::absorb`](crate::Parameters::absorb). Empty in evaluation.
    pub statistics: Vec<(u16, BatchStatistics)>,
}

impl Mlp {
    /// Builds the network on the tensors that `vb` holds under `layers.{index}`: `weight`, `bias`, and those of a normalisation under
    /// `norm`.
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
                norm: spec.norm_units().map(|units| NormTensors::new(&spec.norm, units, &vb.pp("norm"))).transpose()?,
            })
        });
        Ok(Self { layers: layers.collect::<Result<_>>()? })
    }

    /// The logits, and what the batch says about normalised layers. Nothing changes: the running statistics are updated by
    /// [`Parameters::absorb`](crate::Parameters::absorb).
    ///
    /// # Shapes
    /// `inputs` `[N, ...]` of the parameters' dtype, flattened to `[N, features]`.
    ///
    /// # Errors
    /// A number of features that is not the first layer's.
    pub fn forward(&self, inputs: &Tensor, mode: Mode) -> Result<Forward> {
        let mut x_bi = inputs.flatten_from(1)?;
        let mut statistics = Vec::new();
        for layer in &self.layers {
            let out = layer.forward(&x_bi, mode)?;
            statistics.extend(out.statistics.map(|statistics| (layer.spec.index, statistics)));
            x_bi = out.outputs;
        }
        Ok(Forward { logits: x_bi, statistics })
    }

    /// What the affine map of the layer at `position` makes of its inputs.
    pub(crate) fn pre_activations(&self, position: usize, x_bi: &Tensor) -> Result<Tensor> {
        self.layers[position].affine(x_bi, Pass::Evaluation)
    }

    /// What the layer at `position` makes of its inputs in evaluation.
    pub(crate) fn layer_outputs(&self, position: usize, x_bi: &Tensor) -> Result<Tensor> {
        Ok(self.layers[position].forward(x_bi, Mode::Evaluation)?.outputs)
    }
}

impl Dense {
    fn forward(&self, x_bi: &Tensor, mode: Mode) -> Result<Normalized> {
        let LayerSpec { index, .. } = self.spec;
        let x_bi = match mode {
            Mode::Evaluation => x_bi.clone(),
            Mode::Training(at) => {
                let noisy = gaussian_noise(x_bi, self.spec.input_noise, index, at)?;
                self.spec.dropout_kind.apply(&noisy, self.spec.input_dropout, index, at)?
            }
        };
        self.finish(&self.affine(&x_bi, mode.pass())?, mode.pass())
    }

    /// What follows the affine map.
    pub(crate) fn finish(&self, z_bo: &Tensor, pass: Pass) -> Result<Normalized> {
        match self.spec.norm.position() {
            None => Ok(Normalized { outputs: self.spec.activation.forward(z_bo)?, statistics: None }),
            Some(Position::BeforeActivation) => {
                let Normalized { outputs, statistics } = self.normalize(z_bo, pass)?;
                Ok(Normalized { outputs: self.spec.activation.forward(&outputs)?, statistics })
            }
            Some(Position::AfterActivation) => self.normalize(&self.spec.activation.forward(z_bo)?, pass),
        }
    }

    /// `x weight^T + bias`. In evaluation the weights are constants, so that nothing is kept for a backward pass.
    pub(crate) fn affine(&self, x_bi: &Tensor, pass: Pass) -> Result<Tensor> {
        let (weight_oi, bias_o) = match pass {
            Pass::Evaluation => (self.weight_oi.detach(), self.bias_o.detach()),
            Pass::Training => (self.weight_oi.clone(), self.bias_o.clone()),
        };
        x_bi.matmul(&weight_oi.t()?)?.broadcast_add(&bias_o)
    }

    fn normalize(&self, inputs: &Tensor, pass: Pass) -> Result<Normalized> {
        match &self.norm {
            Some(tensors) => self.spec.norm.forward(inputs, tensors, pass),
            None => Ok(Normalized { outputs: inputs.clone(), statistics: None }),
        }
    }
}

/// The forward pass of evaluation.
impl Module for Mlp {
    fn forward(&self, inputs: &Tensor) -> Result<Tensor> {
        Ok(self.forward(inputs, Mode::Evaluation)?.logits)
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
        let from_images = Module::forward(&mlp, &images).unwrap();
        let from_rows = Module::forward(&mlp, &images.reshape((5, 784)).unwrap()).unwrap();
        assert_eq!(from_images.dims(), [5, 10]);
        assert_eq!(from_images.to_vec2::<f32>().unwrap(), from_rows.to_vec2::<f32>().unwrap());
    }

    #[test]
    fn dropout_acts_in_training_only_and_follows_the_step() {
        let mlp = build(&ModelConfig { hidden: vec![16], dropout: 0.5, ..ModelConfig::default() }, 8, 3);
        let rows = Tensor::rand(0_f32, 1.0, (4, 8), &Device::Cpu).unwrap();
        let logits = |mode| mlp.forward(&rows, mode).unwrap().logits.to_vec2::<f32>().unwrap();
        let training = |step| logits(Mode::Training(MaskPosition { seed: 1, step, first_row: 0 }));
        assert_eq!(logits(Mode::Evaluation), logits(Mode::Evaluation));
        assert_eq!(training(0), training(0));
        assert_ne!(training(0), training(1));
        assert_ne!(training(0), logits(Mode::Evaluation));
    }

    #[test]
    fn depth_zero_is_an_affine_map() {
        let mlp = build(&ModelConfig { hidden: vec![], ..ModelConfig::default() }, 3, 2);
        let zero = Module::forward(&mlp, &Tensor::zeros((1, 3), DType::F32, &Device::Cpu).unwrap()).unwrap();
        assert_eq!(zero.to_vec2::<f32>().unwrap(), [[0.0, 0.0]]);
    }

    /// In evaluation a row's logits do not depend on its batch; in training batch normalisation ties the rows together.
    #[test]
    fn maxout_and_norms_have_their_shapes_and_evaluation_is_row_by_row() {
        for settings in [
            r#"{"hidden": [6, 4], "activation": {"name": "maxout", "pieces": 3}}"#,
            r#"{"hidden": [6, 4], "norm": "batch"}"#,
            r#"{"hidden": [6, 4], "norm": {"name": "batch", "position": "after_activation"}, "activation": "maxout"}"#,
            r#"{"hidden": [6, 4], "norm": "layer", "activation": "maxout"}"#,
        ] {
            let mlp = build(&serde_json::from_str(settings).unwrap(), 5, 3);
            let rows = Tensor::rand(0_f32, 1.0, (7, 5), &Device::Cpu).unwrap();
            let whole = Module::forward(&mlp, &rows).unwrap();
            assert_eq!(whole.dims(), [7, 3], "{settings}");
            let part = Module::forward(&mlp, &rows.narrow(0, 2, 1).unwrap()).unwrap();
            let difference = (whole.narrow(0, 2, 1).unwrap() - part).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
            assert!(difference < 1e-6, "{settings}: {difference}");
            let at = MaskPosition { seed: 1, step: 0, first_row: 0 };
            let training = mlp.forward(&rows, Mode::Training(at)).unwrap();
            assert_eq!(training.statistics.len(), if settings.contains("batch") { 2 } else { 0 }, "{settings}");
        }
    }
}
