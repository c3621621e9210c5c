//! What flows through the layers: the same by both steps, and looking changes nothing.

use crate::activation_forms::activations;
use crate::case::{Case, all_of};
use crate::close::assert_same;
use crate::data::Kind;
use relumine_engine::{AugmentConfig, Distribution, Probe, Step};
use serde_json::{Value, json};

/// Of what is usual for the values, the root of their mean square: both steps round to 24 bits in every layer, there and back.
const ROUNDING: f64 = 1e-4;

fn assert_distribution(what: &str, ours: &Distribution, theirs: &Distribution) {
    let usual = theirs.mean.hypot(theirs.standard_deviation);
    let pairs = [(ours.mean, theirs.mean), (ours.standard_deviation, theirs.standard_deviation)];
    let pairs = pairs.into_iter().chain(ours.percentiles.into_iter().zip(theirs.percentiles));
    for (ours, theirs) in pairs {
        let share = (ours - theirs).abs() / (ROUNDING * usual + 1e-30);
        assert!(share <= 1.0, "{what}: {ours} for {theirs}: {share} times the tolerance");
    }
    assert!((ours.norm - theirs.norm).abs() <= ROUNDING * theirs.norm, "{what}: norm {} for {}", ours.norm, theirs.norm);
}

/// A value at the very end of a range may be on either side of it.
fn assert_share(what: &str, ours: Option<f64>, theirs: Option<f64>, values: usize) {
    assert_eq!(ours.is_some(), theirs.is_some(), "{what}");
    let difference = ours.zip(theirs).map_or(0.0, |(ours, theirs)| (ours - theirs).abs());
    assert!(difference * values as f64 <= 2.0, "{what}: {ours:?} for {theirs:?}");
}

fn assert_probe(what: &str, ours: &Probe, theirs: &Probe, rows: usize, case: &Case) {
    assert!((ours.loss - theirs.loss).abs() <= ROUNDING * theirs.loss, "{what}: loss {} for {}", ours.loss, theirs.loss);
    assert_eq!(ours.layers.len(), case.architecture.layers.len(), "{what}");
    for ((ours, theirs), spec) in ours.layers.iter().zip(&theirs.layers).zip(&case.architecture.layers) {
        let what = format!("{what}, layer {}", ours.layer);
        assert_eq!((ours.layer, theirs.layer), (spec.index, spec.index), "{what}");
        assert_distribution(&format!("{what}: activations"), &ours.activations, &theirs.activations);
        assert_distribution(&format!("{what}: gradients"), &ours.gradients, &theirs.gradients);
        assert_distribution(&format!("{what}: weight gradients"), &ours.weight_gradients, &theirs.weight_gradients);
        assert_share(&format!("{what}: saturated"), ours.saturated, theirs.saturated, rows * spec.units);
        assert_share(&format!("{what}: dead"), ours.dead, theirs.dead, spec.units);
        let ratios = [ours.update_ratio, theirs.update_ratio].map(Option::unwrap_or_default);
        assert!((ratios[0] - ratios[1]).abs() <= 1e-4 * ratios[1], "{what}: update ratios {ratios:?}");
        assert!((ours.weight_norm - theirs.weight_norm).abs() <= ROUNDING * theirs.weight_norm, "{what}");
    }
}

/// Before training and after a step of plain SGD, on a batch larger than that of training.
fn check(model: &Value, classes: usize, kind: Kind) {
    let case = Case::new(model, (150, 33, classes, kind)).optimizer(&json!({ "name": "sgd", "learning_rate": 0.01 }));
    let (mut fused, mut reference) = (case.fused(), case.reference());
    let rows = case.rows(0, 130);
    let mut probes = Vec::new();
    for step in [&mut fused as &mut dyn Step, &mut reference] {
        let before = step.probe(&case.examples, &rows).unwrap();
        assert!(before.layers.iter().all(|layer| layer.update_ratio.is_none()), "{}", case.name);
        case.train(step, &[65]);
        step.note_weights().unwrap();
        case.train(step, &[40]);
        let after = step.probe(&case.examples, &rows).unwrap();
        assert!(after.layers.iter().all(|layer| layer.update_ratio.is_some_and(|ratio| ratio > 0.0)), "{}", case.name);
        probes.push([before, after]);
    }
    for (ours, theirs) in probes[0].iter().zip(&probes[1]) {
        assert_probe(&case.name, ours, theirs, rows.len(), &case);
    }
}

#[test]
fn both_steps_see_the_same_of_every_activation_depth_norm_and_head() {
    let norms = [json!("none"), json!("batch"), json!({ "name": "layer", "position": "after_activation" })];
    for (number, activation) in activations().into_iter().enumerate() {
        for (depth, norm) in [vec![], vec![70], vec![17, 64, 129], vec![20; 6]].into_iter().flat_map(|hidden| {
            let norms = norms.clone();
            norms.map(|norm| (hidden.clone(), norm))
        }) {
            let (head, classes) = if number % 2 == depth.len() % 2 { ("softmax", 70) } else { ("sigmoid", 2) };
            let kind = Kind::ALL[(number + depth.len()) % Kind::ALL.len()];
            check(&json!({ "hidden": depth, "activation": activation, "norm": norm, "head": head }), classes, kind);
        }
    }
}

