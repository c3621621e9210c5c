//! The folder of a run, and files that are whole or not there.

mod lock;

use crate::checkpoint::{Manifest, WRITING, no_room, remove_unfinished, sync_folder, verify};
use anyhow::{Context, anyhow, bail};
pub use lock::RunLock;
use relumine_report::{CrossValidation, ReportError, Run, Summary};
use serde::Serialize;
use std::io::Write;
use std::path::{Path, PathBuf};

/// A run's folder. Every file in it is written to a temporary name and renamed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunDirectory {
    path: PathBuf,
}

/// Where a new run will go, checked before anything expensive is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The folder that the user named.
    Named(PathBuf),
    /// `runs/{recipe}-{n}` with the lowest free n.
    Numbered {
        /// The recipe's name.
        recipe: String,
    },
}

impl Place {
    /// `out`, or a numbered folder.
    ///
    /// # Errors
    /// A folder that exists already; an existing run is never overwritten.
    pub fn choose(out: Option<&Path>, recipe: &str) -> anyhow::Result<Self> {
        let Some(path) = out else { return Ok(Self::Numbered { recipe: recipe.to_owned() }) };
        if is_taken(path) {
            bail!("--out {} exists already: give a new folder; runs are never overwritten", path.display());
        }
        if path.file_name().is_none() {
            bail!("--out {} names no folder of its own: give a new folder", path.display());
        }
        Ok(Self::Named(path.to_owned()))
    }

    /// Makes sure that the folder can be made, without making anything: its nearest existing ancestor is a folder and can be written to.
    ///
    /// # Errors
    /// An ancestor that is no folder or may not be written.
    pub fn probe(&self) -> anyhow::Result<()> {
        let parent = self.parent();
        let ancestor = parent.ancestors().find(|ancestor| is_taken(ancestor)).unwrap_or(Path::new("."));
        tempfile::tempdir_in(ancestor).with_context(|| unwritable(&parent)).map(drop)
    }

    /// Makes the folder with these first files in it, all at once.
    ///
    /// # Errors
    /// A full disk, or a named folder that has appeared meanwhile.
    pub fn create(&self, files: &[(&str, Vec<u8>)]) -> anyhow::Result<RunDirectory> {
        let parent = self.parent();
        std::fs::create_dir_all(&parent).with_context(|| unwritable(&parent))?;
        let staging = tempfile::Builder::new().prefix(".relumine-").tempdir_in(&parent).with_context(|| unwritable(&parent))?;
        for (name, bytes) in files {
            write(&staging.path().join(name), bytes)?;
        }
        open_to_others(staging.path())?;
        sync_folder(staging.path()).with_context(|| unwritable(&parent))?;
        let path = match self {
            Self::Named(path) if is_taken(path) => bail!("--out {} has appeared meanwhile: give another folder", path.display()),
            Self::Named(path) => {
                std::fs::rename(staging.path(), path).with_context(|| format!("cannot make the run directory {}", path.display()))?;
                path.clone()
            }
            Self::Numbered { recipe } => take_number(staging.path(), &parent, recipe)?,
        };
        // The folder has its new name: there is nothing left to clean up.
        let _ = staging.keep();
        sync_folder(&parent).with_context(|| unwritable(&parent))?;
        Ok(RunDirectory { path })
    }

    fn parent(&self) -> PathBuf {
        match self {
            Self::Numbered { .. } => PathBuf::from("runs"),
            Self::Named(path) => path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned(),
        }
    }
}

/// Renames `staging` to the first free `{recipe}-{n}`. A run that was started at the same moment may take a number first: then the next
/// one is tried. (Run directories are never empty, and a folder that is not empty cannot be renamed over.)
fn take_number(staging: &Path, parent: &Path, recipe: &str) -> anyhow::Result<PathBuf> {
    for n in 1_u64.. {
        let path = parent.join(format!("{recipe}-{n}"));
        if is_taken(&path) {
            continue;
        }
        match std::fs::rename(staging, &path) {
            Err(_) if is_taken(&path) => {}
            renamed => return renamed.map(|()| path.clone()).with_context(|| format!("cannot make the run directory {}", path.display())),
        }
    }
    bail!("there is no free folder name under {}", parent.display())
}

