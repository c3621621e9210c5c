//! The fused step on a GPU: every batch is one replay of what was recorded once, and the host waits when somebody asks.
//!
//! What a step does is a list of stages ([`plan`]), made of kernels and products over arrays that hold all tensors ([`memory`], [`layout`])
//! of all replicas. Batches wait in a [`queue`] and are handed over many at a time. The same stages run on a [`Gpu`] and on its emulator,
//! by which they are tested.

mod core;
mod layout;
mod memory;
mod network;
mod plan;
mod queue;
mod replicas;
mod source;
mod state;

use self::core::Core;
use crate::metrics::Totals;
use crate::probe::Noted;
use crate::{Examples, NamedTensors, Probe, ReferenceStep, Step, StepError, TrainingConfig};
use candle_core::Device;
use relumine_kernels::gpu::Gpu;
use relumine_model::{Architecture, LayerSpec, Role};
pub use replicas::GpuReplicas;
use std::cell::RefCell;

/// Forward, backward and update by the kernels of [`relumine_kernels::gpu`]. It computes what [`ReferenceStep`] computes, up to rounding,
/// from the same masks.
///
/// Training returns before the device is done: a loss that is not finite is reported, with its step, by a later call. From that step on
/// nothing has changed then, and the rows that came after it count as not seen.
#[derive(Debug)]
pub struct GpuStep {
    core: RefCell<Core>,
    /// For probes.
    probing: Probing,
}

/// What probes need: the readable step, when the first probe asks for it.
#[derive(Debug)]
struct Probing {
    architecture: Architecture,
    config: TrainingConfig,
    device: Device,
    reference: Option<Box<ReferenceStep>>,
    /// By the steps of this step: the reference takes none.
    noted: Noted,
}

impl Probing {
    fn reference(&mut self) -> Result<&mut ReferenceStep, StepError> {
        let reference = match self.reference.take() {
            Some(reference) => reference,
            None => Box::new(ReferenceStep::new(&self.architecture, &self.config, &self.device)?),
        };
        Ok(self.reference.insert(reference))
    }
}

impl GpuStep {
    /// Rows evaluated at a time.
    pub const EVALUATION_ROWS: usize = core::EVALUATION_ROWS;

    /// A model with fresh parameters, the same as the reference step's, on this GPU; the examples are on `device`.
    ///
    /// # Errors
    /// A device out of memory, or augmentation, which is done on the host.
    pub fn new(gpu: Box<dyn Gpu>, architecture: &Architecture, config: &TrainingConfig, device: &Device) -> Result<Self, StepError> {
        if config.augmentation.is_some() {
            return Err(StepError::NotFused { reason: "it takes its inputs as they are".into() });
        }
        let core = Core::new(gpu, &[(architecture.clone(), config.clone())])?;
        let probing = Probing {
            architecture: architecture.clone(),
            config: config.clone(),
            device: device.clone(),
            reference: None,
            noted: Noted::default(),
        };
        Ok(Self { core: RefCell::new(core), probing })
    }

    /// The gradients of the mean loss, by parameter; zeros without rows. For tests and comparisons between steps.
    ///
    /// # Errors
    /// As [`Step::train`].
    pub fn gradients(&mut self, examples: &Examples, rows: &[u32]) -> Result<NamedTensors, StepError> {
        let core = self.core.get_mut();
        core.differentiate(examples, &[rows])?;
        let mut gradients = core.gradient_tensors(0)?;
        if rows.is_empty() {
            // There was no pass to overwrite those of the one before.
            for gradient in gradients.values_mut() {
                *gradient = gradient.zeros_like()?;
            }
        }
        Ok(gradients)
    }

    /// Asks the core, which may find that an earlier step has failed.
    fn ask<T>(&self, question: impl FnOnce(&mut Core) -> Result<T, StepError>) -> Result<T, StepError> {
        question(&mut self.core.borrow_mut())
    }
}

impl Step for GpuStep {
    fn name(&self) -> &'static str {
        "fused"
    }

    fn train(&mut self, examples: &Examples, rows: &[u32]) -> Result<(), StepError> {
        self.ask(|core| core.train(examples, &[rows]))
    }

    fn totals(&self) -> Result<Totals, StepError> {
        self.ask(|core| {
            let progress = core.verify()?[0];
            Ok(Totals { loss: progress.loss, correct: progress.correct, rows: progress.rows })
        })
    }

    fn reset_totals(&mut self) -> Result<(), StepError> {
        self.restore_totals(Totals::default())
    }

    fn restore_totals(&mut self, totals: Totals) -> Result<(), StepError> {
        self.ask(|core| core.restore(0, totals))
    }

    fn logits(&self, examples: &Examples, rows: &[u32]) -> Result<Vec<f32>, StepError> {
        self.ask(|core| Ok(core.evaluate(examples, rows)?.swap_remove(0)))
    }

    fn note_weights(&mut self) -> Result<(), StepError> {
        let weights = self.layer_weights(&self.live_weights()?)?;
        let steps = self.steps();
        self.probing.noted.note(steps, weights.iter().map(Vec::as_slice));
        Ok(())
    }

    fn probe(&mut self, examples: &Examples, rows: &[u32]) -> Result<Probe, StepError> {
        let live = self.live_weights()?;
        let (weights, steps) = (self.layer_weights(&live)?, self.steps());
        let reference = self.probing.reference()?;
        reference.load_parameters(&live)?;
        let mut probe = reference.probe(examples, rows)?;
        for (position, (layer, weight)) in probe.layers.iter_mut().zip(&weights).enumerate() {
            (layer.weight_norm, layer.update_ratio) = self.probing.noted.movement(position, steps, weight);
        }
        Ok(probe)
    }

    fn steps(&self) -> u64 {
        self.core.borrow().clocks[0].steps
    }

    fn learning_rate(&self) -> f64 {
        self.core.borrow().clocks[0].learning_rate()
    }

    fn scale_learning_rate(&mut self, factor: f64) {
        self.core.get_mut().clocks[0].outer_factor = factor;
    }

    fn parameters(&self) -> Result<NamedTensors, StepError> {
        self.ask(|core| core.evaluated_tensors(0))
    }

    fn load_parameters(&mut self, parameters: &NamedTensors) -> Result<(), StepError> {
        self.ask(|core| core.load_tensors(0, parameters))
    }

    fn optimizer_state(&self) -> Result<NamedTensors, StepError> {
        self.ask(|core| core.state_tensors(0))
    }

    fn load_optimizer_state(&mut self, state: &NamedTensors) -> Result<(), StepError> {
        self.ask(|core| core.load_state_tensors(0, state))
    }
}

impl GpuStep {
    /// The weight of each layer, first to last, among these tensors.
    fn layer_weights(&self, tensors: &NamedTensors) -> Result<Vec<Vec<f32>>, StepError> {
        let weights = self.probing.architecture.layers.iter().flat_map(LayerSpec::tensors).filter(|tensor| tensor.role == Role::Weight);
        weights.map(|tensor| Ok(tensors[&tensor.name].flatten_all()?.to_vec1()?)).collect()
    }

    /// The weights that are being trained, not their average.
    fn live_weights(&self) -> Result<NamedTensors, StepError> {
        self.ask(|core| core.tensors(core.memory.parameters, 0))
    }
}
