//! Reading checkpoint files, checked.

use super::search::problem_with;
use super::{FileRecord, Manifest};
use anyhow::{Context, anyhow, bail};
use candle_core::Device;
use relumine_engine::NamedTensors;
use std::path::Path;

/// Tensors in the safetensors format, without metadata: the same tensors are the same bytes.
///
/// # Errors
/// A device that fails.
pub fn to_safetensors(tensors: &NamedTensors) -> anyhow::Result<Vec<u8>> {
    Ok(safetensors::serialize(tensors, None)?)
}

/// The tensors of a safetensors file. One that lies beside a manifest must be what the manifest says.
///
/// # Errors
/// A file that is missing, damaged, or not in that format.
pub fn read_tensors(path: &Path) -> anyhow::Result<NamedTensors> {
    let remedy = "the run has no such checkpoint; train it again";
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}: {remedy}", path.display()))?;
    let folder = path.parent().unwrap_or(Path::new("."));
    if let (Some(manifest), Some(name)) = (read_manifest(folder)?, path.file_name()) {
        let record = manifest.files.get(name.to_string_lossy().as_ref());
        let remedy = remedy_for(&manifest, folder);
        match record {
            None => bail!("{} belongs to no checkpoint: {} does not list it; {remedy}", path.display(), Manifest::NAME),
            Some(record) if !record.matches(&bytes) => bail!("{}: {remedy}", problem_with(path)),
            Some(_) => {}
        }
    }
    tensors_of(path, &bytes)
}

/// The tensors in `bytes`, which are the contents of `path`.
///
/// # Errors
/// Bytes that are not in the safetensors format.
pub fn tensors_of(path: &Path, bytes: &[u8]) -> anyhow::Result<NamedTensors> {
    let tensors = candle_core::safetensors::load_buffer(bytes, &Device::Cpu)
        .map_err(|error| anyhow!("{} is not a whole safetensors file ({error}): restore it or train again", path.display()))?;
    Ok(tensors.into_iter().collect())
}

/// Checks the checkpoint in `folder`: its manifest, or `None` where there is none.
///
/// # Errors
/// A file that does not match its checksum, or is missing.
pub fn verify(folder: &Path) -> anyhow::Result<Option<Manifest>> {
    let Some(manifest) = read_manifest(folder)? else { return Ok(None) };
    for (name, record) in &manifest.files {
        let path = folder.join(name);
        let matches = |record: &FileRecord| std::fs::read(&path).is_ok_and(|bytes| record.matches(&bytes));
        if !matches(record) {
            bail!("{}: {}", problem_with(&path), remedy_for(&manifest, folder));
        }
    }
    Ok(Some(manifest))
}

/// What helps where a file of the checkpoint in `folder` is damaged. A training that has ended keeps no older one.
fn remedy_for(manifest: &Manifest, folder: &Path) -> String {
    if manifest.stopped_by.is_some() {
        return "restore it, or train again".into();
    }
    let run = folder.parent().unwrap_or(folder).display();
    format!("restore it, go on from an older checkpoint with relumine train --resume {run}, or train again")
}

/// The manifest in `folder`; `None` where there is none.
///
/// # Errors
/// One that is damaged.
pub fn read_manifest(folder: &Path) -> anyhow::Result<Option<Manifest>> {
    let path = folder.join(Manifest::NAME);
    match std::fs::read(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        text => {
            let text = text.with_context(|| format!("cannot read {}", path.display()))?;
            Manifest::parse(&text).map(Some).map_err(|error| anyhow!("{} {error}", path.display()))
        }
    }
}