fn is_taken(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

fn unwritable(folder: &Path) -> String {
    format!("cannot write to {}: choose another folder with --out", folder.display())
}

impl RunDirectory {
    /// An existing run.
    ///
    /// # Errors
    /// A folder without a recipe, which is no run, or the folder of a cross-validation, which holds several.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        if path.join(CrossValidation::FILE).is_file() {
            bail!("{0} is a cross-validation: name the run of one of its folds, such as {0}/fold-1", path.display());
        }
        if !path.join(Self::RECIPE).is_file() {
            bail!("{} is no run directory: it has no {}", path.display(), Self::RECIPE);
        }
        Ok(Self { path: path.to_owned() })
    }

    /// The resolved recipe.
    pub const RECIPE: &str = "recipe.toml";
    /// What the run ran on when it began, and what it is called after.
    pub const ENVIRONMENT: &str = "environment.json";
    /// The same for each time that it went on, a line each: where, and on what.
    pub const RESUMED: &str = "resumed.jsonl";
    /// Held by the process that writes to the run.
    pub const LOCK: &str = ".lock";
    /// One line per epoch.
    pub const METRICS: &str = "metrics.jsonl";
    /// The same of the training on train and validation rows.
    pub const REFIT_METRICS: &str = "refit.metrics.jsonl";
    /// The same as a table: a row per epoch.
    pub const METRICS_CSV: &str = "metrics.csv";
    /// As [`Self::REFIT_METRICS`], as a table.
    pub const REFIT_METRICS_CSV: &str = "refit.metrics.csv";
    /// What TensorBoard reads, where the recipe says `train.tensorboard`. It is not in a folder of its own, so that TensorBoard calls the run
    /// by the name of its folder.
    pub const EVENTS: &str = "events.out.tfevents.relumine";
    /// The same of the training on train and validation rows: to TensorBoard a run called `refit` inside this one.
    pub const REFIT_EVENTS: &str = "refit/events.out.tfevents.relumine";
    /// Which products skipped zeros in the last epoch, and why.
    pub const PRODUCTS: &str = "products.json";
    /// What flows through the layers, a line each time that it was looked at, where the recipe says `[probes]`.
    pub const PROBES: &str = "probes.jsonl";
    /// The time that training has used, where the recipe says `train.max_minutes`.
    pub const ELAPSED: &str = "elapsed.json";
    /// The results.
    pub const SUMMARY: &str = "summary.json";
    /// The page for people.
    pub const REPORT: &str = "report.html";
    /// What the model takes and says, for whoever uses its weights without its data.
    pub const MODEL: &str = "model.json";
    /// The same of the weights trained again on train and validation rows, whose features are scaled by constants of their own.
    pub const REFIT_MODEL: &str = "refit.model.json";
    /// The weights before training.
    pub const INITIAL: &str = "initial.safetensors";
    /// The folder of checkpoints: see [`crate::checkpoint`].
    pub const CHECKPOINTS: &str = "checkpoints";
    /// The weights of the best epoch.
    pub const BEST: &str = "checkpoints/best.safetensors";
    /// The weights of the last epoch.
    pub const LAST: &str = "checkpoints/last.safetensors";
    /// The weights trained again on train and validation rows.
    pub const REFIT: &str = "checkpoints/refit.safetensors";
    /// The optimiser's state beside [`Self::LAST`].
    pub const LAST_STATE: &str = "checkpoints/last.state.safetensors";
    /// What the model said about each test row.
    pub const PREDICTIONS: &str = "test/predictions.csv";
    /// How often each class was taken for each.
    pub const CONFUSION: &str = "test/confusion.json";

    /// The folder of an existing cross-validation.
    ///
    /// # Errors
    /// A folder that is none.
    pub fn open_folds(path: &Path) -> anyhow::Result<Self> {
        for name in [CrossValidation::FILE, Self::RECIPE] {
            if !path.join(name).is_file() {
                bail!("{} is no cross-validation: it has no {name}", path.display());
            }
        }
        Ok(Self { path: path.to_owned() })
    }

    /// The folder of a study, which has other files than a run, written likewise.
    pub(crate) fn of_study(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// A file's name without the folder it is in.
    #[must_use]
    pub fn name_of(path: &str) -> &str {
        path.rsplit('/').next().unwrap_or(path)
    }

    /// Checks that the checkpoint files are what their manifest says; those that a process is writing just now are not looked at.
    ///
    /// # Errors
    /// A file that does not match its checksum, or is missing.
    pub fn check_checkpoints(&self) -> anyhow::Result<()> {
        let checked = verify(&self.file(Self::CHECKPOINTS)).map(drop);
        if self.is_held() { Ok(()) } else { checked }
    }

    /// Removes what was being written when a process was killed.
    ///
    /// # Errors
    /// A folder that may not be written.
    pub fn remove_unfinished(&self) -> anyhow::Result<()> {
        let tests = self.file(Self::CONFUSION);
        [Some(self.path.as_path()), tests.parent()].into_iter().flatten().try_for_each(remove_unfinished)
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of a file in it.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// What is said where something cannot be appended to a file of a run that is training.
    pub(crate) fn no_room(&self, name: &str) -> String {
        no_room(&self.file(name), &self.path)
    }

    /// Writes a file whole.
    ///
    /// # Errors
    /// A full disk or a folder that may not be written; a file of that name stays as it was.
    pub fn write(&self, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let path = self.file(name);
        write(&path, bytes)?;
        let synced = path.parent().map_or(Ok(()), sync_folder);
        synced.with_context(|| format!("cannot write {}", path.display()))
    }

    /// Writes a value as indented JSON.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn write_json(&self, name: &str, value: &impl Serialize) -> anyhow::Result<()> {
        self.write(name, &json(value)?)
    }

    /// Reads the summary.
    ///
    /// # Errors
    /// A run that has not ended, or a damaged file.
    pub fn summary(&self) -> anyhow::Result<Summary> {
        Run::open(&self.path).map(|run| run.summary).map_err(|error| match error {
            ReportError::Malformed { path, reason } if self.file(Self::CHECKPOINTS).join(Manifest::NAME).is_file() => {
                let remedy = format!("restore it, or remove it and have relumine train --resume {} write it anew", self.path.display());
                anyhow!("{} is not what a run writes ({reason}): {remedy}", path.display())
            }
            error => error.into(),
        })
    }
}