#[test]
fn every_norm_in_both_positions_with_dropout_that_a_probe_leaves_out() {
    for norm in ["batch", "layer"]
        .into_iter()
        .flat_map(|name| ["before_activation", "after_activation"].map(|position| json!({ "name": name, "position": position })))
    {
        for activation in ["relu", "tanh", "maxout"] {
            let model =
                json!({ "hidden": [33, 16], "activation": activation, "norm": norm, "noise": 0.1, "dropout": 0.4, "input_dropout": 0.2 });
            check(&model, 10, Kind::SparseBytes);
        }
    }
}

fn demanding_cases() -> Vec<Case> {
    let model = json!({ "hidden": [70, 17], "norm": "batch", "dropout": 0.5, "input_dropout": 0.1, "noise": 0.1 });
    let dropped = json!({ "hidden": [70, 17], "dropout": 0.6 });
    let clipped = json!({ "clip_norm": 0.1, "l2": 1e-3, "ema_decay": 0.5, "max_norm": 1.0 });
    let mut augmented = Case::new(&dropped, (150, 64, 10, Kind::SparseBytes));
    let config = AugmentConfig { shift: 0.9, rotation: 15.0, scale: 0.2, elastic: None, fill: 0.0 };
    augmented.training.augmentation = config.for_examples(&[8, 8, 1]).unwrap();
    augmented.name.push_str(", augmented");
    let mut cases = vec![Case::new(&dropped, (150, 33, 10, Kind::SparseBytes))];
    if crate::step::AUGMENTS {
        cases.push(augmented);
    }
    for kind in Kind::ALL {
        cases.push(Case::new(&model, (150, 33, 10, kind)).objective(0.1, Some(&[2.0; 10])));
        cases.push(Case::new(&model, (150, 33, 10, kind)).optimizer(&clipped).micro_batch(Some(13)));
    }
    cases
}

#[test]
fn training_has_the_same_bits_with_probes_and_without() {
    const BATCHES: [usize; 5] = [65, 40, 13, 128, 7];
    for case in demanding_cases() {
        for is_fused in [true, false] {
            let step = || -> Box<dyn Step> { if is_fused { Box::new(case.fused()) } else { Box::new(case.reference()) } };
            let (mut plain, mut probed) = (step(), step());
            let rows = case.rows(3, 140);
            for count in BATCHES {
                let what = format!("{}, {} step, {count} rows", case.name, plain.name());
                case.train(&mut *plain, &[count]);
                probed.probe(&case.examples, &rows).unwrap();
                probed.note_weights().unwrap();
                case.train(&mut *probed, &[count]);
                let first = probed.probe(&case.examples, &rows).unwrap();
                assert_eq!(first, probed.probe(&case.examples, &rows).unwrap(), "{what}");
                let ((parameters, state, totals), (probed_parameters, probed_state, probed_totals)) = (all_of(&*plain), all_of(&*probed));
                assert_same(&what, &probed_parameters, &parameters);
                assert_same(&what, &probed_state, &state);
                assert_eq!(probed_totals, totals, "{what}");
                assert_eq!(probed.products(), plain.products(), "{what}");
                let logits = |step: &dyn Step| step.logits(&case.examples, &rows).unwrap();
                assert_eq!(logits(&*probed), logits(&*plain), "{what}");
            }
        }
    }
}

#[test]
fn a_probe_has_the_same_bits_at_any_number_of_threads() {
    for case in demanding_cases() {
        let probe = |threads: usize| {
            let mut case = case_with(&case, threads);
            let mut step = case.fused();
            case.name.clear();
            step.note_weights().unwrap();
            case.train(&mut step, &[65]);
            step.probe(&case.examples, &case.rows(0, 140)).unwrap()
        };
        assert!([2, 3, 4].map(probe).iter().all(|found| *found == probe(1)), "{}", case.name);
    }
}

fn case_with(case: &Case, threads: usize) -> Case {
    let mut training = case.training.clone();
    training.threads = threads;
    Case { name: case.name.clone(), architecture: case.architecture.clone(), training, examples: case.examples.clone() }
}

#[test]
fn an_update_of_plain_sgd_is_the_learning_rate_times_the_gradient() {
    let case = Case::new(&json!({ "hidden": [20] }), (60, 7, 3, Kind::Floats)).optimizer(&json!({ "name": "sgd", "learning_rate": 0.25 }));
    let rows = case.rows(0, 60);
    for mut step in [Box::new(case.fused()) as Box<dyn Step>, Box::new(case.reference())] {
        let before = step.probe(&case.examples, &rows).unwrap();
        step.note_weights().unwrap();
        step.train(&case.examples, &rows).unwrap();
        let after = step.probe(&case.examples, &rows).unwrap();
        for (before, after) in before.layers.iter().zip(&after.layers) {
            let expected = 0.25 * before.weight_gradients.norm / before.weight_norm;
            assert!((after.update_ratio.unwrap() - expected).abs() < 1e-5 * expected, "{after:?} for {expected}");
        }
        step.train(&case.examples, &rows).unwrap();
        assert!(step.probe(&case.examples, &rows).unwrap().layers.iter().all(|layer| layer.update_ratio.is_none()));
    }
}
