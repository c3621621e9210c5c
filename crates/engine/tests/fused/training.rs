//! Many steps: weights and optimiser state of every optimiser, with all that is done to gradients and weights around it.

use crate::case::{Case, STEPS, all_of};
use crate::close::{Tolerance, assert_close, assert_within};
use crate::data::Kind;
use crate::optimizer_names::optimizer_names;
use relumine_engine::{MomentumSchedule, Schedule, Step};
use serde_json::{Value, json};

/// Twenty batches; those of one row are the tails of an epoch.
const BATCHES: [usize; STEPS as usize] = [40, 65, 33, 40, 1, 40, 65, 33, 40, 1, 40, 65, 33, 40, 1, 40, 65, 33, 40, 1];

/// Rounding moves a gradient by some 1e-8, a rule multiplies that by lr / epsilon, here up to 10, and a weight adds up twenty of them.
const TRAINED: Tolerance = Tolerance { absolute: 3e-6, relative: 1e-5, of_largest: 0.0 };
/// Means of squares are small numbers, so only their own size counts; an element whose gradients all but cancel is off by as much as the
/// largest one. Where beta is 0.999, the kernels' 1 - beta is off by 1.3e-5 of itself, for beta has 24 bits.
const STATE: Tolerance = Tolerance { absolute: 1e-9, relative: 2e-5, of_largest: 1e-5 };
const EPSILON: f64 = 1e-2;

/// Trains both steps, and compares all that they know.
fn check(case: &Case, batches: &[usize]) {
    let (mut fused, mut reference) = (case.fused(), case.reference());
    case.train(&mut fused, batches);
    case.train(&mut reference, batches);
    let ((ours, our_state, our_totals), (theirs, their_state, their_totals)) = (all_of(&fused), all_of(&reference));
    assert_close(&format!("{}: trained", case.name), &ours, &theirs, TRAINED);
    assert_close(&format!("{}: state", case.name), &our_state, &their_state, STATE);
    assert_eq!(our_totals.rows, their_totals.rows);
    assert_within(&format!("{}: loss", case.name), &[our_totals.loss], &[their_totals.loss], TRAINED);
    assert_eq!((fused.steps(), fused.learning_rate()), (reference.steps(), reference.learning_rate()), "{}", case.name);
}

/// The settings that the reference is compared with PyTorch by. A rule that divides a gradient by its own size blows up the rounding of a
/// gradient near 0, by lr / epsilon at the most and in every step anew: the networks are larger than those of the fixture and the steps
/// more, so epsilon is larger too.
fn settings() -> Vec<Value> {
    let fixture: Value = serde_json::from_str(include_str!("../fixtures/torch_optimizers.json")).unwrap();
    let optimizers = fixture["cases"][0]["optimizers"].as_array().unwrap();
    let tame = |optimizer: &Value| {
        let mut settings = optimizer["settings"].clone();
        if !["sgd", "lion"].contains(&settings["name"].as_str().unwrap()) {
            settings["epsilon"] = json!(EPSILON);
        }
        settings
    };
    optimizers.iter().map(tame).collect()
}

/// The penalty `l1 |w|` has a kink at 0, which a weight without any other gradient crosses in every step once it is near: two weights that
/// differ in their last bits may come to lie on either side. They have no time to.
fn batches(settings: &Value) -> &'static [usize] {
    if settings.get("l1").is_some() { &BATCHES[..5] } else { &BATCHES }
}

/// Every network that an optimiser is tried on.
fn networks(settings: &Value) -> [Case; 3] {
    let tanh = json!({ "hidden": [17, 9], "activation": "tanh" });
    let relu = json!({ "hidden": [70, 20], "dropout": 0.5, "input_dropout": 0.2, "head": "sigmoid" });
    let selu = json!({ "hidden": [20], "activation": "selu", "dropout": 0.2, "dropout_kind": "alpha_dropout" });
    [
        Case::new(&tanh, (130, 7, 3, Kind::Floats)).optimizer(settings),
        Case::new(&relu, (130, 33, 2, Kind::SparseBytes)).optimizer(settings).objective(0.1, Some(&[0.5, 2.0])),
        Case::new(&selu, (130, 65, 10, Kind::StandardBytes)).optimizer(settings).micro_batch(Some(32)),
    ]
}

