//! What a trial remembers of its training until its files are written.

use super::Meter;
use crate::pipeline::{Event, Observer};
use crate::recipe::Recipe;
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

/// Whether a trial of `recipe` that trains in one go looks at its layers after so many steps, wherever it ends. The end of a rung of successive
/// halving is taken for the end of the plan, and looked at too.
fn is_planned(probe: &ProbeRecord, recipe: &Recipe) -> bool {
    let every = recipe.probes.map_or(0, |section| section.every);
    probe.step.is_multiple_of(every) || recipe.train.max_steps == Some(probe.step)
}

/// The probes of a trial that goes on after a rung, as if it had never stopped there.
pub(super) fn going_on(mut probes: Vec<ProbeRecord>, recipe: &Recipe) -> Vec<ProbeRecord> {
    probes.retain(|probe| is_planned(probe, recipe));
    probes
}

/// The probes of a trial that stopped early, be it at the end of a rung: nobody would have known then to note the weights before the last step.
pub(super) fn stopping_early(mut probes: Vec<ProbeRecord>, recipe: &Recipe) -> Vec<ProbeRecord> {
    if let Some(last) = probes.last_mut().filter(|last| !is_planned(last, recipe)) {
        last.layers.iter_mut().for_each(|layer| layer.update_ratio = None);
    }
    probes
}

impl Observer for Recorder<'_> {
    fn observe(&mut self, event: Event<'_>) -> anyhow::Result<()> {
        match event {
            Event::Epoch { record, .. } => {
                self.epochs.push(record.clone());
                self.meter.advance(self.work);
            }
            Event::Probe { record } => self.probes.push(record.clone()),
            _ => {}
        }
        Ok(())
    }

    fn wants_probes(&self) -> bool {
        true
    }
}
