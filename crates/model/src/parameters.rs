//! The tensors that training changes, by name and in order.

use crate::{Architecture, BatchStatistics, ModelError, Role};
use candle_core::{DType, Device, Result, Shape, Tensor, Var};
use candle_nn::var_builder::{SimpleBackend, VarBuilder};
use std::collections::{BTreeMap, BTreeSet};

/// Every tensor of an [`Architecture`], in its order: what gradients change, and the buffers of normalisations. Cloning shares the
/// tensors.
#[derive(Clone, Debug)]
pub struct Parameters {
    all: Vec<Parameter>,
}

/// A named tensor of a model.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Such as `layers.0.weight`.
    pub name: String,
    /// What it is to its layer.
    pub role: Role,
    /// Its values.
    pub var: Var,
}

impl Parameters {
    /// Fresh parameters, drawn from `seed`: the same values on every device.
    ///
    /// # Errors
    /// Those of Candle: a device out of memory.
    pub fn initialize(architecture: &Architecture, seed: u64, dtype: DType, device: &Device) -> Result<Self> {
        let mut all = Vec::new();
        for layer in &architecture.layers {
            for spec in layer.tensors() {
                let values = Tensor::from_vec(layer.initial_values(&spec, seed), spec.shape.as_slice(), device)?;
                let var = Var::from_tensor(&values.to_dtype(dtype)?)?;
                all.push(Parameter { name: spec.name, role: spec.role, var });
            }
        }
        Ok(Self { all })
    }

    /// What gradients change, in the architecture's order.
    pub fn trainable(&self) -> impl Iterator<Item = &Parameter> {
        self.all.iter().filter(|parameter| parameter.role.is_trainable())
    }

    /// The tensor called `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Var> {
        self.all.iter().find(|parameter| parameter.name == name).map(|parameter| &parameter.var)
    }

    /// Takes what batches said about normalised layers into the running statistics, one after the other:
    /// `running <- (1 - momentum) running + momentum statistic`.
    ///
    /// # Errors
    /// Those of Candle: a device out of memory.
    pub fn absorb(&self, statistics: &[(u16, BatchStatistics)]) -> Result<()> {
        for (layer, BatchStatistics { momentum, mean, variance }) in statistics {
            for (part, statistic) in [("running_mean", mean), ("running_var", variance)] {
                let name = format!("layers.{layer}.norm.{part}");
                let Some(running) = self.get(&name) else { candle_core::bail!("no buffer is called {name}") };
                running.set(&((running.as_detached_tensor() * (1.0 - momentum))? + (statistic * *momentum)?)?)?;
            }
        }
        Ok(())
    }

    /// The same tensors with values of their own.
    ///
    /// # Errors
    /// Those of Candle: a device out of memory.
    pub fn duplicate(&self) -> Result<Self> {
        let duplicate = |parameter: &Parameter| {
            let var = Var::from_tensor(&parameter.var.as_detached_tensor().copy()?)?;
            Ok(Parameter { var, ..parameter.clone() })
        };
        Ok(Self { all: self.all.iter().map(duplicate).collect::<Result<_>>()? })
    }

    /// Every tensor with its name and role, buffers included.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Parameter> {
        self.all.iter()
    }

    /// Copies of all tensors, by name.
    ///
    /// # Errors
    /// Those of Candle: a device out of memory.
    pub fn to_tensors(&self) -> Result<BTreeMap<String, Tensor>> {
        self.iter().map(|parameter| Ok((parameter.name.clone(), parameter.var.as_detached_tensor().copy()?))).collect()
    }

    /// Overwrites every tensor with the one of the same name.
    ///
    /// # Errors
    /// A name missing, unknown or of another shape; nothing has changed then.
    pub fn load(&self, tensors: &BTreeMap<String, Tensor>) -> std::result::Result<(), ModelError> {
        check(self.iter().map(|parameter| (parameter.name.as_str(), parameter.var.dims())), tensors)?;
        for Parameter { name, var, .. } in self.iter() {
            var.set(&tensors[name].to_device(var.device())?.to_dtype(var.dtype())?)?;
        }
        Ok(())
    }

    /// A Candle `VarBuilder` that hands out these tensors, so that gradients reach them.
    #[must_use]
    pub fn var_builder(&self, dtype: DType, device: &Device) -> VarBuilder<'static> {
        VarBuilder::from_backend(Box::new(Backend(self.clone())), dtype, device.clone())
    }
}

