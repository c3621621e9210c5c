//! Weights from elsewhere, to start training with.

mod difference;
mod groups;

use crate::ExportError;
use crate::trained::check_finite;
use candle_core::safetensors::Load;
use candle_core::{DType, Device, Tensor};
use groups::{Group, Kind};
use relumine_model::{Architecture, TensorSpec};
use safetensors::SafeTensors;
use safetensors::tensor::TensorView;
use std::collections::BTreeMap;

/// Weights for a model, as f32 and by its own names.
#[derive(Clone, Debug)]
pub struct Imported {
    /// Every tensor of the architecture, buffers included.
    pub tensors: BTreeMap<String, Tensor>,
    /// What each is called in the file and in the model, where that differs: layers were matched by their order.
    pub renamed: Vec<(String, String)>,
    /// What was not f32, such as `BF16`, and how many tensors.
    pub converted: BTreeMap<String, usize>,
}

/// PyTorch counts the batches that a `BatchNorm1d` has seen; its outputs do not depend on it.
const BATCH_COUNT: &str = "num_batches_tracked";

/// Takes the weights of a safetensors file for a model of `architecture`.
///
/// Names decide where they are the model's own (see [the crate](crate)). Elsewhere, as in the state of a `torch.nn.Sequential`, layers are
/// matched by their order: the matrices in the order of their names, numbers in them counting as numbers, and likewise the normalisations.
///
/// # Errors
/// A file that is not in the format, tensors that do not fit (all of them are named), or a number that is not finite.
pub fn from_safetensors(bytes: &[u8], architecture: &Architecture) -> Result<Imported, ExportError> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| ExportError::NotSafetensors { reason: error.to_string() })?;
    let mut found: BTreeMap<String, TensorView<'_>> = file.tensors().into_iter().collect();
    found.retain(|name, _| name.rsplit('.').next() != Some(BATCH_COUNT));
    let specs = architecture.tensors();
    let names = match_names(&specs, &found)?;

    let mut imported = Imported { tensors: BTreeMap::new(), renamed: Vec::new(), converted: BTreeMap::new() };
    for (spec, name) in specs.into_iter().zip(names) {
        let view = &found[&name];
        let tensor = to_f32(&name, view)?;
        if tensor.1 {
            *imported.converted.entry(format!("{:?}", view.dtype())).or_default() += 1;
        }
        if name != spec.name {
            imported.renamed.push((name, spec.name.clone()));
        }
        imported.tensors.insert(spec.name, tensor.0);
    }
    Ok(imported)
}

/// What each tensor of the model is called in the file, in the model's order.
fn match_names(specs: &[TensorSpec], found: &BTreeMap<String, TensorView<'_>>) -> Result<Vec<String>, ExportError> {
    let ours: Vec<String> = specs.iter().map(|spec| spec.name.clone()).collect();
    let foreign = |differences: String| Err(ExportError::Foreign { differences });
    if found.len() == ours.len() && ours.iter().all(|name| found.contains_key(name)) {
        let differences = difference::between(specs, &ours, found);
        return if differences.is_empty() { Ok(ours) } else { foreign(differences) };
    }
    let shapes: Vec<(&str, &[usize])> = found.iter().map(|(name, view)| (name.as_str(), view.shape())).collect();
    let (wanted, offered) = (groups::of(specs.iter().map(|spec| (spec.name.as_str(), spec.shape.as_slice()))), groups::of(shapes));
    let Some(names) = in_order(specs, &wanted, &offered) else { return foreign(difference::between(specs, &ours, found)) };
    let differences = difference::between(specs, &names, found);
    if !differences.is_empty() {
        return foreign(differences);
    }
    match groups::ambiguity(&offered) {
        Some((first, second)) => {
            foreign(format!("which of `{first}` and `{second}`, of the same shape, comes first cannot be told by their names"))
        }
        None => Ok(names),
    }
}

/// The names in the file, matched layer by layer; `None` where the numbers of layers or of their parts differ.
fn in_order(specs: &[TensorSpec], wanted: &[Group<'_>], offered: &[Group<'_>]) -> Option<Vec<String>> {
    let mut names = BTreeMap::new();
    for kind in [Kind::Dense, Kind::Norm] {
        let wanted: Vec<_> = wanted.iter().filter(|group| group.kind == kind).collect();
        let offered: Vec<_> = offered.iter().filter(|group| group.kind == kind).collect();
        if wanted.len() != offered.len() {
            return None;
        }
        for (wanted, offered) in wanted.iter().zip(&offered) {
            if wanted.parts.len() != offered.parts.len() {
                return None;
            }
            for (part, (name, _)) in &wanted.parts {
                names.insert((*name).to_owned(), offered.parts.get(part)?.0.to_owned());
            }
        }
    }
    specs.iter().map(|spec| names.remove(&spec.name)).collect()
}

/// The tensor in f32, and whether it was anything else.
fn to_f32(name: &str, view: &TensorView<'_>) -> Result<(Tensor, bool), ExportError> {
    let foreign = || ExportError::Dtype { name: name.to_owned(), dtype: format!("{:?}", view.dtype()) };
    let is_weights = |dtype| matches!(dtype, DType::F32 | DType::F64 | DType::F16 | DType::BF16);
    let tensor = view.load(&Device::Cpu).ok().filter(|tensor| is_weights(tensor.dtype())).ok_or_else(foreign)?;
    let converted = tensor.dtype() != DType::F32;
    let tensor = tensor.to_dtype(DType::F32)?;
    check_finite(name, &tensor.flatten_all()?.to_vec1::<f32>()?)?;
    Ok((tensor, converted))
}

#[cfg(test)]
mod tests;
