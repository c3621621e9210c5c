//! Normalisation of hidden layers: ours, because Candle's `LayerNorm` has no backward pass and its `BatchNorm` is ruined for good by a
//! batch of one row. Shape suffixes: `b` rows of the batch, `u` units.

use crate::kinds::kinds;
use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;
use serde::{Deserialize, Serialize};

kinds! {
    /// Normalisation of the hidden layers, `model.norm`.
    Norm: NormKind { none::NoNorm, batch::BatchNorm, layer::LayerNorm }
}

/// Where a normalisation stands in its layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Position {
    /// Between the affine map and the activation, as its authors have it.
    #[default]
    BeforeActivation,
    /// After the activation.
    AfterActivation,
}

/// Whether batch statistics are those of this batch or the running ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pass {
    Training,
    Evaluation,
}

impl Norm {
    /// Where it stands; `None` where there is no normalisation.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        self.behaviour().position()
    }

    /// Whether it has buffers: a running mean and variance of each unit.
    #[must_use]
    pub fn keeps_running_statistics(&self) -> bool {
        self.behaviour().keeps_running_statistics()
    }

    /// Checks the parameters.
    ///
    /// # Errors
    /// One sentence that names the parameter and its range.
    pub fn validate(&self) -> std::result::Result<(), String> {
        self.behaviour().validate()
    }

    pub(crate) fn forward(&self, inputs_bu: &Tensor, tensors: &NormTensors, pass: Pass) -> Result<Normalized> {
        self.behaviour().forward(inputs_bu, tensors, pass)
    }
}

/// What a file in this folder provides.
trait NormKind {
    /// Where it stands.
    fn position(&self) -> Option<Position> {
        None
    }

    /// Whether it has buffers.
    fn keeps_running_statistics(&self) -> bool {
        false
    }

    /// Normalises `[rows, units]`.
    fn forward(&self, inputs_bu: &Tensor, tensors: &NormTensors, pass: Pass) -> Result<Normalized>;

    /// Says which parameter is out of its range, if one is.
    fn validate(&self) -> std::result::Result<(), String> {
        Ok(())
    }
}

/// The tensors of one layer's normalisation, each `[units]`.
#[derive(Clone, Debug)]
pub(crate) struct NormTensors {
    weight_u: Tensor,
    bias_u: Tensor,
    /// Mean and variance.
    running: Option<(Tensor, Tensor)>,
}

/// What a normalisation gives.
pub(crate) struct Normalized {
    pub(crate) outputs: Tensor,
    /// What the batch adds to the running statistics.
    pub(crate) statistics: Option<BatchStatistics>,
}

/// What one batch says about a layer's units: to be taken into the running statistics once the step is known to be sound.
#[derive(Clone, Debug)]
pub struct BatchStatistics {
    /// Weight of this batch.
    pub(crate) momentum: f64,
    /// `[units]`
    pub(crate) mean: Tensor,
    /// `[units]`, with 1/(rows - 1).
    pub(crate) variance: Tensor,
}

impl NormTensors {
    /// The tensors that `vb` holds.
    pub(crate) fn new(norm: &Norm, units: usize, vb: &VarBuilder<'_>) -> Result<Self> {
        let running =
            if norm.keeps_running_statistics() { Some((vb.get(units, "running_mean")?, vb.get(units, "running_var")?)) } else { None };
        Ok(Self { weight_u: vb.get(units, "weight")?, bias_u: vb.get(units, "bias")?, running })
    }

    fn scale_and_shift(&self, standardized_bu: &Tensor) -> Result<Tensor> {
        standardized_bu.broadcast_mul(&self.weight_u)?.broadcast_add(&self.bias_u)
    }
}

/// Values with mean 0 and variance 1 along a dimension.
struct Standardized {
    values: Tensor,
    /// Along the dimension, which is kept with size 1; likewise `variance`, with 1/n.
    mean: Tensor,
    variance: Tensor,
}

/// `(x - mean) / sqrt(variance + epsilon)` along `dimension`, the variance with 1/n.
fn standardize(inputs_bu: &Tensor, dimension: usize, epsilon: f64) -> Result<Standardized> {
    let mean = inputs_bu.mean_keepdim(dimension)?;
    let centred = inputs_bu.broadcast_sub(&mean)?;
    let variance = centred.sqr()?.mean_keepdim(dimension)?;
    let values = centred.broadcast_div(&(&variance + epsilon)?.sqrt()?)?;
    Ok(Standardized { values, mean, variance })
}

