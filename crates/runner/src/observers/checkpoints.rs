//! Weights and optimiser state on disk.

use crate::pipeline::{Best, Event, Observer};
use crate::run_directory::RunDirectory;
use anyhow::{Context, anyhow};
use candle_core::Device;
use relumine_engine::{NamedTensors, Step};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

/// Saves at the ends of epochs, but not more often than once a second, and always at the end: what is on disk after a run does not
/// depend on the clock, and a crash loses a second at most.
#[derive(Debug)]
pub struct Checkpoints {
    run: RunDirectory,
    last_saved: Option<Instant>,
    saved_best: Option<u64>,
}

/// `checkpoints/manifest.json`. It holds no times, so that identical runs have identical files.
#[derive(Debug, Serialize)]
struct Manifest {
    format: u32,
    version: &'static str,
    /// Whole epochs done.
    epoch: u64,
    /// Optimiser steps taken.
    step: u64,
    best_epoch: Option<u64>,
    /// Bytes of each file.
    files: BTreeMap<&'static str, u64>,
}

const INTERVAL: Duration = Duration::from_secs(1);

impl Checkpoints {
    /// Saves into `run`.
    #[must_use]
    pub fn new(run: &RunDirectory) -> Self {
        Self { run: run.clone(), last_saved: None, saved_best: None }
    }

    fn save(&mut self, step: &dyn Step, epoch: u64, best: Option<&Best>) -> anyhow::Result<()> {
        let mut files = vec![
            (RunDirectory::LAST, to_safetensors(&step.parameters()?)?),
            (RunDirectory::LAST_STATE, to_safetensors(&step.optimizer_state()?)?),
        ];
        if let Some(best) = best {
            files.push((RunDirectory::BEST, to_safetensors(&best.parameters)?));
        }
        for (name, bytes) in &files {
            let unchanged = *name == RunDirectory::BEST && self.saved_best == best.map(|best| best.epoch);
            if !unchanged {
                self.run.write(name, bytes)?;
            }
        }
        let files = files.iter().map(|(name, bytes)| (*name, bytes.len() as u64)).collect();
        let best_epoch = best.map(|best| best.epoch);
        let version = crate::environment::VERSION;
        self.run.write_json(RunDirectory::MANIFEST, &Manifest { format: 1, version, epoch, step: step.steps(), best_epoch, files })?;
        self.saved_best = best_epoch;
        self.last_saved = Some(Instant::now());
        Ok(())
    }
}

impl Observer for Checkpoints {
    fn observe(&mut self, event: Event<'_>) -> anyhow::Result<()> {
        match event {
            Event::Epoch { record, step, best } if self.last_saved.is_none_or(|saved| saved.elapsed() >= INTERVAL) => {
                self.save(step, record.epoch, Some(best))
            }
            Event::CheckpointDue { step, epochs, best } | Event::Stopped { step, epochs, best } => self.save(step, epochs, best),
            _ => Ok(()),
        }
    }
}

/// Tensors in the safetensors format, without metadata: the same tensors are the same bytes.
///
/// # Errors
/// A device that fails.
pub fn to_safetensors(tensors: &NamedTensors) -> anyhow::Result<Vec<u8>> {
    Ok(safetensors::serialize(tensors, None)?)
}

/// The tensors of a safetensors file.
///
/// # Errors
/// A file that is missing or not in that format.
pub fn read_tensors(path: &Path) -> anyhow::Result<NamedTensors> {
    let remedy = "the run has no such checkpoint; train it again";
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}: {remedy}", path.display()))?;
    let tensors = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu)
        .map_err(|error| anyhow!("{} is not a whole safetensors file ({error}): restore it or train again", path.display()))?;
    Ok(tensors.into_iter().collect())
}
