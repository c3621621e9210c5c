//! The fast step on the CPU: its own kernels, preallocated buffers, and no work on zeros.

mod backward;
mod fetch;
mod forward;
mod layer;
mod norm;
mod pass;
mod plan;
mod probe;
mod products;
mod replicas;
mod state;
mod workspace;

use crate::error::largest_gradient;
use crate::metrics::Totals;
use crate::optimizer::{Clock, Pace};
use crate::probe::{Noted, Probe};
use crate::{Examples, NamedTensors, Objective, Step, StepError, TrainingConfig};
use candle_core::Device;
use layer::{Layer, Maker};
pub(crate) use plan::{NormPlan, dropout, kernel_activation, norm as norm_plan, update as update_constants};
use products::LayerTally;
pub use products::{LayerProducts, ZeroSkipping};
use relumine_kernels::Team;
use relumine_kernels::augment::Augmenter;
use relumine_kernels::optimizer::{self, Decay};
use relumine_model::{Architecture, Head, Role};
pub use replicas::Replicas;
pub(crate) use state::host_values;
use std::cell::RefCell;
use workspace::Workspace;

/// Forward, backward and update by the kernels of `relumine-kernels`, in phases that divide their work by shape among the threads. The same
/// configuration gives the same bits at any number of threads, and by every instruction set but the portable one, if no library does its
/// products. It computes what [`ReferenceStep`](crate::ReferenceStep) computes, up to rounding: sums are added in another order,
/// exponentials and their kin are polynomials of its own, Adam's quotient is a refined approximation, and what is too small to matter in an
/// optimiser's slots counts as zero. Weights that are no numbers show only where their inputs are not zero.
///
/// Where enough of a layer's inputs are zero, its products skip them: see [`uses`](Self::uses).
#[derive(Debug)]
pub struct FusedStep {
    layers: Vec<Layer>,
    clock: Clock,
    objective: Objective,
    /// The objective's class weights as the kernel takes them.
    class_weights: Vec<f32>,
    augmenter: Option<Augmenter>,
    micro_batch: Option<usize>,
    head: Head,
    seed: u64,
    ema_decay: Option<f64>,
    totals: Totals,
    /// For probes.
    noted: Noted,
    /// What evaluation needs to change, too.
    hands: RefCell<Hands>,
}

/// Threads and buffers.
#[derive(Debug)]
struct Hands {
    team: Team,
    workspace: Workspace,
    uses: Vec<Use>,
    /// Of the training passes since the totals were reset.
    tallies: Vec<LayerTally>,
}

/// What a layer's latest pass made of its inputs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Use {
    /// Share of the inputs that were not zero; 1 where nobody looked.
    pub lit_share: f64,
    /// Whether the products skipped the zeros.
    pub skips_zeros: bool,
}

impl FusedStep {
    /// Rows evaluated at a time.
    pub const EVALUATION_ROWS: usize = 256;

    /// Products skip zeros where the share of inputs that are not zero is under this: by `cargo bench -p relumine-kernels`, the forward and the
    /// weights' product break even between 0.45 and 0.55.
    pub const SKIP_BELOW: f64 = 0.45;

    /// Why this device cannot train so, as the end of a sentence.
    ///
    /// # Errors
    /// A device other than the CPU: every architecture has a fused form.
    pub fn supports(device: &Device) -> Result<(), String> {
        plan::check(device)
    }

    /// A model with fresh parameters, the same as the reference step's.
    ///
    /// # Errors
    /// A device other than the CPU.
    pub fn new(architecture: &Architecture, config: &TrainingConfig, device: &Device) -> Result<Self, StepError> {
        plan::check(device).map_err(|reason| StepError::NotFused { reason })?;
        let clock = Clock::new(&config.optimizer, config.horizon);
        let (rule, is_averaged) = (clock.config.rule(), config.optimizer.ema_decay.is_some());
        let layer = |spec| Layer::new(Maker { spec, seed: config.seed, rule: &*rule, is_averaged });
        let layers: Vec<Layer> = architecture.layers.iter().map(layer).collect();
        let workspace = Workspace::new(&layers, 0);
        let uses = vec![Use::default(); layers.len()];
        let tallies = vec![LayerTally::default(); layers.len()];
        Ok(Self {
            layers,
            clock,
            class_weights: config.objective.class_weights.iter().flatten().map(|weight| *weight as f32).collect(),
            objective: config.objective.clone(),
            augmenter: config.augmentation.map(|augmentation| augmentation.augmenter(config.seed, config.threads)),
            micro_batch: config.micro_batch,
            head: architecture.head,
            seed: config.seed,
            ema_decay: config.optimizer.ema_decay,
            totals: Totals::default(),
            noted: Noted::default(),
            hands: RefCell::new(Hands { team: Team::new(config.threads), workspace, uses, tallies }),
        })
    }

    /// What each layer's latest pass, of training or evaluation, made of its inputs.
    #[must_use]
    pub fn uses(&self) -> Vec<Use> {
        self.hands.borrow().uses.clone()
    }

    /// The gradients of the mean loss, by parameter; zeros without rows. For tests and comparisons between steps.
    ///
    /// # Errors
    /// As [`Step::train`].
    pub fn gradients(&mut self, examples: &Examples, rows: &[u32]) -> Result<NamedTensors, StepError> {
        self.pass(examples, rows, None)?;
        if rows.is_empty() {
            // There was no pass to overwrite those of the one before.
            self.layers.iter_mut().flat_map(Layer::parameters_mut).for_each(|(_, gradient)| gradient.values_mut().fill(0.0));
        }
        let mut gradients = NamedTensors::new();
        for (tracked, gradient) in self.layers.iter().flat_map(Layer::parameters) {
            gradients.insert(tracked.name.clone(), tracked.to_tensor(gradient)?);
        }
        Ok(gradients)
    }

