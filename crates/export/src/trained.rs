//! A model with its weights and its signature.

use crate::ExportError;
use candle_core::{DType, Tensor};
use relumine_model::{Architecture, Head, ModelConfig, ModelError, TensorSpec};
use relumine_report::{OutputHead, Signature};
use serde::Serialize;
use std::collections::BTreeMap;

/// A trained model, ready to be written: its weights are finite and those of its architecture.
#[derive(Clone, Debug)]
pub struct TrainedModel {
    pub(crate) architecture: Architecture,
    pub(crate) signature: Signature,
    /// The recipe's name.
    pub(crate) name: String,
    /// Everything that the weights do not say, as JSON on one line: `recipe`, `model` (its settings) and `signature`.
    pub(crate) description: String,
    tensors: Vec<NamedValues>,
}

/// The metadata of every format that has some.
#[derive(Serialize)]
struct Description<'a> {
    recipe: &'a str,
    model: &'a ModelConfig,
    signature: &'a Signature,
}

/// One tensor in the architecture's order.
#[derive(Clone, Debug)]
pub(crate) struct NamedValues {
    pub(crate) spec: TensorSpec,
    /// Row-major.
    pub(crate) values: Vec<f32>,
}

impl TrainedModel {
    /// The version that wrote a file.
    pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

    /// The model `config` of the recipe called `name`, with the weights and buffers of a checkpoint.
    ///
    /// # Errors
    /// A model that does not fit its signature, a tensor that is missing, unknown or of another shape, or a weight that is not finite.
    pub fn new(config: &ModelConfig, signature: Signature, name: &str, mut tensors: BTreeMap<String, Tensor>) -> Result<Self, ExportError> {
        let architecture = config.architecture(signature.num_features(), signature.classes.len()).map_err(ModelError::from)?;
        if !matches!((config.head, signature.head), (Head::Softmax, OutputHead::Softmax) | (Head::Sigmoid, OutputHead::Sigmoid)) {
            return Err(ExportError::Disagreement);
        }
        let take = |spec: TensorSpec| {
            let Some(tensor) = tensors.remove(&spec.name) else {
                return Err(ModelError::MissingTensor { name: spec.name, shape: spec.shape }.into());
            };
            if tensor.dims() != spec.shape {
                let found = tensor.dims().to_vec();
                return Err(ModelError::MisshapenTensor { name: spec.name, found, expected: spec.shape }.into());
            }
            let values = tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?;
            check_finite(&spec.name, &values)?;
            Ok(NamedValues { spec, values })
        };
        let taken = architecture.tensors().into_iter().map(take).collect::<Result<_, ExportError>>()?;
        if let Some(name) = tensors.into_keys().next() {
            return Err(ModelError::ExtraTensor { name }.into());
        }
        // By the types themselves: through a JSON value an f32 would be written with the digits of an f64.
        let description = serde_json::to_string(&Description { recipe: name, model: config, signature: &signature })
            .map_err(|error| ExportError::Encoding { format: "JSON", reason: error.to_string() })?;
        Ok(Self { architecture, signature, name: name.to_owned(), description, tensors: taken })
    }

    /// Every tensor in the architecture's order, buffers included.
    pub(crate) fn tensors(&self) -> &[NamedValues] {
        &self.tensors
    }
}

/// Refuses what is infinite or no number.
pub(crate) fn check_finite(name: &str, values: &[f32]) -> Result<(), ExportError> {
    match values.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(position) => Err(ExportError::NotFinite { name: name.to_owned(), value: values[position], position }),
    }
}

/// The little-endian bytes of numbers, as all three formats store them.
pub(crate) fn little_endian(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use candle_core::Device;
    use relumine_model::Parameters;

    /// A signature of measurements that are scaled one by one.
    pub(crate) fn signature(features: usize, classes: usize, head: OutputHead) -> Signature {
        Signature {
            format: Signature::FORMAT,
            example_shape: vec![features],
            full_scale: None,
            feature_names: Vec::new(),
            offset: (0..features).map(|i| i as f32).collect(),
            divisor: vec![2.0; features],
            classes: (0..classes).map(|class| format!("class {class}")).collect(),
            head,
        }
    }

    pub(crate) fn weights(config: &ModelConfig, features: usize, classes: usize) -> BTreeMap<String, Tensor> {
        let architecture = config.architecture(features, classes).unwrap();
        Parameters::initialize(&architecture, 1, DType::F32, &Device::Cpu).unwrap().to_tensors().unwrap()
    }

    pub(crate) fn small(settings: &str) -> TrainedModel {
        let config: ModelConfig = serde_json::from_str(settings).unwrap();
        let head = if config.head == Head::Sigmoid { OutputHead::Sigmoid } else { OutputHead::Softmax };
        TrainedModel::new(&config, signature(3, 2, head), "small", weights(&config, 3, 2)).unwrap()
    }

    #[test]
    fn weights_that_are_not_the_model_s_are_refused_by_name() {
        let config = ModelConfig { hidden: vec![4], ..ModelConfig::default() };
        let refuse = |change: &dyn Fn(&mut BTreeMap<String, Tensor>)| {
            let mut tensors = weights(&config, 3, 2);
            change(&mut tensors);
            TrainedModel::new(&config, signature(3, 2, OutputHead::Softmax), "small", tensors).unwrap_err().to_string()
        };
        let other_head = TrainedModel::new(&config, signature(3, 2, OutputHead::Sigmoid), "small", weights(&config, 3, 2));
        assert!(matches!(other_head, Err(ExportError::Disagreement)));
        let vector = |value: f32| Tensor::from_slice(&[0.0, value], 2, &Device::Cpu).unwrap();
        let missing = refuse(&|tensors| drop(tensors.remove("layers.1.bias")));
        assert!(missing.contains("lack the tensor `layers.1.bias` of shape [2]"), "{missing}");
        let extra = refuse(&|tensors| drop(tensors.insert("layers.7.bias".into(), vector(0.0))));
        assert!(extra.contains("`layers.7.bias`, which this model does not have"), "{extra}");
        let misshapen = refuse(&|tensors| drop(tensors.insert("layers.0.bias".into(), vector(0.0))));
        assert!(misshapen.contains("`layers.0.bias` has shape [2], this model needs [4]"), "{misshapen}");
        let diverged = refuse(&|tensors| drop(tensors.insert("layers.1.bias".into(), vector(f32::NAN))));
        assert!(diverged.contains("`layers.1.bias` holds NaN at position 1"), "{diverged}");
    }
}
