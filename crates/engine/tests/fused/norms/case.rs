//! Networks with every combination of normalisation, activation, noise and head, and data for them.

use crate::step::{self, Fused};
use candle_core::Device;
use relumine_engine::{Examples, FeatureBuffer, Horizon, OptimizerConfig, ReferenceStep, Step, TrainingConfig};
use relumine_model::{Architecture, ModelConfig};
use relumine_random::{Purpose, Stream, variates};
use serde_json::{Value, json};

pub(crate) struct Case {
    pub(crate) name: String,
    architecture: Architecture,
    pub(crate) training: TrainingConfig,
    pub(crate) examples: Examples,
}

pub(crate) const ROWS: usize = 140;
const FEATURES: usize = 37;
/// Widths on both sides of a panel's.
pub(crate) const WIDE: [usize; 3] = [70, 33, 17];
pub(crate) const STEPS: u64 = 20;

/// Numbers of both signs, a third of them 0, in classes that depend on none of them.
fn examples(classes: usize) -> Examples {
    let unit = |i: usize| variates::unit(Stream::new(97, Purpose::Augment, 0).word(0, i as u32, 0));
    let feature = |i: usize| if i.is_multiple_of(3) { 0.0 } else { (4.0 * unit(i) - 2.0) as f32 };
    let features = (0..ROWS * FEATURES).map(feature).collect();
    let labels = (0..ROWS).map(|row| (unit(ROWS * FEATURES + row) * classes as f64) as u32).collect();
    Examples::new(FeatureBuffer::F32(features), &[FEATURES], labels, &[0.1], &[0.9], &Device::Cpu).unwrap()
}

impl Case {
    /// A `[model]` section, and biases to tell units by.
    fn new(hidden: &[usize], settings: &Value) -> Self {
        let mut model = json!({ "hidden": hidden, "bias_init": { "name": "random_normal", "stddev": 0.3 } });
        model.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        let config: ModelConfig = serde_json::from_value(model.clone()).unwrap();
        let classes = if settings.get("head") == Some(&json!("sigmoid")) { 2 } else { 5 };
        let horizon = Horizon { steps_per_epoch: 5, total_steps: STEPS };
        Self {
            name: settings.to_string(),
            architecture: config.architecture(FEATURES, classes).unwrap(),
            training: TrainingConfig { seed: 3, threads: 2, horizon, ..TrainingConfig::default() },
            examples: examples(classes),
        }
    }

    /// Every normalisation before and after every activation, with each form of noise and each head in turn.
    pub(crate) fn all(hidden: &[usize]) -> Vec<Self> {
        let mut all = Vec::new();
        let norms = [
            json!("none"),
            json!({ "name": "batch", "momentum": 0.2, "epsilon": 1e-3 }),
            json!({ "name": "batch", "epsilon": 1e-3, "position": "after_activation" }),
            json!({ "name": "layer", "epsilon": 1e-3 }),
            json!({ "name": "layer", "position": "after_activation" }),
        ];
        let activations = [json!("relu"), json!("tanh"), json!("maxout"), json!({ "name": "maxout", "pieces": 3 })];
        let noises = [
            json!({}),
            json!({ "noise": 0.3 }),
            json!({ "input_noise": 0.2, "noise": 0.1, "dropout": 0.5, "input_dropout": 0.2 }),
            json!({ "noise": 0.1, "dropout": 0.3, "dropout_kind": "alpha_dropout" }),
        ];
        for (norm, activation) in norms.iter().flat_map(|norm| activations.iter().map(move |activation| (norm, activation))) {
            for noise in &noises {
                for head in ["softmax", "sigmoid"] {
                    let mut settings = json!({ "norm": norm, "activation": activation, "head": head });
                    settings.as_object_mut().unwrap().extend(noise.as_object().unwrap().clone());
                    all.push(Self::new(hidden, &settings));
                }
            }
        }
        all
    }

    pub(crate) fn optimizer(mut self, settings: &Value) -> Self {
        let config: OptimizerConfig = serde_json::from_value(settings.clone()).unwrap();
        config.validate().unwrap();
        self.training.optimizer = config;
        self.name = format!("{}, {settings}", self.name);
        self
    }

    pub(crate) fn micro_batch(mut self, rows: Option<usize>) -> Self {
        self.training.micro_batch = rows;
        self.name = format!("{}, {rows:?} rows at a time", self.name);
        self
    }

    pub(crate) fn fused(&self, threads: usize) -> Fused {
        step::fused(&self.architecture, &TrainingConfig { threads, ..self.training.clone() })
    }

    pub(crate) fn reference(&self) -> ReferenceStep {
        ReferenceStep::new(&self.architecture, &self.training, &Device::Cpu).unwrap()
    }

    /// So many rows from `first` on, in an order of their own, round and round.
    pub(crate) fn rows(&self, first: usize, count: usize) -> Vec<u32> {
        (first..first + count).map(|i| (i * 9 % ROWS) as u32).collect()
    }

    /// Takes steps on batches of these sizes, one after the other.
    pub(crate) fn train(&self, step: &mut dyn Step, batches: &[usize]) {
        let mut first = 0;
        for count in batches {
            step.train(&self.examples, &self.rows(first, *count)).unwrap();
            first += count;
        }
    }
}