impl Architecture {
    /// Whether tensors from a file are those of this model: to be asked before anything as large as the model is made, which a damaged
    /// description may call larger than any memory.
    ///
    /// # Errors
    /// A name missing, unknown or of another shape.
    pub fn check_tensors(&self, tensors: &BTreeMap<String, Tensor>) -> std::result::Result<(), ModelError> {
        let specs = self.tensors();
        check(specs.iter().map(|spec| (spec.name.as_str(), spec.shape.as_slice())), tensors)
    }
}

/// Compares tensors with the names and shapes that are `wanted`.
fn check<'a>(
    wanted: impl Iterator<Item = (&'a str, &'a [usize])>,
    tensors: &BTreeMap<String, Tensor>,
) -> std::result::Result<(), ModelError> {
    let mut known = BTreeSet::new();
    for (name, shape) in wanted {
        let found = tensors.get(name).ok_or_else(|| ModelError::MissingTensor { name: name.to_owned(), shape: shape.to_vec() })?;
        if found.dims() != shape {
            let (found, expected) = (found.dims().to_vec(), shape.to_vec());
            return Err(ModelError::MisshapenTensor { name: name.to_owned(), found, expected });
        }
        known.insert(name);
    }
    match tensors.keys().find(|name| !known.contains(name.as_str())) {
        Some(name) => Err(ModelError::ExtraTensor { name: name.clone() }),
        None => Ok(()),
    }
}

struct Backend(Parameters);

impl SimpleBackend for Backend {
    fn get(&self, shape: Shape, name: &str, _init: candle_nn::Init, dtype: DType, device: &Device) -> Result<Tensor> {
        let tensor = self.get_unchecked(name, dtype, device)?;
        if tensor.shape() != &shape {
            candle_core::bail!("parameter {name} has shape {:?}, asked for as {shape:?}", tensor.shape());
        }
        Ok(tensor)
    }

    fn get_unchecked(&self, name: &str, dtype: DType, device: &Device) -> Result<Tensor> {
        let Some(var) = self.0.get(name) else { candle_core::bail!("no parameter is called {name}") };
        var.as_tensor().to_device(device)?.to_dtype(dtype)
    }

    fn contains_tensor(&self, name: &str) -> bool {
        self.0.get(name).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ModelConfig;

    fn small() -> Parameters {
        let architecture = ModelConfig { hidden: vec![3], ..ModelConfig::default() }.architecture(4, 2).unwrap();
        Parameters::initialize(&architecture, 7, DType::F32, &Device::Cpu).unwrap()
    }

    /// `glorot_uniform_weight_3x4_layer_0` of the random crate's `golden.json`.
    #[test]
    fn a_seed_gives_the_published_golden_weights() {
        let architecture = ModelConfig { hidden: vec![3], ..ModelConfig::default() }.architecture(4, 2).unwrap();
        let parameters = Parameters::initialize(&architecture, 0x0123_4567_89ab_cdef, DType::F32, &Device::Cpu).unwrap();
        let weight = parameters.get("layers.0.weight").unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(weight[..4], [0.447_448_67, 0.475_820_12, 0.184_473_99, 0.865_216_6]);
    }

    #[test]
    fn missing_extra_and_misshapen_tensors_are_refused_by_name() {
        let parameters = small();
        let whole = parameters.to_tensors().unwrap();
        assert!(parameters.load(&whole).is_ok());
        let mut missing = whole.clone();
        missing.remove("layers.1.bias");
        assert!(matches!(parameters.load(&missing), Err(ModelError::MissingTensor { name, .. }) if name == "layers.1.bias"));
        let mut extra = whole.clone();
        extra.insert("layers.9.bias".into(), whole["layers.1.bias"].clone());
        assert!(matches!(parameters.load(&extra), Err(ModelError::ExtraTensor { name }) if name == "layers.9.bias"));
        let mut misshapen = whole.clone();
        misshapen.insert("layers.0.weight".into(), whole["layers.0.weight"].t().unwrap());
        assert!(matches!(parameters.load(&misshapen), Err(ModelError::MisshapenTensor { found, .. }) if found == [4, 3]));
    }

    #[test]
    fn a_model_larger_than_any_memory_is_compared_with_a_file_all_the_same() {
        let architecture = ModelConfig { hidden: vec![3], ..ModelConfig::default() }.architecture(usize::MAX, 2).unwrap();
        let whole = small().to_tensors().unwrap();
        let error = architecture.check_tensors(&whole).unwrap_err();
        assert!(matches!(error, ModelError::MisshapenTensor { expected, .. } if expected == [3, usize::MAX]));
        assert!(ModelConfig { hidden: vec![3], ..ModelConfig::default() }.architecture(4, 2).unwrap().check_tensors(&whole).is_ok());
    }
}
