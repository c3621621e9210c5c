//! A network and a batch, as `fixtures/torch_networks.py` writes them down.

use crate::close::floats;
use candle_core::{Device, Tensor};
use relumine_engine::{Examples, FeatureBuffer, NamedTensors, ReferenceStep, Step, TrainingConfig};
use relumine_model::{Architecture, ModelConfig};
use serde_json::Value;

pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) architecture: Architecture,
    pub(crate) examples: Examples,
    /// All of the batch.
    pub(crate) rows: Vec<u32>,
    /// What the peer computed, beside the description.
    pub(crate) expected: Value,
}

impl Case {
    pub(crate) fn all(fixture: &Value) -> Vec<Self> {
        fixture["cases"].as_array().unwrap().iter().map(Self::of).collect()
    }

    fn of(case: &Value) -> Self {
        let config: ModelConfig = serde_json::from_value(case["model"].clone()).unwrap();
        let features: Vec<f32> = floats(&case["features"]).into_iter().map(|value| value as f32).collect();
        let labels: Vec<u32> = floats(&case["labels"]).into_iter().map(|label| label as u32).collect();
        let (rows, width) = (labels.len() as u32, features.len() / labels.len());
        Self {
            name: case["model"].to_string(),
            architecture: config.architecture(width, case["classes"].as_u64().unwrap() as usize).unwrap(),
            examples: Examples::new(FeatureBuffer::F32(features), &[width], labels, &[0.0], &[1.0], &Device::Cpu).unwrap(),
            rows: (0..rows).collect(),
            expected: case.clone(),
        }
    }

    /// The peer's tensors at the start, buffers included.
    pub(crate) fn tensors(&self) -> NamedTensors {
        let tensors = self.architecture.tensors().into_iter().map(|spec| {
            let values: Vec<f32> = floats(&self.expected["tensors"][&spec.name]).into_iter().map(|value| value as f32).collect();
            (spec.name, Tensor::from_vec(values, spec.shape, &Device::Cpu).unwrap())
        });
        tensors.collect()
    }

    /// A step that starts from the peer's tensors.
    pub(crate) fn step(&self, training: &TrainingConfig) -> ReferenceStep {
        let mut step = ReferenceStep::new(&self.architecture, training, &Device::Cpu).unwrap();
        step.load_parameters(&self.tensors()).unwrap();
        step
    }
}
