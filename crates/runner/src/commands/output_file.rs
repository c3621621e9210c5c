//! The one file that a command writes for `--out`: its place is checked before the work, and afterwards it is whole or not there.

use crate::failure::Failure;
use crate::interrupt;
use crate::run_directory::new_file;
use anyhow::{Context, anyhow};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// A file that has a temporary name so far.
pub(super) struct OutputFile {
    file: NamedTempFile,
    path: PathBuf,
    is_forced: bool,
}

impl OutputFile {
    /// Refuses a folder, and what exists already unless `is_forced`.
    ///
    /// # Errors
    /// As said, a mistake of the command line.
    pub(super) fn check(path: &Path, is_forced: bool) -> Result<(), Failure> {
        if path.is_dir() {
            return Err(Failure::usage(anyhow!("--out {} is a folder: give the name of a file", path.display())));
        }
        if path.symlink_metadata().is_ok() && !is_forced {
            return Err(Failure::usage(exists_already(path)));
        }
        Ok(())
    }

    /// Checks the place and opens a file beside it; nothing is visible under the name of `path` before [`finish`](Self::finish).
    ///
    /// # Errors
    /// As [`check`](Self::check), and a folder that cannot be written into.
    pub(super) fn open(path: &Path, is_forced: bool) -> Result<Self, Failure> {
        Self::check(path, is_forced)?;
        let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if !folder.is_dir() {
            return Err(Failure::usage(anyhow!(
                "--out {}: there is no folder {}: make it, or choose another",
                path.display(),
                folder.display()
            )));
        }
        // Without the temporary name, which says nothing to anybody.
        let file = new_file(folder).map_err(|error| anyhow!("{}: {}", unwritable(path), error.kind()))?;
        interrupt::remove_at_exit(file.path());
        Ok(Self { file, path: path.to_owned(), is_forced })
    }

    /// Writes all of a file.
    ///
    /// # Errors
    /// As [`open`](Self::open) and [`finish`](Self::finish).
    pub(super) fn write_all(path: &Path, is_forced: bool, bytes: &[u8]) -> Result<(), Failure> {
        let mut file = Self::open(path, is_forced)?;
        file.add(bytes)?;
        file.finish()
    }

    /// Adds to what it holds.
    ///
    /// # Errors
    /// A full disk.
    pub(super) fn add(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        Ok(self.file.write_all(bytes).with_context(|| unwritable(&self.path))?)
    }

    /// Gives it its name. A file that appeared there meanwhile is not overwritten either, unless that was asked for.
    ///
    /// # Errors
    /// Such a file, or a full disk.
    pub(super) fn finish(self) -> Result<(), Failure> {
        let Self { file, path, is_forced } = self;
        file.as_file().sync_all().with_context(|| unwritable(&path))?;
        let persisted = if is_forced { file.persist(&path) } else { file.persist_noclobber(&path) };
        match persisted {
            Ok(_) => Ok(()),
            Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Err(Failure::usage(exists_already(&path))),
            Err(error) => Err(anyhow::Error::new(error.error).context(unwritable(&path)).into()),
        }
    }

    /// Where it will be.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

fn exists_already(path: &Path) -> anyhow::Error {
    anyhow!("--out {} exists already: give another name, or replace it with --force", path.display())
}

fn unwritable(path: &Path) -> String {
    format!("cannot write {}: make room on its disk, or choose another place with --out", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_appears_meanwhile_is_replaced_only_by_force() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        for (is_forced, expected) in [(false, "theirs"), (true, "ours")] {
            let _ = std::fs::remove_file(&path);
            let mut file = OutputFile::open(&path, is_forced).unwrap();
            file.add(b"ours").unwrap();
            std::fs::write(&path, "theirs").unwrap();
            assert_eq!(matches!(file.finish(), Err(Failure::Usage(_))), !is_forced);
            assert_eq!(std::fs::read_to_string(&path).unwrap(), expected);
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing temporary is left");
    }
}
