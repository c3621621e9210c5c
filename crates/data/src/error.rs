//! What can be wrong with data: each variant says what was expected, what was found and what to do.

use std::path::{Path, PathBuf};

/// Data that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// A file or folder that is not there or cannot be read.
    #[error("cannot read {path}: {reason}; {remedy}", path = path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        reason: String,
        /// What to do.
        remedy: String,
    },
    /// A gzip file that ends early or is damaged.
    #[error("{path} is not a whole gzip file ({reason}): download or copy it again", path = path.display())]
    BrokenGzip {
        /// The file.
        path: PathBuf,
        /// What the decoder said.
        reason: String,
    },
    /// Contents that are not in the format that the file's name promises.
    #[error("{path} {problem}: {remedy}", path = path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, as a predicate: "has no rows".
        problem: String,
        /// What to do.
        remedy: String,
    },
    /// Data in which there is nothing to learn.
    #[error("{name} {problem}: {remedy}")]
    Unusable {
        /// The data set.
        name: String,
        /// What is wrong, as a predicate.
        problem: String,
        /// What to do.
        remedy: String,
    },
    /// A `[data]` setting that does not fit the data.
    #[error("{key} = {found} {problem}: {remedy}")]
    Setting {
        /// The recipe key, such as `data.validation`.
        key: &'static str,
        /// The value found there.
        found: String,
        /// What is wrong with it, as a predicate.
        problem: String,
        /// What to do.
        remedy: String,
    },
    /// Reading that was told to stop; see [`Reporter::stopped_by`](crate::Reporter::stopped_by).
    #[error("reading was interrupted")]
    Interrupted,
    /// A data set that has to be downloaded and could not be.
    #[error("cannot download `{name}` ({reason}); {remedy}")]
    Download {
        /// The data set.
        name: String,
        /// What the hub's client said.
        reason: String,
        /// The choices that need no network.
        remedy: String,
    },
}

impl DataError {
    pub(crate) fn unreadable(path: &Path, reason: impl ToString, remedy: impl Into<String>) -> Self {
        Self::Unreadable { path: path.to_owned(), reason: reason.to_string(), remedy: remedy.into() }
    }

    pub(crate) fn malformed(path: &Path, problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Malformed { path: path.to_owned(), problem: problem.into(), remedy: remedy.into() }
    }

    pub(crate) fn unusable(name: &str, problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Unusable { name: name.to_owned(), problem: problem.into(), remedy: remedy.into() }
    }

    pub(crate) fn setting(key: &'static str, found: impl ToString, problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Setting { key, found: found.to_string(), problem: problem.into(), remedy: remedy.into() }
    }
}