    /// Whether a step can be taken layer by layer, on the way back: where nothing needs all gradients at once.
    fn steps_on_the_way(&self, rows: usize) -> bool {
        let config = &self.clock.config;
        let is_one_pass = self.micro_batch.is_none_or(|micro_batch| rows <= micro_batch);
        is_one_pass && config.clip_norm.is_none() && config.l1 == 0.0 && config.l2 == 0.0
    }

    /// Penalties, clipping, and one pass over every parameter.
    fn update(&mut self, pace: Pace) {
        let config = &self.clock.config;
        let team = &mut self.hands.get_mut().team;
        if config.l1 != 0.0 || config.l2 != 0.0 {
            for layer in &mut self.layers {
                let penalties = (config.l1 as f32, config.l2 as f32);
                optimizer::add_penalties(team, penalties, &layer.weight.value, &mut layer.gradient.weight);
            }
        }
        let gradient_scale = config.clip_norm.map_or(1.0, |clip_norm| {
            let squares = self.layers.iter().flat_map(Layer::parameters).map(|(_, gradient)| optimizer::sum_of_squares(team, gradient));
            // A norm that is no number clips nothing, as in the reference.
            let factor = clip_norm / (squares.sum::<f64>().sqrt() + 1e-6);
            if factor < 1.0 { factor } else { 1.0 }
        });
        for (tracked, gradient) in self.layers.iter_mut().flat_map(Layer::parameters_mut) {
            let settings = plan::update(config, pace, tracked.role, gradient_scale);
            optimizer::update(team, &settings, &mut tracked.value, gradient, &mut tracked.slots);
        }
    }

    /// What follows a step: bounded norms, the average, running statistics, the count.
    fn finish_step(&mut self, pace: Pace) {
        let Hands { team, workspace, .. } = self.hands.get_mut();
        for (norm, buffers) in self.layers.iter_mut().filter_map(|layer| layer.norm.as_mut()).zip(workspace.norms_mut()) {
            norm.absorb(buffers);
        }
        for (tracked, _) in self.layers.iter_mut().flat_map(Layer::parameters_mut) {
            if let (Some(max_norm), Role::Weight) = (self.clock.config.max_norm, tracked.role) {
                optimizer::bound_unit_norms(team, max_norm as f32, &mut tracked.value);
            }
            if let Some(decay) = self.ema_decay {
                let weights = Decay::of(if pace.step == 1 { 0.0 } else { decay });
                if let Some(average) = &mut tracked.average {
                    optimizer::take_average(team, weights, average, &tracked.value);
                }
            }
        }
        self.clock.steps = pace.step;
    }

    /// The loss of the rows that have been accumulated was not finite: the largest gradient, as the reference step reports it.
    fn non_finite_loss(&self, loss: f64) -> StepError {
        let gradients = self.layers.iter().flat_map(Layer::parameters);
        let (gradient, parameter) =
            largest_gradient(gradients.map(|(tracked, gradient)| (tracked.name.clone(), gradient.values().iter().copied())));
        let (step, learning_rate) = (self.clock.steps + 1, self.clock.learning_rate());
        StepError::NonFiniteLoss { step, loss, learning_rate, gradient, parameter }
    }
}

impl Step for FusedStep {
    fn name(&self) -> &'static str {
        "fused"
    }

    fn train(&mut self, examples: &Examples, rows: &[u32]) -> Result<(), StepError> {
        let pace = self.clock.pace();
        let on_the_way = self.steps_on_the_way(rows.len());
        let totals = self.pass(examples, rows, on_the_way.then_some(pace))?;
        if !totals.loss.is_finite() {
            return Err(self.non_finite_loss(totals.mean_loss()));
        }
        // No rows leave the gradients of the rows before.
        if !on_the_way && !rows.is_empty() {
            self.update(pace);
        }
        self.finish_step(pace);
        self.totals += totals;
        Ok(())
    }

    fn totals(&self) -> Result<Totals, StepError> {
        Ok(self.totals)
    }

    fn reset_totals(&mut self) -> Result<(), StepError> {
        self.totals = Totals::default();
        self.hands.get_mut().tallies.fill(LayerTally::default());
        Ok(())
    }

    fn restore_totals(&mut self, totals: Totals) -> Result<(), StepError> {
        self.totals = totals;
        Ok(())
    }

    fn logits(&self, examples: &Examples, rows: &[u32]) -> Result<Vec<f32>, StepError> {
        self.evaluate(examples, rows)
    }

    fn products(&self) -> Vec<LayerProducts> {
        products::report(&self.layers, &self.hands.borrow().tallies)
    }

    fn note_weights(&mut self) -> Result<(), StepError> {
        self.note();
        Ok(())
    }

    fn probe(&mut self, examples: &Examples, rows: &[u32]) -> Result<Probe, StepError> {
        self.look(examples, rows)
    }

    fn steps(&self) -> u64 {
        self.clock.steps
    }

    fn learning_rate(&self) -> f64 {
        self.clock.learning_rate()
    }

    fn scale_learning_rate(&mut self, factor: f64) {
        self.clock.outer_factor = factor;
    }

    fn parameters(&self) -> Result<NamedTensors, StepError> {
        Ok(self.evaluated_tensors()?)
    }

    fn load_parameters(&mut self, parameters: &NamedTensors) -> Result<(), StepError> {
        self.load_tensors(parameters)
    }

    fn optimizer_state(&self) -> Result<NamedTensors, StepError> {
        Ok(self.state_tensors()?)
    }

    fn load_optimizer_state(&mut self, state: &NamedTensors) -> Result<(), StepError> {
        self.load_state_tensors(state)
    }
}
