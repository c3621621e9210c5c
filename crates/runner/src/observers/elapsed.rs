//! `elapsed.json`: the time that training has used, of a run whose minutes are limited.

use crate::pipeline::{Event, Observer};
use crate::run_directory::RunDirectory;
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// Keeps the time where a process that goes on finds it: `train.max_minutes` is one budget, however often a run is stopped. It has a file of its
/// own, as checkpoints hold no times. Written at the ends of epochs and with checkpoints, at most once a second, and at the end.
#[derive(Debug)]
pub struct ElapsedTime {
    run: RunDirectory,
    /// Of the processes before this one.
    earlier: Duration,
    started: Instant,
    last_saved: Instant,
}

#[derive(Serialize, Deserialize)]
struct Elapsed {
    /// From the start of training, validation and checkpoints included, in all processes.
    seconds: f64,
}

const INTERVAL: Duration = Duration::from_secs(1);

impl ElapsedTime {
    /// Of `run`, which is about to train and has trained for `earlier`.
    #[must_use]
    pub fn new(run: &RunDirectory, earlier: Duration) -> Self {
        Self { run: run.clone(), earlier, started: Instant::now(), last_saved: Instant::now() }
    }

    /// What `run` has used; `None` where nobody kept it.
    #[must_use]
    pub fn of(run: &RunDirectory) -> Option<Duration> {
        let elapsed: Elapsed = serde_json::from_slice(&std::fs::read(run.file(RunDirectory::ELAPSED)).ok()?).ok()?;
        Duration::try_from_secs_f64(elapsed.seconds).ok()
    }

    fn save(&mut self) -> anyhow::Result<()> {
        self.last_saved = Instant::now();
        let elapsed = Elapsed { seconds: (self.earlier + self.started.elapsed()).as_secs_f64() };
        self.run.write_json(RunDirectory::ELAPSED, &elapsed)
    }
}

impl Observer for ElapsedTime {
    fn observe(&mut self, event: Event<'_>) -> anyhow::Result<()> {
        match event {
            Event::Epoch { .. } | Event::CheckpointDue { .. } if self.last_saved.elapsed() >= INTERVAL => self.save(),
            Event::Stopped { .. } => self.save(),
            _ => Ok(()),
        }
    }
}
