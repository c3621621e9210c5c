//! The readable step, on Candle's automatic differentiation.

mod probe;

use crate::error::largest_gradient;
use crate::metrics::Totals;
use crate::probe::{Noted, Probe};
use crate::{Augmentation, Average, Examples, Horizon, NamedTensors, Objective, Optimizer, OptimizerConfig, Step, StepError};
use candle_core::backprop::GradStore;
use candle_core::{DType, Device, Tensor};
use relumine_kernels::Team;
use relumine_kernels::augment::{Augmenter, Place};
use relumine_kernels::gpu::Precision;
use relumine_model::{Architecture, BatchStatistics, Head, MaskPosition, Mlp, Mode, Parameter, Parameters};
use std::cell::RefCell;

/// How a model is trained: everything but the data and the device.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TrainingConfig {
    /// How gradients change the weights.
    pub optimizer: OptimizerConfig,
    /// What is minimised.
    pub objective: Objective,
    /// How training images are changed at random, if they are.
    pub augmentation: Option<Augmentation>,
    /// How many rows go through the network at a time; gradients are accumulated over the rows of a step. All of them where absent.
    pub micro_batch: Option<usize>,
    /// What schedules measure time by.
    pub horizon: Horizon,
    /// Draws the initial weights, dropout masks, noise and augmentation.
    pub seed: u64,
    /// What the factors of matrix products are rounded to, by a step that can: the fused one on CUDA.
    pub precision: Precision,
    /// CPU threads of a step that has threads of its own; 0 counts as 1. The results do not depend on it.
    pub threads: usize,
}

/// Forward, backward and update with Candle's operations. It runs every configuration on every device; other steps must agree with it.
///
/// The logits are read back after every forward pass, to stop at the very step whose loss is not finite.
#[derive(Debug)]
pub struct ReferenceStep {
    mlp: Mlp,
    parameters: Parameters,
    average: Option<Average>,
    optimizer: Optimizer,
    objective: Objective,
    /// Threads for it, as images are changed on the host.
    augmenter: Option<(Augmenter, RefCell<Team>)>,
    micro_batch: Option<usize>,
    head: Head,
    seed: u64,
    totals: Totals,
    /// For probes.
    noted: Noted,
}

/// What the passes over the rows of one step come to.
struct Accumulated {
    /// Of the mean loss, one per trainable parameter.
    gradients: Vec<Tensor>,
    statistics: Vec<(u16, BatchStatistics)>,
    totals: Totals,
}

/// Beside the optimiser's state: the weights that are being trained, where evaluation uses their average.
pub(crate) const LIVE: &str = ".live";

impl ReferenceStep {
    /// Rows evaluated at a time: enough to fill a device, and 3 MB of MNIST.
    pub const EVALUATION_ROWS: usize = 1024;

    /// A model with fresh parameters.
    ///
    /// # Errors
    /// Those of Candle: a device out of memory.
    pub fn new(architecture: &Architecture, config: &TrainingConfig, device: &Device) -> Result<Self, StepError> {
        let parameters = Parameters::initialize(architecture, config.seed, DType::F32, device)?;
        let average = |decay| Average::new(decay, architecture, &parameters, DType::F32, device);
        Ok(Self {
            mlp: Mlp::new(architecture, parameters.var_builder(DType::F32, device))?,
            average: config.optimizer.ema_decay.map(average).transpose()?,
            optimizer: Optimizer::new(&config.optimizer, &parameters, config.horizon)?,
            parameters,
            objective: config.objective.clone(),
            augmenter: config
                .augmentation
                .map(|augmentation| (augmentation.augmenter(config.seed, config.threads), RefCell::new(Team::new(config.threads)))),
            micro_batch: config.micro_batch,
            head: architecture.head,
            seed: config.seed,
            totals: Totals::default(),
            noted: Noted::default(),
        })
    }