/// A value as indented JSON with a newline at the end.
///
/// # Errors
/// A value that JSON cannot hold.
pub fn json(value: &impl Serialize) -> anyhow::Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec_pretty(value)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Writes a file whole; the folder's names are not waited for.
fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let parent = path.parent().unwrap_or(Path::new("."));
    let attempt = || -> std::io::Result<()> {
        std::fs::create_dir_all(parent)?;
        let mut file = new_file(parent)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    };
    attempt().with_context(|| format!("cannot write {}: make room on the disk or choose another folder with --out", path.display()))
}

/// Temporary files are private by default; those of a run are to be read by whoever may read the user's other files.
#[cfg(unix)]
pub(crate) fn new_file(folder: &Path) -> std::io::Result<tempfile::NamedTempFile> {
    use std::os::unix::fs::PermissionsExt;
    tempfile::Builder::new().prefix(WRITING).permissions(std::fs::Permissions::from_mode(0o666)).tempfile_in(folder)
}

#[cfg(not(unix))]
pub(crate) fn new_file(folder: &Path) -> std::io::Result<tempfile::NamedTempFile> {
    tempfile::Builder::new().prefix(WRITING).tempfile_in(folder)
}

#[cfg(unix)]
pub(crate) fn open_to_others(folder: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    Ok(std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755))?)
}

#[cfg(not(unix))]
pub(crate) fn open_to_others(_folder: &Path) -> anyhow::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_appears_whole_and_is_never_overwritten() {
        let parent = tempfile::tempdir().unwrap();
        let out = parent.path().join("deep/run");
        let place = Place::choose(Some(&out), "r").unwrap();
        place.probe().unwrap();
        assert!(!parent.path().join("deep").exists(), "a probe makes nothing");
        let run = place.create(&[("a/b.txt", b"hello".to_vec())]).unwrap();
        assert_eq!(std::fs::read(run.file("a/b.txt")).unwrap(), b"hello");
        assert!(Place::choose(Some(&out), "r").is_err());
        assert!(place.create(&[]).is_err());
        assert_eq!(std::fs::read_dir(parent.path().join("deep")).unwrap().count(), 1, "nothing temporary is left behind");
    }

    #[test]
    fn numbers_that_are_taken_are_passed_over() {
        let parent = tempfile::tempdir().unwrap();
        for expected in ["r-1", "r-2", "r-3"] {
            let staging = tempfile::tempdir_in(parent.path()).unwrap().keep();
            std::fs::write(staging.join("file"), "").unwrap();
            assert_eq!(take_number(&staging, parent.path(), "r").unwrap(), parent.path().join(expected));
        }
    }

    #[test]
    fn a_file_in_the_way_of_a_folder_is_an_error_with_a_remedy() {
        let parent = tempfile::tempdir().unwrap();
        std::fs::write(parent.path().join("file"), "").unwrap();
        let place = Place::choose(Some(&parent.path().join("file/run")), "r").unwrap();
        let message = format!("{:#}", place.probe().unwrap_err());
        assert!(message.contains("choose another folder with --out"), "{message}");
    }
}
