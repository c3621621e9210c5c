//! Batches on their way to the device: they are handed over several at a time, so that the device need not wait for the host between them.

use super::memory::SLOTS;
use super::network::Network;
use super::source::Source;
use crate::fused::update_constants;
use crate::optimizer::{Clock, Pace};
use relumine_kernels::gpu::UpdateConstants;
use relumine_kernels::optimizer::Decay;
use relumine_model::Role;

/// A step that has been asked for.
#[derive(Clone, Debug)]
pub(super) struct Batch {
    /// Of each replica, as many for each.
    pub(super) rows: Vec<Vec<u32>>,
    /// One over the weight of the rows, of each replica.
    pub(super) shares: Vec<f32>,
    /// Of each replica: for weights, and for everything else.
    pub(super) constants: Vec<[UpdateConstants; 2]>,
    /// Of each replica.
    pub(super) learning_rates: Vec<f64>,
}

impl Batch {
    /// The next step of each replica on rows of these labels.
    pub(super) fn new(network: &Network, clocks: &[Clock], rows: &[&[u32]], labels: &[u32]) -> Self {
        let objective = &network.config().objective;
        let share = |rows: &[u32]| objective.share(rows.iter().map(|row| labels[*row as usize]));
        let paces: Vec<Pace> = clocks.iter().map(Clock::pace).collect();
        let constants = clocks.iter().zip(&paces).map(|(clock, pace)| constants(clock, *pace));
        Self {
            shares: rows.iter().map(|rows| share(rows)).collect(),
            constants: constants.collect(),
            learning_rates: paces.iter().map(|pace| pace.learning_rate).collect(),
            rows: rows.iter().map(|rows| rows.to_vec()).collect(),
        }
    }

    /// How many rows.
    pub(super) fn len(&self) -> usize {
        self.rows.first().map_or(0, Vec::len)
    }
}

fn constants(clock: &Clock, pace: Pace) -> [UpdateConstants; 2] {
    let config = &clock.config;
    let average = match config.ema_decay {
        // The first average is the weights themselves.
        Some(decay) => Decay::of(if pace.step == 1 { 0.0 } else { decay }),
        None => Decay::default(),
    };
    let of = |role| UpdateConstants::new(&update_constants(config, pace, role, 1.0)).with_average(average);
    [of(Role::Weight).with_penalties(config.l1 as f32, config.l2 as f32), of(Role::Bias)]
}

/// What has been asked for since somebody last looked whether all went well.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// What the batches' rows are rows of.
    pub(super) source: Option<Source>,
    /// In their order.
    pub(super) batches: Vec<Batch>,
    /// How many of them the device has.
    pub(super) handed_over: usize,
}

impl Queue {
    /// Those that the device does not have yet.
    pub(super) fn waiting(&self) -> &[Batch] {
        &self.batches[self.handed_over..]
    }

    /// Whether it is time to hand over those that wait: the first few at once, as the device has nothing to do.
    pub(super) fn is_full(&self) -> bool {
        const FIRST: usize = 8;
        self.waiting().len() >= if self.handed_over == 0 { FIRST } else { SLOTS }
    }

    /// Whether so much is kept of what the device has that it is time to look how it went.
    pub(super) fn is_long(&self) -> bool {
        /// Row numbers, of all replicas: 16 MB.
        const MOST: usize = 4 << 20;
        let rows_of_step = self.batches.last().map_or(0, |batch| batch.len() * batch.rows.len());
        self.batches.len() >= 64 * SLOTS || self.batches.len() * rows_of_step >= MOST
    }
}
