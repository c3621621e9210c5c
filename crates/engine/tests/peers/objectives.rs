//! Smoothed labels and weighted classes against PyTorch (softmax) and Keras (sigmoid).

use crate::case::Case;
use crate::close::{assert_all_close, assert_close, floats};
use candle_core::{DType, Device, Tensor};
use relumine_engine::{Objective, TrainingConfig};
use serde_json::Value;

fn cases() -> Vec<(Case, Vec<(Objective, Value)>)> {
    let fixture: Value = serde_json::from_str(include_str!("../fixtures/objectives.json")).unwrap();
    let objectives = |case: Case| {
        let objective = |expected: &Value| {
            let class_weights = expected["class_weights"].is_array().then(|| floats(&expected["class_weights"]));
            let objective = Objective { label_smoothing: expected["label_smoothing"].as_f64().unwrap(), class_weights };
            objective.validate(case.architecture.num_classes).unwrap();
            (objective, expected.clone())
        };
        let objectives: Vec<_> = case.expected["objectives"].as_array().unwrap().iter().map(objective).collect();
        assert_eq!(objectives.len(), 6);
        (case, objectives)
    };
    Case::all(&fixture).into_iter().map(objectives).collect()
}

#[test]
fn gradients_of_smoothed_and_weighted_losses_match_pytorch_and_keras() {
    for (case, objectives) in cases() {
        for (objective, expected) in objectives {
            let what = format!("{}, {objective:?}", case.name);
            let step = case.step(&TrainingConfig { objective, ..TrainingConfig::default() });
            assert_all_close(&what, &step.gradients(&case.examples, &case.rows).unwrap(), &expected["gradients"]);
        }
    }
}

#[test]
fn the_sum_over_rows_by_their_total_weight_is_the_mean_loss_of_pytorch_and_keras() {
    for (case, objectives) in cases() {
        let logits = floats(&case.expected["logits"]);
        let labels = case.examples.labels_of(&case.rows);
        let shape = (labels.len(), logits.len() / labels.len());
        let logits = Tensor::from_vec(logits, shape, &Device::Cpu).unwrap();
        let labels_b = Tensor::new(labels.as_slice(), &Device::Cpu).unwrap();
        for (objective, expected) in objectives {
            for dtype in [DType::F32, DType::F64] {
                let sum = objective.sum(case.architecture.head, &logits.to_dtype(dtype).unwrap(), &labels_b).unwrap();
                let mean = sum.to_dtype(DType::F64).unwrap().to_scalar::<f64>().unwrap() / objective.total_weight(labels.iter().copied());
                assert_close(&format!("{}, {objective:?}, {dtype:?}", case.name), &[mean], &[expected["loss"].as_f64().unwrap()]);
            }
        }
    }
}
