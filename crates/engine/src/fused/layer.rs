//! One layer's parameters, their gradients and the optimiser's state, as the kernels keep them.

use super::plan;
use crate::OptimizerConfig;
use crate::optimizer::{Pace, UpdateRule};
use candle_core::{Device, Tensor};
use relumine_kernels::product::{Gradient, Target};
use relumine_kernels::{Activation, Panels};
use relumine_model::{LayerSpec, Role};

/// A parameter with its slots: a weight `[in, out]`, or a bias `[1, out]`.
#[derive(Clone, Debug)]
pub(super) struct Tracked {
    pub(super) name: String,
    pub(super) role: Role,
    pub(super) value: Panels,
    /// In the order of [`UpdateRule::slots`].
    pub(super) slots: Vec<Panels>,
    /// What evaluation uses, where it is an average.
    pub(super) average: Option<Panels>,
}

/// A dense layer.
#[derive(Clone, Debug)]
pub(super) struct Layer {
    pub(super) spec: LayerSpec,
    pub(super) activation: Activation,
    pub(super) weight: Tracked,
    pub(super) bias: Tracked,
    pub(super) gradient: Gradient,
}

impl Tracked {
    fn new((rows, columns): (usize, usize), (name, role): (String, Role), rule: &dyn UpdateRule, averaged: bool) -> Self {
        let mut slot = Panels::zeros(rows, columns);
        if rule.initial() != 0.0 {
            slot.copy_from_transposed(&vec![rule.initial() as f32; rows * columns]);
        }
        let value = Panels::zeros(rows, columns);
        Self { name, role, average: averaged.then(|| value.clone()), value, slots: vec![slot; rule.slots().len()] }
    }

    /// This parameter as the kernels update it.
    pub(super) fn target(&mut self, config: &OptimizerConfig, pace: Pace) -> Target<'_> {
        Target { update: plan::update(config, pace, self.role, 1.0), parameter: &mut self.value, slots: &mut self.slots }
    }

    /// What evaluation uses.
    pub(super) fn evaluated(&self) -> &Panels {
        self.average.as_ref().unwrap_or(&self.value)
    }

    /// The shape that other programs know: `[out, in]` or `[out]`.
    pub(super) fn shape(&self) -> Vec<usize> {
        match self.role {
            Role::Weight => vec![self.value.columns(), self.value.rows()],
            _ => vec![self.value.columns()],
        }
    }

    /// Values of this parameter's shape, such as a slot, as a tensor.
    pub(super) fn to_tensor(&self, values: &Panels) -> candle_core::Result<Tensor> {
        Tensor::from_vec(values.to_transposed(), self.shape(), &Device::Cpu)
    }
}

impl Layer {
    /// A layer with fresh parameters.
    pub(super) fn new(spec: &LayerSpec, activation: Activation, seed: u64, rule: &dyn UpdateRule, averaged: bool) -> Self {
        let mut tensors = spec.tensors().into_iter().map(|tensor| {
            let shape = if tensor.role == Role::Weight { (spec.fan_in, spec.fan_out) } else { (1, spec.fan_out) };
            let mut tracked = Tracked::new(shape, (tensor.name.clone(), tensor.role), rule, averaged);
            tracked.value.copy_from_transposed(&spec.initial_values(&tensor, seed));
            tracked.average = averaged.then(|| tracked.value.clone());
            tracked
        });
        // A layer without a norm has a weight and then a bias.
        let (weight, bias) = (tensors.next(), tensors.next());
        let empty = || Tracked::new((0, 0), (String::new(), Role::Bias), rule, false);
        let (weight, bias) = (weight.unwrap_or_else(empty), bias.unwrap_or_else(empty));
        let gradient = Gradient { weight: Panels::zeros(spec.fan_in, spec.fan_out), bias: Panels::zeros(1, spec.fan_out) };
        Self { spec: spec.clone(), activation, weight, bias, gradient }
    }

    /// Each parameter with its gradient, to change.
    pub(super) fn parameters_mut(&mut self) -> [(&mut Tracked, &mut Panels); 2] {
        [(&mut self.weight, &mut self.gradient.weight), (&mut self.bias, &mut self.gradient.bias)]
    }

    /// Each parameter with its gradient.
    pub(super) fn parameters(&self) -> [(&Tracked, &Panels); 2] {
        [(&self.weight, &self.gradient.weight), (&self.bias, &self.gradient.bias)]
    }
}
