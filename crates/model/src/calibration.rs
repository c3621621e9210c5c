//! Starting weights that look at the data: layer-sequential unit variance.

use crate::{Architecture, Initializer, Mlp, ModelError, Parameters};
use candle_core::{DType, Device, Result, Tensor};
use std::collections::BTreeMap;

/// Whether any layer's weights are to be rescaled on data before training.
#[must_use]
pub fn needs_data(architecture: &Architecture) -> bool {
    architecture.layers.iter().any(|layer| matches!(layer.weight_init, Initializer::Lsuv(_)))
}

/// Rescales the weights of [`Lsuv`](crate::initializer::Lsuv) layers, first to last, until the variance of their pre-activations on
/// `inputs` is within the tolerance of 1: `weight <- weight / sqrt(variance)`. Layers that start otherwise stay as they are, and so does one
/// whose pre-activations do not vary at all.
///
/// Computed on the CPU in f64 and rounded to f32 at the end, so that every device starts from the same weights.
///
/// # Shapes
/// `inputs` `[N, ...]` of any dtype; `tensors` are the architecture's, by name.
///
/// # Errors
/// Tensors that are not the architecture's.
pub fn calibrate(
    architecture: &Architecture,
    tensors: &BTreeMap<String, Tensor>,
    inputs: &Tensor,
) -> std::result::Result<BTreeMap<String, Tensor>, ModelError> {
    let parameters = Parameters::initialize(architecture, 0, DType::F64, &Device::Cpu)?;
    parameters.load(tensors)?;
    let mlp = Mlp::new(architecture, parameters.var_builder(DType::F64, &Device::Cpu))?;
    let mut x_bi = inputs.to_device(&Device::Cpu)?.to_dtype(DType::F64)?.flatten_from(1)?;
    for (position, layer) in architecture.layers.iter().enumerate() {
        if let Initializer::Lsuv(lsuv) = &layer.weight_init {
            let name = format!("layers.{}.weight", layer.index);
            let Some(weight) = parameters.get(&name) else { continue };
            for _ in 0..lsuv.max_iterations {
                let variance = variance(&mlp.pre_activations(position, &x_bi)?)?;
                if (variance - 1.0).abs() <= lsuv.tolerance || variance <= 0.0 || !variance.is_finite() {
                    break;
                }
                weight.set(&(weight.as_detached_tensor() * variance.sqrt().recip())?)?;
            }
        }
        x_bi = mlp.layer_outputs(position, &x_bi)?;
    }
    let calibrated = parameters.iter().map(|parameter| {
        let values = parameter.var.as_detached_tensor().to_dtype(DType::F32)?;
        Ok((parameter.name.clone(), values))
    });
    Ok(calibrated.collect::<Result<_>>()?)
}

/// Over all elements, with 1/n.
fn variance(values: &Tensor) -> Result<f64> {
    let values = values.flatten_all()?.to_vec1::<f64>()?;
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    Ok(values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ModelConfig;

    /// Ten layers of ReLU: before, the signal shrinks by about half a layer; after, every layer's pre-activations have variance 1.
    #[test]
    fn every_layer_of_a_deep_network_has_unit_variance_afterwards() {
        let config = ModelConfig { hidden: vec![64; 10], init: serde_json::from_str("\"lsuv\"").unwrap(), ..ModelConfig::default() };
        let architecture = config.architecture(20, 3).unwrap();
        assert!(needs_data(&architecture) && !needs_data(&ModelConfig::default().architecture(20, 3).unwrap()));
        let values: Vec<f32> = (0..200 * 20).map(|i| ((i * 37 % 101) as f32 - 30.0) / 10.0).collect();
        let inputs = Tensor::from_vec(values, (200, 20), &Device::Cpu).unwrap();
        let fresh = Parameters::initialize(&architecture, 1, DType::F32, &Device::Cpu).unwrap().to_tensors().unwrap();
        let variances = |tensors: &BTreeMap<String, Tensor>| {
            let parameters = Parameters::initialize(&architecture, 1, DType::F64, &Device::Cpu).unwrap();
            parameters.load(tensors).unwrap();
            let mlp = Mlp::new(&architecture, parameters.var_builder(DType::F64, &Device::Cpu)).unwrap();
            let mut x = inputs.to_dtype(DType::F64).unwrap();
            let each = (0..11).map(|position| {
                let z = mlp.pre_activations(position, &x).unwrap();
                x = mlp.layer_outputs(position, &x).unwrap();
                variance(&z).unwrap()
            });
            each.collect::<Vec<f64>>()
        };
        assert!(variances(&fresh)[10] < 0.1, "{:?}", variances(&fresh));
        let calibrated = calibrate(&architecture, &fresh, &inputs).unwrap();
        assert!(variances(&calibrated).iter().all(|variance| (variance - 1.0).abs() < 1e-5), "{:?}", variances(&calibrated));
    }
}
