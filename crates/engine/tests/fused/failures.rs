//! What cannot be trained, and what must not be.

use crate::case::{Case, all_of};
use crate::close::{assert_same, values};
use crate::data::Kind;
use crate::step;
use candle_core::Device;
use relumine_engine::{Examples, FeatureBuffer, Step, StepError};
use serde_json::{Value, json};

const FEATURES: usize = 33;

/// Rows 0 to 63; the features of row 50 are `value`.
fn examples(value: f32) -> Examples {
    let feature = |i: usize| if i / FEATURES == 50 { value } else { (i * 37 % 11) as f32 / 11.0 - 0.3 };
    let features = FeatureBuffer::F32((0..64 * FEATURES).map(feature).collect());
    Examples::new(features, &[FEATURES], (0..64).map(|row| row % 3).collect(), &[0.0], &[1.0], &Device::Cpu).unwrap()
}

/// Steps that are taken on the way back and after it, with and without an average and micro-batches.
fn cases() -> Vec<Case> {
    let case = |settings: &Value, dropout: f64| {
        let mut case = Case::new(&json!({ "hidden": [70, 17], "dropout": dropout }), (1, FEATURES, 3, Kind::Floats)).optimizer(settings);
        case.examples = examples(0.5);
        case
    };
    let settings = [
        json!({ "learning_rate": 0.25 }),
        json!({ "learning_rate": 0.25, "ema_decay": 0.5, "max_norm": 0.5 }),
        json!({ "name": "sgd", "learning_rate": 0.25, "momentum": 0.9, "clip_norm": 1.0 }),
        json!({ "name": "rmsprop", "learning_rate": 0.25, "l2": 0.1 }),
    ];
    // Row 50 is in the second micro-batch of seven, or the last of one.
    let each = |settings| {
        [(None, 0.4), (Some(7), 0.4), (Some(1), 0.4), (None, 0.0)]
            .map(|(micro_batch, dropout)| case(settings, dropout).micro_batch(micro_batch))
    };
    settings.iter().flat_map(each).collect()
}

/// Row 50 comes when other rows' gradients are known.
const RUINOUS: [u32; 12] = [3, 9, 1, 40, 22, 17, 8, 60, 61, 13, 50, 2];

#[test]
fn a_loss_that_is_not_finite_is_reported_with_step_rate_and_largest_gradient_and_changes_nothing() {
    for case in cases() {
        for value in [f32::INFINITY, f32::NAN, f32::MAX] {
            let what = format!("{}, {value}", case.name);
            let [mut undisturbed, mut disturbed] = [(); 2].map(|()| case.fused());
            for step in [&mut undisturbed, &mut disturbed] {
                case.train(step, &[33, 20]);
            }
            let before = all_of(&disturbed);
            let error = step::train_now(&mut disturbed, &examples(value), &RUINOUS).unwrap_err();
            let StepError::NonFiniteLoss { step, loss, learning_rate, gradient, parameter } = error else {
                unreachable!("{what}: {error}")
            };
            assert_eq!((step, learning_rate, loss.is_finite()), (3, 0.25, false), "{what}");
            let after = all_of(&disturbed);
            assert_same(&what, &after.0, &before.0);
            assert_same(&what, &after.1, &before.1);
            assert_eq!((after.2, disturbed.steps()), (before.2, 2), "{what}");

            let gradients = disturbed.gradients(&examples(value), &RUINOUS).unwrap();
            let sizes = |name: &str| values(&gradients[name]).into_iter().map(f64::abs).collect::<Vec<_>>();
            let all: Vec<f64> = gradients.keys().flat_map(|name| sizes(name)).collect();
            if all.iter().any(|size| size.is_nan()) {
                assert!(gradient.is_nan() && sizes(&parameter).iter().any(|size| size.is_nan()), "{what}: {gradient} in {parameter}");
            } else {
                assert!(
                    all.iter().all(|size| *size <= gradient) && sizes(&parameter).contains(&gradient),
                    "{what}: {gradient} in {parameter}"
                );
            }

            for step in [&mut undisturbed, &mut disturbed] {
                case.train(step, &[20]);
            }
            let (ours, theirs) = (all_of(&disturbed), all_of(&undisturbed));
            assert_same(&what, &ours.0, &theirs.0);
            assert_same(&what, &ours.1, &theirs.1);
            assert_eq!(ours.2, theirs.2, "{what}");
        }
    }
}

/// The same rows without row 50's features: nothing there but these makes the loss infinite.
#[test]
fn the_rows_of_that_loss_are_otherwise_harmless() {
    for case in cases() {
        case.fused().train(&case.examples, &RUINOUS).unwrap();
    }
}
