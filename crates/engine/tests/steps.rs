//! What every step promises: repeatable bits, state that can be moved, and a stop where the loss is not finite.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use candle_core::{Device, Tensor};
use relumine_engine::{Examples, FeatureBuffer, NamedTensors, ReferenceStep, Step, StepError, TrainingConfig};
use relumine_model::{MaskPosition, ModelConfig, dropout};

fn examples(scale: f32) -> Examples {
    let features = (0..60).map(|i| scale * ((i * 37 % 11) as f32 / 11.0 - 0.3)).collect();
    let labels = (0..12).map(|i| i % 3).collect();
    Examples::new(FeatureBuffer::F32(features), &[5], labels, &[0.0], &[1.0], &Device::Cpu).unwrap()
}

fn step(optimizer: &str, seed: u64) -> ReferenceStep {
    let config = ModelConfig { hidden: vec![8, 6], dropout: 0.4, input_dropout: 0.1, ..ModelConfig::default() };
    let training = TrainingConfig { optimizer: serde_json::from_str(optimizer).unwrap(), seed, ..TrainingConfig::default() };
    ReferenceStep::new(&config.architecture(5, 3).unwrap(), &training, &Device::Cpu).unwrap()
}

fn values(tensors: &NamedTensors) -> Vec<(String, Vec<u8>)> {
    let bits = |tensor: &Tensor| tensor.flatten_all().unwrap().to_dtype(candle_core::DType::F64).unwrap().to_vec1::<f64>().unwrap();
    tensors.iter().map(|(name, tensor)| (name.clone(), bits(tensor).into_iter().flat_map(f64::to_le_bytes).collect())).collect()
}

const ROWS: [[u32; 4]; 3] = [[0, 1, 2, 3], [7, 4, 11, 5], [6, 8, 9, 10]];

#[test]
fn the_same_seed_gives_the_same_bits_and_another_seed_others() {
    let run = |seed| {
        let mut step = step("{}", seed);
        for rows in ROWS {
            step.train(&examples(1.0), &rows).unwrap();
        }
        values(&step.parameters().unwrap())
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn parameters_and_optimiser_state_moved_by_name_go_on_with_the_same_bits() {
    for optimizer in ["{}", r#"{"name": "sgd", "momentum": 0.9}"#, r#"{"name": "sgd"}"#] {
        let mut whole = step(optimizer, 1);
        whole.train(&examples(1.0), &ROWS[0]).unwrap();
        let mut resumed = step(optimizer, 1);
        resumed.load_parameters(&whole.parameters().unwrap()).unwrap();
        resumed.load_optimizer_state(&whole.optimizer_state().unwrap()).unwrap();
        for rows in &ROWS[1..] {
            whole.train(&examples(1.0), rows).unwrap();
            resumed.train(&examples(1.0), rows).unwrap();
        }
        assert_eq!(values(&whole.parameters().unwrap()), values(&resumed.parameters().unwrap()), "{optimizer}");
        assert_eq!(values(&whole.optimizer_state().unwrap()), values(&resumed.optimizer_state().unwrap()), "{optimizer}");
    }
}

#[test]
fn a_foreign_optimiser_state_is_refused_and_changes_nothing() {
    let mut adam = step("{}", 1);
    let before = values(&adam.optimizer_state().unwrap());
    let sgd = step(r#"{"name": "sgd", "momentum": 0.9}"#, 1).optimizer_state().unwrap();
    assert!(matches!(adam.load_optimizer_state(&sgd), Err(StepError::ForeignState { .. })));
    assert_eq!(values(&adam.optimizer_state().unwrap()), before);
}

#[test]
fn a_loss_that_is_not_finite_names_step_rate_and_gradient_and_changes_nothing() {
    let mut step = step(r#"{"learning_rate": 0.25}"#, 1);
    step.train(&examples(1.0), &ROWS[0]).unwrap();
    let before = values(&step.parameters().unwrap());
    let error = step.train(&examples(f32::MAX), &ROWS[1]).unwrap_err();
    assert_eq!(values(&step.parameters().unwrap()), before);
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
    let step = ReferenceStep::new(&config.architecture(5, 3).unwrap(), &TrainingConfig { seed: 1, ..TrainingConfig::default() }, &Device::Cpu).unwrap();
    let gradients = step.gradients(&examples(1.0), &[4]).unwrap();
    let weight = gradients["layers.0.weight"].to_vec2::<f32>().unwrap();
    let error = gradients["layers.0.bias"].to_vec1::<f32>().unwrap();

    let ones = Tensor::ones((1, 5), candle_core::DType::F32, &Device::Cpu).unwrap();
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
