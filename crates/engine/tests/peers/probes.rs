//! What flows through the layers, against PyTorch's hooks and numpy.

use crate::case::Case;
use crate::close::floats;
use candle_core::Device;
use relumine_engine::{Distribution, FusedStep, Probe, Step, TrainingConfig};
use serde_json::{Value, json};

/// Both steps compute in 32 bits what the peer does in 64: ten layers there and back add up to some 1e-5 of what is usual for the values, the root of their
/// mean square.
const TOLERANCE: f64 = 1e-4;

fn fixture() -> Value {
    serde_json::from_str(include_str!("../fixtures/torch_probes.json")).unwrap()
}

fn assert_near(what: &str, ours: f64, theirs: f64, allowed: f64) {
    let share = (ours - theirs).abs() / allowed;
    assert!(share <= 1.0, "{what} is {ours}, the peer has {theirs}: {share} times the tolerance");
}

fn assert_distribution(what: &str, ours: &Distribution, theirs: &Value) {
    let of = |key: &str| theirs[key].as_f64().unwrap();
    let allowed = TOLERANCE * of("mean").hypot(of("standard_deviation"));
    assert_near(&format!("{what}: norm"), ours.norm, of("norm"), TOLERANCE * of("norm"));
    assert_near(&format!("{what}: mean"), ours.mean, of("mean"), allowed);
    assert_near(&format!("{what}: standard deviation"), ours.standard_deviation, of("standard_deviation"), allowed);
    for (ours, theirs) in ours.percentiles.iter().zip(floats(&theirs["percentiles"])) {
        assert_near(&format!("{what}: a percentile"), *ours, theirs, allowed);
    }
}

/// Before the step that the peer took.
fn assert_probe(what: &str, probe: &Probe, expected: &Value) {
    assert_near(&format!("{what}: loss"), probe.loss, expected["loss"].as_f64().unwrap(), TOLERANCE);
    let theirs = expected["layers"].as_array().unwrap();
    assert_eq!(probe.layers.len(), theirs.len(), "{what}");
    for (ours, theirs) in probe.layers.iter().zip(theirs) {
        let what = format!("{what}, layer {}", ours.layer);
        assert_distribution(&format!("{what}: activations"), &ours.activations, &theirs["activations"]);
        assert_distribution(&format!("{what}: gradients"), &ours.gradients, &theirs["gradients"]);
        assert_distribution(&format!("{what}: weight gradients"), &ours.weight_gradients, &theirs["weight_gradients"]);
        for (key, ours) in [("saturated", ours.saturated), ("dead", ours.dead)] {
            // The fixture has eight digits of a share.
            let is_same = match (ours, theirs[key].as_f64()) {
                (Some(ours), Some(theirs)) => (ours - theirs).abs() < 1e-7,
                (ours, theirs) => ours == theirs,
            };
            assert!(is_same, "{what}: the share {key} is {ours:?}, the peer has {}", theirs[key]);
        }
        assert_eq!(ours.update_ratio, None, "{what}");
    }
}

fn steps(case: &Case, training: &TrainingConfig) -> [Box<dyn Step>; 2] {
    let mut fused = FusedStep::new(&case.architecture, training, &Device::Cpu).unwrap();
    fused.load_parameters(&case.tensors()).unwrap();
    [Box::new(fused), Box::new(case.step(training))]
}

#[test]
fn activations_gradients_and_updates_of_both_steps_match_pytorch() {
    let fixture = fixture();
    let optimizer = serde_json::from_value(json!({ "name": "sgd", "learning_rate": fixture["learning_rate"] })).unwrap();
    let training = TrainingConfig { optimizer, threads: 2, ..TrainingConfig::default() };
    for case in Case::all(&fixture) {
        for mut step in steps(&case, &training) {
            let what = format!("{}, {} step", case.name, step.name());
            assert_probe(&what, &step.probe(&case.examples, &case.rows).unwrap(), &case.expected);
            step.note_weights().unwrap();
            step.train(&case.examples, &case.rows).unwrap();
            let after = step.probe(&case.examples, &case.rows).unwrap();
            for (ours, theirs) in after.layers.iter().zip(case.expected["layers"].as_array().unwrap()) {
                let what = format!("{what}, layer {} after a step", ours.layer);
                let of = |key: &str| theirs[key].as_f64().unwrap();
                assert_near(&format!("{what}: weight norm"), ours.weight_norm, of("weight_norm"), TOLERANCE * of("weight_norm"));
                // The change is a difference of weights, each off by half of its last bit.
                let allowed = TOLERANCE * of("update_ratio") + f64::from(f32::EPSILON) / 4.0;
                assert_near(&format!("{what}: update ratio"), ours.update_ratio.unwrap(), of("update_ratio"), allowed);
            }
        }
    }
}
