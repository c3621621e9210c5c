//! Files for readers that take a path.

use std::path::{Path, PathBuf};

/// A folder that goes when the thread ends.
pub struct Scratch(tempfile::TempDir);

impl Scratch {
    /// Calls `read` with this thread's folder.
    pub fn with<T>(read: impl FnOnce(&Self) -> T) -> T {
        thread_local!(static FOLDER: Scratch = Scratch(tempfile::tempdir().unwrap()));
        FOLDER.with(read)
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        self.0.path()
    }

    /// Writes the file `name`, and gives its path.
    pub fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }
}
