//! `metrics.jsonl` and `refit.metrics.jsonl`: a line per epoch, appended as it ends.

use crate::pipeline::{Event, Observer};
use crate::run_directory::RunDirectory;
use anyhow::Context;
use std::fs::File;
use std::io::Write;

/// Appends each epoch's record.
#[derive(Debug)]
pub struct MetricsLog {
    file: File,
    name: &'static str,
}

impl MetricsLog {
    /// Starts the file of this name.
    ///
    /// # Errors
    /// A full disk.
    pub fn create(run: &RunDirectory, name: &'static str) -> anyhow::Result<Self> {
        let path = run.file(name);
        let file = File::create_new(&path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self { file, name })
    }
}

impl Observer for MetricsLog {
    fn observe(&mut self, event: Event<'_>) -> anyhow::Result<()> {
        if let Event::Epoch { record, .. } = event {
            let mut line = serde_json::to_vec(record)?;
            line.push(b'\n');
            self.file.write_all(&line).with_context(|| format!("cannot write {}: make room on the disk", self.name))?;
        }
        Ok(())
    }
}
