//! Twenty steps: parameters, buffers and the optimiser's state.

use super::case::{Case, STEPS};
use crate::close::{Tolerance, assert_close, assert_within};
use relumine_engine::Step;
use serde_json::json;

/// Those of one row are the tails of an epoch. None has two: the difference of two rows over their deviation is 1 or -1, whatever it is.
const BATCHES: [usize; STEPS as usize] = [40, 65, 33, 40, 1, 40, 65, 33, 40, 1, 40, 65, 33, 40, 1, 40, 65, 33, 40, 1];

/// Few units: where two pieces of a maxout are equal up to rounding, or a relu's input is 0 up to rounding, the steps part, and among a
/// million comparisons one such will be.
const HIDDEN: [usize; 2] = [20, 9];

const TRAINED: Tolerance = Tolerance { absolute: 1e-6, relative: 0.0, of_largest: 1e-5 };
const STATE: Tolerance = Tolerance { absolute: 1e-6, relative: 0.0, of_largest: 5e-5 };

fn check(case: &Case) {
    let (mut fused, mut reference) = (case.fused(2), case.reference());
    case.train(&mut fused, &BATCHES);
    case.train(&mut reference, &BATCHES);
    assert_close(&format!("{}: trained", case.name), &fused.parameters().unwrap(), &reference.parameters().unwrap(), TRAINED);
    assert_close(&format!("{}: state", case.name), &fused.optimizer_state().unwrap(), &reference.optimizer_state().unwrap(), STATE);
    let [ours, theirs] = [fused.totals().unwrap(), reference.totals().unwrap()];
    assert_within(&format!("{}: loss", case.name), &[ours.mean_loss()], &[theirs.mean_loss()], TRAINED);
    assert_eq!(ours.rows, theirs.rows);
    let rows = case.rows(0, 90);
    let logits = |step: &dyn Step| step.logits(&case.examples, &rows).unwrap().into_iter().map(f64::from).collect::<Vec<_>>();
    assert_within(&format!("{}: logits", case.name), &logits(&fused), &logits(&reference), STATE);
}

/// The rates are small and epsilon large: a gradient of nothing but rounding, divided by its own size, would be a step of full length.
#[test]
fn twenty_steps_give_the_weights_buffers_and_state_of_the_reference() {
    let optimizers = [
        json!({ "name": "sgd", "learning_rate": 0.05, "momentum": 0.8 }),
        json!({ "name": "adam", "learning_rate": 0.005, "epsilon": 1e-2, "ema_decay": 0.8 }),
        json!({ "name": "adamw", "learning_rate": 0.005, "epsilon": 1e-2, "weight_decay": 0.3, "weight_decay_of": "all", "clip_norm": 0.5 }),
        json!({ "name": "sgd", "learning_rate": 0.05, "weight_decay": 0.1, "l2": 0.01, "max_norm": 1.0, "ema_decay": 0.7, "clip_value": 0.1 }),
    ];
    for (number, case) in Case::all(&HIDDEN).into_iter().enumerate() {
        let micro_batch = [None, Some(24), None][number % 3];
        check(&case.micro_batch(micro_batch).optimizer(&optimizers[number / 2 % 4]));
    }
}
