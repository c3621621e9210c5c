//! The way back through a layer.

use super::{Pass, Plan};
use crate::fused::NormPlan;
use relumine_kernels::Activation;
use relumine_kernels::gpu::{
    ActivateBackwardArguments, ActivationArguments, Draws, Launch, NormBackwardArguments, Operation, Product, Stage, Values,
};
use relumine_model::Role;
use relumine_model::norm::Position;

/// The arrays of one way back through an activation; none where there is nothing.
#[derive(Clone, Copy, Default)]
struct BackwardValues {
    dy: Values,
    z: Values,
    bias: Values,
    dz: Values,
    bias_gradient: Values,
}

impl Plan<'_> {
    /// Turns the gradient at the layer's outputs into those at its weights and at what it read.
    pub(super) fn backward(&self, pass: Pass, layer: usize, stages: &mut Vec<Stage>) {
        if layer + 1 < self.network.layers().len() && !self.is_undone_above(pass, layer) {
            self.differentiate(pass, layer, stages);
        }
        let of_weight = if self.is_dense(pass, layer) {
            self.on_all(self.dense_gradient(pass, layer))
        } else {
            Operation::Product(self.weight_product(pass, layer))
        };
        // Nobody needs it before the update.
        stages.push(if layer > 0 { Stage::Beside(of_weight) } else { Stage::Run(of_weight) });
        match layer.checked_sub(1) {
            None => {}
            Some(below) if self.is_undone_above(pass, below) => stages.push(self.dense_backward(pass, layer)),
            Some(_) => stages.push(Stage::Run(Operation::Product(self.inputs_product(pass, layer)))),
        }
    }

    /// `[o, i]`: the gradient at the weight.
    fn weight_product(&self, pass: Pass, layer: usize) -> Product {
        let (of_layer, buffers) = self.layer(layer);
        Product {
            left: buffers.z,
            right: buffers.inputs,
            out: self.gradient(layer, Role::Weight),
            bias: Values::NONE,
            m: of_layer.spec.fan_out,
            n: of_layer.spec.fan_in,
            k: pass.rows,
            left_is_transposed: true,
            right_is_transposed: false,
            adds: pass.adds(),
            replicas: self.network.replicas(),
        }
    }

    /// `[b, i]`: the gradient at what the layer read.
    fn inputs_product(&self, pass: Pass, layer: usize) -> Product {
        let (of_layer, buffers) = self.layer(layer);
        Product {
            left: buffers.z,
            right: self.parameter(layer, Role::Weight),
            out: self.buffers.dy,
            bias: Values::NONE,
            m: pass.rows,
            n: of_layer.spec.fan_in,
            k: of_layer.spec.fan_out,
            left_is_transposed: false,
            right_is_transposed: false,
            adds: false,
            replicas: self.network.replicas(),
        }
    }

    /// From the gradient at a hidden layer's outputs to the one at its products, which takes their place, and at its bias.
    fn differentiate(&self, pass: Pass, layer: usize, stages: &mut Vec<Stage>) {
        let (of_layer, buffers) = self.layer(layer);
        let dy = self.buffers.dy;
        let mut draws = self.draws(pass, layer + 1);
        let bias_gradient = self.gradient(layer, Role::Bias);
        let (units, fan_out) = (of_layer.spec.units, of_layer.spec.fan_out);
        let back = |values: BackwardValues, activation: Activation, draws: Draws, units: usize| {
            self.run(Launch::ActivateBackward(ActivateBackwardArguments {
                dy: values.dy,
                z: values.z,
                bias: values.bias,
                dz: values.dz,
                bias_gradient: values.bias_gradient,
                sums: self.buffers.sums,
                tickets: self.buffers.tickets,
                progress: self.memory.progress,
                draws,
                activation: ActivationArguments::from(activation),
                rows: pass.rows as u32,
                units: units as u32,
                adds: pass.adds().into(),
                unused: 0,
            }))
        };
        let in_place = BackwardValues { dy, dz: dy, ..BackwardValues::default() };
        let (first_norm, last_norm) = (of_layer.norm_at(Position::BeforeActivation), of_layer.norm_at(Position::AfterActivation));
        if (last_norm.is_some() || of_layer.is_maxout()) && draws.has_dropout != 0 {
            stages.push(back(in_place, Activation::Identity, std::mem::take(&mut draws), units));
        }
        if let Some(norm) = last_norm {
            self.differentiate_norm(pass, layer, norm, (dy, buffers.normed, dy), stages);
        }
        let (z, bias) = self.before_activation(layer);
        // Whether the sums over rows of what is left in z are the bias's gradient.
        let mut has_bias_gradient = false;
        if of_layer.is_maxout() {
            stages.push(self.run(Launch::MaxoutBackward(self.maxout(pass, layer, dy))));
        } else {
            has_bias_gradient = first_norm.is_none();
            let bias_gradient = if has_bias_gradient { bias_gradient } else { Values::NONE };
            stages.push(back(BackwardValues { dy, z, bias, dz: z, bias_gradient }, of_layer.activation, draws, units));
        }
        if let Some(norm) = first_norm {
            self.differentiate_norm(pass, layer, norm, (buffers.normed, buffers.z, buffers.z), stages);
        }
        if !has_bias_gradient {
            let values = BackwardValues { dy: buffers.z, dz: buffers.z, bias_gradient, ..BackwardValues::default() };
            stages.push(back(values, Activation::Identity, Draws::default(), fan_out));
        }
    }

    /// From the gradient at the outputs of a normalisation, and `x^`, to the one at what it read.
    fn differentiate_norm(
        &self,
        pass: Pass,
        layer: usize,
        norm: NormPlan,
        (dy, normalized, dx): (Values, Values, Values),
        stages: &mut Vec<Stage>,
    ) {
        let (of_layer, buffers) = self.layer(layer);
        let arguments = NormBackwardArguments {
            dy,
            normalized,
            dx,
            weight: self.parameter(layer, Role::NormWeight),
            inverse: buffers.inverse,
            weight_gradient: self.gradient(layer, Role::NormWeight),
            bias_gradient: self.gradient(layer, Role::NormBias),
            is_constant: self.has_constant_moments(pass).into(),
            rows: pass.rows as u32,
            units: of_layer.norm_units() as u32,
            adds: pass.adds().into(),
        };
        if norm.momentum.is_some() {
            stages.push(self.run(Launch::BatchNormBackward(arguments)));
        } else {
            stages.push(self.run(Launch::LayerNormGradient(arguments)));
            stages.push(self.run(Launch::LayerNormBackward(arguments)));
        }
    }
}
