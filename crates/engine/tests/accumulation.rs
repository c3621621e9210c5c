//! A step over a window in micro-batches is a step over the window: the same masks, noise, weights and gradients, and nothing by halves.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/examples.rs"]
mod examples;

use candle_core::{DType, Device, Tensor};
use examples::{bits, examples};
use relumine_engine::{NamedTensors, Objective, ReferenceStep, Step, StepError, TrainingConfig};
use relumine_model::ModelConfig;
use serde_json::{Value, json};

const MICRO_BATCHES: [usize; 5] = [1, 2, 5, 7, 100];
/// A whole window, an odd one, and the tails that an epoch may end with.
const WINDOWS: [&[u32]; 5] = [&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], &[7, 4, 11, 5, 0, 9, 3], &[2, 8, 10], &[6, 1], &[4]];

fn step(model: &Value, optimizer: &Value, class_weights: [f64; 3], micro_batch: Option<usize>) -> ReferenceStep {
    let config: ModelConfig = serde_json::from_value(model.clone()).unwrap();
    let training = TrainingConfig {
        optimizer: serde_json::from_value(optimizer.clone()).unwrap(),
        objective: Objective { label_smoothing: 0.1, class_weights: Some(class_weights.to_vec()) },
        micro_batch,
        seed: 1,
        ..TrainingConfig::default()
    };
    ReferenceStep::new(&config.architecture(5, 3).unwrap(), &training, &Device::Cpu).unwrap()
}

/// All that draws at random, and norms that look at one row at a time.
fn models() -> [Value; 3] {
    [
        json!({ "hidden": [8, 6], "dropout": 0.4, "input_dropout": 0.2, "noise": 0.2, "input_noise": 0.1 }),
        json!({ "hidden": [8, 6], "dropout": 0.3, "dropout_kind": "alpha_dropout", "activation": "selu", "noise": 0.1 }),
        json!({ "hidden": [8, 6], "dropout": 0.4, "input_noise": 0.1, "activation": "maxout", "norm": "layer" }),
    ]
}

const CLASS_WEIGHTS: [f64; 3] = [0.5, 2.0, 1.25];

fn values(tensor: &Tensor) -> Vec<f64> {
    tensor.flatten_all().unwrap().to_dtype(DType::F64).unwrap().to_vec1().unwrap()
}

fn assert_close(what: &str, ours: &NamedTensors, whole: &NamedTensors) {
    assert_eq!(ours.keys().collect::<Vec<_>>(), whole.keys().collect::<Vec<_>>());
    for (name, tensor) in ours {
        for (element, (ours, whole)) in values(tensor).into_iter().zip(values(&whole[name])).enumerate() {
            assert!((ours - whole).abs() <= 1e-6 + 1e-5 * whole.abs(), "{what}: {name}, element {element} is {ours}, whole {whole}");
        }
    }
}

#[test]
fn micro_batches_add_up_to_the_gradients_of_the_whole_window() {
    for model in models() {
        let whole = step(&model, &json!({}), CLASS_WEIGHTS, None);
        for (micro_batch, rows) in MICRO_BATCHES.into_iter().flat_map(|size| WINDOWS.map(|rows| (size, rows))) {
            let parts = step(&model, &json!({}), CLASS_WEIGHTS, Some(micro_batch));
            let what = format!("{model}, {micro_batch} at a time of {rows:?}");
            assert_close(&what, &parts.gradients(&examples(1.0), rows).unwrap(), &whole.gradients(&examples(1.0), rows).unwrap());
        }
    }
}

#[test]
fn steps_in_micro_batches_train_the_same_weights_and_count_the_same_rows() {
    let optimizer = json!({ "learning_rate": 0.01, "epsilon": 1e-3, "weight_decay": 0.1, "clip_norm": 0.5, "ema_decay": 0.5 });
    for model in models() {
        for micro_batch in MICRO_BATCHES {
            let [mut whole, mut parts] = [None, Some(micro_batch)].map(|size| step(&model, &optimizer, CLASS_WEIGHTS, size));
            for rows in WINDOWS {
                whole.train(&examples(1.0), rows).unwrap();
                parts.train(&examples(1.0), rows).unwrap();
            }
            let what = format!("{model}, {micro_batch} at a time");
            assert_close(&what, &parts.parameters().unwrap(), &whole.parameters().unwrap());
            assert_close(&what, &parts.optimizer_state().unwrap(), &whole.optimizer_state().unwrap());
            let [ours, theirs] = [&parts, &whole].map(|step| step.totals().unwrap());
            assert_eq!((ours.rows, ours.correct, parts.steps()), (theirs.rows, theirs.correct, whole.steps()), "{what}");
            assert!((ours.loss - theirs.loss).abs() < 1e-4, "{what}: {ours:?}, whole {theirs:?}");
        }
    }
}

