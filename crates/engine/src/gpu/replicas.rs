//! Many small runs at once, as one leading axis of every array.

use super::core::Core;
use crate::metrics::Totals;
use crate::{Examples, NamedTensors, StepError, TrainingConfig};
use relumine_kernels::gpu::Gpu;
use relumine_model::Architecture;

/// Runs of one shape that train side by side on a GPU, on the same examples: with different seeds, initialisers, dropout rates, noise and
/// learning rates. Layers, activations, normalisations, the optimiser, the objective and the micro-batches are the same for all. Every batch
/// of all replicas is one replay, so that a GPU which a small network would leave idle has enough to do.
///
/// Each computes what a [`GpuStep`](super::GpuStep) of its own would, up to the rounding of products, whose order of summation a library may
/// choose by how many there are.
#[derive(Debug)]
pub struct GpuReplicas {
    core: Core,
}

impl GpuReplicas {
    /// One replica for each architecture and configuration, with fresh parameters.
    ///
    /// # Errors
    /// Replicas that differ in more than numbers, and a device out of memory.
    pub fn new(gpu: Box<dyn Gpu>, replicas: &[(Architecture, TrainingConfig)]) -> Result<Self, StepError> {
        if replicas.iter().any(|(_, config)| config.augmentation.is_some()) {
            return Err(StepError::NotFused { reason: "it takes its inputs as they are".into() });
        }
        Ok(Self { core: Core::new(gpu, replicas)? })
    }

    /// Takes a step of each replica on its own rows, as many for each. Returns before the device is done: see [`results`](Self::results).
    ///
    /// # Errors
    /// A device that fails.
    ///
    /// # Panics
    /// Where there are not as many lists of rows as replicas, all of one length.
    pub fn train(&mut self, examples: &Examples, rows: &[&[u32]]) -> Result<(), StepError> {
        assert_eq!(rows.len(), self.core.network.replicas(), "rows for each replica");
        assert!(rows.windows(2).all(|pair| pair[0].len() == pair[1].len()), "as many rows for each replica");
        self.core.train(examples, rows)
    }

    /// What each replica's training has seen, or why it stopped: once, and from then on what it had seen before. One that fails takes no
    /// more steps, and the others go on. Waits for the device.
    ///
    /// # Errors
    /// A device that fails.
    pub fn results(&mut self) -> Result<Vec<Result<Totals, StepError>>, StepError> {
        let progress = self.core.verify()?;
        let totals = progress.iter().map(|progress| Totals { loss: progress.loss, correct: progress.correct, rows: progress.rows });
        Ok(totals.zip(&mut self.core.failures).map(|(totals, failure)| failure.take().map_or(Ok(totals), Err)).collect())
    }

    /// Starts the totals of all replicas at zero.
    ///
    /// # Errors
    /// A device that fails.
    pub fn reset_totals(&mut self) -> Result<(), StepError> {
        (0..self.core.network.replicas()).try_for_each(|replica| self.core.restore(replica, Totals::default()))
    }

    /// The logits of `rows` by each replica, `[rows, units]` row-major. Waits for the device.
    ///
    /// # Errors
    /// A device that fails.
    pub fn logits(&mut self, examples: &Examples, rows: &[u32]) -> Result<Vec<Vec<f32>>, StepError> {
        self.core.evaluate(examples, rows)
    }

    /// A copy of the weights by which a replica is evaluated, buffers included, by name.
    ///
    /// # Errors
    /// A device that fails.
    pub fn parameters(&mut self, replica: usize) -> Result<NamedTensors, StepError> {
        self.core.evaluated_tensors(replica)
    }

    /// Overwrites a replica's weights.
    ///
    /// # Errors
    /// Names or shapes that are not this model's.
    pub fn load_parameters(&mut self, replica: usize, parameters: &NamedTensors) -> Result<(), StepError> {
        self.core.load_tensors(replica, parameters)
    }

    /// A copy of what a later step of a replica needs besides its weights, as [`Step::optimizer_state`](crate::Step::optimizer_state).
    ///
    /// # Errors
    /// A device that fails.
    pub fn optimizer_state(&mut self, replica: usize) -> Result<NamedTensors, StepError> {
        self.core.state_tensors(replica)
    }

    /// Overwrites a replica's optimiser state.
    ///
    /// # Errors
    /// Names or shapes that are not this optimiser's.
    pub fn load_optimizer_state(&mut self, replica: usize, state: &NamedTensors) -> Result<(), StepError> {
        self.core.load_state_tensors(replica, state)
    }
}
