//! What a file has and lacks, in words.

use relumine_model::TensorSpec;
use safetensors::tensor::TensorView;
use std::collections::BTreeMap;

/// More than this many of one kind are counted, not listed.
const MOST_LISTED: usize = 8;

/// How the tensors `found` differ from `specs`, the model's, which are called `names` there: what is missing, left over, and of another
/// shape. Empty where nothing differs.
pub(super) fn between(specs: &[TensorSpec], names: &[String], found: &BTreeMap<String, TensorView<'_>>) -> String {
    let pairs = || specs.iter().zip(names);
    let missing = pairs().filter(|(_, name)| !found.contains_key(*name)).map(|(spec, name)| format!("`{name}` {:?}", spec.shape));
    let extra = found.iter().filter(|(name, _)| !names.contains(name)).map(|(name, view)| format!("`{name}` {:?}", view.shape()));
    let misshapen = pairs().filter_map(|(spec, name)| {
        let view = found.get(name).filter(|view| view.shape() != spec.shape)?;
        let purpose = if *name == spec.name { String::new() } else { format!(", for `{}`", spec.name) };
        Some(format!("`{name}` {:?} and not {:?}{purpose}", view.shape(), spec.shape))
    });
    let kinds = [("missing", missing.collect()), ("extra", extra.collect()), ("of another shape", misshapen.collect())];
    let kinds = kinds.into_iter().filter_map(|(kind, listed): (_, Vec<String>)| Some(format!("{kind}: {}", list(&listed)?)));
    kinds.collect::<Vec<_>>().join("; ")
}

fn list(items: &[String]) -> Option<String> {
    let shown = items.get(..MOST_LISTED).unwrap_or(items).join(", ");
    match items.len() {
        0 => None,
        count if count > MOST_LISTED => Some(format!("{shown} and {} more", count - MOST_LISTED)),
        _ => Some(shown),
    }
}
