// For the examples in the optimisers' docstrings.

use candle_core::{DType, Device, Result, Tensor};
use relumine_engine::{Horizon, Optimizer, OptimizerConfig};
use relumine_model::{Head, ModelConfig, Parameters};

/// What a weight that starts as `start` is after a step on each of `gradients`, rounded to four decimals.
pub fn weights(settings: &str, start: f32, gradients: &[f32]) -> Result<Vec<f64>> {
    let config: OptimizerConfig = serde_json::from_str(settings).map_err(candle_core::Error::wrap)?;
    let model = ModelConfig { hidden: vec![], head: Head::Sigmoid, ..ModelConfig::default() };
    let architecture = model.architecture(1, 2).map_err(candle_core::Error::wrap)?;
    let parameters = Parameters::initialize(&architecture, 0, DType::F32, &Device::Cpu)?;
    let mut optimizer = Optimizer::new(&config, &parameters, Horizon::default())?;
    let weight = &parameters.trainable().next().unwrap().var;
    weight.set(&weight.ones_like()?.affine(f64::from(start), 0.0)?)?;
    let step = |gradient: &f32| {
        let of_bias = Tensor::zeros(1, DType::F32, &Device::Cpu)?;
        optimizer.step(&parameters, vec![Tensor::new(&[[*gradient]], &Device::Cpu)?, of_bias])?;
        Ok((f64::from(weight.flatten_all()?.to_vec1::<f32>()?[0]) * 1e4).round() / 1e4)
    };
    gradients.iter().map(step).collect()
}
