//! `ReferenceStep` against PyTorch: `fixtures/torch_parity.py` made the expected numbers.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use candle_core::{Device, Tensor};
use relumine_engine::{Examples, FeatureBuffer, NamedTensors, OptimizerConfig, ReferenceStep, Step, TrainingConfig, metrics::Totals};
use relumine_model::{Architecture, ModelConfig};
use serde_json::{Value, json};

const ABSOLUTE: f32 = 1e-6;
const RELATIVE: f32 = 1e-5;

fn floats(value: &Value) -> Vec<f32> {
    value.as_array().unwrap().iter().map(|item| item.as_f64().unwrap() as f32).collect()
}

/// `|ours - theirs| <= ABSOLUTE + RELATIVE |theirs|` for every element; the worst one is named.
fn assert_close(what: &str, ours: &[f32], theirs: &[f32]) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    let excess = |index: &usize| (ours[*index] - theirs[*index]).abs() - ABSOLUTE - RELATIVE * theirs[*index].abs();
    let worst = (0..ours.len()).max_by(|a, b| excess(a).total_cmp(&excess(b))).unwrap();
    assert!(excess(&worst) <= 0.0, "{what}: element {worst} is {}, PyTorch has {}", ours[worst], theirs[worst]);
}

fn assert_all_close(what: &str, ours: &NamedTensors, theirs: &Value) {
    assert_eq!(ours.len(), theirs.as_object().unwrap().len(), "{what}");
    for (name, tensor) in ours {
        assert_close(&format!("{what}, {name}"), &tensor.flatten_all().unwrap().to_vec1().unwrap(), &floats(&theirs[name]));
    }
}

struct Case {
    name: String,
    architecture: Architecture,
    examples: Examples,
    rows: Vec<u32>,
    expected: Value,
}

impl Case {
    fn all() -> Vec<Self> {
        let fixture: Value = serde_json::from_str(include_str!("fixtures/torch_parity.json")).unwrap();
        let rows = fixture["rows"].as_u64().unwrap() as u32;
        let features = fixture["feature_count"].as_u64().unwrap() as usize;
        let cases = fixture["cases"].as_array().unwrap().iter().map(|expected| {
            let config = json!({ "hidden": fixture["hidden"], "activation": expected["activation"], "head": expected["head"] });
            let config: ModelConfig = serde_json::from_value(config).unwrap();
            let labels = floats(&expected["labels"]).into_iter().map(|label| label as u32).collect();
            let buffer = FeatureBuffer::F32(floats(&expected["features"]));
            Self {
                name: format!("{} {}", expected["activation"], expected["head"]),
                architecture: config.architecture(features, expected["classes"].as_u64().unwrap() as usize).unwrap(),
                examples: Examples::new(buffer, &[features], labels, &[0.0], &[1.0], &Device::Cpu).unwrap(),
                rows: (0..rows).collect(),
                expected: expected.clone(),
            }
        });
        cases.collect()
    }

    /// A step that starts from PyTorch's parameters.
    fn step(&self, optimizer: &OptimizerConfig) -> ReferenceStep {
        let mut step = ReferenceStep::new(&self.architecture, &TrainingConfig { optimizer: optimizer.clone(), ..TrainingConfig::default() }, &Device::Cpu).unwrap();
        let parameters = self.architecture.tensors().into_iter().map(|spec| {
            let values = floats(&self.expected["parameters"][&spec.name]);
            (spec.name, Tensor::from_vec(values, spec.shape, &Device::Cpu).unwrap())
        });
        step.load_parameters(&parameters.collect()).unwrap();
        step
    }
}

#[test]
fn logits_loss_and_gradients_match_pytorch_for_every_activation_and_head() {
    let cases = Case::all();
    assert_eq!(cases.len(), 8);
    for case in cases {
        let mut step = case.step(&OptimizerConfig::default());
        let logits = step.logits(&case.examples, &case.rows).unwrap();
        assert_close(&format!("{}: logits", case.name), &logits, &floats(&case.expected["logits"]));
        let gradients = step.gradients(&case.examples, &case.rows).unwrap();
        assert_all_close(&format!("{}: gradient", case.name), &gradients, &case.expected["gradients"]);
        let totals = Totals::of(case.architecture.head, &logits, &case.examples.labels_of(&case.rows));
        step.train(&case.examples, &case.rows).unwrap();
        for loss in [totals.mean_loss(), step.totals().unwrap().mean_loss()] {
            assert_close(&format!("{}: loss", case.name), &[loss as f32], &[case.expected["loss"].as_f64().unwrap() as f32]);
        }
    }
}

#[test]
fn sgd_and_adam_match_pytorch_after_1_and_10_steps() {
    for case in Case::all() {
        for optimizer in case.expected["optimizers"].as_array().unwrap() {
            let config: OptimizerConfig = serde_json::from_value(optimizer["settings"].clone()).unwrap();
            let mut step = case.step(&config);
            for count in 1..=10 {
                step.train(&case.examples, &case.rows).unwrap();
                if let Some(expected) = optimizer["after"].get(count.to_string()) {
                    let what = format!("{}: {} after {count} steps", case.name, optimizer["settings"]);
                    assert_all_close(&what, &step.parameters().unwrap(), expected);
                }
            }
        }
    }
}
