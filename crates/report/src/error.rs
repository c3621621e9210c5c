//! What can be wrong with the files of a run.

use std::path::PathBuf;

/// A run that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A file that is missing or that the system refuses.
    #[error("cannot read {path}: {reason}; give the folder of a run, which holds summary.json", path = path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        reason: std::io::Error,
    },
    /// A file that is not what a run writes.
    #[error("{path} is not what a run writes ({reason}): restore it, or leave this run out", path = path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What the parser said.
        reason: serde_json::Error,
    },
}
