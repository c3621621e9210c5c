//! Optimisers, and all that is done to gradients and weights around them, against PyTorch; Lion against Optax and Keras, and NAdam against
//! Keras too.

use crate::case::Case;
use crate::close::assert_all_close;
use crate::optimizer_names::optimizer_names;
use relumine_engine::{Horizon, OptimizerConfig, Step, TrainingConfig};
use serde_json::{Value, json};

fn fixture() -> Value {
    serde_json::from_str(include_str!("../fixtures/torch_optimizers.json")).unwrap()
}

/// The cases' settings in `[optimizer]`, which are the same for each.
fn settings(case: &Case) -> Vec<&Value> {
    case.expected["optimizers"].as_array().unwrap().iter().map(|optimizer| &optimizer["settings"]).collect()
}

#[test]
fn every_optimiser_matches_its_peer_after_1_and_10_steps() {
    let fixture = fixture();
    let steps = fixture["steps"].as_u64().unwrap();
    let horizon = Horizon { steps_per_epoch: 5, total_steps: steps };
    for case in Case::all(&fixture) {
        for optimizer in case.expected["optimizers"].as_array().unwrap() {
            let config: OptimizerConfig = serde_json::from_value(optimizer["settings"].clone()).unwrap();
            config.validate().unwrap();
            let mut step = case.step(&TrainingConfig { optimizer: config, horizon, ..TrainingConfig::default() });
            for count in 1..=steps {
                step.train(&case.examples, &case.rows).unwrap();
                if let Some(expected) = optimizer["after"].get(count.to_string()) {
                    let what = format!("{}: {} after {count} steps", case.name, optimizer["settings"]);
                    assert_all_close(&what, &step.parameters().unwrap(), expected);
                }
            }
        }
    }
}

#[test]
fn no_optimiser_and_no_setting_is_left_out() {
    let cases = Case::all(&fixture());
    assert_eq!(cases.len(), 2);
    let settings: Vec<&Value> = cases.iter().flat_map(settings).collect();
    let count = |test: &dyn Fn(&Value) -> bool| settings.iter().filter(|settings| test(settings)).count();
    for name in optimizer_names() {
        assert!(count(&|settings| settings["name"] == *name) >= 4, "{name} needs two settings in each of two cases");
        assert!(count(&|settings| settings["name"] == *name && settings.get("weight_decay").is_some()) >= 2, "{name} with weight decay");
        assert_eq!(count(&|settings| *settings == json!({ "name": name })), 2, "{name} by name alone, in each of two cases");
    }
    for case in &cases {
        let by_keras = case.expected["optimizers"].as_array().unwrap().iter().filter(|optimizer| optimizer["peer"] == "keras");
        assert!(by_keras.filter(|optimizer| optimizer["settings"]["name"] == "nadam").count() >= 2, "Keras' NAdam");
    }
    let keys = optimizer_names().into_iter().flat_map(|name| {
        let config: OptimizerConfig = serde_json::from_value(json!({ "name": name })).unwrap();
        serde_json::to_value(config.resolved()).unwrap().as_object().unwrap().keys().cloned().collect::<Vec<_>>()
    });
    let absent = ["max_norm", "clip_norm", "clip_value", "ema_decay", "momentum_schedule"].map(str::to_owned);
    for key in keys.chain(absent) {
        assert!(count(&|settings| settings.get(&key).is_some()) >= 2, "{key}");
    }
}
