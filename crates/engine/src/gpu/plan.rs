//! A batch as a list of stages.

use super::memory::{LayerBuffers, Memory, PassBuffers};
use super::network::{Layer, Network};
use super::source::Places;
use crate::fused::{self, NormPlan};
use crate::optimizer::Pace;
use relumine_kernels::gpu::{
    ActivateArguments, ActivateBackwardArguments, ActivationArguments, Address, BatchNormArguments, BoundArguments, Draws, FinishArguments,
    GatherArguments, Launch, LayerNormArguments, LossArguments, MaxoutArguments, NormArguments, NormBackwardArguments, Operation, Product,
    Stage, UpdateArguments, Values,
};
use relumine_kernels::{Activation, optimizer};
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
            stages.push(Stage::Run(self.launch(Launch::Gather(self.gather(pass)))));
            for layer in 0..self.network.layers().len() {
                self.forward(pass, layer, &mut stages);
            }
            if self.is_training() {
                stages.push(Stage::Run(self.launch(Launch::Loss(self.loss(pass)))));
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
                stages.push(Stage::Run(self.launch(Launch::Finish(FinishArguments { running: Values::NONE, ..self.finish() }))));
            }
        }
        stages
    }

    fn is_training(&self) -> bool {
        self.kind != Kind::Evaluate
    }

    fn launch(&self, launch: Launch) -> Operation {
        launch.on(self.network.replicas(), self.network.layout.num_parameters)
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
        let source = self.source;
        let buffers = self.buffers;
        let (order, capacity) = if self.is_training() { (buffers.order, buffers.batch_rows) } else { (buffers.evaluated, buffers.rows) };
        GatherArguments {
            bytes: source.bytes,
            numbers: source.numbers,
            offset: source.offset,
            divisor: source.divisor,
            order,
            slot: self.memory.slot,
            progress: self.memory.progress,
            inputs: self.buffers.layers[0].inputs,
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

    /// What is activated, and its bias where that has not been added.
    fn before_activation(&self, layer: usize) -> (Values, Values) {
        let (of_layer, buffers) = self.layer(layer);
        match of_layer.norm_at(Position::BeforeActivation) {
            Some(_) => (buffers.normed, Values::NONE),
            None => (buffers.z, self.parameter(layer, Role::Bias)),
        }
    }

    fn forward(&self, pass: Pass, layer: usize, stages: &mut Vec<Stage>) {
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
            stages.push(Stage::Run(self.normalize(pass, layer, norm, (buffers.z, buffers.normed))));
        }
        let last_norm = of_layer.norm_at(Position::AfterActivation);
        let activated = if last_norm.is_some() { buffers.normed } else { next.inputs };
        let draws = self.draws(pass, layer + 1);
        let (z, bias) = self.before_activation(layer);
        let mut draws_left = draws;
        if of_layer.is_maxout() {
            stages.push(Stage::Run(self.launch(Launch::Maxout(self.maxout(pass, layer, activated)))));
        } else {
            let draws = if last_norm.is_none() { std::mem::take(&mut draws_left) } else { Draws::default() };
            stages.push(Stage::Run(self.activate(pass, layer, (z, bias, activated), of_layer.activation, draws)));
        }
        if let Some(norm) = last_norm {
            stages.push(Stage::Run(self.normalize(pass, layer, norm, (activated, next.inputs))));
        }
        if draws_left.of_replica != Address::NONE {
            let in_place = (next.inputs, Values::NONE, next.inputs);
            stages.push(Stage::Run(self.activate(pass, layer, in_place, Activation::Identity, draws_left)));
        }
    }

    fn activate(
        &self,
        pass: Pass,
        layer: usize,
        (z, bias, out): (Values, Values, Values),
        activation: Activation,
        draws: Draws,
    ) -> Operation {
        self.launch(Launch::Activate(ActivateArguments {
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

    fn maxout(&self, pass: Pass, layer: usize, y: Values) -> MaxoutArguments {
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
    fn normalize(&self, pass: Pass, layer: usize, norm: NormPlan, (x, out): (Values, Values)) -> Operation {
        let (of_layer, buffers) = self.layer(layer);
        let (weight, bias) = (self.parameter(layer, Role::NormWeight), self.parameter(layer, Role::NormBias));
        let (rows, units, inverse) = (pass.rows as u32, of_layer.norm_units() as u32, buffers.inverse);
        let epsilon = norm.epsilon as f32;
        let Some(momentum) = norm.momentum else {
            return self.launch(Launch::LayerNorm(LayerNormArguments { x, out, weight, bias, inverse, epsilon, rows, units, unused: 0 }));
        };
        let is_constant = self.has_constant_moments(pass);
        let [running, next] = [self.memory.running, self.memory.next];
        // The running statistics follow each pass, from those of before the step on; one row says nothing of its variance.
        let before = if pass.adds() && !is_constant { next } else { running };
        let after = if !self.is_training() || (pass.adds() && is_constant) { Values::NONE } else { next };
        let of = |array: Values, role: Role| self.network.layout.find(array, layer, role);
        self.launch(Launch::BatchNorm(BatchNormArguments {
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

    fn has_constant_moments(&self, pass: Pass) -> bool {
        !self.is_training() || pass.rows == 1
    }

    /// Turns the gradient at the layer's outputs into those at its weights and at what it read.
    fn backward(&self, pass: Pass, layer: usize, stages: &mut Vec<Stage>) {
        if layer + 1 < self.network.layers().len() {
            self.differentiate(pass, layer, stages);
        }
        let (of_layer, buffers) = self.layer(layer);
        let (fan_in, fan_out, replicas) = (of_layer.spec.fan_in, of_layer.spec.fan_out, self.network.replicas());
        let of_weight = Product {
            left: buffers.z,
            right: buffers.inputs,
            out: self.gradient(layer, Role::Weight),
            bias: Values::NONE,
            m: fan_out,
            n: fan_in,
            k: pass.rows,
            left_is_transposed: true,
            right_is_transposed: false,
            adds: pass.adds(),
            replicas,
        };
        // Nobody needs it before the update.
        stages.push(if layer > 0 { Stage::Beside(Operation::Product(of_weight)) } else { Stage::Run(Operation::Product(of_weight)) });
        if layer > 0 {
            let of_inputs = Product {
                right: self.parameter(layer, Role::Weight),
                out: self.buffers.dy,
                m: pass.rows,
                n: fan_in,
                k: fan_out,
                left_is_transposed: false,
                adds: false,
                ..of_weight
            };
            stages.push(Stage::Run(Operation::Product(of_inputs)));
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
            self.launch(Launch::ActivateBackward(ActivateBackwardArguments {
                dy: values.dy,
                z: values.z,
                bias: values.bias,
                dz: values.dz,
                bias_gradient: values.bias_gradient,
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
            stages.push(Stage::Run(back(in_place, Activation::Identity, std::mem::take(&mut draws), units)));
        }
        if let Some(norm) = last_norm {
            self.differentiate_norm(pass, layer, norm, (dy, buffers.normed, dy), stages);
        }
        let (z, bias) = self.before_activation(layer);
        // Whether the sums over rows of what is left in z are the bias's gradient.
        let mut has_bias_gradient = false;
        if of_layer.is_maxout() {
            stages.push(Stage::Run(self.launch(Launch::MaxoutBackward(self.maxout(pass, layer, dy)))));
        } else {
            has_bias_gradient = first_norm.is_none();
            let bias_gradient = if has_bias_gradient { bias_gradient } else { Values::NONE };
            stages.push(Stage::Run(back(BackwardValues { dy, z, bias, dz: z, bias_gradient }, of_layer.activation, draws, units)));
        }
        if let Some(norm) = first_norm {
            self.differentiate_norm(pass, layer, norm, (buffers.normed, buffers.z, buffers.z), stages);
        }
        if !has_bias_gradient {
            let values = BackwardValues { dy: buffers.z, dz: buffers.z, bias_gradient, ..BackwardValues::default() };
            stages.push(Stage::Run(back(values, Activation::Identity, Draws::default(), fan_out)));
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
            stages.push(Stage::Run(self.launch(Launch::BatchNormBackward(arguments))));
        } else {
            stages.push(Stage::Run(self.launch(Launch::LayerNormGradient(arguments))));
            stages.push(Stage::Run(self.launch(Launch::LayerNormBackward(arguments))));
        }
    }

    /// Clipping, the optimiser's rule, bounded norms, averages and statistics, the count.
    fn update(&self, stages: &mut Vec<Stage>) {
        let (memory, optimizer, replicas) = (self.memory, &self.network.config().optimizer.clone().resolved(), self.network.replicas());
        let tickets = |number: usize| memory.tickets.words(number);
        if let Some(clip_norm) = optimizer.clip_norm {
            stages.push(Stage::Run(self.launch(Launch::ClipScale(NormArguments {
                parameters: memory.parameters,
                gradients: memory.gradients,
                groups: memory.groups,
                constants: memory.constants,
                slot: memory.slot,
                partial: memory.partial,
                tickets: tickets(replicas),
                scales: memory.scales,
                clip_norm,
                replicas: replicas as u32,
                unused: 0,
            }))));
        }
        let is_last = optimizer.max_norm.is_none() && !self.network.is_averaged() && memory.running == Values::NONE;
        let mut slots = [Values::NONE; 3];
        slots.iter_mut().zip(&memory.slots).for_each(|(slot, values)| *slot = *values);
        let arguments = UpdateArguments {
            parameters: memory.parameters,
            gradients: memory.gradients,
            slots,
            groups: memory.groups,
            constants: memory.constants,
            scales: if optimizer.clip_norm.is_some() { memory.scales } else { Address::NONE },
            slot: memory.slot,
            next_slot: if is_last { memory.slot } else { Address::NONE },
            tickets: tickets(2 * replicas),
            progress: memory.progress,
            replicas: replicas as u32,
            ..UpdateArguments::default()
        };
        // The kind of rule does not change from step to step.
        let of_rule: optimizer::Update =
            fused::update_constants(optimizer, Pace { step: 1, learning_rate: 0.0, momentum: 0.0 }, Role::Weight, 1.0);
        stages.push(Stage::Run(self.launch(Launch::Update(arguments.with_rule(of_rule.rule)))));
        if let Some(max_norm) = optimizer.max_norm {
            let layers = self.network.layers().iter().enumerate();
            stages.extend(layers.map(|(position, layer)| Stage::Run(self.bound(position, layer, max_norm))));
        }
        if !is_last {
            stages.push(Stage::Run(self.launch(Launch::Finish(self.finish()))));
        }
    }

    fn finish(&self) -> FinishArguments {
        let (memory, replicas) = (self.memory, self.network.replicas());
        FinishArguments {
            parameters: memory.parameters,
            average: memory.average,
            running: memory.running,
            next: memory.next,
            constants: memory.constants,
            slot: memory.slot,
            tickets: memory.tickets.words(2 * replicas),
            progress: memory.progress,
            num_parameters: self.network.layout.num_parameters as u32,
            num_statistics: self.network.layout.num_statistics as u32,
            replicas: replicas as u32,
            unused: 0,
        }
    }

    fn bound(&self, position: usize, layer: &Layer, max_norm: f64) -> Operation {
        self.launch(Launch::BoundNorms(BoundArguments {
            weight: self.network.layout.find(self.memory.parameters, position, Role::Weight),
            progress: self.memory.progress,
            max_norm: max_norm as f32,
            rows: layer.spec.fan_out as u32,
            columns: layer.spec.fan_in as u32,
            unused: 0,
        }))
    }
}

/// The arrays of one way back through an activation; none where there is nothing.
#[derive(Clone, Copy, Default)]
struct BackwardValues {
    dy: Values,
    z: Values,
    bias: Values,
    dz: Values,
    bias_gradient: Values,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TrainingConfig;
    use relumine_kernels::gpu::{Emulator, Order};
    use relumine_model::ModelConfig;
    use serde_json::{Value, json};

    /// The stages by name; those that go on beside others in brackets.
    fn stages(model: Value, optimizer: Value, kind: Kind) -> Vec<String> {
        let model: ModelConfig = serde_json::from_value(model).unwrap();
        let config = TrainingConfig { optimizer: serde_json::from_value(optimizer).unwrap(), ..TrainingConfig::default() };
        let network = Network::new(&[(model.architecture(784, 10).unwrap(), config)]).unwrap();
        let gpu = Emulator::new(Order::Forward).unwrap();
        let memory = Memory::new(&gpu, &network, 2).unwrap();
        let buffers = PassBuffers::new(&gpu, &network, 128, 128).unwrap();
        let nowhere = Address::NONE;
        let source = Places {
            bytes: nowhere,
            numbers: nowhere,
            labels: nowhere,
            offset: nowhere,
            divisor: nowhere,
            constants_per_feature: 0,
            features: 784,
        };
        let name = |operation: &Operation| match operation {
            Operation::Launch { launch, .. } => launch.name(),
            Operation::Product(_) => "product",
        };
        let plan = Plan { network: &network, memory: &memory, buffers: &buffers, source, kind };
        let name_of_stage = |stage: &Stage| match stage {
            Stage::Run(operation) => name(operation).to_owned(),
            Stage::Beside(operation) => format!("({})", name(operation)),
            Stage::Join => "join".into(),
        };
        plan.stages(128).iter().map(name_of_stage).collect()
    }

    /// What docs/cuda.md counts: 15 nodes, 13 of them one after the other.
    #[test]
    fn a_step_of_two_hidden_layers_is_fifteen_operations() {
        let forward = ["gather", "product", "activate", "product", "activate", "product"];
        let backward =
            ["(product)", "product", "activate_backward", "(product)", "product", "activate_backward", "product", "join", "update"];
        for model in [json!({ "hidden": [256, 256], "dropout": 0.5 }), json!({ "hidden": [256, 256] })] {
            let found = stages(model.clone(), json!({}), Kind::Train);
            assert_eq!(found, [forward.as_slice(), &["loss"], &backward].concat());
            assert_eq!(stages(model, json!({}), Kind::Evaluate), forward);
        }
    }

    #[test]
    fn clipping_bounds_and_averages_each_take_stages_of_their_own() {
        let optimizer = json!({ "clip_norm": 1.0, "max_norm": 2.0, "ema_decay": 0.9 });
        let found = stages(json!({ "hidden": [256] }), optimizer, Kind::Train);
        assert_eq!(found[found.len() - 6..], ["join", "clip_scale", "update", "bound_norms", "bound_norms", "finish"]);
    }
}