    /// The gradients of the mean loss, by parameter. For tests and comparisons between steps.
    ///
    /// # Errors
    /// As [`Step::train`].
    pub fn gradients(&self, examples: &Examples, rows: &[u32]) -> Result<NamedTensors, StepError> {
        let Accumulated { gradients, .. } = self.accumulate(examples, rows)?;
        Ok(self.parameters.trainable().map(|parameter| parameter.name.clone()).zip(gradients).collect())
    }

    /// The gradients of the mean loss over all of `rows`, which go through the network in micro-batches: the masks are those of the whole
    /// batch, and each micro-batch adds its share of the mean.
    fn accumulate(&self, examples: &Examples, rows: &[u32]) -> Result<Accumulated, StepError> {
        let total_weight = self.objective.total_weight(examples.labels_of(rows).into_iter());
        let mut sum = Accumulated { gradients: Vec::new(), statistics: Vec::new(), totals: Totals::default() };
        let mut first_row = 0;
        for rows in rows.chunks(self.micro_batch.unwrap_or(rows.len()).max(1)) {
            // The masks' counter is 32 bits wide; after 2^32 steps they would repeat.
            let at = MaskPosition { seed: self.seed, step: self.optimizer.steps() as u32, first_row };
            let (inputs, labels) = match &self.augmenter {
                None => examples.batch(rows)?,
                Some((augmenter, team)) => {
                    examples.augmented_batch(augmenter, &mut team.borrow_mut(), rows, Place { step: at.step, first_row })?
                }
            };
            first_row += rows.len() as u32;
            let pass = self.mlp.forward(&inputs, Mode::Training(at))?;
            let host_logits = pass.logits.flatten_all()?.to_vec1::<f32>()?;
            sum.totals += Totals::of(self.head, &host_logits, &examples.labels_of(rows));
            let loss = mean_loss(self.objective.sum(self.head, &pass.logits, &labels)?, total_weight)?;
            let gradients = self.collect(&loss.backward()?)?;
            sum.gradients = match sum.gradients.as_slice() {
                [] => gradients,
                sums => sums.iter().zip(&gradients).map(|(sum, gradient)| sum + gradient).collect::<Result<_, _>>()?,
            };
            sum.statistics.extend(pass.statistics);
        }
        Ok(sum)
    }

    /// One gradient per parameter, in order. A missing one is a fault of the model's operations; a gradient of zeros is not.
    fn collect(&self, gradients: &GradStore) -> Result<Vec<Tensor>, StepError> {
        let gradient = |parameter: &Parameter| {
            let missing = || StepError::NoGradient { parameter: parameter.name.clone(), step: self.optimizer.steps() + 1 };
            gradients.get(&parameter.var).cloned().ok_or_else(missing)
        };
        self.parameters.trainable().map(gradient).collect()
    }

    /// What evaluation uses: the average where there is one.
    fn evaluated(&self) -> (&Mlp, &Parameters) {
        self.average.as_ref().map_or((&self.mlp, &self.parameters), |average| (average.mlp(), average.parameters()))
    }

    fn non_finite_loss(&self, loss: f64, gradients: &[Tensor]) -> Result<StepError, StepError> {
        let values = gradients.iter().map(|gradient| gradient.flatten_all()?.to_vec1::<f32>());
        let values = values.collect::<Result<Vec<_>, _>>()?;
        let names = self.parameters.trainable().map(|parameter| parameter.name.clone());
        let (gradient, parameter) = largest_gradient(names.zip(values));
        let (step, learning_rate) = (self.optimizer.steps() + 1, self.optimizer.learning_rate());
        Ok(StepError::NonFiniteLoss { step, loss, learning_rate, gradient, parameter })
    }
}

/// A window of classes that all weigh nothing has no mean, and nothing to learn from. A plain factor of 0 would be an end to Candle's backward
/// pass.
fn mean_loss(sum: Tensor, total_weight: f64) -> Result<Tensor, StepError> {
    Ok(if total_weight > 0.0 { (sum * total_weight.recip())? } else { (&sum * sum.zeros_like()?)? })
}

