//! `metrics.jsonl`: a line per epoch, appended as it ends.

use crate::pipeline::{Event, Observer};
use crate::run_directory::RunDirectory;
use anyhow::Context;
use std::fs::File;
use std::io::Write;

/// Appends each epoch's record.
#[derive(Debug)]
pub struct MetricsLog {
    file: File,
}

impl MetricsLog {
    /// Starts the file.
    ///
    /// # Errors
    /// A full disk.
    pub fn create(run: &RunDirectory) -> anyhow::Result<Self> {
        let path = run.file(RunDirectory::METRICS);
        let file = File::create_new(&path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self { file })
    }
}

impl Observer for MetricsLog {
    fn observe(&mut self, event: Event<'_>) -> anyhow::Result<()> {
        if let Event::Epoch { record, .. } = event {
            let mut line = serde_json::to_vec(record)?;
            line.push(b'\n');
            self.file.write_all(&line).context("cannot write metrics.jsonl: make room on the disk")?;
        }
        Ok(())
    }
}
