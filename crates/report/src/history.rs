//! Runs on disk, and what several seeds of one recipe say together.

use crate::{ReportError, Summary, statistics};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A run that has a summary.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Its folder.
    pub folder: PathBuf,
    /// What `summary.json` says.
    pub summary: Summary,
}

impl Run {
    /// Reads the run in `folder`.
    ///
    /// # Errors
    /// A summary that is missing or not what a run writes.
    pub fn open(folder: &Path) -> Result<Self, ReportError> {
        let path = folder.join("summary.json");
        let text = std::fs::read_to_string(&path).map_err(|source| ReportError::Unreadable { path: path.clone(), source })?;
        let summary = serde_json::from_str(&text).map_err(|source| ReportError::Malformed { path, source })?;
        Ok(Self { folder: folder.to_owned(), summary })
    }
}

/// The runs directly inside `folder`, by name; folders without a summary are passed over.
///
/// # Errors
/// A folder that cannot be read, or a summary that is not what a run writes.
pub fn find_runs(folder: &Path) -> Result<Vec<Run>, ReportError> {
    let unreadable = |source| ReportError::Unreadable { path: folder.to_owned(), source };
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.join("summary.json").is_file() {
            folders.push(path);
        }
    }
    folders.sort_by_key(|path| natural_order(path));
    folders.iter().map(|folder| Run::open(folder)).collect()
}

/// Sorts `run-10` after `run-9`.
fn natural_order(path: &Path) -> (String, u64, String) {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    (stem.to_owned(), name[stem.len()..].parse().unwrap_or_default(), name.clone())
}

/// What the finished runs of one recipe on one data set and device say together.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// The recipe's name.
    pub recipe: String,
    /// The data set's name.
    pub dataset: String,
    /// The device.
    pub device: String,
    /// Different seeds among the runs.
    pub seeds: usize,
    /// Test accuracy of each run.
    pub test_accuracies: Vec<f64>,
}

impl Group {
    /// Mean and sample standard deviation of the test accuracy.
    #[must_use]
    pub fn test_accuracy(&self) -> (f64, f64) {
        (statistics::mean(&self.test_accuracies), statistics::standard_deviation(&self.test_accuracies))
    }
}

/// Groups tested runs by recipe, data set and device; a seed that ran twice counts once.
#[must_use]
pub fn group_by_recipe(runs: &[Run]) -> Vec<Group> {
    let mut groups = BTreeMap::<_, BTreeMap<u64, f64>>::new();
    for Run { summary, .. } in runs {
        if let Some(test) = summary.test {
            let key = (summary.recipe.clone(), summary.dataset.clone(), summary.device.clone());
            groups.entry(key).or_default().insert(summary.seed, test.accuracy);
        }
    }
    let group = |((recipe, dataset, device), by_seed): (_, BTreeMap<u64, f64>)| Group {
        recipe,
        dataset,
        device,
        seeds: by_seed.len(),
        test_accuracies: by_seed.into_values().collect(),
    };
    groups.into_iter().map(group).collect()
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
