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
        /// The data set, as it was asked for: its path, where it has one.
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

/// Somebody else's words without line breaks, to stand in a sentence.
pub(crate) fn in_one_line(words: impl ToString) -> String {
    words.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}

impl DataError {
    /// What is wrong, without what to do.
    pub(crate) fn problem(&self) -> String {
        match self {
            Self::Malformed { path, problem, .. } => format!("{} {problem}", path.display()),
            error => error.to_string(),
        }
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_several_lines_stand_in_one() {
        assert_eq!(in_one_line("the outer\n  words,\tand\r\nmore \n"), "the outer words, and more");
    }
}
