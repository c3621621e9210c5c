//! Weights, the optimiser's state and the place in the training on disk.

use crate::checkpoint::{Manifest, RunIdentity, Store, to_safetensors};
use crate::pipeline::{Event, Observer, Outcome};
use crate::run_directory::RunDirectory;
use anyhow::Context;
use relumine_engine::Step;
use std::fs::File;
use std::time::{Duration, Instant};

/// Saves at the ends of epochs, but not more often than once a second, whenever the recipe's `checkpoint_steps` come round, and always at the
/// end: what is on disk after a run does not depend on the clock, and a crash loses a second or an epoch.
#[derive(Debug)]
pub struct Checkpoints {
    run: RunDirectory,
    store: Store,
    /// What is being trained; known once training starts.
    identity: Option<RunIdentity>,
    last_saved: Instant,
    /// What was saved last.
    saved: Option<Manifest>,
}

const INTERVAL: Duration = Duration::from_secs(1);

impl Checkpoints {
    /// Saves into `store`, that of `run`.
    #[must_use]
    pub fn new(run: &RunDirectory, store: Store) -> Self {
        Self { run: run.clone(), store, identity: None, last_saved: Instant::now(), saved: None }
    }

    /// Where they are.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    fn save(&mut self, step: &dyn Step, outcome: &Outcome) -> anyhow::Result<()> {
        let Some(identity) = &self.identity else { return Ok(()) };
        let manifest = Manifest::of(identity, step, outcome)?;
        if self.saved.as_ref() == Some(&manifest) {
            return Ok(());
        }
        let mut files = vec![
            (RunDirectory::LAST, to_safetensors(&step.parameters()?)?),
            (RunDirectory::LAST_STATE, to_safetensors(&step.optimizer_state()?)?),
        ];
        if let Some(best) = &outcome.best {
            files.push((RunDirectory::BEST, to_safetensors(&best.parameters)?));
        }
        let name = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
        let files: Vec<_> = files.into_iter().map(|(path, bytes)| (name(path), bytes)).collect();
        self.sync_logs()?;
        self.store.save(&files, manifest.clone())?;
        (self.last_saved, self.saved) = (Instant::now(), Some(manifest));
        Ok(())
    }

    /// A checkpoint counts on the lines of the epochs and probes that it holds: they must be on the disk before it.
    fn sync_logs(&self) -> anyhow::Result<()> {
        let probes = Some(RunDirectory::PROBES).filter(|probes| self.run.file(probes).is_file());
        [Some(RunDirectory::METRICS), probes].into_iter().flatten().try_for_each(|log| {
            let path = self.run.file(log);
            let synced = File::options().append(true).open(&path).and_then(|file| file.sync_all());
            synced.with_context(|| self.run.no_room(log))
        })
    }
}

impl Observer for Checkpoints {
    fn observe(&mut self, event: Event<'_>) -> anyhow::Result<()> {
        match event {
            Event::Started { job } => {
                (self.identity, self.last_saved) = (Some(RunIdentity::of(job)?), Instant::now());
                Ok(())
            }
            Event::Epoch { step, outcome, .. } if self.last_saved.elapsed() >= INTERVAL => self.save(step, outcome),
            Event::CheckpointDue { step, outcome } | Event::Stopped { step, outcome } => self.save(step, outcome),
            _ => Ok(()),
        }
    }
}
