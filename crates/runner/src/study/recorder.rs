//! What a trial remembers of its training until its files are written.

use super::Meter;
use crate::pipeline::{Event, Observer};
use relumine_report::{EpochRecord, ProbeRecord};

/// Keeps epochs and probes, and tells the study's one progress display.
pub(super) struct Recorder<'a> {
    pub(super) epochs: Vec<EpochRecord>,
    pub(super) probes: Vec<ProbeRecord>,
    meter: &'a Meter,
    /// Of an epoch, in the meter's units.
    work: u64,
}

impl<'a> Recorder<'a> {
    pub(super) fn new(meter: &'a Meter, work: u64, epochs: Vec<EpochRecord>, probes: Vec<ProbeRecord>) -> Self {
        Self { epochs, probes, meter, work }
    }
}

impl Observer for Recorder<'_> {
    fn observe(&mut self, event: Event<'_>) -> anyhow::Result<()> {
        match event {
            Event::Epoch { record, .. } => {
                self.epochs.push(record.clone());
                self.meter.advance(self.work);
            }
            // A rung of successive halving ends where a probe may come again.
            Event::Probe { record } if self.probes.last().is_none_or(|last| last.step < record.step) => self.probes.push(record.clone()),
            _ => {}
        }
        Ok(())
    }

    fn wants_probes(&self) -> bool {
        true
    }
}
