//! `train.init_from`: training that starts with weights from elsewhere.

use crate::checkpoint::sha256;
use crate::failure::Failure;
use anyhow::{Context, anyhow};
use relumine_engine::NamedTensors;
use relumine_export::{ExportError, import};
use relumine_model::Architecture;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// A safetensors file of weights: its name, or in the recipe of a run `{ file = "..", sha256 = ".." }`, so that a file that has changed
/// since is noticed when that recipe is trained again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written")]
pub struct InitFrom {
    /// The file. A relative path is looked for beside the recipe, then in the working directory.
    pub file: String,
    /// What the file must be, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a safetensors file, as in \"weights.safetensors\", or { file = \"..\", sha256 = \"..\" }")]
enum Written {
    File(String),
    Table(Table),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    file: String,
    sha256: Option<String>,
}

impl From<Written> for InitFrom {
    fn from(written: Written) -> Self {
        match written {
            Written::File(file) => Self { file, sha256: None },
            Written::Table(Table { file, sha256 }) => Self { file, sha256 },
        }
    }
}

impl InitFrom {
    /// The file as it is now, for the recipe of a run.
    ///
    /// # Errors
    /// A file that cannot be read, or that is not the one it must be.
    pub fn pinned(&self) -> Result<Self, Failure> {
        let sha256 = Some(sha256(&self.read()?));
        Ok(Self { sha256, ..self.clone() })
    }

    /// The weights for a model of `architecture`, by its names.
    ///
    /// # Errors
    /// A file that cannot be read, that has changed, or whose tensors are not those of the model; the last is the recipe's mistake.
    pub fn load(&self, architecture: &Architecture) -> Result<NamedTensors, Failure> {
        let imported = import::from_safetensors(&self.read()?, architecture).map_err(|error| {
            let is_recipe_s = matches!(error, ExportError::Foreign { .. });
            let error = anyhow!(error).context(format!("train.init_from: {}", self.file));
            if is_recipe_s { Failure::Usage(error) } else { Failure::Run(error) }
        })?;
        if !imported.renamed.is_empty() {
            let renamed = imported.renamed.iter().map(|(theirs, ours)| format!("{theirs} as {ours}"));
            tracing::info!("train.init_from: layers were matched by their order: {}", renamed.collect::<Vec<_>>().join(", "));
        }
        for (dtype, count) in &imported.converted {
            tracing::info!("train.init_from: {count} tensors of {dtype} were converted to F32");
        }
        Ok(imported.tensors)
    }

    fn read(&self) -> Result<Vec<u8>, Failure> {
        let Self { file, sha256: expected } = self;
        if Path::new(file).is_dir() {
            let remedy = "give a file, such as checkpoints/best.safetensors of a run";
            return Err(Failure::Run(anyhow!("train.init_from: {file} is a folder; {remedy}")));
        }
        let bytes = std::fs::read(file).with_context(|| {
            format!("train.init_from: cannot read {file}; give a safetensors file, such as checkpoints/best.safetensors of a run")
        })?;
        match expected {
            Some(expected) if sha256(&bytes) != *expected => Err(Failure::Run(anyhow!(
                "train.init_from: {file} has changed since the recipe was written: its SHA-256 is not {expected}; restore it, or take it as \
                 it is with --init-from {file}"
            ))),
            _ => Ok(bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_written_by_its_name_or_with_its_checksum() {
        let read = |text: &str| toml::from_str::<std::collections::BTreeMap<String, InitFrom>>(text);
        let plain = InitFrom { file: "a.safetensors".into(), sha256: None };
        assert_eq!(read("key = 'a.safetensors'").unwrap()["key"], plain);
        let pinned = InitFrom { sha256: Some("ab".into()), ..plain };
        assert_eq!(read("key = { file = 'a.safetensors', sha256 = 'ab' }").unwrap()["key"], pinned);
        assert_eq!(read(&toml::to_string(&std::collections::BTreeMap::from([("key", &pinned)])).unwrap()).unwrap()["key"], pinned);
        for wrong in ["key = 3", "key = { file = 'a', sha = 'ab' }", "key = { sha256 = 'ab' }"] {
            let message = read(wrong).unwrap_err().to_string();
            assert!(message.contains("expected a safetensors file"), "{message}");
        }
    }
}
