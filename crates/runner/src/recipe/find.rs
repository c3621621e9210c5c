//! Where a recipe's text comes from.

use crate::failure::Failure;
use anyhow::anyhow;
use std::path::{Path, PathBuf};

/// Recipes inside the binary, so that an installed one works in any folder.
const EMBEDDED: [(&str, &str); 3] = [
    ("quickstart", include_str!("../../../../models/quickstart.toml")),
    ("seed-relu", include_str!("../../../../models/seed-relu.toml")),
    ("seed-relu-dropout", include_str!("../../../../models/seed-relu-dropout.toml")),
];

/// A recipe's text and where it is from.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The file's name without its ending: what runs are called after.
    pub name: String,
    /// What messages call it.
    pub shown: String,
    /// The TOML text.
    pub text: String,
    /// The file's folder, from which it may name data.
    pub folder: Option<PathBuf>,
}

impl Origin {
    /// The recipe file at `path`, or else the embedded recipe of that name; the quickstart where nothing is asked for.
    ///
    /// # Errors
    /// Neither is there.
    pub fn find(path: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = path else { return Ok(Self::embedded(EMBEDDED[0])) };
        if path.is_file() {
            return Self::from_file(path);
        }
        let embedded = EMBEDDED.into_iter().find(|(name, _)| path.as_os_str() == *name);
        embedded.map(Self::embedded).ok_or_else(|| {
            let names = EMBEDDED.map(|(name, _)| name).join(", ");
            Failure::usage(anyhow!("there is no recipe file {}; give a TOML file, or one of {names}", path.display()))
        })
    }

    fn embedded((name, text): (&str, &str)) -> Self {
        Self { name: name.into(), shown: format!("recipe {name}"), text: text.into(), folder: None }
    }

    /// The recipe file at `path`.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn from_file(path: &Path) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::usage(anyhow!("cannot read the recipe {}: {error}; give a text file in TOML", path.display())))?;
        let name = path.file_stem().map_or_else(|| "recipe".into(), |stem| stem.to_string_lossy().into_owned());
        let folder = path.parent().map(Path::to_owned);
        Ok(Self { name, shown: path.display().to_string(), text, folder })
    }
}
