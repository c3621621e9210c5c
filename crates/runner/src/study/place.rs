//! Where the results of a study go: never over those of another one.

use super::StudyPlan;
use super::folder::STUDY_FILE;
use crate::failure::Failure;
use crate::recipe::Origin;
use anyhow::anyhow;
use relumine_report::{Study, TrialRecord};
use std::fs;
use std::path::{Path, PathBuf};
use toml::Table;

impl StudyPlan {
    /// The folder of this study: `out` where it is given, and otherwise the first of `runs/study-NAME`, `runs/study-NAME-2`, .. that holds no
    /// other study. Nothing is written.
    ///
    /// # Errors
    /// Another study in `out`.
    pub fn place(&self, origin: &Origin, out: Option<&Path>) -> Result<PathBuf, Failure> {
        if let Some(out) = out {
            return match self.is_other(origin, out)? {
                false => Ok(out.to_owned()),
                true => Err(Failure::usage(anyhow!(
                    "--out {} holds another study, with trials that are none of this one's: give another --out",
                    out.display()
                ))),
            };
        }
        let first = format!("study-{}{}", self.name, if self.file.is_quick { "-quick" } else { "" });
        let mut folder = Path::new("runs").join(&first);
        for number in 2_u64.. {
            if !self.is_other(origin, &folder)? {
                break;
            }
            folder.set_file_name(format!("{first}-{number}"));
        }
        Ok(folder)
    }

    /// Whether `folder` holds the trials of another study. One that is edited has trials in common with what it was, and its title where it
    /// leaves cells out. How many seeds there are does not matter.
    fn is_other(&self, origin: &Origin, folder: &Path) -> Result<bool, Failure> {
        let recorded = recorded(folder);
        let checksums = self.checksums(&recorded.iter().map(|record| record.seed).collect())?;
        let is_own = |record: &&TrialRecord| record.trial.rsplit('-').next().is_some_and(|end| checksums.contains(end));
        let own = recorded.iter().filter(is_own).count();
        let is_retitled = || fs::read_to_string(folder.join(STUDY_FILE)).is_ok_and(|text| title(&text) != title(&origin.text));
        Ok(own < recorded.len() && (own == 0 || is_retitled()))
    }
}

/// Lines that are none, as a kill leaves them, are passed over.
fn recorded(folder: &Path) -> Vec<TrialRecord> {
    let text = fs::read_to_string(folder.join(Study::TRIALS)).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

fn title(study_file: &str) -> Option<String> {
    let table: Table = toml::from_str(study_file).ok()?;
    table.get("title")?.as_str().map(str::to_owned)
}
