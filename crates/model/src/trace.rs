//! A forward pass that keeps what flows through each layer.

use crate::norm::Pass;
use crate::{LayerSpec, Mlp};
use candle_core::{Result, Tensor, Var};

/// One layer of a forward pass. Shape suffixes: `b` rows, `o` rows of the weight, `u` outputs.
#[derive(Clone, Debug)]
pub struct LayerTrace<'a> {
    /// The layer.
    pub spec: &'a LayerSpec,
    /// `[b, u]`: what the layer gives.
    pub outputs: Tensor,
    /// `[b, o]`, zeros, added to the pre-activations: the gradient here is the one there. (Candle keeps gradients of variables alone.)
    pub shift: Var,
}

impl Mlp {
    /// A forward pass of training without dropout and noise: batches are normalised by their own statistics, and gradients can be asked for.
    /// The last layer's outputs are the logits.
    ///
    /// # Shapes
    /// As [`forward`](Self::forward).
    ///
    /// # Errors
    /// As [`forward`](Self::forward).
    pub fn trace(&self, inputs: &Tensor) -> Result<Vec<LayerTrace<'_>>> {
        let mut x_bi = inputs.flatten_from(1)?;
        let mut layers = Vec::with_capacity(self.layers.len());
        for layer in &self.layers {
            let z_bo = layer.affine(&x_bi, Pass::Training)?;
            let shift = Var::zeros(z_bo.shape(), z_bo.dtype(), z_bo.device())?;
            let outputs = layer.finish(&(z_bo + shift.as_tensor())?, Pass::Training)?.outputs;
            x_bi = outputs.clone();
            layers.push(LayerTrace { spec: &layer.spec, outputs, shift });
        }
        Ok(layers)
    }
}

#[cfg(test)]
mod tests {
    use crate::{MaskPosition, Mlp, Mode, ModelConfig, Parameters};
    use candle_core::{DType, Device, Tensor};

    #[test]
    fn a_trace_ends_in_the_logits_of_training_without_dropout() {
        let config = |dropout: f64| serde_json::json!({ "hidden": [5, 4], "norm": "batch", "dropout": dropout });
        let logits = |dropout: f64, is_traced: bool| {
            let config: ModelConfig = serde_json::from_value(config(dropout)).unwrap();
            let architecture = config.architecture(3, 2).unwrap();
            let parameters = Parameters::initialize(&architecture, 1, DType::F32, &Device::Cpu).unwrap();
            let mlp = Mlp::new(&architecture, parameters.var_builder(DType::F32, &Device::Cpu)).unwrap();
            let rows = Tensor::arange(0_f32, 18.0, &Device::Cpu).unwrap().reshape((6, 3)).unwrap().sin().unwrap();
            let training = Mode::Training(MaskPosition { seed: 0, step: 0, first_row: 0 });
            let logits =
                if is_traced { mlp.trace(&rows).unwrap()[2].outputs.clone() } else { mlp.forward(&rows, training).unwrap().logits };
            logits.to_vec2::<f32>().unwrap()
        };
        assert_eq!(logits(0.5, true), logits(0.0, false));
        assert_ne!(logits(0.5, true), logits(0.5, false));
    }
}
