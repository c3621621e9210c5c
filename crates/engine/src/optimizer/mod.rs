//! Optimisers: how a gradient becomes a change of a parameter. PyTorch's definitions are the truth here.

mod adam;
mod config;
mod sgd;

pub use adam::Adam;
pub use config::{OptimizerConfig, OptimizerName};
pub use sgd::Sgd;

use crate::{Horizon, NamedTensors, StepError};
use candle_core::{DType, Device, Result, Tensor};
use relumine_model::{Parameters, Role};

/// An optimiser with its state: for each parameter a tensor per slot, such as Adam's two moments.
#[derive(Debug)]
pub struct Optimizer {
    rule: Box<dyn UpdateRule>,
    config: OptimizerConfig,
    /// One entry per parameter, in their order.
    slots: Vec<ParameterState>,
    /// Steps taken.
    steps: u64,
}

#[derive(Debug)]
struct ParameterState {
    name: String,
    role: Role,
    /// In the order of [`UpdateRule::slots`], each of the parameter's shape.
    values: Vec<Tensor>,
}

/// What a file in this folder provides: the arithmetic of one parameter's update.
pub(crate) trait UpdateRule: std::fmt::Debug + Send {
    /// The names of the tensors to remember for each parameter, as PyTorch calls them. They start at zero.
    fn slots(&self) -> &'static [&'static str];

    /// The change of a parameter, to be subtracted from it. `step` counts from 1.
    fn update(&self, gradient: &Tensor, slots: &mut [Tensor], learning_rate: f64, step: u64) -> Result<Tensor>;
}

/// The state's own counter, beside the slots.
const STEP: &str = "step";

impl Optimizer {
    /// An optimiser that has taken no step. `roles` says what each parameter is, in order.
    ///
    /// # Errors
    /// Those of Candle: a device out of memory.
    pub fn new(config: &OptimizerConfig, parameters: &Parameters, roles: &[Role]) -> Result<Self> {
        let rule = config.rule();
        let mut slots = Vec::new();
        for ((name, var), role) in parameters.iter().zip(roles) {
            let values = rule.slots().iter().map(|_| var.zeros_like()).collect::<Result<_>>()?;
            slots.push(ParameterState { name: name.to_owned(), role: *role, values });
        }
        Ok(Self { rule, config: config.clone(), slots, steps: 0 })
    }

    /// Steps taken.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The learning rate of the next step.
    #[must_use]
    pub fn learning_rate(&self) -> f64 {
        // The plan of the run does not reach the optimiser yet: a schedule over the whole run takes it for one step.
        let horizon = Horizon { steps_per_epoch: 1, total_steps: 1 };
        self.config.learning_rate * self.config.schedule.factor(self.steps, horizon)
    }

    /// Takes one step: clips the gradients by their common norm, adds weight decay, and updates every parameter.
    ///
    /// # Errors
    /// Those of Candle: a device out of memory.
    pub fn step(&mut self, parameters: &Parameters, mut gradients: Vec<Tensor>) -> Result<()> {
        if let Some(clip_norm) = self.config.clip_norm {
            clip_by_global_norm(&mut gradients, clip_norm)?;
        }
        let learning_rate = self.learning_rate();
        self.steps += 1;
        for (((_, var), gradient), state) in parameters.iter().zip(gradients).zip(&mut self.slots) {
            let gradient = match state.role {
                Role::Weight if self.config.weight_decay != 0.0 => (gradient + (var.as_detached_tensor() * self.config.weight_decay)?)?,
                _ => gradient,
            };
            let change = self.rule.update(&gradient, &mut state.values, learning_rate, self.steps)?;
            var.set(&(var.as_detached_tensor() - change)?)?;
        }
        Ok(())
    }

    /// The state by name: `{parameter}.{slot}`, and `step`.
    ///
    /// # Errors
    /// Those of Candle: a device out of memory.
    pub fn state(&self) -> Result<NamedTensors> {
        let mut state = NamedTensors::new();
        for parameter in &self.slots {
            for (slot, value) in self.rule.slots().iter().zip(&parameter.values) {
                state.insert(format!("{}.{slot}", parameter.name), value.copy()?);
            }
        }
        let steps = i64::try_from(self.steps).map_err(candle_core::Error::wrap)?;
        state.insert(STEP.into(), Tensor::new(&[steps], &Device::Cpu)?);
        Ok(state)
    }

    /// Overwrites the state with what [`state`](Self::state) gave.
    ///
    /// # Errors
    /// A tensor that is missing, unknown or of another shape; nothing has changed then.
    pub fn load_state(&mut self, state: &NamedTensors) -> std::result::Result<(), StepError> {
        let foreign = |problem: String| StepError::ForeignState { problem };
        let expected = 1 + self.slots.len() * self.rule.slots().len();
        if state.len() != expected {
            return Err(foreign(format!("has {} tensors, not {expected}", state.len())));
        }
        let steps = state.get(STEP).ok_or_else(|| foreign("lacks its step counter".into()))?.to_dtype(DType::I64)?;
        let mut loaded = Vec::new();
        for parameter in &self.slots {
            for (slot, current) in self.rule.slots().iter().zip(&parameter.values) {
                let name = format!("{}.{slot}", parameter.name);
                let value = state.get(&name).ok_or_else(|| foreign(format!("lacks {name}")))?;
                if value.dims() != current.dims() {
                    return Err(foreign(format!("has {name} of shape {:?}, not {:?}", value.dims(), current.dims())));
                }
                loaded.push(value.to_device(current.device())?.to_dtype(current.dtype())?);
            }
        }
        let steps = steps.to_vec1::<i64>()?.first().and_then(|steps| u64::try_from(*steps).ok());
        self.steps = steps.ok_or_else(|| foreign("has a broken step counter".into()))?;
        let mut loaded = loaded.into_iter();
        for value in self.slots.iter_mut().flat_map(|parameter| &mut parameter.values) {
            if let Some(tensor) = loaded.next() {
                *value = tensor;
            }
        }
        Ok(())
    }
}

/// Scales all gradients by `min(1, clip_norm / (norm + 1e-6))`, `norm` being the Euclidean norm of all of them together. As
/// `torch.nn.utils.clip_grad_norm_`.
fn clip_by_global_norm(gradients: &mut [Tensor], clip_norm: f64) -> Result<()> {
    let mut sum_of_squares = 0.0;
    for gradient in gradients.iter() {
        sum_of_squares += f64::from(gradient.sqr()?.sum_all()?.to_dtype(DType::F32)?.to_scalar::<f32>()?);
    }
    let factor = clip_norm / (sum_of_squares.sqrt() + 1e-6);
    if factor < 1.0 {
        for gradient in gradients {
            *gradient = (&*gradient * factor)?;
        }
    }
    Ok(())
}