/// Means and variances of the first layer's pre-activations, from its weights: `[(mean, unbiased variance); units]`.
fn statistics_by_hand(parameters: &NamedTensors, rows: &[u32]) -> Vec<(f64, f64)> {
    let (inputs, _) = examples(1.0).batch(rows).unwrap();
    let weight = parameters["layers.0.weight"].to_dtype(DType::F64).unwrap();
    let z = inputs.to_dtype(DType::F64).unwrap().matmul(&weight.t().unwrap()).unwrap().to_vec2::<f64>().unwrap();
    let statistics = values(&parameters["layers.0.bias"]).into_iter().enumerate().map(|(unit, bias)| {
        let mean = z.iter().map(|row| row[unit] + bias).sum::<f64>() / z.len() as f64;
        let squares = z.iter().map(|row| (row[unit] + bias - mean).powi(2)).sum::<f64>();
        (mean, squares / (z.len() - 1) as f64)
    });
    statistics.collect()
}

/// The window's seventh row is a micro-batch alone, and says nothing.
#[test]
fn each_micro_batch_enters_the_running_statistics_in_its_turn() {
    let model =
        json!({ "hidden": [4, 3], "norm": { "name": "batch", "momentum": 0.3 }, "bias_init": { "name": "constant", "value": 0.1 } });
    let mut step = step(&model, &json!({}), CLASS_WEIGHTS, Some(3));
    let before = step.parameters().unwrap();
    step.train(&examples(1.0), WINDOWS[1]).unwrap();
    let after = step.parameters().unwrap();
    let (first, second) = (statistics_by_hand(&before, &WINDOWS[1][..3]), statistics_by_hand(&before, &WINDOWS[1][3..6]));
    let [mean, variance] = ["mean", "var"].map(|part| values(&after[&format!("layers.0.norm.running_{part}")]));
    let absorb = |running: f64, statistics: [f64; 2]| statistics.into_iter().fold(running, |running, new| 0.7 * running + 0.3 * new);
    for unit in 0..4 {
        let ((mean1, variance1), (mean2, variance2)) = (first[unit], second[unit]);
        assert!((mean[unit] - absorb(0.0, [mean1, mean2])).abs() < 1e-6, "unit {unit}: {}", mean[unit]);
        assert!((variance[unit] - absorb(1.0, [variance1, variance2])).abs() < 1e-6, "unit {unit}: {}", variance[unit]);
    }
    assert!((mean[0] - absorb(0.0, [second[0].0, first[0].0])).abs() > 1e-3, "the other order would show");
}

/// Row 9 comes in the second micro-batch, when the first one's gradients and statistics are known.
#[test]
fn a_loss_that_is_not_finite_in_a_later_micro_batch_changes_nothing() {
    let model = json!({ "hidden": [8, 6], "dropout": 0.4, "norm": "batch" });
    for optimizer in [json!({ "name": "sgd", "momentum": 0.9 }), json!({ "ema_decay": 0.5 })] {
        let [mut undisturbed, mut disturbed] = [(); 2].map(|()| step(&model, &optimizer, CLASS_WEIGHTS, Some(2)));
        let state =
            |step: &ReferenceStep| (bits(&step.parameters().unwrap()), bits(&step.optimizer_state().unwrap()), step.totals().unwrap());
        for step in [&mut undisturbed, &mut disturbed] {
            step.train(&examples(1.0), WINDOWS[0]).unwrap();
            step.train(&examples(1.0), WINDOWS[1]).unwrap();
        }
        let before = state(&disturbed);
        let error = disturbed.train(&examples(f32::INFINITY), &[6, 8, 9, 10]).unwrap_err();
        assert!(matches!(error, StepError::NonFiniteLoss { step: 3, .. }), "{error}");
        assert_eq!(state(&disturbed), before, "{optimizer}");
        assert_eq!(disturbed.steps(), 2);
        for step in [&mut undisturbed, &mut disturbed] {
            step.train(&examples(1.0), WINDOWS[1]).unwrap();
        }
        assert_eq!(state(&disturbed), state(&undisturbed), "{optimizer}");
    }
}

/// Rows 0, 3, 6 and 9 are of class 0.
#[test]
fn a_window_of_rows_that_weigh_nothing_teaches_nothing() {
    for micro_batch in [None, Some(1), Some(3)] {
        let mut step = step(&models()[0], &json!({ "name": "sgd" }), [0.0, 1.0, 1.0], micro_batch);
        let before = bits(&step.parameters().unwrap());
        step.train(&examples(1.0), &[0, 3, 6, 9]).unwrap();
        assert_eq!(bits(&step.parameters().unwrap()), before);
        assert_eq!(step.totals().unwrap().rows, 4, "results are those of the plain loss");
    }
}
