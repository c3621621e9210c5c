//! One layer's parameters, their gradients and the optimiser's state, as the kernels keep them.

use super::backward::NARROW;
use super::norm::Norm;
use super::plan;
use crate::OptimizerConfig;
use crate::optimizer::{Pace, UpdateRule};
use candle_core::{Device, Tensor};
use relumine_kernels::product::{Gradient, Target};
use relumine_kernels::{Activation, Panels};
use relumine_model::{LayerSpec, Role, TensorSpec};

/// A named tensor: a parameter with its slots, or a buffer, which has none. A weight is `[in, out]`, everything else `[1, out]`.
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
    /// The identity where it is a maxout.
    pub(super) activation: Activation,
    pub(super) weight: Tracked,
    pub(super) bias: Tracked,
    pub(super) gradient: Gradient,
    pub(super) norm: Option<Norm>,
}

/// What makes a layer's tensors.
#[derive(Clone, Copy)]
pub(super) struct Maker<'a> {
    pub(super) spec: &'a LayerSpec,
    pub(super) seed: u64,
    pub(super) rule: &'a dyn UpdateRule,
    /// Whether evaluation uses averages.
    pub(super) is_averaged: bool,
}

impl Maker<'_> {
    /// The tensor of this role with its initial values; empty where the layer has none.
    pub(super) fn tensor(self, role: Role) -> Tracked {
        let tensors = self.spec.tensors();
        let Some(tensor) = tensors.iter().find(|tensor| tensor.role == role) else {
            return Tracked { name: String::new(), role, value: Panels::zeros(0, 0), slots: Vec::new(), average: None };
        };
        let (rows, columns) = shape(self.spec, tensor);
        let mut value = Panels::zeros(rows, columns);
        value.copy_from_transposed(&self.spec.initial_values(tensor, self.seed));
        let mut slot = Panels::zeros(rows, columns);
        if self.rule.initial() != 0.0 {
            slot.copy_from_transposed(&vec![self.rule.initial() as f32; rows * columns]);
        }
        let slots = if role.is_trainable() { self.rule.slots().len() } else { 0 };
        let average = (self.is_averaged && role.is_trainable()).then(|| value.clone());
        Tracked { name: tensor.name.clone(), role, value, slots: vec![slot; slots], average }
    }
}

fn shape(spec: &LayerSpec, tensor: &TensorSpec) -> (usize, usize) {
    if tensor.role == Role::Weight { (spec.fan_in, spec.fan_out) } else { (1, tensor.shape.iter().product()) }
}

impl Tracked {
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

    /// Values of this tensor's shape, such as a slot, as a tensor.
    pub(super) fn to_tensor(&self, values: &Panels) -> candle_core::Result<Tensor> {
        Tensor::from_vec(values.to_transposed(), self.shape(), &Device::Cpu)
    }
}

impl Layer {
    /// A layer with fresh parameters.
    pub(super) fn new(maker: Maker<'_>) -> Self {
        let spec = maker.spec;
        Self {
            spec: spec.clone(),
            activation: plan::kernel_activation(&spec.activation),
            weight: maker.tensor(Role::Weight),
            bias: maker.tensor(Role::Bias),
            gradient: Gradient { weight: Panels::zeros(spec.fan_in, spec.fan_out), bias: Panels::zeros(1, spec.fan_out) },
            norm: Norm::new(maker),
        }
    }

    /// Affine maps of each unit: 1, but for a maxout.
    pub(super) fn pieces(&self) -> usize {
        self.spec.fan_out / self.spec.units.max(1)
    }

    /// The weight and bias of a pass.
    pub(super) fn affine(&self, is_training: bool) -> (&Panels, &Panels) {
        if is_training { (&self.weight.value, &self.bias.value) } else { (self.weight.evaluated(), self.bias.evaluated()) }
    }

    /// Whether, as the last layer, it has so few outputs that a training pass goes through it there and back in one phase.
    pub(super) fn goes_there_and_back(&self) -> bool {
        self.spec.fan_out < NARROW
    }

    /// Each parameter with its gradient, to change.
    pub(super) fn parameters_mut(&mut self) -> impl Iterator<Item = (&mut Tracked, &mut Panels)> {
        let dense = [(&mut self.weight, &mut self.gradient.weight), (&mut self.bias, &mut self.gradient.bias)];
        dense.into_iter().chain(self.norm.iter_mut().flat_map(Norm::parameters_mut))
    }

    /// Each parameter with its gradient.
    pub(super) fn parameters(&self) -> impl Iterator<Item = (&Tracked, &Panels)> {
        let dense = [(&self.weight, &self.gradient.weight), (&self.bias, &self.gradient.bias)];
        dense.into_iter().chain(self.norm.iter().flat_map(Norm::parameters))
    }

    /// Parameters and buffers.
    pub(super) fn tensors(&self) -> impl Iterator<Item = &Tracked> {
        self.parameters().map(|(tracked, _)| tracked).chain(self.norm.iter().flat_map(Norm::buffers))
    }

    /// Parameters and buffers, to change.
    pub(super) fn tensors_mut(&mut self) -> impl Iterator<Item = &mut Tracked> {
        let dense = [&mut self.weight, &mut self.bias];
        dense.into_iter().chain(self.norm.iter_mut().flat_map(Norm::tensors_mut))
    }
}
