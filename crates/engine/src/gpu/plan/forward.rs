//! The way forward through a layer.

use super::{Pass, Plan};
use crate::fused::NormPlan;
use relumine_kernels::Activation;
use relumine_kernels::gpu::{
    ActivateArguments, Address, BatchNormArguments, Draws, Launch, LayerNormArguments, MaxoutArguments, Operation, Product, Stage, Values,
};
use relumine_model::Role;
use relumine_model::norm::Position;

impl Plan<'_> {
    /// Leaves the layer's outputs in the next one's inputs, and the logits in the last one's `z`: with their bias in evaluation alone.
    pub(super) fn forward(&self, pass: Pass, layer: usize, stages: &mut Vec<Stage>) {
        if self.is_dense(pass, layer) {
            return stages.push(self.dense_forward(pass, layer));
        }
        let (of_layer, buffers) = self.layer(layer);
        let bias = self.parameter(layer, Role::Bias);
        let Some(next) = self.buffers.layers.get(layer + 1) else {
            // The loss adds the bias itself.
            let bias = if self.is_training() { Values::NONE } else { bias };
            return stages.push(Stage::Run(self.product(pass, layer, buffers.z, bias)));
        };
        let first_norm = of_layer.norm_at(Position::BeforeActivation);
        stages.push(Stage::Run(self.product(pass, layer, buffers.z, if first_norm.is_some() { bias } else { Values::NONE })));
        if let Some(norm) = first_norm {
            stages.push(self.normalize(pass, layer, norm, (buffers.z, buffers.normed)));
        }
        let last_norm = of_layer.norm_at(Position::AfterActivation);
        let activated = if last_norm.is_some() { buffers.normed } else { next.inputs };
        let draws = self.draws(pass, layer + 1);
        let (z, bias) = self.before_activation(layer);
        let mut draws_left = draws;
        if of_layer.is_maxout() {
            stages.push(self.run(Launch::Maxout(self.maxout(pass, layer, activated))));
        } else {
            let draws = if last_norm.is_none() { std::mem::take(&mut draws_left) } else { Draws::default() };
            stages.push(self.activate(pass, layer, (z, bias, activated), of_layer.activation, draws));
        }
        if let Some(norm) = last_norm {
            stages.push(self.normalize(pass, layer, norm, (activated, next.inputs)));
        }
        if draws_left.of_replica != Address::NONE {
            let in_place = (next.inputs, Values::NONE, next.inputs);
            stages.push(self.activate(pass, layer, in_place, Activation::Identity, draws_left));
        }
    }

    fn activate(&self, pass: Pass, layer: usize, (z, bias, out): (Values, Values, Values), activation: Activation, draws: Draws) -> Stage {
        self.run(Launch::Activate(ActivateArguments {
            z,
            bias,
            out,
            progress: self.memory.progress,
            draws,
            activation: activation.into(),
            rows: pass.rows as u32,
            units: self.layer(layer).0.spec.units as u32,
        }))
    }

    /// Of what is activated, with `y` as its outputs or the gradient there.
    pub(super) fn maxout(&self, pass: Pass, layer: usize, y: Values) -> MaxoutArguments {
        let (of_layer, _) = self.layer(layer);
        let (z, bias) = self.before_activation(layer);
        MaxoutArguments {
            z,
            bias,
            y,
            rows: pass.rows as u32,
            units: of_layer.spec.units as u32,
            pieces: of_layer.pieces() as u32,
            unused: 0,
        }
    }

    /// From `x`, which becomes `x^`, to `out`.
    fn normalize(&self, pass: Pass, layer: usize, norm: NormPlan, (x, out): (Values, Values)) -> Stage {
        let (of_layer, buffers) = self.layer(layer);
        let (weight, bias) = (self.parameter(layer, Role::NormWeight), self.parameter(layer, Role::NormBias));
        let (rows, units, inverse) = (pass.rows as u32, of_layer.norm_units() as u32, buffers.inverse);
        let epsilon = norm.epsilon as f32;
        let Some(momentum) = norm.momentum else {
            return self.run(Launch::LayerNorm(LayerNormArguments { x, out, weight, bias, inverse, epsilon, rows, units, unused: 0 }));
        };
        let is_constant = self.has_constant_moments(pass);
        let [running, next] = [self.memory.running, self.memory.next];
        // The running statistics follow each pass, from those of before the step on; one row says nothing of its variance.
        let before = if pass.adds() && !is_constant { next } else { running };
        let after = if !self.is_training() || (pass.adds() && is_constant) { Values::NONE } else { next };
        let of = |array: Values, role: Role| self.network.layout.find(array, layer, role);
        self.run(Launch::BatchNorm(BatchNormArguments {
            x,
            out,
            weight,
            bias,
            running_mean: of(before, Role::RunningMean),
            running_variance: of(before, Role::RunningVariance),
            next_mean: of(after, Role::RunningMean),
            next_variance: of(after, Role::RunningVariance),
            inverse,
            epsilon,
            kept: (1.0 - momentum) as f32,
            newest: momentum as f32,
            unbiased: (f64::from(rows) / (f64::from(rows) - 1.0).max(1.0)) as f32,
            is_constant: is_constant.into(),
            rows,
            units,
            unused: 0,
        }))
    }

    /// `[b, o]`: the layer's products.
    fn product(&self, pass: Pass, layer: usize, out: Values, bias: Values) -> Operation {
        let (of_layer, buffers) = self.layer(layer);
        Operation::Product(Product {
            left: buffers.inputs,
            right: self.parameter(layer, Role::Weight),
            out,
            bias,
            m: pass.rows,
            n: of_layer.spec.fan_out,
            k: of_layer.spec.fan_in,
            left_is_transposed: false,
            right_is_transposed: true,
            adds: false,
            replicas: self.network.replicas(),
        })
    }
}
