//! The changes of a folder that saving is made of: one by one, so that tests can stop after each.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// One change. All but `Write` happen whole or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Operation<'a> {
    /// Makes a folder, if it is not there.
    MakeFolder(PathBuf),
    /// Takes a file away, if it is there.
    Remove(PathBuf),
    /// Writes a file and waits until it is on the disk.
    Write(PathBuf, &'a [u8]),
    /// Moves a file, over another of that name.
    Rename(PathBuf, PathBuf),
    /// Gives a file a second name, which is free. Where the file system cannot, it becomes a copy.
    Link(PathBuf, PathBuf),
    /// Waits until the names in a folder are on the disk.
    Sync(PathBuf),
}

impl Operation<'_> {
    /// Does it.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn perform(&self) -> io::Result<()> {
        match self {
            Self::MakeFolder(path) => fs::create_dir_all(path),
            Self::Remove(path) => match fs::remove_file(path) {
                Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            },
            Self::Write(path, bytes) => {
                let mut file = File::create(path)?;
                file.write_all(bytes)?;
                file.sync_all()
            }
            Self::Rename(from, to) => fs::rename(from, to),
            Self::Link(from, to) => fs::hard_link(from, to).or_else(|_| {
                fs::copy(from, to)?;
                File::options().append(true).open(to)?.sync_all()
            }),
            Self::Sync(path) => sync_folder(path),
        }
    }

    /// The file or folder that an error is about.
    pub(super) fn target(&self) -> &Path {
        match self {
            Self::MakeFolder(path) | Self::Remove(path) | Self::Write(path, _) | Self::Sync(path) => path,
            Self::Rename(_, path) | Self::Link(_, path) => path,
        }
    }
}

/// Waits until the names in a folder are on the disk.
#[cfg(unix)]
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Other systems do not open folders, and write their names in order.
#[cfg(not(unix))]
pub(crate) fn sync_folder(_path: &Path) -> io::Result<()> {
    Ok(())
}
