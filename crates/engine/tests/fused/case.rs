//! A network, how it is trained, and what it is trained on: for both steps.

use crate::data::{Kind, examples};
use crate::step::{self, Fused};
use candle_core::Device;
use relumine_engine::metrics::Totals;
use relumine_engine::{Examples, Horizon, NamedTensors, Objective, OptimizerConfig, ReferenceStep, Step, TrainingConfig};
use relumine_model::{Architecture, ModelConfig};
use serde_json::Value;

pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) architecture: Architecture,
    pub(crate) training: TrainingConfig,
    pub(crate) examples: Examples,
}

/// What the examples are: rows, features, classes and their kind.
pub(crate) type Data = (usize, usize, usize, Kind);

impl Case {
    /// A `[model]` section on such data, with every other setting at its default.
    pub(crate) fn new(model: &Value, (rows, features, classes, kind): Data) -> Self {
        let config: ModelConfig = serde_json::from_value(model.clone()).unwrap();
        Self {
            name: format!("{model} on {rows} x {features} {kind:?}, {classes} classes"),
            architecture: config.architecture(features, classes).unwrap(),
            training: TrainingConfig {
                seed: 3,
                threads: 2,
                horizon: Horizon { steps_per_epoch: 5, total_steps: STEPS },
                ..TrainingConfig::default()
            },
            examples: examples(rows, features, classes, kind),
        }
    }

    /// With an `[optimizer]` section.
    pub(crate) fn optimizer(mut self, settings: &Value) -> Self {
        let config: OptimizerConfig = serde_json::from_value(settings.clone()).unwrap();
        config.validate().unwrap();
        self.training.optimizer = config;
        self.name = format!("{}, {settings}", self.name);
        self
    }

    pub(crate) fn objective(mut self, label_smoothing: f64, class_weights: Option<&[f64]>) -> Self {
        let objective = Objective { label_smoothing, class_weights: class_weights.map(<[f64]>::to_vec) };
        objective.validate(self.architecture.num_classes).unwrap();
        self.name = format!("{}, {objective:?}", self.name);
        self.training.objective = objective;
        self
    }

    pub(crate) fn micro_batch(mut self, rows: Option<usize>) -> Self {
        self.training.micro_batch = rows;
        self.name = format!("{}, {rows:?} rows at a time", self.name);
        self
    }

    pub(crate) fn fused(&self) -> Fused {
        step::fused(&self.architecture, &self.training)
    }

    pub(crate) fn reference(&self) -> ReferenceStep {
        ReferenceStep::new(&self.architecture, &self.training, &Device::Cpu).unwrap()
    }

    /// So many rows from `first` on, in an order of their own, round and round.
    pub(crate) fn rows(&self, first: usize, count: usize) -> Vec<u32> {
        (first..first + count).map(|i| (i * 7 % self.examples.len()) as u32).collect()
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

/// Steps of a long comparison, and of the horizon that schedules see.
pub(crate) const STEPS: u64 = 20;

/// All that a step knows: weights, state, totals.
pub(crate) fn all_of(step: &dyn Step) -> (NamedTensors, NamedTensors, Totals) {
    (step.parameters().unwrap(), step.optimizer_state().unwrap(), step.totals().unwrap())
}
