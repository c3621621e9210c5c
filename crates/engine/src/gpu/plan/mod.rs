//! A batch as a list of stages.

mod backward;
mod dense;
mod forward;
#[cfg(test)]
mod tests;
mod update;

use super::memory::{LayerBuffers, Memory, PassBuffers};
use super::network::{Layer, Network};
use super::source::Places;
use relumine_kernels::gpu::{Draws, FinishArguments, GatherArguments, Launch, LossArguments, Operation, Stage, Values};
use relumine_model::norm::Position;
use relumine_model::{Head, Role};
use relumine_random::Purpose;

/// What is done with a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A whole step.
    Train,
    /// All of a step but the update.
    Gradients,
    /// The logits, by the weights that evaluation uses.
    Evaluate,
}

/// What the stages of a batch of so many rows are made from.
pub(super) struct Plan<'a> {
    pub(super) network: &'a Network,
    pub(super) memory: &'a Memory,
    pub(super) buffers: &'a PassBuffers,
    pub(super) source: Places,
    pub(super) kind: Kind,
    /// That of the [`Gpu`](relumine_kernels::gpu::Gpu::dense_limit).
    pub(super) dense_limit: usize,
}

/// Rows that go through the network together: their place in the batch, and how many.
#[derive(Clone, Copy)]
struct Pass {
    first: usize,
    rows: usize,
}

impl Pass {
    /// Whether sums go on from those of an earlier pass.
    fn adds(self) -> bool {
        self.first > 0
    }
}

impl Plan<'_> {
    /// The stages, one after the other.
    pub(super) fn stages(&self, rows: usize) -> Vec<Stage> {
        let mut stages = Vec::new();
        let micro_batch = self.network.config().micro_batch.filter(|_| self.is_training()).unwrap_or(rows).clamp(1, rows.max(1));
        for first in (0..rows).step_by(micro_batch) {
            let pass = Pass { first, rows: micro_batch.min(rows - first) };
            stages.push(self.run(Launch::Gather(self.gather(pass))));
            for layer in 0..self.network.layers().len() {
                self.forward(pass, layer, &mut stages);
            }
            if self.is_training() {
                stages.push(self.run(Launch::Loss(self.loss(pass))));
                for layer in (0..self.network.layers().len()).rev() {
                    self.backward(pass, layer, &mut stages);
                }
                if self.network.layers().len() > 1 {
                    stages.push(Stage::Join);
                }
            }
        }
        if self.kind == Kind::Train {
            if rows > 0 {
                self.update(&mut stages);
            } else {
                // Nothing to learn from: the step counts, and an average goes on.
                stages.push(self.run(Launch::Finish(FinishArguments { running: Values::NONE, ..self.finish() })));
            }
        }
        stages
    }

    fn is_training(&self) -> bool {
        self.kind != Kind::Evaluate
    }

    /// This kernel for all replicas.
    fn on_all(&self, launch: Launch) -> Operation {
        launch.on(self.network.replicas(), self.network.layout.num_parameters)
    }

    /// The same as a stage.
    fn run(&self, launch: Launch) -> Stage {
        Stage::Run(self.on_all(launch))
    }

    fn layer(&self, layer: usize) -> (&Layer, &LayerBuffers) {
        (&self.network.layers()[layer], &self.buffers.layers[layer])
    }

    /// The weights of this pass.
    fn parameter(&self, layer: usize, role: Role) -> Values {
        let is_average = !self.is_training() && self.network.is_averaged();
        let array = if is_average { self.memory.average } else { self.memory.parameters };
        self.network.layout.find(array, layer, role)
    }

    fn gradient(&self, layer: usize, role: Role) -> Values {
        self.network.layout.find(self.memory.gradients, layer, role)
    }

    /// The changes of the inputs of `layer`; none where nothing changes them, or beyond the last one.
    fn draws(&self, pass: Pass, layer: usize) -> Draws {
        if !self.is_training() || layer >= self.network.layers().len() || !self.network.is_disturbed(layer) {
            return Draws::default();
        }
        let stream = |purpose: Purpose| (purpose as u32) << 16 | layer as u32;
        let (of_layer, _) = self.layer(layer);
        Draws {
            of_replica: self.memory.draws[layer],
            keys: self.memory.keys,
            first_row: pass.first as u32,
            noise_stream: stream(Purpose::Noise),
            dropout_stream: stream(Purpose::Dropout),
            has_noise: of_layer.has_noise.into(),
            has_dropout: of_layer.has_dropout.into(),
            unused: 0,
        }
    }

    fn gather(&self, pass: Pass) -> GatherArguments {
        let (source, buffers) = (self.source, self.buffers);
        let (order, capacity) = if self.is_training() { (buffers.order, buffers.batch_rows) } else { (buffers.evaluated, buffers.rows) };
        GatherArguments {
            bytes: source.bytes,
            numbers: source.numbers,
            offset: source.offset,
            divisor: source.divisor,
            order,
            slot: self.memory.slot,
            progress: self.memory.progress,
            inputs: buffers.layers[0].inputs,
            draws: self.draws(pass, 0),
            capacity: capacity as u32,
            first_row: pass.first as u32,
            rows: pass.rows as u32,
            features: source.features as u32,
            replicas: self.network.replicas() as u32,
            constants_per_feature: source.constants_per_feature,
        }
    }

    fn loss(&self, pass: Pass) -> LossArguments {
        let last = self.network.layers().len() - 1;
        let class_weights = self.network.class_weights();
        let units = self.network.outputs();
        LossArguments {
            logits: self.buffers.layers[last].z,
            bias: self.parameter(last, Role::Bias),
            bias_gradient: self.gradient(last, Role::Bias),
            labels: self.source.labels,
            order: self.buffers.order,
            slot: self.memory.slot,
            shares: self.memory.shares,
            class_weights: self.memory.class_weights,
            losses: self.buffers.losses,
            hits: self.buffers.hits,
            tickets: self.memory.tickets,
            progress: self.memory.progress,
            label_smoothing: self.network.config().objective.label_smoothing as f32,
            weight_sum: if class_weights.is_empty() { units as f32 } else { class_weights.iter().sum() },
            is_sigmoid: (self.network.head() == Head::Sigmoid).into(),
            capacity: self.buffers.batch_rows as u32,
            first_row: pass.first as u32,
            rows: pass.rows as u32,
            units: units as u32,
            replicas: self.network.replicas() as u32,
            adds: pass.adds().into(),
            unused: 0,
        }
    }

    /// What is activated, and its bias where that has not been added.
    fn before_activation(&self, layer: usize) -> (Values, Values) {
        let (of_layer, buffers) = self.layer(layer);
        match of_layer.norm_at(Position::BeforeActivation) {
            Some(_) => (buffers.normed, Values::NONE),
            None => (buffers.z, self.parameter(layer, Role::Bias)),
        }
    }

    /// Whether a batch normalisation takes its running statistics: one row has no variance.
    fn has_constant_moments(&self, pass: Pass) -> bool {
        !self.is_training() || pass.rows == 1
    }
}
