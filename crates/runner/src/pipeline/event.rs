//! What the training loop tells whoever watches.

use super::{Job, Outcome};
use relumine_engine::Step;
use relumine_engine::metrics::Totals;
use relumine_report::{EpochRecord, ProbeRecord};

/// Something that has happened.
#[derive(Clone, Copy)]
pub enum Event<'a> {
    /// Training is about to start.
    Started {
        /// What will be trained.
        job: &'a Job,
    },
    /// Steps of an epoch are done; sent a few times a second, and only where an observer shows them.
    Steps {
        /// Counted from 1.
        epoch: u64,
        /// Rows of the epoch that have been trained on.
        rows: u64,
        /// Over those rows.
        totals: Totals,
    },
    /// The recipe's `checkpoint_steps` came round.
    CheckpointDue {
        /// As of now.
        step: &'a dyn Step,
        /// As of now: within an epoch.
        outcome: &'a Outcome,
    },
    /// What flows through the layers has been looked at; sent where the recipe says `[probes]` and an observer takes note of it.
    Probe {
        /// Its line in `probes.jsonl`.
        record: &'a ProbeRecord,
    },
    /// An epoch is done and validated.
    Epoch {
        /// Its line in `metrics.jsonl`.
        record: &'a EpochRecord,
        /// As of now.
        step: &'a dyn Step,
        /// As of now: between epochs.
        outcome: &'a Outcome,
    },
    /// Training is over, for whatever reason.
    Stopped {
        /// As of now.
        step: &'a dyn Step,
        /// As of now: within an epoch or not.
        outcome: &'a Outcome,
    },
}

/// Something that watches a run. It reads events and never changes what the run does.
pub trait Observer {
    /// Takes note.
    ///
    /// # Errors
    /// A file that cannot be written: the run stops.
    fn observe(&mut self, event: Event<'_>) -> anyhow::Result<()>;

    /// Whether this observer shows [`Event::Steps`].
    fn wants_steps(&self) -> bool {
        false
    }

    /// Whether this observer is a reason for [`Event::Probe`].
    fn wants_probes(&self) -> bool {
        false
    }
}
