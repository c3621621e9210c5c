//! The folder of a run, and files that are whole or not there.

use anyhow::{Context, anyhow, bail};
use relumine_report::Summary;
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
pub struct Place {
    path: PathBuf,
}

impl Place {
    /// `out`, or `runs/{recipe}-{n}` with the lowest free n.
    ///
    /// # Errors
    /// A folder that exists already; an existing run is never overwritten.
    pub fn choose(out: Option<&Path>, recipe: &str) -> anyhow::Result<Self> {
        let path = match out {
            Some(path) if path.symlink_metadata().is_ok() => {
                bail!("--out {} exists already: give a new folder; runs are never overwritten", path.display())
            }
            Some(path) => path.to_owned(),
            None => {
                let mut candidates = (1_u64..).map(|n| PathBuf::from("runs").join(format!("{recipe}-{n}")));
                candidates.find(|path| path.symlink_metadata().is_err()).ok_or_else(|| anyhow!("no free folder name under runs"))?
            }
        };
        Ok(Self { path })
    }

    /// Makes sure that the folder can be made: its parents exist and can be written to.
    ///
    /// # Errors
    /// A parent that is no folder or may not be written.
    pub fn probe(&self) -> anyhow::Result<()> {
        self.staging().map(drop)
    }

    /// Makes the folder with these first files in it, all at once.
    ///
    /// # Errors
    /// A full disk, or a folder that has appeared meanwhile.
    pub fn create(&self, files: &[(&str, Vec<u8>)]) -> anyhow::Result<RunDirectory> {
        let staging = self.staging()?;
        for (name, bytes) in files {
            write(&staging.path().join(name), bytes)?;
        }
        if self.path.symlink_metadata().is_ok() {
            bail!("{} has appeared meanwhile: give another --out", self.path.display());
        }
        open_to_others(staging.path())?;
        std::fs::rename(staging.path(), &self.path).with_context(|| format!("cannot make the run directory {}", self.path.display()))?;
        // The folder has its new name: there is nothing left to clean up.
        let _ = staging.keep();
        Ok(RunDirectory { path: self.path.clone() })
    }

    /// A temporary folder beside the run's, which goes away by itself.
    fn staging(&self) -> anyhow::Result<tempfile::TempDir> {
        let parent = match self.path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let unwritable = || format!("cannot write to {}: choose another folder with --out", parent.display());
        std::fs::create_dir_all(parent).with_context(unwritable)?;
        tempfile::Builder::new().prefix(".relumine-").tempdir_in(parent).with_context(unwritable)
    }
}

impl RunDirectory {
    /// An existing run.
    ///
    /// # Errors
    /// A folder without a recipe, which is no run.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        if !path.join(Self::RECIPE).is_file() {
            bail!("{} is no run directory: it has no {}", path.display(), Self::RECIPE);
        }
        Ok(Self { path: path.to_owned() })
    }

    /// The resolved recipe.
    pub const RECIPE: &str = "recipe.toml";
    /// What the run ran on.
    pub const ENVIRONMENT: &str = "environment.json";
    /// One line per epoch.
    pub const METRICS: &str = "metrics.jsonl";
    /// The results.
    pub const SUMMARY: &str = "summary.json";
    /// The page for people.
    pub const REPORT: &str = "report.html";
    /// The weights before training.
    pub const INITIAL: &str = "initial.safetensors";
    /// The weights of the best epoch.
    pub const BEST: &str = "checkpoints/best.safetensors";
    /// The weights of the last epoch.
    pub const LAST: &str = "checkpoints/last.safetensors";
    /// The optimiser's state beside [`Self::LAST`].
    pub const LAST_STATE: &str = "checkpoints/last.state.safetensors";
    /// What the checkpoints are.
    pub const MANIFEST: &str = "checkpoints/manifest.json";
    /// What the model said about each test row.
    pub const PREDICTIONS: &str = "test/predictions.csv";
    /// How often each class was taken for each.
    pub const CONFUSION: &str = "test/confusion.json";

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

    /// Writes a file whole.
    ///
    /// # Errors
    /// A full disk or a folder that may not be written; a file of that name stays as it was.
    pub fn write(&self, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
        write(&self.file(name), bytes)
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
        Ok(relumine_report::Run::open(&self.path)?.summary)
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
fn new_file(folder: &Path) -> std::io::Result<tempfile::NamedTempFile> {
    use std::os::unix::fs::PermissionsExt;
    tempfile::Builder::new().prefix(".writing-").permissions(std::fs::Permissions::from_mode(0o666)).tempfile_in(folder)
}

#[cfg(not(unix))]
fn new_file(folder: &Path) -> std::io::Result<tempfile::NamedTempFile> {
    tempfile::Builder::new().prefix(".writing-").tempfile_in(folder)
}

#[cfg(unix)]
fn open_to_others(folder: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    Ok(std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755))?)
}

#[cfg(not(unix))]
fn open_to_others(_folder: &Path) -> anyhow::Result<()> {
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
        assert!(!out.exists());
        let run = place.create(&[("a/b.txt", b"hello".to_vec())]).unwrap();
        assert_eq!(std::fs::read(run.file("a/b.txt")).unwrap(), b"hello");
        assert!(Place::choose(Some(&out), "r").is_err());
        assert!(place.create(&[]).is_err());
        assert_eq!(std::fs::read_dir(parent.path().join("deep")).unwrap().count(), 1, "nothing temporary is left behind");
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
