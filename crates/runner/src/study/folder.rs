//! The folder of a study: what is done stays done, whatever moment the process is killed at.
//!
//! A trial's files are written beside their place and renamed into it, and then the trial gets its line in `trials.jsonl`, which is waited for.
//! A folder without a line is a trial that is trained again, and so is a line without a folder. Its own files are not waited for one by one:
//! small trials would take longer to write than to train.

use super::TrialPlan;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::pipeline::Job;
use crate::recipe::Recipe;
use crate::run_directory::{RunDirectory, RunLock, json};
use anyhow::{Context, anyhow};
use relumine_report::{EpochRecord, Page, ProbeRecord, Study, Summary, TrialRecord, read_epochs, read_probes};
use serde::Serialize;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// An open study folder, which no other process writes to.
#[derive(Debug)]
pub struct StudyFolder {
    folder: RunDirectory,
    _lock: RunLock,
    log: Mutex<File>,
}

/// What a trial leaves: a run directory without checkpoints to go on from.
pub(super) struct TrialFiles<'a> {
    pub(super) recipe: &'a Recipe,
    pub(super) job: &'a Job,
    pub(super) summary: &'a Summary,
    pub(super) epochs: &'a [EpochRecord],
    pub(super) probes: &'a [ProbeRecord],
    /// Those that would be tested, as safetensors.
    pub(super) weights: Option<Vec<u8>>,
}

/// What the folder of a trial that is being written is called, at first.
const STAGING: &str = ".trial-";
/// A copy of the study file.
pub(super) const STUDY_FILE: &str = "study.toml";

impl StudyFolder {
    /// Opens the study in `path` to go on with it, or makes a folder for it.
    ///
    /// # Errors
    /// A folder of something else, or one that cannot be written or is being written by another process.
    pub fn open(path: &Path, study_file: &str) -> Result<Self, Failure> {
        let is_study = path.join(STUDY_FILE).is_file();
        let has_entries = fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some());
        if path.is_file() || (has_entries && !is_study) {
            return Err(Failure::usage(anyhow!("--out {} exists and is no study: give a new folder, or that of a study", path.display())));
        }
        let unwritable = || format!("cannot write to {}: choose another folder with --out", path.display());
        fs::create_dir_all(path.join(Study::TRIALS_FOLDER)).with_context(unwritable)?;
        let folder = RunDirectory::of_study(path);
        let lock = folder.lock()?;
        folder.remove_unfinished()?;
        remove_half_written_trials(&path.join(Study::TRIALS_FOLDER)).with_context(unwritable)?;
        folder.write(STUDY_FILE, study_file.as_bytes())?;
        let log_path = folder.file(Study::TRIALS);
        cut_half_line(&log_path)?;
        let log = File::options().create(true).append(true).open(&log_path).with_context(unwritable)?;
        Ok(Self { folder, _lock: lock, log: Mutex::new(log) })
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The folder of a trial.
    #[must_use]
    pub fn trial(&self, id: &str) -> PathBuf {
        self.path().join(Study::TRIALS_FOLDER).join(id)
    }

    /// What is done.
    ///
    /// # Errors
    /// A file that is not what a study writes.
    pub fn records(&self) -> Result<Vec<TrialRecord>, Failure> {
        let path = self.folder.file(Study::TRIALS);
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let parse = |line: &str| {
            serde_json::from_str(line)
                .with_context(|| format!("{} is not what a study writes: restore it, or give another folder with --out", path.display()))
        };
        Ok(text.lines().map(parse).collect::<anyhow::Result<_>>()?)
    }

    /// How many trials are done that are none of `trials`.
    ///
    /// # Errors
    /// As [`records`](Self::records).
    pub fn left_out(&self, trials: &[TrialPlan]) -> Result<usize, Failure> {
        let own: BTreeSet<&str> = trials.iter().map(|trial| trial.id.as_str()).collect();
        let records = self.records()?;
        let done = records.iter().filter(|record| record.rung.is_none()).map(|record| record.trial.as_str());
        Ok(done.collect::<BTreeSet<_>>().difference(&own).count())
    }

    /// Notes that a trial, or a rung of one, is done.
    ///
    /// # Errors
    /// A full disk.
    pub(super) fn append(&self, record: &TrialRecord) -> Result<(), Failure> {
        let mut line = serde_json::to_vec(record).map_err(anyhow::Error::new)?;
        line.push(b'\n');
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let written = log.write_all(&line).and_then(|()| log.sync_data());
        Ok(written.with_context(|| format!("cannot write {}: make room on the disk", Study::TRIALS))?)
    }

