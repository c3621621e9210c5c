//! One pass: initial weights, loss, every gradient and the logits of evaluation.

use crate::activation_forms::activations;
use crate::case::Case;
use crate::close::{Tolerance, assert_close, assert_same, assert_within};
use crate::data::Kind;
use relumine_engine::Step;
use serde_json::json;

/// Both steps add the same terms in orders of their own, in 24 bits: a sum of n terms is off by about sqrt(n) 2^-24 of its largest terms,
/// and a product of layers by a little more. An element that is small because its terms cancel is off by as much as a large one, so the
/// measure is the tensor's largest element.
const ROUNDING: Tolerance = Tolerance { absolute: 1e-7, relative: 0.0, of_largest: 1e-5 };

/// The loss of a row is off by as much as its logits, which are sums of up to 784 terms.
const LOSS: Tolerance = Tolerance { absolute: 2e-6, relative: 1e-6, of_largest: 0.0 };

/// The weights to the bit, and the rest for a batch of each size.
fn check(case: &Case, batches: &[usize]) {
    for count in batches {
        let (mut fused, mut reference) = (case.fused(), case.reference());
        let what = format!("{}, {count} rows", case.name);
        let rows = case.rows(0, *count);
        assert_same(&format!("{what}: initial"), &fused.parameters().unwrap(), &reference.parameters().unwrap());
        assert_same(&format!("{what}: initial"), &fused.optimizer_state().unwrap(), &reference.optimizer_state().unwrap());
        let [ours, theirs] = [fused.gradients(&case.examples, &rows).unwrap(), reference.gradients(&case.examples, &rows).unwrap()];
        assert_close(&format!("{what}: gradient"), &ours, &theirs, ROUNDING);
        let [ours, theirs] = [&fused as &dyn Step, &reference].map(|step| {
            let logits = step.logits(&case.examples, &rows).unwrap();
            logits.into_iter().map(f64::from).collect::<Vec<_>>()
        });
        assert_within(&format!("{what}: logits"), &ours, &theirs, ROUNDING);
        for step in [&mut fused as &mut dyn Step, &mut reference] {
            step.train(&case.examples, &rows).unwrap();
        }
        let [ours, theirs] = [fused.totals().unwrap(), reference.totals().unwrap()];
        assert_eq!((ours.rows, ours.correct), (theirs.rows, theirs.correct), "{what}");
        assert_within(&format!("{what}: loss"), &[ours.mean_loss()], &[theirs.mean_loss()], LOSS);
    }
}

#[test]
fn every_activation_under_both_heads_with_every_form_of_dropout() {
    let dropouts = [
        json!({}),
        json!({ "dropout": 0.5 }),
        json!({ "dropout": 0.3, "dropout_kind": "alpha_dropout" }),
        json!({ "input_dropout": 0.3 }),
        json!({ "dropout": 0.6, "input_dropout": 0.7 }),
        json!({ "dropout": 0.5, "input_dropout": 0.2, "dropout_kind": "alpha_dropout" }),
    ];
    for (activation, dropout) in
        activations().into_iter().flat_map(|activation| dropouts.clone().map(|dropout| (activation.clone(), dropout)))
    {
        for (head, classes) in [("softmax", 3), ("sigmoid", 2)] {
            // Weights of every size: pre-activations from the flat ends of every function to its kink.
            let init = json!({ "name": "random_normal", "stddev": 0.5 });
            let mut model = json!({ "hidden": [70, 20], "activation": activation, "head": head, "init": init, "bias_init": init });
            model.as_object_mut().unwrap().extend(dropout.as_object().unwrap().clone());
            check(&Case::new(&model, (40, 17, classes, Kind::Floats)), &[40]);
        }
    }
}

/// Features, widths and classes around the sizes of lanes and panels; depths 0 to 5.
pub(crate) fn networks() -> Vec<(usize, Vec<usize>, usize)> {
    vec![
        (1, vec![], 2),
        (784, vec![], 10),
        (7, vec![1], 3),
        (1, vec![33], 70),
        (33, vec![7, 16], 10),
        (65, vec![17, 33, 64], 70),
        (130, vec![65, 129, 256, 16], 10),
        (784, vec![256, 129, 65, 33, 7], 10),
        (7, vec![1, 16, 1, 64, 17], 2),
        (784, vec![256, 256], 10),
    ]
}

#[test]
fn every_depth_and_size_in_batches_of_every_size_of_every_kind_of_features() {
    for (features, hidden, classes) in networks() {
        for kind in Kind::ALL {
            let mut case = Case::new(&json!({ "hidden": hidden, "dropout": 0.5 }), (230, features, classes, kind));
            case.training.seed = 4; // under 3, a relu of the largest network reads a number that is 0 up to rounding
            check(&case, &[1, 33, 65, 128, 200]);
        }
    }
}

#[test]
fn smoothed_labels_and_weighted_classes_under_both_heads_in_micro_batches() {
    for (head, weights) in [("softmax", [0.5, 2.0, 0.0, 1.25].as_slice()), ("sigmoid", &[0.25, 1.5])] {
        let model = json!({ "hidden": [65, 20], "head": head, "dropout": 0.5, "input_dropout": 0.2 });
        for (smoothing, weights) in [(0.0, None), (0.2, None), (0.0, Some(weights)), (0.2, Some(weights))] {
            for micro_batch in [None, Some(1), Some(33), Some(64), Some(300)] {
                let data = (150, 33, if head == "softmax" { 4 } else { 2 }, Kind::SparseBytes);
                check(&Case::new(&model, data).objective(smoothing, weights).micro_batch(micro_batch), &[1, 65, 129]);
            }
        }
    }
}

/// Of equal logits the first is the prediction, and of equal pieces of a maxout the first learns.
#[test]
fn the_first_of_equals_is_taken() {
    for classes in [2, 3, 70] {
        check(&Case::new(&json!({ "hidden": [], "init": "zeros" }), (150, 33, classes, Kind::Floats)), &[1, 65, 129]);
    }
    let init = json!({ "name": "constant", "value": 0.1 });
    let model = json!({ "hidden": [5], "activation": { "name": "maxout", "pieces": 3 }, "init": init, "output_init": "glorot_uniform" });
    check(&Case::new(&model, (150, 33, 3, Kind::Floats)), &[1, 65]);
}

/// As in the reference: nothing to learn from, and no number that is none.
#[test]
fn rows_of_classes_that_weigh_nothing_have_gradients_of_zero() {
    let case = Case::new(&json!({ "hidden": [5] }), (12, 3, 2, Kind::Floats)).objective(0.0, Some(&[0.0, 1.0]));
    let rows: Vec<u32> = (0..12).filter(|row| case.examples.labels()[*row as usize] == 0).collect();
    assert!(!rows.is_empty());
    for gradients in [case.fused().gradients(&case.examples, &rows), case.reference().gradients(&case.examples, &rows)] {
        assert!(gradients.unwrap().values().all(|gradient| crate::close::values(gradient).iter().all(|value| *value == 0.0)));
    }
}
