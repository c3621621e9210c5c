//! `probes.jsonl`: a line per probe, appended as it is taken.

use crate::pipeline::{Event, Job, Observer, Outcome};
use crate::run_directory::RunDirectory;
use anyhow::Context;
use relumine_report::{ProbeRecord, read_probes};
use std::fs::File;
use std::io::Write;

/// Appends each probe's record.
#[derive(Debug)]
pub struct ProbeLog {
    file: File,
    run: RunDirectory,
    /// The step of the last line.
    last: Option<u64>,
}

impl ProbeLog {
    /// Opens the file of a run that stands where `outcome` says, after `steps` steps, with the lines up to there; `None` where the recipe asks
    /// for no probes. A line at what was the end of a run that now goes on is cut off, too: a run of that length has none there.
    ///
    /// # Errors
    /// A full disk, or a file that is not what a run writes.
    pub fn open(run: &RunDirectory, job: &Job, outcome: &Outcome, steps: u64) -> anyhow::Result<Option<Self>> {
        let Some(section) = job.recipe.probes.filter(|section| section.every > 0) else { return Ok(None) };
        let path = run.file(RunDirectory::PROBES);
        let records = if path.is_file() && steps > 0 { read_probes(&path)? } else { Vec::new() };
        let is_at_end = outcome.is_at_end_of(job);
        let is_kept = |record: &&ProbeRecord| {
            let is_planned = record.step.is_multiple_of(section.every) || job.recipe.train.max_steps == Some(record.step);
            record.step < steps && is_planned || record.step == steps && (is_planned || is_at_end)
        };
        let (mut kept, mut last) = (Vec::new(), None);
        for record in records.iter().filter(is_kept) {
            kept.extend(line(record)?);
            last = Some(record.step);
        }
        run.write(RunDirectory::PROBES, &kept)?;
        let file = File::options().append(true).open(&path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Some(Self { file, run: run.clone(), last }))
    }
}

fn line(record: &ProbeRecord) -> anyhow::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(record)?;
    line.push(b'\n');
    Ok(line)
}

impl Observer for ProbeLog {
    fn observe(&mut self, event: Event<'_>) -> anyhow::Result<()> {
        // A run that was killed at its very end comes by there again.
        if let Event::Probe { record } = event
            && self.last != Some(record.step)
        {
            self.last = Some(record.step);
            let written = self.file.write_all(&line(record)?);
            written.with_context(|| self.run.no_room(RunDirectory::PROBES))?;
        }
        Ok(())
    }

    fn wants_probes(&self) -> bool {
        true
    }
}
