//! One process at a time writes to a run.

use super::RunDirectory;
use crate::terminal;
use anyhow::{Context, anyhow};
use relumine_report::Status;
use std::fs::{File, TryLockError};
use std::time::{Duration, Instant};

/// While it is there, no other process writes to the run.
#[derive(Debug)]
pub struct RunLock {
    _file: File,
}

/// Who only looks whether a run is held holds it for less than this.
const GLANCE: Duration = Duration::from_millis(500);
/// From one attempt to the next.
const PAUSE: Duration = Duration::from_millis(20);

impl RunDirectory {
    /// Takes the run for this process, until what is given is dropped or the process ends.
    ///
    /// # Errors
    /// A run that another process is writing to.
    pub fn lock(&self) -> anyhow::Result<RunLock> {
        let started = Instant::now();
        loop {
            match self.try_lock()? {
                Some(lock) => return Ok(lock),
                None if started.elapsed() < GLANCE => std::thread::sleep(PAUSE),
                None => return Err(self.is_taken()),
            }
        }
    }

    /// Takes a run that has a summary, to read its test rows: waits for others that do the same, and says so, but for no training.
    ///
    /// # Errors
    /// A run that is being trained.
    pub fn lock_results(&self) -> anyhow::Result<RunLock> {
        let started = Instant::now();
        let mut has_said = false;
        loop {
            if let Some(lock) = self.try_lock()? {
                return Ok(lock);
            }
            // Training says so in the summary before its first step.
            if self.summary()?.status == Status::Running {
                return Err(self.is_taken());
            }
            if !has_said && started.elapsed() >= GLANCE {
                terminal::say(format_args!("waiting for another process that writes to {}", self.path.display()));
                has_said = true;
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Whether another process is writing to the run, so far as its file system has locks.
    #[must_use]
    pub fn is_held(&self) -> bool {
        let lock = File::open(self.file(Self::LOCK)).map(|file| file.try_lock_shared());
        matches!(lock, Ok(Err(TryLockError::WouldBlock)))
    }

    /// `None` where another process has it.
    fn try_lock(&self) -> anyhow::Result<Option<RunLock>> {
        let path = self.file(Self::LOCK);
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        let file = file.with_context(|| format!("cannot write {}: make the folder writable", path.display()))?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => return Ok(None),
            // Some network file systems have no locks.
            Err(TryLockError::Error(error)) => tracing::warn!("{} cannot be locked: {error}", path.display()),
            Ok(()) => {}
        }
        Ok(Some(RunLock { _file: file }))
    }

    fn is_taken(&self) -> anyhow::Error {
        anyhow!("{} is being written by another process: wait until it ends, or stop it first", self.path.display())
    }
}
