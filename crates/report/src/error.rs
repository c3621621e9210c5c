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
    /// A run without the file that says what its model takes and gives.
    #[error("cannot read {path}: {reason}; give the folder of a run, and if an earlier version made it, train it again", path = path.display())]
    NoSignature {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: std::io::Error,
    },
    /// A signature that no model can have.
    #[error("{path} {problem}: restore it, or train the run again", path = path.display())]
    UnusableSignature {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, after its name.
        problem: String,
    },
    /// A recipe that is no TOML.
    #[error("{path} is no TOML ({reason}): restore it, or leave this run out", path = path.display())]
    MalformedRecipe {
        /// The file.
        path: PathBuf,
        /// What the parser said.
        reason: String,
    },
    /// A table or a file of weights that is not what a run writes.
    #[error("{path} is not what a run writes ({reason}): restore it, or leave this run out", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
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
