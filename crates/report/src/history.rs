//! Runs on disk.

use crate::{Confusion, CrossValidation, EpochRecord, ProbeRecord, Products, ReportError, Settings, Summary};
use serde::de::DeserializeOwned;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The results of a run.
const SUMMARY: &str = "summary.json";
/// The settings of a run.
const RECIPE: &str = "recipe.toml";

/// A run that has a summary.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Its folder.
    pub folder: PathBuf,
    /// What `summary.json` says.
    pub summary: Summary,
    /// The keys of its resolved recipe.
    pub settings: Settings,
}

impl Run {
    /// Reads the run in `folder`.
    ///
    /// # Errors
    /// A run that has not ended, or a summary or recipe that is missing or not what a run writes.
    pub fn open(folder: &Path) -> Result<Self, ReportError> {
        let path = folder.join(SUMMARY);
        let text = read(&path).map_err(|error| match error {
            ReportError::Unreadable { reason, .. } if reason.kind() == ErrorKind::NotFound && folder.join(RECIPE).is_file() => {
                ReportError::NoSummary { folder: folder.to_owned() }
            }
            error => error,
        })?;
        let summary = parse(&path, &text)?;
        Ok(Self { folder: folder.to_owned(), summary, settings: read_settings(folder)? })
    }

    /// Whether the two trained alike but for chance: by the same settings, on the same data and division, on the same device.
    #[must_use]
    pub fn differs_in_seed_alone(&self, other: &Self) -> bool {
        let (one, two) = (&self.summary, &other.summary);
        one.data_fingerprint == two.data_fingerprint && one.device == two.device && self.settings.differ_in_seed_alone(&other.settings)
    }

    /// The epochs, from `metrics.jsonl`.
    ///
    /// # Errors
    /// A file that is missing or not what a run writes.
    pub fn epochs(&self) -> Result<Vec<EpochRecord>, ReportError> {
        read_epochs(&self.folder.join("metrics.jsonl"))
    }

    /// The confusion matrix of the test rows; `None` where the run was not tested.
    ///
    /// # Errors
    /// A file that is not what a run writes.
    pub fn confusion(&self) -> Result<Option<Confusion>, ReportError> {
        let path = self.folder.join("test/confusion.json");
        if path.is_file() { parse(&path, &read(&path)?).map(Some) } else { Ok(None) }
    }

    /// What its products made of zeros; `None` where it did not come to the end of an epoch, or is of a version that did not tell.
    ///
    /// # Errors
    /// A file that is not what a run writes.
    pub fn products(&self) -> Result<Option<Products>, ReportError> {
        let path = self.folder.join("products.json");
        if path.is_file() { parse(&path, &read(&path)?).map(Some) } else { Ok(None) }
    }

    /// What its layers were probed for, from `probes.jsonl`; empty where the recipe asks for no probes.
    ///
    /// # Errors
    /// A file that is not what a run writes.
    pub fn probes(&self) -> Result<Vec<ProbeRecord>, ReportError> {
        let path = self.folder.join("probes.jsonl");
        if path.is_file() { read_probes(&path) } else { Ok(Vec::new()) }
    }

    /// The resolved recipe, as TOML.
    ///
    /// # Errors
    /// A file that is missing.
    pub fn recipe(&self) -> Result<String, ReportError> {
        read(&self.folder.join(RECIPE))
    }
}

/// The keys of the resolved recipe of the run in `folder`.
pub(crate) fn read_settings(folder: &Path) -> Result<Settings, ReportError> {
    let path = folder.join(RECIPE);
    Settings::parse(&read(&path)?).map_err(|error| ReportError::MalformedRecipe { path, reason: error.message().to_owned() })
}

/// The epochs in a file of one JSON record a line, such as `metrics.jsonl`.
///
/// # Errors
/// A file that is missing or not what a run writes.
pub fn read_epochs(path: &Path) -> Result<Vec<EpochRecord>, ReportError> {
    read_lines(path)
}