impl Step for ReferenceStep {
    fn name(&self) -> &'static str {
        "reference"
    }

    fn train(&mut self, examples: &Examples, rows: &[u32]) -> Result<(), StepError> {
        let Accumulated { gradients, statistics, totals } = self.accumulate(examples, rows)?;
        if !totals.loss.is_finite() {
            return Err(self.non_finite_loss(totals.mean_loss(), &gradients)?);
        }
        self.parameters.absorb(&statistics)?;
        self.optimizer.step(&self.parameters, gradients)?;
        if let Some(average) = &self.average {
            average.update(&self.parameters, self.optimizer.steps())?;
        }
        self.totals += totals;
        Ok(())
    }

    fn totals(&self) -> Result<Totals, StepError> {
        Ok(self.totals)
    }

    fn reset_totals(&mut self) -> Result<(), StepError> {
        self.totals = Totals::default();
        Ok(())
    }

    fn restore_totals(&mut self, totals: Totals) -> Result<(), StepError> {
        self.totals = totals;
        Ok(())
    }

    fn logits(&self, examples: &Examples, rows: &[u32]) -> Result<Vec<f32>, StepError> {
        let mut logits = Vec::new();
        for rows in rows.chunks(Self::EVALUATION_ROWS) {
            let (inputs, _) = examples.batch(rows)?;
            logits.extend(self.evaluated().0.forward(&inputs, Mode::Evaluation)?.logits.flatten_all()?.to_vec1::<f32>()?);
        }
        Ok(logits)
    }

    fn note_weights(&mut self) -> Result<(), StepError> {
        Ok(self.note()?)
    }

    fn probe(&mut self, examples: &Examples, rows: &[u32]) -> Result<Probe, StepError> {
        self.look(examples, rows)
    }

    fn steps(&self) -> u64 {
        self.optimizer.steps()
    }

    fn learning_rate(&self) -> f64 {
        self.optimizer.learning_rate()
    }

    fn scale_learning_rate(&mut self, factor: f64) {
        self.optimizer.scale_learning_rate(factor);
    }

    fn parameters(&self) -> Result<NamedTensors, StepError> {
        Ok(self.evaluated().1.to_tensors()?)
    }

    fn load_parameters(&mut self, parameters: &NamedTensors) -> Result<(), StepError> {
        self.parameters.load(parameters)?;
        self.average.as_ref().map_or(Ok(()), |average| Ok(average.parameters().load(parameters)?))
    }

    fn optimizer_state(&self) -> Result<NamedTensors, StepError> {
        let mut state = self.optimizer.state()?;
        if self.average.is_some() {
            for Parameter { name, var, .. } in self.parameters.trainable() {
                state.insert(format!("{name}{LIVE}"), var.as_detached_tensor().copy()?);
            }
        }
        Ok(state)
    }

    fn load_optimizer_state(&mut self, state: &NamedTensors) -> Result<(), StepError> {
        let (live, state): (NamedTensors, NamedTensors) = state.clone().into_iter().partition(|(name, _)| name.ends_with(LIVE));
        let expected = if self.average.is_some() { self.parameters.trainable().count() } else { 0 };
        if live.len() != expected {
            return Err(StepError::ForeignState { problem: format!("has {} averaged parameters, not {expected}", live.len()) });
        }
        let mut weights = self.parameters.to_tensors()?;
        for (name, tensor) in live {
            weights.insert(name.trim_end_matches(LIVE).to_owned(), tensor);
        }
        // What is refused has changed nothing: the weights are put back if the rest of the state is foreign.
        let before = self.parameters.to_tensors()?;
        self.parameters.load(&weights)?;
        self.optimizer.load_state(&state).inspect_err(|_| drop(self.parameters.load(&before)))
    }
}