    /// Writes a trial's folder, in the place of what a killed process may have left there.
    ///
    /// # Errors
    /// A full disk.
    pub(super) fn write_trial(&self, id: &str, files: &TrialFiles<'_>) -> Result<(), Failure> {
        let place = self.trial(id);
        let write = || -> anyhow::Result<()> {
            let staging = tempfile::Builder::new().prefix(STAGING).tempdir_in(self.path().join(Study::TRIALS_FOLDER))?;
            for (name, bytes) in files.each()? {
                let path = staging.path().join(name);
                fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
                fs::write(path, bytes)?;
            }
            crate::run_directory::open_to_others(staging.path())?;
            match fs::remove_dir_all(&place) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
            fs::rename(staging.keep(), &place)?;
            Ok(())
        };
        Ok(write().with_context(|| format!("cannot write {}: make room on the disk", place.display()))?)
    }

    /// Forgets the weights of a trial that will not be tested.
    pub(super) fn drop_weights(&self, id: &str) {
        // Weights that stay take room and do no harm.
        let _ = fs::remove_dir_all(self.trial(id).join(RunDirectory::CHECKPOINTS));
    }

    /// Whether a trial has its files.
    pub(super) fn is_whole(&self, id: &str) -> bool {
        self.trial(id).join(RunDirectory::SUMMARY).is_file()
    }

    pub(super) fn epochs(&self, id: &str) -> Result<Vec<EpochRecord>, Failure> {
        Ok(read_epochs(&self.trial(id).join(RunDirectory::METRICS))?)
    }

    /// Empty where the recipe asks for none.
    pub(super) fn probes(&self, id: &str) -> Result<Vec<ProbeRecord>, Failure> {
        let path = self.trial(id).join(RunDirectory::PROBES);
        if path.is_file() { Ok(read_probes(&path)?) } else { Ok(Vec::new()) }
    }

    /// The run directory of a trial that is done.
    ///
    /// # Errors
    /// One that is damaged.
    pub(super) fn run(&self, id: &str) -> Result<RunDirectory, Failure> {
        Ok(RunDirectory::open(&self.trial(id))?)
    }

    /// Writes `study.json` and the page.
    ///
    /// # Errors
    /// A full disk.
    pub fn save(&self, study: &Study) -> Result<(), Failure> {
        self.folder.write_json(Study::FILE, study)?;
        Ok(self.folder.write(RunDirectory::REPORT, study_page(self.path(), study).to_html().as_bytes())?)
    }
}

/// The page of the study in `folder`.
#[must_use]
pub fn study_page(folder: &Path, study: &Study) -> Page {
    Page::of_study(study, fs::read_to_string(folder.join(STUDY_FILE)).ok().as_deref())
}

/// What a killed process was writing; nobody else writes here.
fn remove_half_written_trials(trials: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(trials)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(STAGING) {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

/// A line that was being written when the process was killed has no end.
fn cut_half_line(path: &Path) -> Result<(), Failure> {
    let Ok(bytes) = fs::read(path) else { return Ok(()) };
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    if whole < bytes.len() {
        let cut = File::options().write(true).open(path).and_then(|file| file.set_len(whole as u64));
        cut.with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

impl TrialFiles<'_> {
    fn each(&self) -> anyhow::Result<Vec<(&'static str, Vec<u8>)>> {
        let environment = Environment::probe(&self.job.device.name, &self.job.device.reason);
        let mut files = vec![
            (RunDirectory::RECIPE, self.recipe.to_toml()?.into_bytes()),
            (RunDirectory::ENVIRONMENT, json(&environment)?),
            (RunDirectory::MODEL, json(&self.job.signature)?),
            (RunDirectory::METRICS, lines(self.epochs)?),
            (RunDirectory::SUMMARY, json(self.summary)?),
        ];
        if !self.probes.is_empty() {
            files.push((RunDirectory::PROBES, lines(self.probes)?));
        }
        files.extend(self.weights.clone().map(|bytes| (RunDirectory::BEST, bytes)));
        Ok(files)
    }
}

fn lines(records: &[impl Serialize]) -> anyhow::Result<Vec<u8>> {
    let mut text = Vec::new();
    for record in records {
        serde_json::to_writer(&mut text, record)?;
        text.push(b'\n');
    }
    Ok(text)
}