/// The arithmetic is in f32, where a number may round to 0.
fn check_epsilon(epsilon: f64) -> std::result::Result<(), String> {
    if epsilon as f32 > 0.0 && (epsilon as f32).is_finite() {
        Ok(())
    } else {
        Err(format!("epsilon = {epsilon} must be a finite number over 0, such as 1e-5"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    fn tensors(units: usize, running: Option<(f32, f32)>) -> NormTensors {
        let full = |value: f32| Tensor::full(value, units, &Device::Cpu).unwrap();
        NormTensors { weight_u: full(2.0), bias_u: full(1.0), running: running.map(|(mean, variance)| (full(mean), full(variance))) }
    }

    fn norm(json: &str) -> Norm {
        serde_json::from_str(json).unwrap()
    }

    fn rows(values: &[[f32; 2]]) -> Tensor {
        Tensor::from_slice(values.as_flattened(), (values.len(), 2), &Device::Cpu).unwrap()
    }

    /// Column 0 is 1, 3: mean 2, variance 1 (2 with 1/(n - 1)). Column 1 is 5, 5: no variance at all.
    #[test]
    fn batch_statistics_checked_by_hand() {
        let norm = norm(r#"{"name": "batch", "epsilon": 1e-12}"#);
        let out = norm.forward(&rows(&[[1.0, 5.0], [3.0, 5.0]]), &tensors(2, Some((0.0, 1.0))), Pass::Training).unwrap();
        assert_eq!(out.outputs.to_vec2::<f32>().unwrap(), [[-1.0, 1.0], [3.0, 1.0]]);
        let statistics = out.statistics.unwrap();
        assert_eq!(statistics.mean.to_vec1::<f32>().unwrap(), [2.0, 5.0]);
        assert_eq!(statistics.variance.to_vec1::<f32>().unwrap(), [2.0, 0.0]);
    }

    #[test]
    fn evaluation_uses_the_running_statistics_and_gives_none() {
        let norm = norm(r#"{"name": "batch", "epsilon": 1e-12}"#);
        let out = norm.forward(&rows(&[[1.0, 5.0], [3.0, 5.0]]), &tensors(2, Some((1.0, 4.0))), Pass::Evaluation).unwrap();
        assert_eq!(out.outputs.to_vec2::<f32>().unwrap(), [[1.0, 5.0], [3.0, 5.0]]);
        assert!(out.statistics.is_none());
    }

    #[test]
    fn a_batch_of_one_row_is_finite_and_leaves_the_running_statistics_alone() {
        let out = norm("\"batch\"").forward(&rows(&[[1.0, -5.0]]), &tensors(2, Some((0.0, 1.0))), Pass::Training).unwrap();
        assert!(out.outputs.to_vec2::<f32>().unwrap()[0].iter().all(|value| value.is_finite()));
        assert!(out.statistics.is_none());
    }

    /// Row 0 is 1, 3: mean 2, variance 1.
    #[test]
    fn layer_normalisation_is_by_row_and_knows_no_training() {
        for pass in [Pass::Training, Pass::Evaluation] {
            let norm = norm(r#"{"name": "layer", "epsilon": 1e-12}"#);
            let out = norm.forward(&rows(&[[1.0, 3.0], [50.0, 10.0]]), &tensors(2, None), pass).unwrap();
            assert_eq!(out.outputs.to_vec2::<f32>().unwrap(), [[-1.0, 3.0], [3.0, -1.0]]);
        }
    }

    #[test]
    fn every_norm_is_written_by_the_name_it_is_read_by() {
        for json in [
            r#""none""#,
            r#"{"name":"batch","momentum":0.1,"epsilon":0.001,"position":"before_activation"}"#,
            r#"{"name":"layer","epsilon":0.00001,"position":"after_activation"}"#,
        ] {
            let written = serde_json::to_value(norm(json)).unwrap();
            assert_eq!(written, serde_json::from_str::<serde_json::Value>(json).unwrap());
        }
        let unknown = serde_json::from_str::<Norm>(r#""no_norm""#).unwrap_err().to_string();
        assert!(unknown.starts_with("unknown variant `no_norm`, expected one of `none`, `batch`, `layer`"), "{unknown}");
    }

    #[test]
    fn parameters_out_of_range_are_named() {
        for (json, parameter) in [
            (r#"{"name": "batch", "momentum": 0.0}"#, "momentum"),
            (r#"{"name": "batch", "momentum": 1.5}"#, "momentum"),
            (r#"{"name": "batch", "epsilon": 0.0}"#, "epsilon"),
            (r#"{"name": "layer", "epsilon": 1e-60}"#, "epsilon"),
        ] {
            let message = norm(json).validate().unwrap_err();
            assert!(message.contains(parameter), "{message}");
        }
    }
}
