//! Optimisers: how a gradient becomes a change of a parameter. PyTorch's definitions are the truth here; where Keras differs, the docstring
//! says so.

mod adadelta;
mod adagrad;
mod adam;
mod clock;
mod config;
mod gradients;
mod lion;
mod nadam;
mod rmsprop;
mod sgd;
mod state;

pub use adadelta::Adadelta;
pub use adagrad::Adagrad;
pub use adam::Adam;
pub(crate) use clock::{Clock, Pace};
pub use config::{DecayOf, OptimizerConfig, OptimizerName};
pub use lion::Lion;
pub use nadam::Nadam;
pub use rmsprop::RmsProp;
pub use sgd::Sgd;
pub(crate) use state::{STEP, read_state};

use crate::Horizon;
use candle_core::{Result, Tensor};
use relumine_model::{Parameter, Parameters, Role};

/// An optimiser with its state: for each parameter a tensor per slot, such as Adam's two moments.
#[derive(Debug)]
pub struct Optimizer {
    rule: Box<dyn UpdateRule>,
    clock: Clock,
    /// One entry per parameter, in their order.
    slots: Vec<ParameterState>,
}

#[derive(Debug)]
struct ParameterState {
    name: String,
    /// In the order of [`UpdateRule::slots`], each of the parameter's shape.
    values: Vec<Tensor>,
}

/// What a file in this folder provides: the arithmetic of one parameter's update.
pub(crate) trait UpdateRule: std::fmt::Debug + Send {
    /// The names of the tensors to remember for each parameter, as PyTorch calls them.
    fn slots(&self) -> &'static [&'static str];

    /// What every element of every slot is before the first step.
    fn initial(&self) -> f64 {
        0.0
    }

    /// The change of a parameter, to be subtracted from it.
    fn update(&self, gradient: &Tensor, slots: &mut [Tensor], pace: Pace) -> Result<Tensor>;
}

impl Optimizer {
    /// An optimiser that has taken no step.
    ///
    /// # Errors
    /// Those of Candle: a device out of memory.
    pub fn new(config: &OptimizerConfig, parameters: &Parameters, horizon: Horizon) -> Result<Self> {
        let clock = Clock::new(config, horizon);
        let rule = clock.config.rule();
        let mut slots = Vec::new();
        for Parameter { name, var, .. } in parameters.trainable() {
            let zeros = var.zeros_like()?;
            let values = rule.slots().iter().map(|_| zeros.affine(1.0, rule.initial())).collect::<Result<_>>()?;
            slots.push(ParameterState { name: name.clone(), values });
        }
        Ok(Self { rule, clock, slots })
    }

    /// Steps taken.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.clock.steps
    }

    /// The learning rate of the next step.
    #[must_use]
    pub fn learning_rate(&self) -> f64 {
        self.clock.learning_rate()
    }

    /// Multiplies the learning rates of all coming steps by `factor`, in place of the factor given before.
    pub fn scale_learning_rate(&mut self, factor: f64) {
        self.clock.outer_factor = factor;
    }

    /// Takes one step: adds the penalties' gradients, clips, decays the weights, updates every parameter, and bounds the norms of units.
    /// `gradients` are those of [`Parameters::trainable`], in its order.
    ///
    /// # Errors
    /// Those of Candle: a device out of memory.
    pub fn step(&mut self, parameters: &Parameters, mut gradients: Vec<Tensor>) -> Result<()> {
        gradients::add_penalties(&self.clock.config, parameters, &mut gradients)?;
        gradients::clip(&self.clock.config, &mut gradients)?;
        let pace = self.clock.pace();
        self.clock.steps += 1;
        for ((parameter, gradient), state) in parameters.trainable().zip(gradients).zip(&mut self.slots) {
            let mut value = parameter.var.as_detached_tensor();
            let mut gradient = gradient;
            let decay = self.clock.config.decay_of(parameter.role);
            if decay != 0.0 && self.clock.config.name.decouples_weight_decay() {
                value = (value * (1.0 - pace.learning_rate * decay))?;
            } else if decay != 0.0 {
                gradient = (gradient + (&value * decay)?)?;
            }
            let mut value = (value - self.rule.update(&gradient, &mut state.values, pace)?)?;
            if let (Some(max_norm), Role::Weight) = (self.clock.config.max_norm, parameter.role) {
                value = bound_unit_norms(&value, max_norm)?;
            }
            parameter.var.set(&value)?;
        }
        Ok(())
    }
}

/// Scales every row of a weight `[out, in]`, which is what one unit listens to, whose Euclidean norm is over `max_norm` down to it: by
/// `max_norm / (norm + 1e-7)` (Srebro, Rennie and Jaakkola 2005; Srivastava et al. 2014, section 5.1). As `torch.renorm(w, 2, 0,
/// max_norm)`, and `keras.constraints.MaxNorm` on the transposed kernel.
fn bound_unit_norms(weight_oi: &Tensor, max_norm: f64) -> Result<Tensor> {
    let norms = weight_oi.sqr()?.sum_keepdim(1)?.sqrt()?;
    let factors = ((&norms + 1e-7)?.recip()? * max_norm)?;
    let factors = norms.gt(max_norm)?.where_cond(&factors, &norms.ones_like()?)?;
    weight_oi.broadcast_mul(&factors)
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    /// Row 0 has norm 5, row 1 norm 1.
    #[test]
    fn units_over_the_bound_come_down_to_it_and_others_stay() {
        let weight = Tensor::new(&[[3.0_f32, 4.0], [0.6, 0.8]], &Device::Cpu).unwrap();
        let bounded = bound_unit_norms(&weight, 2.0).unwrap().to_vec2::<f32>().unwrap();
        assert!((bounded[0][0] - 1.2).abs() < 1e-6 && (bounded[0][1] - 1.6).abs() < 1e-6, "{bounded:?}");
        assert_eq!(bounded[1], [0.6, 0.8]);
    }
}
