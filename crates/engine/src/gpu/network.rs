//! The networks of the replicas, which differ in numbers and not in shape.

use super::layout::Layout;
use crate::fused::{NormPlan, kernel_activation, norm_plan};
use crate::{StepError, TrainingConfig};
use relumine_kernels::Activation;
use relumine_model::norm::Position;
use relumine_model::{Architecture, Head, LayerSpec};

/// A replica: what it trains, and how.
pub(super) type Replica = (Architecture, TrainingConfig);

/// A layer as all replicas have it.
#[derive(Clone, Debug)]
pub(super) struct Layer {
    /// The first replica's; the others' have other rates and initialisers.
    pub(super) spec: LayerSpec,
    /// The identity where it is a maxout.
    pub(super) activation: Activation,
    pub(super) norm: Option<NormPlan>,
    /// Whether some replica adds noise to the inputs, and drops some.
    pub(super) has_noise: bool,
    pub(super) has_dropout: bool,
}

impl Layer {
    pub(super) fn pieces(&self) -> usize {
        self.spec.fan_out / self.spec.units.max(1)
    }

    pub(super) fn is_maxout(&self) -> bool {
        self.pieces() > 1
    }

    /// Whether it is normalised before the activation, and after.
    pub(super) fn norm_at(&self, position: Position) -> Option<NormPlan> {
        self.norm.filter(|norm| norm.position == position)
    }

    /// Values of a row that are normalised; 0 without a normalisation.
    pub(super) fn norm_units(&self) -> usize {
        match self.norm.map(|norm| norm.position) {
            None => 0,
            Some(Position::BeforeActivation) => self.spec.fan_out,
            Some(Position::AfterActivation) => self.spec.units,
        }
    }
}

/// What all replicas have in common, and each of them.
#[derive(Debug)]
pub(super) struct Network {
    pub(super) runs: Vec<Replica>,
    pub(super) layout: Layout,
    layers: Vec<Layer>,
}

impl Network {
    /// # Errors
    /// Replicas that are none: of different shapes, activations, optimisers or objectives.
    pub(super) fn new(runs: &[Replica]) -> Result<Self, StepError> {
        let refuse = |what: &str| StepError::NotFused { reason: format!("replicas differ in {what}") };
        let Some((architecture, config)) = runs.first() else {
            return Err(StepError::NotFused { reason: "there is no replica".into() });
        };
        for (other, of_other) in runs {
            if shape(other) != shape(architecture) {
                return Err(refuse("the shape of their networks, activations or normalisations"));
            }
            let (ours, theirs) = (&config.optimizer, &of_other.optimizer);
            let settings = |optimizer: &crate::OptimizerConfig| {
                let is_averaged = optimizer.ema_decay.is_some();
                (optimizer.name, optimizer.nesterov, optimizer.centered, optimizer.clip_norm, optimizer.max_norm, is_averaged)
            };
            if settings(ours) != settings(theirs) || has_momentum(ours) != has_momentum(theirs) {
                return Err(refuse("their optimisers"));
            }
            if config.objective != of_other.objective || config.micro_batch != of_other.micro_batch {
                return Err(refuse("their objectives or micro-batches"));
            }
        }
        let layers = architecture.layers.iter().enumerate().map(|(position, spec)| {
            let specs = || runs.iter().map(move |(architecture, _)| &architecture.layers[position]);
            Layer {
                activation: kernel_activation(&spec.activation),
                norm: norm_plan(&spec.norm),
                has_noise: specs().any(|spec| spec.input_noise != 0.0),
                has_dropout: specs().any(|spec| spec.input_dropout != 0.0),
                spec: spec.clone(),
            }
        });
        Ok(Self { layout: Layout::new(architecture), layers: layers.collect(), runs: runs.to_vec() })
    }

    pub(super) fn replicas(&self) -> usize {
        self.runs.len()
    }

    pub(super) fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// How many steps of so many rows are recorded together, at most `most`: a recording of more nodes takes long to make.
    pub(super) fn steps_together(&self, rows: usize, most: usize) -> usize {
        const MOST_NODES: usize = 128;
        let passes = self.config().micro_batch.map_or(1, |micro_batch| rows.div_ceil(micro_batch.max(1)));
        (MOST_NODES / (4 * passes * self.layers.len()).max(1)).clamp(1, most)
    }

    /// The layer at this position, of each replica.
    pub(super) fn specs(&self, layer: usize) -> impl Iterator<Item = &LayerSpec> {
        self.runs.iter().map(move |(architecture, _)| &architecture.layers[layer])
    }

    /// Whether a training step changes some replica's inputs of this layer at random.
    pub(super) fn is_disturbed(&self, layer: usize) -> bool {
        self.layers[layer].has_noise || self.layers[layer].has_dropout
    }

    pub(super) fn seeds(&self) -> impl Iterator<Item = u64> {
        self.runs.iter().map(|(_, config)| config.seed)
    }

    /// That of the first replica, and of all where the kernels take but one.
    pub(super) fn config(&self) -> &TrainingConfig {
        &self.runs[0].1
    }

    pub(super) fn head(&self) -> Head {
        self.runs[0].0.head
    }

    pub(super) fn is_averaged(&self) -> bool {
        self.config().optimizer.ema_decay.is_some()
    }

    pub(super) fn class_weights(&self) -> Vec<f32> {
        self.config().objective.class_weights.iter().flatten().map(|weight| *weight as f32).collect()
    }

    /// Outputs of the last layer.
    pub(super) fn outputs(&self) -> usize {
        self.layers.last().map_or(0, |layer| layer.spec.units)
    }

    /// Features that the first layer reads.
    pub(super) fn features(&self) -> usize {
        self.layers.first().map_or(0, |layer| layer.spec.fan_in)
    }
}

fn has_momentum(optimizer: &crate::OptimizerConfig) -> bool {
    optimizer.momentum.is_some_and(|momentum| momentum != 0.0)
}

/// What replicas have in common.
fn shape(architecture: &Architecture) -> (Head, Vec<impl PartialEq>) {
    let layers = architecture.layers.iter();
    let of = |spec: &LayerSpec| (spec.fan_in, spec.fan_out, spec.units, spec.activation.clone(), spec.norm.clone());
    (architecture.head, layers.map(of).collect())
}
