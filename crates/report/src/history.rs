//! Runs on disk, and what several seeds of one recipe say together.

use crate::{Confusion, CrossValidation, EpochRecord, ProbeRecord, Products, ReportError, Settings, Summary, statistics};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A run that has a summary.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Its folder.
    pub folder: PathBuf,
    /// What `summary.json` says.
    pub summary: Summary,
    /// `recipe.toml` without its seed, its logs and its probes: equal for runs that differ in nothing else.
    pub settings: String,
}

impl Run {
    /// Reads the run in `folder`.
    ///
    /// # Errors
    /// A summary that is missing or not what a run writes.
    pub fn open(folder: &Path) -> Result<Self, ReportError> {
        let summary = parse(&folder.join("summary.json"), &read(&folder.join("summary.json"))?)?;
        let recipe = read(&folder.join("recipe.toml"))?;
        Ok(Self { folder: folder.to_owned(), summary, settings: without_logs(&recipe) })
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

    /// The keys of the resolved recipe.
    ///
    /// # Errors
    /// A file that is missing, or no TOML.
    pub fn recipe_settings(&self) -> Result<Settings, ReportError> {
        let path = self.folder.join("recipe.toml");
        let malformed = |error: toml::de::Error| ReportError::MalformedRecipe { path, reason: error.message().to_owned() };
        Settings::parse(&self.recipe()?).map_err(malformed)
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
        read(&self.folder.join("recipe.toml"))
    }
}

fn without_logs(recipe: &str) -> String {
    let mut is_probes = false;
    let is_setting = |line: &&str| {
        if line.starts_with('[') {
            is_probes = *line == "[probes]";
        }
        !is_probes && !line.starts_with("seed = ") && !line.starts_with("tensorboard = ")
    };
    recipe.lines().filter(is_setting).collect::<Vec<_>>().join("\n").trim_end().to_owned()
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
    whole.lines().map(|line| parse(path, line)).collect()
}

/// A file of one JSON record.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, ReportError> {
    parse(path, &read(path)?)
}

fn read(path: &Path) -> Result<String, ReportError> {
    std::fs::read_to_string(path).map_err(|reason| ReportError::Unreadable { path: path.to_owned(), reason })
}

fn parse<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, ReportError> {
    serde_json::from_str(text).map_err(|reason| ReportError::Malformed { path: path.to_owned(), reason })
}

/// The runs directly inside `folder`, by name; folders without a summary are passed over.
///
/// # Errors
/// A folder that cannot be read, or a summary that is not what a run writes.
pub fn find_runs(folder: &Path) -> Result<Vec<Run>, ReportError> {
    folders_with("summary.json", folder)?.iter().map(|folder| Run::open(folder)).collect()
}

/// The cross-validations directly inside `folder` with their folders, by name.
///
/// # Errors
/// A folder that cannot be read, or a record that is not what a cross-validation writes.
pub fn find_cross_validations(folder: &Path) -> Result<Vec<(PathBuf, CrossValidation)>, ReportError> {
    let open = |folder: PathBuf| {
        let path = folder.join(CrossValidation::FILE);
        Ok((folder, parse(&path, &read(&path)?)?))
    };
    folders_with(CrossValidation::FILE, folder)?.into_iter().map(open).collect()
}

/// The folders directly inside `folder` that hold a file of this name.
fn folders_with(file: &str, folder: &Path) -> Result<Vec<PathBuf>, ReportError> {
    let unreadable = |reason| ReportError::Unreadable { path: folder.to_owned(), reason };
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.join(file).is_file() {
            folders.push(path);
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

/// What the tested runs of one recipe say together: the same settings, data set and device, and different seeds.
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

/// Groups tested runs that differ in their seed alone; a seed that ran twice counts once.
#[must_use]
pub fn group_by_recipe(runs: &[Run]) -> Vec<Group> {
    let mut groups = BTreeMap::<_, BTreeMap<u64, f64>>::new();
    for Run { summary, settings, .. } in runs {
        if let Some(test) = summary.test {
            let key = (summary.recipe.clone(), summary.dataset.clone(), summary.device.clone(), settings.clone());
            groups.entry(key).or_default().insert(summary.seed, test.accuracy);
        }
    }
    let group = |((recipe, dataset, device, _settings), by_seed): (_, BTreeMap<u64, f64>)| Group {
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
