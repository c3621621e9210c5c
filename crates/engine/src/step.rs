//! What every way of training provides.

use crate::fused::LayerProducts;
use crate::metrics::Totals;
use crate::{Examples, Probe, StepError};
use candle_core::Tensor;
use std::collections::BTreeMap;

/// Tensors by name, in alphabetical order: what checkpoints hold.
pub type NamedTensors = BTreeMap<String, Tensor>;

/// Trains and evaluates one model.
pub trait Step {
    /// What this step is called in results.
    fn name(&self) -> &'static str;

    /// Takes one optimiser step on the mean loss of `rows` of `examples`, the whole batch of the step. May return before the device is done.
    ///
    /// # Errors
    /// A loss that is not finite (nothing has changed then), a parameter without a gradient, or a device that fails.
    fn train(&mut self, examples: &Examples, rows: &[u32]) -> Result<(), StepError>;

    /// What training saw since [`reset_totals`](Self::reset_totals): the losses of the training passes, dropout included. Waits for
    /// the device; asking changes nothing.
    ///
    /// # Errors
    /// A device that fails.
    fn totals(&self) -> Result<Totals, StepError>;

    /// Starts the totals at zero, as at the beginning of an epoch.
    ///
    /// # Errors
    /// A device that fails.
    fn reset_totals(&mut self) -> Result<(), StepError>;

    /// Puts `totals` in the place of what training saw so far: to go on within an epoch, where another step was.
    ///
    /// # Errors
    /// A device that fails.
    fn restore_totals(&mut self, totals: Totals) -> Result<(), StepError>;

    /// The logits of `rows` of `examples` in evaluation mode, `[rows, units]` row-major. Waits for the device.
    ///
    /// # Errors
    /// A device that fails.
    fn logits(&self, examples: &Examples, rows: &[u32]) -> Result<Vec<f32>, StepError>;

    /// What each layer's products made of zeros in training since [`reset_totals`](Self::reset_totals); nothing from a step that skips none.
    fn products(&self) -> Vec<LayerProducts> {
        Vec::new()
    }

    /// Notes the weights as they are, so that a probe after the next step can tell how far that step moved them.
    ///
    /// # Errors
    /// A device that fails.
    fn note_weights(&mut self) -> Result<(), StepError>;

    /// What flows through each layer when `rows` of `examples` go through the network together, in training mode but without dropout, noise
    /// and augmentation: batches are normalised by the statistics of these rows. The gradients are those of the mean loss that training
    /// minimises, without penalties and clipping. It changes nothing that later steps or evaluations see.
    ///
    /// # Errors
    /// A parameter without a gradient, or a device that fails.
    fn probe(&mut self, examples: &Examples, rows: &[u32]) -> Result<Probe, StepError>;

    /// Optimiser steps taken.
    fn steps(&self) -> u64;

    /// The learning rate of the next step.
    fn learning_rate(&self) -> f64;

    /// Multiplies the learning rates of all coming steps by `factor`, in place of the factor given before: for schedules that watch the
    /// validation loss.
    fn scale_learning_rate(&mut self, factor: f64);

    /// A copy of the weights that evaluation uses, buffers included, by name: the averaged ones where the recipe asks for an average.
    ///
    /// # Errors
    /// A device that fails.
    fn parameters(&self) -> Result<NamedTensors, StepError>;

    /// Overwrites the weights, both those that are trained and those that evaluation uses.
    ///
    /// # Errors
    /// Names or shapes that are not this model's.
    fn load_parameters(&mut self, parameters: &NamedTensors) -> Result<(), StepError>;

    /// A copy of what a later step needs besides [`parameters`](Self::parameters), by name: the optimiser's state, and where evaluation
    /// uses an average, the weights that are being trained.
    ///
    /// # Errors
    /// A device that fails.
    fn optimizer_state(&self) -> Result<NamedTensors, StepError>;

    /// Overwrites the optimiser's state. To go on where another step was, load its parameters first.
    ///
    /// # Errors
    /// Names or shapes that are not this optimiser's.
    fn load_optimizer_state(&mut self, state: &NamedTensors) -> Result<(), StepError>;
}
