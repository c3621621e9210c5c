//! Gradients against differences of losses, in 64 bits, for every kind of layer and objective: what each parameter's change does to the
//! loss, whatever the formulas in between.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/activation_forms.rs"]
mod activation_forms;

use activation_forms::activations;
use candle_core::{DType, Device, Tensor};
use relumine_engine::Objective;
use relumine_model::{Architecture, Head, MaskPosition, Mlp, Mode, ModelConfig, Norm, Parameter, Parameters};
use serde_json::{Value, json};

/// How far a parameter is moved to either side.
const H: f64 = 1e-5;
const FEATURES: usize = 4;

struct Network {
    architecture: Architecture,
    parameters: Parameters,
    mlp: Mlp,
    objective: Objective,
    inputs: Tensor,
    labels: Vec<u32>,
}

impl Network {
    fn new(config: &Value, objective: &Objective, rows: usize) -> Self {
        let config: ModelConfig = serde_json::from_value(config.clone()).unwrap();
        let classes = if config.head == Head::Softmax { 3 } else { 2 };
        let architecture = config.architecture(FEATURES, classes).unwrap();
        let parameters = Parameters::initialize(&architecture, 11, DType::F64, &Device::Cpu).unwrap();
        // Scales, shifts and running statistics start at 1 and 0, which hides what they do.
        for (position, parameter) in parameters.iter().filter(|parameter| parameter.name.contains(".norm.")).enumerate() {
            let values: Vec<f64> = (0..parameter.var.elem_count()).map(|i| 0.4 + ((i * 5 + position * 3) % 7) as f64 / 7.0).collect();
            parameter.var.set(&Tensor::from_vec(values, parameter.var.dims(), &Device::Cpu).unwrap()).unwrap();
        }
        let features: Vec<f64> = (0..rows * FEATURES).map(|i| 2.0 * (i as f64 * 1.7 + 0.3).sin()).collect();
        Self {
            mlp: Mlp::new(&architecture, parameters.var_builder(DType::F64, &Device::Cpu)).unwrap(),
            architecture,
            parameters,
            objective: objective.clone(),
            inputs: Tensor::from_vec(features, (rows, FEATURES), &Device::Cpu).unwrap(),
            labels: (0..rows).map(|row| (row * 2 % classes) as u32).collect(),
        }
    }

    /// The mean loss of a training pass, whose masks and noise are always those of one step.
    fn loss(&self) -> Tensor {
        let training = Mode::Training(MaskPosition { seed: 5, step: 3, first_row: 0 });
        let logits = self.mlp.forward(&self.inputs, training).unwrap().logits;
        let labels = Tensor::new(self.labels.as_slice(), &Device::Cpu).unwrap();
        let sum = self.objective.sum(self.architecture.head, &logits, &labels).unwrap();
        (sum / self.objective.total_weight(self.labels.iter().copied())).unwrap()
    }

    /// The loss with one element of one parameter moved.
    fn moved_loss(&self, parameter: &Parameter, element: usize, by: f64) -> f64 {
        let kept = parameter.var.as_detached_tensor().copy().unwrap();
        let mut values = kept.flatten_all().unwrap().to_vec1::<f64>().unwrap();
        values[element] += by;
        parameter.var.set(&Tensor::from_vec(values, kept.dims(), &Device::Cpu).unwrap()).unwrap();
        let loss = self.loss().to_scalar().unwrap();
        parameter.var.set(&kept).unwrap();
        loss
    }

    /// Every element of every gradient. The two one-sided differences agree up to a curvature unless a kink lies between: then the inputs
    /// are badly chosen, and the test says so instead of comparing there.
    fn check(&self, what: &str) {
        let gradients = self.loss().backward().unwrap();
        let at_rest: f64 = self.loss().to_scalar().unwrap();
        for parameter in self.parameters.trainable() {
            let gradient = gradients.get(&parameter.var).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap();
            for (element, analytic) in gradient.into_iter().enumerate() {
                let [below, above] = [-H, H].map(|by| self.moved_loss(parameter, element, by));
                let [left, right] = [(at_rest - below) / H, (above - at_rest) / H];
                let place = format!("{what}: {}, element {element}", parameter.name);
                assert!((left - right).abs() < 1e-3, "{place}: a kink, {left} on one side and {right} on the other");
                let numeric = (above - below) / (2.0 * H);
                let tolerance = 1e-9 + 1e-6 * numeric.abs();
                assert!((analytic - numeric).abs() <= tolerance, "{place}: {analytic}, numerically {numeric}");
            }
        }
    }
}

fn objective(label_smoothing: f64, class_weights: Option<&[f64]>) -> Objective {
    Objective { label_smoothing, class_weights: class_weights.map(<[f64]>::to_vec) }
}

#[test]
fn every_activation_under_both_heads() {
    for activation in activations() {
        for head in ["softmax", "sigmoid"] {
            let config = json!({ "hidden": [5, 3], "activation": activation, "head": head });
            Network::new(&config, &Objective::default(), 6).check(&config.to_string());
        }
    }
}

/// A batch of one row is normalised by the running statistics.
#[test]
fn every_norm_in_both_positions_on_batches_and_on_one_row() {
    for name in Norm::NAMES.iter().filter(|name| **name != "none") {
        for position in ["before_activation", "after_activation"] {
            for activation in ["tanh", "relu", "maxout", "softplus"] {
                let norm = json!({ "name": name, "position": position, "epsilon": 1e-3 });
                let config = json!({ "hidden": [5, 3], "activation": activation, "norm": norm });
                for rows in [6, 1] {
                    Network::new(&config, &Objective::default(), rows).check(&format!("{config}, {rows} rows"));
                }
            }
        }
    }
}

#[test]
fn dropout_of_both_kinds_and_noise_with_and_without_norms() {
    for regularization in [
        json!({ "dropout": 0.4 }),
        json!({ "input_dropout": 0.3 }),
        json!({ "dropout": 0.4, "input_dropout": 0.3, "dropout_kind": "alpha_dropout" }),
        json!({ "noise": 0.3 }),
        json!({ "input_noise": 0.5 }),
        json!({ "dropout": 0.3, "input_dropout": 0.2, "noise": 0.2, "input_noise": 0.1 }),
    ] {
        for (activation, norm) in [("selu", "none"), ("mish", "batch"), ("tanh", "layer"), ("maxout", "none")] {
            let mut config = json!({ "hidden": [6, 5], "activation": activation, "norm": norm });
            config.as_object_mut().unwrap().extend(regularization.as_object().unwrap().clone());
            Network::new(&config, &Objective::default(), 6).check(&config.to_string());
        }
    }
}

#[test]
fn smoothed_labels_and_weighted_classes_under_both_heads() {
    for (head, weights) in [("softmax", [0.5, 2.0, 0.0].as_slice()), ("sigmoid", &[0.25, 1.5])] {
        let config = json!({ "hidden": [5], "activation": "tanh", "head": head });
        for objective in [objective(0.2, None), objective(0.0, Some(weights)), objective(0.2, Some(weights))] {
            Network::new(&config, &objective, 6).check(&format!("{config}, {objective:?}"));
        }
    }
}