/// The probes in a file of one JSON record a line, such as `probes.jsonl`.
///
/// # Errors
/// A file that is missing or not what a run writes.
pub fn read_probes(path: &Path) -> Result<Vec<ProbeRecord>, ReportError> {
    read_lines(path)
}

fn read_lines<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, ReportError> {
    let text = read(path)?;
    // A line that was being written when the run was killed has no end.
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let record = |(index, line)| serde_json::from_str(line).map_err(|error| in_line(path, index + 1, &error));
    whole.lines().enumerate().map(record).collect()
}

/// The parser takes each line for a file of its own, and counts lines from there.
fn in_line(path: &Path, line: usize, error: &serde_json::Error) -> ReportError {
    let (text, column) = (error.to_string(), error.column());
    let problem = text.rsplit_once(" at line ").map_or(text.as_str(), |(problem, _)| problem);
    ReportError::Damaged { path: path.to_owned(), reason: format!("line {line}, column {column}: {problem}") }
}

/// A file of one JSON record.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, ReportError> {
    parse(path, &read(path)?)
}

pub(crate) fn read(path: &Path) -> Result<String, ReportError> {
    std::fs::read_to_string(path).map_err(|reason| ReportError::Unreadable { path: path.to_owned(), reason })
}

fn parse<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, ReportError> {
    serde_json::from_str(text).map_err(|reason| ReportError::Malformed { path: path.to_owned(), reason })
}

/// What was found, and what is wrong with the rest.
pub type Found<T> = (Vec<T>, Vec<ReportError>);

/// The runs directly inside `folder`, by name, and the errors of those that are not what a run writes; folders without a summary are passed
/// over.
///
/// # Errors
/// A folder that cannot be read.
pub fn find_runs(folder: &Path) -> Result<Found<Run>, ReportError> {
    Ok(divided(folders_with(SUMMARY, folder)?.iter().map(|folder| Run::open(folder))))
}

/// The cross-validations directly inside `folder` with their folders, by name, and the errors of records that are not what a
/// cross-validation writes.
///
/// # Errors
/// A folder that cannot be read.
pub fn find_cross_validations(folder: &Path) -> Result<Found<(PathBuf, CrossValidation)>, ReportError> {
    let open = |folder: PathBuf| {
        let path = folder.join(CrossValidation::FILE);
        Ok((folder, read_json(&path)?))
    };
    Ok(divided(folders_with(CrossValidation::FILE, folder)?.into_iter().map(open)))
}

pub(crate) fn divided<T>(each: impl Iterator<Item = Result<T, ReportError>>) -> Found<T> {
    let (mut found, mut errors) = (Vec::new(), Vec::new());
    for one in each {
        match one {
            Ok(one) => found.push(one),
            Err(error) => errors.push(error),
        }
    }
    (found, errors)
}

/// The folders directly inside `folder` that hold a file of this name.
pub(crate) fn folders_with(file: &str, folder: &Path) -> Result<Vec<PathBuf>, ReportError> {
    let unreadable = |reason| ReportError::Unreadable { path: folder.to_owned(), reason };
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        // Hidden ones are of something that is being written.
        if !entry.file_name().to_string_lossy().starts_with('.') && entry.path().join(file).is_file() {
            folders.push(entry.path());
        }
    }
    folders.sort_by_key(|path| natural_order(path));
    Ok(folders)
}

/// Sorts `run-10` after `run-9`.
fn natural_order(path: &Path) -> (String, u64, String) {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    (stem.to_owned(), name[stem.len()..].parse().unwrap_or_default(), name.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbered_runs_sort_by_number() {
        let mut names = ["run-10", "run-9", "other-1"].map(PathBuf::from);
        names.sort_by_key(|path| natural_order(path));
        assert_eq!(names, ["other-1", "run-9", "run-10"].map(PathBuf::from));
    }
}
