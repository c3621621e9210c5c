//! Where predictions go: standard output as they come, or a file that is whole or not there.

use crate::failure::Failure;
use crate::run_directory::new_file;
use crate::terminal;
use anyhow::{Context, anyhow};
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// An open destination.
pub(super) enum Destination {
    Standard,
    File {
        file: NamedTempFile,
        path: PathBuf,
        is_forced: bool,
    },
    /// A file that has its name.
    Done,
}

impl Destination {
    /// Opens it; nothing is visible under the name of `out` before [`finish`](Self::finish).
    pub(super) fn open(out: Option<&Path>, is_forced: bool) -> Result<Self, Failure> {
        let Some(path) = out else { return Ok(Self::Standard) };
        if path.is_dir() {
            return Err(Failure::usage(anyhow!("--out {} is a folder: give the name of a file", path.display())));
        }
        if path.symlink_metadata().is_ok() && !is_forced {
            return Err(Failure::usage(exists_already(path)));
        }
        let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let file = new_file(folder).with_context(|| unwritable(path))?;
        Ok(Self::File { file, path: path.to_owned(), is_forced })
    }

    /// Adds some lines.
    pub(super) fn write(&mut self, text: &str) -> Result<(), Failure> {
        match self {
            Self::File { file, path, .. } => Ok(file.write_all(text.as_bytes()).with_context(|| unwritable(path))?),
            Self::Standard | Self::Done => terminal::print(text),
        }
    }

    /// Gives a file its name.
    pub(super) fn finish(&mut self) -> Result<(), Failure> {
        let Self::File { file, path, is_forced } = std::mem::replace(self, Self::Done) else {
            *self = Self::Standard;
            return Ok(());
        };
        file.as_file().sync_all().with_context(|| unwritable(&path))?;
        let persisted = if is_forced { file.persist(&path) } else { file.persist_noclobber(&path) };
        match persisted {
            Ok(_) => Ok(()),
            Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => Err(Failure::usage(exists_already(&path))),
            Err(error) => Err(anyhow::Error::new(error.error).context(unwritable(&path)).into()),
        }
    }

    /// Whether a person watches the predictions themselves.
    pub(super) fn is_terminal(&self) -> bool {
        matches!(self, Self::Standard) && std::io::stdout().is_terminal()
    }

    /// Whether it is a file.
    pub(super) fn is_file(&self) -> bool {
        !matches!(self, Self::Standard)
    }

    /// What becomes of it where the work is broken off.
    pub(super) fn fate(&self) -> String {
        match self {
            Self::File { path, .. } => format!("; {} was not written", path.display()),
            Self::Standard | Self::Done => String::new(),
        }
    }
}

fn exists_already(path: &Path) -> anyhow::Error {
    anyhow!("--out {} exists already: give another name, or replace it with --force", path.display())
}

fn unwritable(path: &Path) -> String {
    format!("cannot write {}: make room and its folder, or choose another with --out", path.display())
}
