//! Batch and layer normalisation against PyTorch.

use crate::case::Case;
use crate::close::{assert_all_close, assert_close, floats, values};
use candle_core::{DType, Device};
use relumine_engine::{Step, TrainingConfig};
use relumine_model::{MaskPosition, Mlp, Mode, Norm, Parameters};
use serde_json::{Value, json};

fn fixture() -> Value {
    serde_json::from_str(include_str!("../fixtures/torch_norms.json")).unwrap()
}

#[test]
fn every_norm_is_compared_in_both_positions() {
    let cases = Case::all(&fixture());
    for name in Norm::NAMES.iter().filter(|name| **name != "none") {
        for position in ["before_activation", "after_activation"] {
            let placed = |norm: &Value| {
                let found = norm.as_str().or_else(|| norm["name"].as_str()).unwrap();
                found == *name && norm.get("position").map_or("before_activation", |position| position.as_str().unwrap()) == position
            };
            assert!(cases.iter().filter(|case| placed(&case.expected["model"]["norm"])).count() >= 3, "{name} {position}");
        }
    }
}

#[test]
fn training_logits_loss_and_gradients_match_pytorch() {
    for case in Case::all(&fixture()) {
        let parameters = Parameters::initialize(&case.architecture, 0, DType::F32, &Device::Cpu).unwrap();
        parameters.load(&case.tensors()).unwrap();
        let mlp = Mlp::new(&case.architecture, parameters.var_builder(DType::F32, &Device::Cpu)).unwrap();
        let (inputs, _) = case.examples.batch(&case.rows).unwrap();
        let training = Mode::Training(MaskPosition { seed: 0, step: 0, first_row: 0 });
        let logits = values(&mlp.forward(&inputs, training).unwrap().logits);
        assert_close(&format!("{}: logits", case.name), &logits, &floats(&case.expected["logits"]));
        let mut step = case.step(&TrainingConfig::default());
        let gradients = step.gradients(&case.examples, &case.rows).unwrap();
        assert_all_close(&format!("{}: gradient", case.name), &gradients, &case.expected["gradients"]);
        step.train(&case.examples, &case.rows).unwrap();
        let loss = step.totals().unwrap().mean_loss();
        assert_close(&format!("{}: loss", case.name), &[loss], &[case.expected["loss"].as_f64().unwrap()]);
    }
}

#[test]
fn running_statistics_and_evaluation_match_pytorch_after_3_batches_of_different_sizes() {
    let fixture = fixture();
    let optimizer = serde_json::from_value(json!({ "name": "sgd", "learning_rate": fixture["learning_rate"] })).unwrap();
    let training = TrainingConfig { optimizer, ..TrainingConfig::default() };
    for case in Case::all(&fixture) {
        let mut step = case.step(&training);
        for rows in fixture["batches"].as_array().unwrap() {
            let rows: Vec<u32> = floats(rows).into_iter().map(|row| row as u32).collect();
            step.train(&case.examples, &rows).unwrap();
        }
        assert_all_close(&format!("{}: trained", case.name), &step.parameters().unwrap(), &case.expected["trained"]);
        let logits: Vec<f64> = step.logits(&case.examples, &case.rows).unwrap().into_iter().map(f64::from).collect();
        assert_close(&format!("{}: evaluation", case.name), &logits, &floats(&case.expected["evaluation_logits"]));
    }
}
