//! Layers whose products are so small that a kernel of ours makes each, with what comes before or after it.

use super::{Pass, Plan};
use crate::gpu::core::evaluation_rows;
use relumine_kernels::gpu::{
    DenseBackwardArguments, DenseForwardArguments, DenseGradientArguments, DenseSize, Launch, Stage, Values, dense_rounds,
};
use relumine_model::Role;

impl Plan<'_> {
    /// Whether the kernels of `dense.cu` make this layer's products. They know neither normalisations nor a maxout.
    pub(super) fn is_dense(&self, pass: Pass, layer: usize) -> bool {
        let ((of_layer, _), replicas) = (self.layer(layer), self.network.replicas());
        let size = DenseSize {
            // In evaluation the same for any number, so that a row has the logits that it has alone.
            rows: if self.is_training() { pass.rows } else { evaluation_rows(replicas) },
            fan_in: of_layer.spec.fan_in,
            fan_out: of_layer.spec.fan_out,
            replicas,
            has_inputs_gradient: layer > 0,
        };
        dense_rounds(size) <= self.dense_limit && of_layer.norm.is_none() && !of_layer.is_maxout()
    }

    /// Whether the product of the layer above also goes back through this layer's activation.
    pub(super) fn is_undone_above(&self, pass: Pass, layer: usize) -> bool {
        layer + 1 < self.network.layers().len() && self.is_dense(pass, layer) && self.is_dense(pass, layer + 1)
    }

    /// What [`forward`](Plan::forward) does, in one stage.
    pub(super) fn dense_forward(&self, pass: Pass, layer: usize) -> Stage {
        let (of_layer, buffers) = self.layer(layer);
        let next = self.buffers.layers.get(layer + 1).map(|next| next.inputs);
        // Products are kept for the way back. The loss adds the logits' bias itself.
        let (z, out) = match (self.is_training(), next) {
            (true, next) => (buffers.z, next.unwrap_or(Values::NONE)),
            (false, next) => (Values::NONE, next.unwrap_or(buffers.z)),
        };
        self.run(Launch::DenseForward(DenseForwardArguments {
            inputs: buffers.inputs,
            weight: self.parameter(layer, Role::Weight),
            bias: self.parameter(layer, Role::Bias),
            z,
            out,
            progress: self.memory.progress,
            draws: self.draws(pass, layer + 1),
            activation: of_layer.activation.into(),
            rows: pass.rows as u32,
            fan_in: of_layer.spec.fan_in as u32,
            units: of_layer.spec.units as u32,
            unused: 0,
        }))
    }

    /// From the gradient at this layer's products to that at those of the layer below.
    pub(super) fn dense_backward(&self, pass: Pass, layer: usize) -> Stage {
        let ((of_layer, buffers), (below, of_below)) = (self.layer(layer), self.layer(layer - 1));
        self.run(Launch::DenseBackward(DenseBackwardArguments {
            dz: buffers.z,
            weight: self.parameter(layer, Role::Weight),
            z: of_below.z,
            bias: self.parameter(layer - 1, Role::Bias),
            progress: self.memory.progress,
            draws: self.draws(pass, layer),
            activation: below.activation.into(),
            rows: pass.rows as u32,
            fan_out: of_layer.spec.fan_out as u32,
            units: of_layer.spec.fan_in as u32,
            unused: 0,
        }))
    }

    /// The gradients at the layer's weight and, where no other stage makes it, its bias.
    pub(super) fn dense_gradient(&self, pass: Pass, layer: usize) -> Launch {
        let (of_layer, buffers) = self.layer(layer);
        let bias_gradient = if self.is_undone_above(pass, layer) { self.gradient(layer, Role::Bias) } else { Values::NONE };
        Launch::DenseGradient(DenseGradientArguments {
            dz: buffers.z,
            inputs: buffers.inputs,
            weight_gradient: self.gradient(layer, Role::Weight),
            bias_gradient,
            rows: pass.rows as u32,
            fan_in: of_layer.spec.fan_in as u32,
            units: of_layer.spec.fan_out as u32,
            adds: pass.adds().into(),
        })
    }
}
