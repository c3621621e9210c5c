//! What both steps promise: the same bits at any number of threads, nothing changed by a step that failed, a state that goes on.

use super::case::{Case, WIDE};
use super::examples::{bits, examples};
use crate::step;
use relumine_engine::{Step, StepError, TrainingConfig};
use relumine_model::ModelConfig;
use serde_json::json;

fn all_bits(step: &dyn Step) -> [Vec<(String, Vec<u8>)>; 2] {
    [bits(&step.parameters().unwrap()), bits(&step.optimizer_state().unwrap())]
}

#[test]
fn every_network_has_the_same_bits_at_1_2_and_3_threads() {
    for case in Case::all(&WIDE) {
        let case = case.optimizer(&json!({ "ema_decay": 0.9 }));
        let run = |threads: usize| {
            let mut step = case.fused(threads);
            case.train(&mut step, &[40, 1, 129]);
            let logits: Vec<u32> = step.logits(&case.examples, &case.rows(0, 70)).unwrap().into_iter().map(f32::to_bits).collect();
            (all_bits(&step), logits)
        };
        let one = run(1);
        assert!([2, 3].iter().all(|threads| run(*threads) == one), "{}", case.name);
    }
}

#[test]
fn a_saved_state_goes_on_with_the_same_bits() {
    for case in Case::all(&WIDE).into_iter().step_by(3) {
        let case = case.optimizer(&json!({ "ema_decay": 0.9 })).micro_batch(Some(30));
        let mut whole = case.fused(2);
        case.train(&mut whole, &[40, 33]);
        let mut resumed = case.fused(1);
        resumed.load_parameters(&whole.parameters().unwrap()).unwrap();
        resumed.load_optimizer_state(&whole.optimizer_state().unwrap()).unwrap();
        for step in [&mut whole, &mut resumed] {
            case.train(step, &[65, 1, 40]);
        }
        assert_eq!(all_bits(&whole), all_bits(&resumed), "{}", case.name);
    }
}

/// The first micro-batches are sound, and the last has a row whose loss is infinite.
#[test]
fn a_step_that_fails_leaves_parameters_running_statistics_and_state_alone() {
    for norm in ["batch", "layer"] {
        let model: ModelConfig = serde_json::from_value(json!({ "hidden": [6, 4], "norm": norm, "activation": "softplus" })).unwrap();
        let config = TrainingConfig { micro_batch: Some(3), ..TrainingConfig::default() };
        let mut step = step::fused(&model.architecture(5, 3).unwrap(), &config);
        let before = all_bits(&step);
        let rows: Vec<u32> = (0..12).collect();
        let result = step::train_now(&mut step, &examples(f32::INFINITY), &rows);
        assert!(matches!(result, Err(StepError::NonFiniteLoss { .. })), "{result:?}");
        assert_eq!(all_bits(&step), before);
        step.train(&examples(1.0), &rows).unwrap();
        assert_ne!(all_bits(&step)[0], before[0]);
    }
}

#[test]
fn what_is_no_number_is_not_hidden_by_maxout() {
    let model: ModelConfig = serde_json::from_value(json!({ "hidden": [6, 4], "activation": "maxout" })).unwrap();
    let mut step = step::fused(&model.architecture(5, 3).unwrap(), &TrainingConfig::default());
    assert!(step::train_now(&mut step, &examples(f32::NAN), &[8, 9, 10]).is_err());
}
