//! What every step promises: repeatable bits, state that can be moved, and a stop where the loss is not finite.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/examples.rs"]
mod examples;
#[path = "support/optimizer_names.rs"]
mod optimizer_names;

use candle_core::{DType, Device, Tensor};
use examples::{bits, examples};
use optimizer_names::optimizer_names;
use relumine_engine::{Horizon, OptimizerConfig, ReferenceStep, Step, StepError, TrainingConfig};
use relumine_model::{MaskPosition, ModelConfig, dropout};
use serde_json::{Value, json};

fn step_of(norm: &str, optimizer: &Value, seed: u64) -> ReferenceStep {
    let model = json!({ "hidden": [8, 6], "dropout": 0.4, "input_dropout": 0.1, "noise": 0.1, "norm": norm });
    let config: ModelConfig = serde_json::from_value(model).unwrap();
    let optimizer: OptimizerConfig = serde_json::from_value(optimizer.clone()).unwrap();
    optimizer.validate().unwrap();
    let horizon = Horizon { steps_per_epoch: 3, total_steps: 3 };
    let training = TrainingConfig { optimizer, seed, horizon, ..TrainingConfig::default() };
    ReferenceStep::new(&config.architecture(5, 3).unwrap(), &training, &Device::Cpu).unwrap()
}

fn step(optimizer: &str, seed: u64) -> ReferenceStep {
    step_of("none", &serde_json::from_str(optimizer).unwrap(), seed)
}

const ROWS: [[u32; 4]; 3] = [[0, 1, 2, 3], [7, 4, 11, 5], [6, 8, 9, 10]];

#[test]
fn the_same_seed_gives_the_same_bits_and_another_seed_others() {
    let run = |seed| {
        let mut step = step("{}", seed);
        for rows in ROWS {
            step.train(&examples(1.0), &rows).unwrap();
        }
        bits(&step.parameters().unwrap())
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

/// Every optimiser by its name, and with the settings that give it more to remember.
fn optimizers() -> Vec<Value> {
    let others = [
        json!({ "name": "sgd", "momentum": 0.9, "nesterov": true, "momentum_schedule": "one_cycle", "schedule": "one_cycle" }),
        json!({ "name": "adam", "momentum_schedule": "one_cycle", "weight_decay": 0.1, "schedule": "one_cycle" }),
        json!({ "name": "rmsprop", "centered": true, "momentum": 0.9 }),
        json!({ "name": "adagrad", "initial_accumulator_value": 0.1 }),
        json!({ "name": "lion", "weight_decay": 0.1, "max_norm": 1.0 }),
    ];
    optimizer_names().into_iter().map(|name| json!({ "name": name })).chain(others).collect()
}

#[test]
fn parameters_and_optimiser_state_moved_by_name_go_on_with_the_same_bits() {
    for (mut optimizer, ema_decay) in optimizers().into_iter().flat_map(|optimizer| [(optimizer.clone(), None), (optimizer, Some(0.5))]) {
        if let Some(ema_decay) = ema_decay {
            optimizer["ema_decay"] = json!(ema_decay);
        }
        for norm in ["none", "batch"] {
            let mut whole = step_of(norm, &optimizer, 1);
            // Two steps, so that the average is not the newest weights.
            whole.train(&examples(1.0), &ROWS[2]).unwrap();
            whole.train(&examples(1.0), &ROWS[0]).unwrap();
            let mut resumed = step_of(norm, &optimizer, 1);
            resumed.load_parameters(&whole.parameters().unwrap()).unwrap();
            resumed.load_optimizer_state(&whole.optimizer_state().unwrap()).unwrap();
            assert_eq!(resumed.steps(), 2);
            for rows in &ROWS[1..] {
                whole.train(&examples(1.0), rows).unwrap();
                resumed.train(&examples(1.0), rows).unwrap();
            }
            let what = format!("{optimizer}, norm {norm}");
            assert_eq!(bits(&whole.parameters().unwrap()), bits(&resumed.parameters().unwrap()), "{what}");
            assert_eq!(bits(&whole.optimizer_state().unwrap()), bits(&resumed.optimizer_state().unwrap()), "{what}");
        }
    }
}

#[test]
fn a_foreign_optimiser_state_is_refused_and_changes_nothing() {
    let mut adam = step("{}", 1);
    let before = bits(&adam.optimizer_state().unwrap());
    let sgd = step(r#"{"name": "sgd", "momentum": 0.9}"#, 1).optimizer_state().unwrap();
    assert!(matches!(adam.load_optimizer_state(&sgd), Err(StepError::ForeignState { .. })));
    assert_eq!(bits(&adam.optimizer_state().unwrap()), before);
}

#[test]
fn a_loss_that_is_not_finite_names_step_rate_and_gradient_and_changes_nothing() {
    let mut step = step(r#"{"learning_rate": 0.25}"#, 1);
    step.train(&examples(1.0), &ROWS[0]).unwrap();
    let before = bits(&step.parameters().unwrap());
    let error = step.train(&examples(f32::MAX), &ROWS[2]).unwrap_err();
    assert_eq!(bits(&step.parameters().unwrap()), before);
    let message = error.to_string();
    assert!(message.contains("at step 2 (learning rate 0.25, largest gradient"), "{message}");
    assert!(message.contains("in layers."), "{message}");
}

#[test]
fn a_batch_of_one_row_trains() {
    let mut step = step("{}", 1);
    step.train(&examples(1.0), &[3]).unwrap();
    assert_eq!(step.totals().unwrap().rows, 1);
    step.reset_totals().unwrap();
    assert_eq!(step.totals().unwrap().rows, 0);
}

/// Softmax regression on one row: the gradient of the weights is (p - y) times the masked and scaled input, so a dropped input has none.
#[test]
fn a_dropped_input_has_no_gradient_and_a_kept_one_is_scaled() {
    let config = ModelConfig { hidden: vec![], input_dropout: 0.4, ..ModelConfig::default() };
    let step =
        ReferenceStep::new(&config.architecture(5, 3).unwrap(), &TrainingConfig { seed: 1, ..TrainingConfig::default() }, &Device::Cpu)
            .unwrap();
    let gradients = step.gradients(&examples(1.0), &[4]).unwrap();
    let weight = gradients["layers.0.weight"].to_vec2::<f32>().unwrap();
    let error = gradients["layers.0.bias"].to_vec1::<f32>().unwrap();

    let ones = Tensor::ones((1, 5), DType::F32, &Device::Cpu).unwrap();
    let mask = dropout(&ones, 0.4, 0, MaskPosition { seed: 1, step: 0, first_row: 0 }).unwrap();
    let mask = mask.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    assert!(mask.contains(&0.0) && mask.iter().any(|scale| *scale > 1.6), "the case shows both: {mask:?}");
    for (class, error) in error.iter().enumerate() {
        for (input, scale) in mask.iter().enumerate() {
            let feature = ((4 * 5 + input) * 37 % 11) as f32 / 11.0 - 0.3;
            assert!((weight[class][input] - error * feature * scale).abs() < 1e-6, "class {class}, input {input}");
        }
    }
}

#[test]
fn gradients_of_zero_are_legitimate() {
    let config = ModelConfig { hidden: vec![4], init: serde_json::from_str("\"zeros\"").unwrap(), ..ModelConfig::default() };
    let architecture = config.architecture(5, 3).unwrap();
    let mut step = ReferenceStep::new(&architecture, &TrainingConfig::default(), &Device::Cpu).unwrap();
    step.train(&examples(1.0), &ROWS[0]).unwrap();
}
