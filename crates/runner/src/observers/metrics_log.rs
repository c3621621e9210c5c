//! `metrics.jsonl` and `refit.metrics.jsonl`: a line per epoch, appended as it ends.

use crate::pipeline::{Event, Observer};
use crate::run_directory::RunDirectory;
use anyhow::{Context, bail};
use std::fs::File;
use std::io::{ErrorKind, Write};

/// Appends each epoch's record.
#[derive(Debug)]
pub struct MetricsLog {
    file: File,
    run: RunDirectory,
    name: &'static str,
}

impl MetricsLog {
    /// Opens the file of this name, with the lines of its first `kept_epochs` epochs and no others.
    ///
    /// # Errors
    /// A full disk, or a file with fewer epochs.
    pub fn open(run: &RunDirectory, name: &'static str, kept_epochs: u64) -> anyhow::Result<Self> {
        keep_lines(run, name, kept_epochs)?;
        let path = run.file(name);
        let file = File::options().append(true).open(&path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self { file, run: run.clone(), name })
    }
}

/// Leaves the first `count` lines of a file; it is written anew only where it has more, or is not there.
fn keep_lines(run: &RunDirectory, name: &str, count: u64) -> anyhow::Result<()> {
    let path = run.file(name);
    let text = match std::fs::read(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        text => Some(text.with_context(|| format!("cannot read {}", path.display()))?),
    };
    let whole = text.as_deref().unwrap_or_default();
    let Some(kept) = lines_end(whole, count) else {
        bail!("{} has fewer than {count} epochs: restore it, or train again", path.display());
    };
    if text.is_some() && kept == whole.len() {
        return Ok(());
    }
    run.write(name, &whole[..kept])
}

/// Where the first `count` lines of `text` end; `None` where it has fewer.
fn lines_end(text: &[u8], count: u64) -> Option<usize> {
    let Some(before_last) = usize::try_from(count).ok()?.checked_sub(1) else { return Some(0) };
    let newlines = text.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    newlines.map(|(position, _)| position + 1).nth(before_last)
}

impl Observer for MetricsLog {
    fn observe(&mut self, event: Event<'_>) -> anyhow::Result<()> {
        if let Event::Epoch { record, .. } = event {
            let mut line = serde_json::to_vec(record)?;
            line.push(b'\n');
            self.file.write_all(&line).with_context(|| self.run.no_room(self.name))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_kept_and_counted_by_their_ends() {
        let text = b"one\ntwo\nthr";
        assert_eq!([0, 1, 2, 3].map(|count| lines_end(text, count)), [Some(0), Some(4), Some(8), None]);
        assert_eq!(lines_end(b"", 0), Some(0));
        assert_eq!(lines_end(b"", 1), None);
    }
}
