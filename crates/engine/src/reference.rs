//! The readable step, on Candle's automatic differentiation.

use crate::loss::loss;
use crate::metrics::Totals;
use crate::{Examples, NamedTensors, Optimizer, OptimizerConfig, Step, StepError};
use candle_core::backprop::GradStore;
use candle_core::{DType, Device, Tensor};
use relumine_model::{Architecture, Head, MaskPosition, Mlp, Mode, Parameters, Role};

/// Forward, backward and update with Candle's operations. It runs every configuration on every device; other steps must agree with it.
///
/// The logits are read back after every forward pass, to stop at the very step whose loss is not finite.
#[derive(Debug)]
pub struct ReferenceStep {
    mlp: Mlp,
    parameters: Parameters,
    optimizer: Optimizer,
    head: Head,
    seed: u64,
    totals: Totals,
}

impl ReferenceStep {
    /// Rows evaluated at a time: enough to fill a device, and 3 MB of MNIST.
    pub const EVALUATION_ROWS: usize = 1024;

    /// A model with fresh parameters from `seed`, which also draws the dropout masks.
    ///
    /// # Errors
    /// Those of Candle: a device out of memory.
    pub fn new(architecture: &Architecture, optimizer: &OptimizerConfig, seed: u64, device: &Device) -> Result<Self, StepError> {
        let parameters = Parameters::initialize(architecture, seed, DType::F32, device)?;
        let mlp = Mlp::new(architecture, parameters.var_builder(DType::F32, device))?;
        let roles: Vec<Role> = architecture.parameters().into_iter().map(|parameter| parameter.role).collect();
        let optimizer = Optimizer::new(optimizer, &parameters, &roles)?;
        Ok(Self { mlp, parameters, optimizer, head: architecture.head, seed, totals: Totals::default() })
    }

    /// The gradients of the mean loss, by parameter. For tests and comparisons between steps.
    ///
    /// # Errors
    /// As [`Step::train`].
    pub fn gradients(&self, examples: &Examples, rows: &[u32]) -> Result<NamedTensors, StepError> {
        let (loss, _) = self.forward(examples, rows)?;
        let gradients = self.collect(&loss.backward()?)?;
        Ok(self.parameters.iter().map(|(name, _)| name.to_owned()).zip(gradients).collect())
    }

    /// The mean loss as Candle sees it, and the totals of the same logits in f64.
    fn forward(&self, examples: &Examples, rows: &[u32]) -> Result<(Tensor, Totals), StepError> {
        let (inputs, labels) = examples.batch(rows)?;
        // The masks' counter is 32 bits wide; after 2^32 steps they would repeat.
        let at = MaskPosition { seed: self.seed, step: self.optimizer.steps() as u32, first_row: 0 };
        let logits = self.mlp.forward(&inputs, Mode::Training(at))?;
        let host_logits = logits.flatten_all()?.to_vec1::<f32>()?;
        let totals = Totals::of(self.head, &host_logits, &examples.labels_of(rows));
        Ok((loss(self.head, &logits, &labels)?, totals))
    }

    /// One gradient per parameter, in order. A missing one is a fault of the model's operations; a gradient of zeros is not.
    fn collect(&self, gradients: &GradStore) -> Result<Vec<Tensor>, StepError> {
        let gradient = |(name, var): (&str, &candle_core::Var)| {
            let missing = || StepError::NoGradient { parameter: name.to_owned(), step: self.optimizer.steps() + 1 };
            gradients.get(var).cloned().ok_or_else(missing)
        };
        self.parameters.iter().map(gradient).collect()
    }

    fn non_finite_loss(&self, loss: f64, gradients: &[Tensor]) -> Result<StepError, StepError> {
        let (mut largest, mut parameter) = (0.0_f64, String::new());
        for ((name, _), gradient) in self.parameters.iter().zip(gradients) {
            for value in gradient.flatten_all()?.to_vec1::<f32>()? {
                let magnitude = f64::from(value).abs();
                if parameter.is_empty() || magnitude > largest || (magnitude.is_nan() && !largest.is_nan()) {
                    (largest, parameter) = (magnitude, name.to_owned());
                }
            }
        }
        let (step, learning_rate) = (self.optimizer.steps() + 1, self.optimizer.learning_rate());
        Ok(StepError::NonFiniteLoss { step, loss, learning_rate, gradient: largest, parameter })
    }
}

impl Step for ReferenceStep {
    fn name(&self) -> &'static str {
        "reference"
    }

    fn train(&mut self, examples: &Examples, rows: &[u32]) -> Result<(), StepError> {
        let (loss, totals) = self.forward(examples, rows)?;
        let gradients = self.collect(&loss.backward()?)?;
        if !totals.loss.is_finite() {
            return Err(self.non_finite_loss(totals.mean_loss(), &gradients)?);
        }
        self.optimizer.step(&self.parameters, gradients)?;
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

    fn logits(&self, examples: &Examples, rows: &[u32]) -> Result<Vec<f32>, StepError> {
        let mut logits = Vec::new();
        for rows in rows.chunks(Self::EVALUATION_ROWS) {
            let (inputs, _) = examples.batch(rows)?;
            logits.extend(self.mlp.forward(&inputs, Mode::Evaluation)?.flatten_all()?.to_vec1::<f32>()?);
        }
        Ok(logits)
    }

    fn steps(&self) -> u64 {
        self.optimizer.steps()
    }

    fn learning_rate(&self) -> f64 {
        self.optimizer.learning_rate()
    }

    fn parameters(&self) -> Result<NamedTensors, StepError> {
        Ok(self.parameters.to_tensors()?)
    }

    fn load_parameters(&mut self, parameters: &NamedTensors) -> Result<(), StepError> {
        Ok(self.parameters.load(parameters)?)
    }

    fn optimizer_state(&self) -> Result<NamedTensors, StepError> {
        Ok(self.optimizer.state()?)
    }

    fn load_optimizer_state(&mut self, state: &NamedTensors) -> Result<(), StepError> {
        self.optimizer.load_state(state)
    }
}