#[test]
fn every_optimiser_and_setting_trains_the_same_weights_and_state_in_20_steps() {
    let settings = settings();
    for name in optimizer_names() {
        let of: Vec<_> = settings.iter().filter(|settings| settings["name"] == *name).collect();
        let decaying = of.iter().filter(|settings| settings.get("weight_decay").is_some()).count();
        assert!(of.len() >= 3 && decaying >= 1, "{name} in three settings, of which one decays weights");
    }
    for settings in settings {
        for case in networks(&settings) {
            check(&case, batches(&settings));
        }
    }
}

#[test]
fn every_schedule_of_rate_and_momentum_is_followed() {
    let parameters = |name: &str| match name {
        "step" => json!({ "name": name, "step_size": 1, "gamma": 0.5 }),
        "exponential" => json!({ "name": name, "gamma": 0.7 }),
        "inverse_time" => json!({ "name": name, "decay_rate": 0.3 }),
        "linear" => json!({ "name": name, "duration": 3 }),
        _ => json!({ "name": name }),
    };
    for schedule in Schedule::NAMES {
        for momentum in MomentumSchedule::NAMES {
            for name in ["sgd", "adamw"] {
                let mut settings = json!({
                    "name": name, "learning_rate": 0.02, "schedule": parameters(schedule), "momentum_schedule": parameters(momentum), "weight_decay": 0.1
                });
                settings[if name == "sgd" { "momentum" } else { "epsilon" }] = json!(if name == "sgd" { 0.9 } else { EPSILON });
                check(
                    &Case::new(&json!({ "hidden": [9], "activation": "gelu" }), (130, 7, 3, Kind::Floats)).optimizer(&settings),
                    batches(&settings),
                );
            }
        }
    }
}

/// What each does to a step is seen by the others: penalties before clipping, clipping before decay, bounds before the average.
#[test]
fn everything_at_once_is_done_in_the_same_order() {
    let sgd = json!({ "name": "sgd", "learning_rate": 0.1, "momentum": 0.8, "nesterov": true });
    let adam = json!({ "name": "adam", "learning_rate": 0.005, "epsilon": EPSILON });
    let adamw = json!({ "name": "adamw", "learning_rate": 0.005, "epsilon": EPSILON, "weight_decay_of": "all" });
    let rmsprop = json!({ "name": "rmsprop", "learning_rate": 0.005, "epsilon": EPSILON, "momentum": 0.8, "centered": true });
    let shared = json!({ "l1": 0.001, "l2": 0.01, "weight_decay": 0.2, "max_norm": 0.9, "ema_decay": 0.8, "schedule": "cosine" });
    for settings in [sgd, adam, adamw, rmsprop] {
        for clip in ["clip_norm", "clip_value"] {
            let mut settings = settings.clone();
            settings.as_object_mut().unwrap().extend(shared.as_object().unwrap().clone());
            settings[clip] = json!(0.05);
            for case in networks(&settings) {
                check(&case, batches(&settings));
            }
        }
    }
}

/// As after a plateau of the validation loss.
#[test]
fn a_scaled_learning_rate_scales_the_steps_that_follow() {
    for settings in [json!({ "name": "sgd", "learning_rate": 0.1 }), json!({ "epsilon": EPSILON })] {
        let [case, ..] = networks(&settings);
        let (mut fused, mut reference) = (case.fused(), case.reference());
        for step in [&mut fused as &mut dyn Step, &mut reference] {
            case.train(step, &[40, 40]);
            step.scale_learning_rate(0.1);
            case.train(step, &[40, 33]);
        }
        assert_close(&case.name, &fused.parameters().unwrap(), &reference.parameters().unwrap(), TRAINED);
        assert_eq!(fused.learning_rate(), reference.learning_rate());
        assert!(fused.learning_rate() < case.fused().learning_rate());
    }
}

#[test]
fn wide_and_deep_networks_train_the_same_weights() {
    let settings = json!({ "epsilon": EPSILON, "learning_rate": 0.002 });
    for (hidden, kind) in
        [(json!([256, 256]), Kind::SparseBytes), (json!([129, 65, 64, 33, 17]), Kind::SparseFloats), (json!([]), Kind::Bytes)]
    {
        let model = json!({ "hidden": hidden, "dropout": 0.5, "activation": "silu" });
        check(&Case::new(&model, (400, 130, 10, kind)).optimizer(&settings), &[128, 200, 1, 33, 128]);
    }
}
