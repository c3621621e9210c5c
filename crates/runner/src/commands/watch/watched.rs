//! What the files of a run say about how it goes.

use crate::run_directory::RunDirectory;
use relumine_report::{EpochRecord, ProbeRecord, Run, Settings, Status, Summary, read_epochs, read_probes, statistics};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

/// A run that is being followed.
pub(super) struct Watched {
    run: RunDirectory,
    /// Epochs of the recipe.
    pub(super) planned_epochs: Option<u64>,
    /// Those that have ended.
    pub(super) epochs: Vec<EpochRecord>,
    /// The latest look at the layers, where the recipe asks for probes.
    pub(super) probe: Option<ProbeRecord>,
    /// The results, once the run has ended.
    pub(super) summary: Option<Summary>,
    /// Whether a process is writing to it.
    is_held: bool,
    held_asked: Option<Instant>,
    metrics: Stamp,
    probes: Stamp,
}

/// By which a file that has not changed is known.
#[derive(Clone, Copy, Default, PartialEq)]
struct Stamp(Option<(u64, Option<SystemTime>)>);

impl Stamp {
    fn of(path: &Path) -> Self {
        Self(path.metadata().ok().map(|metadata| (metadata.len(), metadata.modified().ok())))
    }
}

/// How often it is asked whether a process holds the run.
const HELD_INTERVAL: Duration = Duration::from_secs(2);
/// Epochs whose time says how long the next ones take.
const RECENT_EPOCHS: usize = 10;

impl Watched {
    /// Looks at a run for the first time.
    ///
    /// # Errors
    /// Files that are not what a run writes.
    pub(super) fn open(run: RunDirectory) -> anyhow::Result<Self> {
        let recipe = std::fs::read_to_string(run.file(RunDirectory::RECIPE))?;
        let planned = Settings::parse(&recipe).ok().and_then(|settings| settings.get("train.epochs")?.as_integer());
        let mut watched = Self {
            run,
            planned_epochs: planned.and_then(|epochs| u64::try_from(epochs).ok()),
            epochs: Vec::new(),
            probe: None,
            summary: None,
            is_held: false,
            held_asked: None,
            metrics: Stamp::default(),
            probes: Stamp::default(),
        };
        watched.look()?;
        Ok(watched)
    }

    /// Reads what has changed.
    ///
    /// # Errors
    /// Files that are not what a run writes.
    pub(super) fn look(&mut self) -> anyhow::Result<()> {
        if self.held_asked.is_none_or(|asked| asked.elapsed() >= HELD_INTERVAL) {
            self.is_held = self.run.is_held();
            self.held_asked = Some(Instant::now());
        }
        let (metrics, probes) = (self.run.file(RunDirectory::METRICS), self.run.file("probes.jsonl"));
        // The stamp first: what is written while the file is read is read the next time.
        let stamp = Stamp::of(&metrics);
        if stamp != self.metrics && metrics.is_file() {
            self.epochs = read_epochs(&metrics)?;
            self.metrics = stamp;
        }
        let stamp = Stamp::of(&probes);
        if stamp != self.probes && probes.is_file() {
            self.probe = read_probes(&probes)?.pop();
            self.probes = stamp;
        }
        let has_summary = self.run.file(RunDirectory::SUMMARY).is_file();
        let summary = if has_summary && !self.is_held { Some(Run::open(self.run.path())?.summary) } else { None };
        // That of a run that went on and was killed says that it runs.
        self.summary = summary.filter(|summary| summary.status != Status::Running);
        Ok(())
    }

    /// Its folder, as it was named.
    pub(super) fn name(&self) -> String {
        self.run.path().display().to_string()
    }

    /// Whether a process is writing to it.
    pub(super) fn is_running(&self) -> bool {
        self.is_held
    }

    /// The epoch with the best weights so far.
    pub(super) fn best(&self) -> Option<&EpochRecord> {
        self.epochs.iter().rfind(|record| record.best)
    }

    /// For the epochs to come, at the pace of the latest ones; `None` where it cannot be told. Evaluation and an early stop are not in it.
    pub(super) fn time_left(&self) -> Option<Duration> {
        let left = self.planned_epochs?.saturating_sub(self.epochs.last()?.epoch);
        let recent: Vec<f64> = self.epochs.iter().rev().take(RECENT_EPOCHS).map(|record| record.seconds).collect();
        let seconds = statistics::median(&recent)? * left as f64;
        self.is_held.then(|| Duration::try_from_secs_f64(seconds).ok())?
    }

    /// A running one, for tests of what is drawn.
    #[cfg(test)]
    pub(super) fn of_records(folder: &Path, epochs: Vec<EpochRecord>, probe: Option<ProbeRecord>, planned_epochs: u64) -> Self {
        std::fs::write(folder.join(RunDirectory::RECIPE), "").unwrap();
        let run = RunDirectory::open(folder).unwrap();
        Self {
            run,
            planned_epochs: Some(planned_epochs),
            epochs,
            probe,
            summary: None,
            is_held: true,
            held_asked: None,
            metrics: Stamp::default(),
            probes: Stamp::default(),
        }
    }
}
