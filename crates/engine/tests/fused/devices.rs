//! Which devices the fused step of the CPU trains on.

use candle_core::Device;
use relumine_engine::{FusedStep, StepError, TrainingConfig};
use relumine_model::ModelConfig;
use serde_json::{Value, json};

fn refusal(model: &Value, device: &Device) -> Option<String> {
    let config: ModelConfig = serde_json::from_value(model.clone()).unwrap();
    let architecture = config.architecture(5, 3).unwrap();
    let refusal = FusedStep::new(&architecture, &TrainingConfig::default(), device).err().map(|error| {
        assert!(matches!(error, StepError::NotFused { .. }), "{error}");
        error.to_string()
    });
    assert_eq!(FusedStep::supports(device).is_err(), refusal.is_some());
    refusal
}

#[test]
fn nothing_is_refused_on_the_cpu() {
    for model in [
        json!({}),
        json!({ "norm": "batch" }),
        json!({ "norm": "layer" }),
        json!({ "noise": 0.1 }),
        json!({ "input_noise": 0.1 }),
        json!({ "activation": "maxout" }),
    ] {
        assert_eq!(refusal(&model, &Device::Cpu), None, "{model}");
    }
}

/// Where another device is compiled in and there.
#[test]
fn another_device_is_refused() {
    for device in [Device::new_cuda(0), Device::new_metal(0)].into_iter().flatten() {
        let refusal = refusal(&json!({}), &device).unwrap();
        assert!(refusal.starts_with("the fused step cannot train this: ") && refusal.contains("on the CPU alone"), "{refusal}");
    }
}
