//! What can be wrong with the files of a run.

use std::io::ErrorKind;
use std::path::PathBuf;

/// A run that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A file that is missing or that the system refuses.
    #[error("cannot read {path}: {reason}; {remedy}", path = path.display(), remedy = remedy(reason))]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        reason: std::io::Error,
    },
    /// A run that has not ended.
    #[error(
        "{run} has no summary.json, as it is running or was killed: follow it with relumine watch {run}, or go on with \
         relumine train --resume {run}",
        run = folder.display()
    )]
    NoSummary {
        /// The folder of the run.
        folder: PathBuf,
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

/// What helps where the system does not give a file.
fn remedy(reason: &std::io::Error) -> &'static str {
    match reason.kind() {
        ErrorKind::PermissionDenied => "make it readable, or leave this run out",
        _ => "restore it, or leave this run out",
    }
}
