//! Schedules against PyTorch and Keras: `fixtures/schedules.py` made the expected numbers.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use relumine_engine::{Horizon, MomentumSchedule, Schedule};
use serde_json::Value;

/// The fixture's 12 digits may be off by 5e-12; at full precision, rounding over PyTorch's 1,000 chained steps stays under 1e-12.
const RELATIVE: f64 = 1e-11;

fn fixture() -> Value {
    serde_json::from_str(include_str!("fixtures/schedules.json")).unwrap()
}

fn floats(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|item| item.as_f64().unwrap()).collect()
}

/// `|ours - theirs| <= RELATIVE |theirs|` for every element; the worst one is named.
fn assert_close(what: &Value, ours: &[f64], theirs: &[f64]) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    let excess = |index: &usize| (ours[*index] - theirs[*index]).abs() - RELATIVE * theirs[*index].abs();
    let worst = (0..ours.len()).max_by(|a, b| excess(a).total_cmp(&excess(b))).unwrap();
    assert!(excess(&worst) <= 0.0, "{what}: {} after {worst}, expected {}", ours[worst], theirs[worst]);
}

/// For each case that has values under `values`: its settings under `schedule`, and a value for each of the 1,000 steps.
fn expected(fixture: &Value, schedule: &str, values: &str) -> Vec<(Value, Vec<f64>)> {
    let steps_per_epoch = fixture["steps_per_epoch"].as_u64().unwrap() as usize;
    let cases = fixture["cases"].as_array().unwrap().iter().filter(|case| case.get(values).is_some());
    let of_each_step = |case: &Value| {
        let length = if case[schedule]["unit"] == "epoch" { steps_per_epoch } else { 1 };
        floats(&case[values]).into_iter().flat_map(|value| vec![value; length]).collect()
    };
    cases.map(|case| (case[schedule].clone(), of_each_step(case))).collect()
}

fn horizon(fixture: &Value) -> Horizon {
    Horizon { steps_per_epoch: fixture["steps_per_epoch"].as_u64().unwrap(), total_steps: fixture["steps"].as_u64().unwrap() }
}

#[test]
fn every_learning_rate_schedule_matches_pytorch_or_keras_over_1000_steps() {
    let fixture = fixture();
    let horizon = horizon(&fixture);
    let cases = expected(&fixture, "schedule", "values");
    let named = |name: &str| cases.iter().filter(|(settings, _)| settings["name"] == name).count();
    assert!(Schedule::NAMES.iter().all(|name| matches!(*name, "constant" | "reduce_on_plateau") || named(name) >= 4));
    for (settings, theirs) in cases {
        let schedule: Schedule = serde_json::from_value(settings.clone()).unwrap();
        schedule.validate().unwrap();
        let ours: Vec<f64> = (0..horizon.total_steps).map(|steps| schedule.factor(steps, horizon)).collect();
        assert_close(&settings, &ours, &theirs);
    }
}

#[test]
fn the_momentum_of_one_cycle_matches_pytorch_over_1000_steps() {
    let fixture = fixture();
    let horizon = horizon(&fixture);
    let cases = expected(&fixture, "momentum_schedule", "momenta");
    assert_eq!(cases.len(), 5);
    for (settings, theirs) in cases {
        let schedule: MomentumSchedule = serde_json::from_value(settings.clone()).unwrap();
        schedule.validate().unwrap();
        let ours: Vec<f64> = (0..horizon.total_steps).map(|steps| schedule.momentum(0.5, steps, horizon)).collect();
        assert_close(&settings, &ours, &theirs);
    }
}

#[test]
fn reduce_on_plateau_matches_pytorch_after_each_of_200_losses() {
    let fixture = fixture();
    let losses = floats(&fixture["losses"]);
    assert_eq!(losses.len(), 200);
    for case in fixture["plateaus"].as_array().unwrap() {
        let schedule: Schedule = serde_json::from_value(case["schedule"].clone()).unwrap();
        schedule.validate().unwrap();
        let plateau = schedule.plateau().unwrap();
        let ours: Vec<f64> = (0..=losses.len()).map(|count| plateau.factor_after(&losses[..count])).collect();
        assert_close(&case["schedule"], &ours, &floats(&case["values"]));
    }
}
