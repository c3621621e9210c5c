//! The passes over a batch: forward, loss, backward; and the forward pass of evaluation.

use super::layer::Layer;
use super::workspace::{LayerBuffers, Workspace};
use super::{FusedStep, Hands, Use, plan};
use crate::metrics::Totals;
use crate::optimizer::Pace;
use crate::{Examples, OptimizerConfig, StepError};
use relumine_kernels::gather::gather;
use relumine_kernels::loss::{self, Objective, loss};
use relumine_kernels::product::{Destination, Way, forward, input_gradient, weight_gradient};
use relumine_kernels::{Activation, Dropout};
use relumine_model::Head;
use std::ops::Range;

/// Products skip zeros where the share of inputs that are not zero is under this: by `cargo bench -p relumine-kernels`, where the forward
/// and the weights' product break even between 0.45 and 0.55.
const SKIP_BELOW: f64 = 0.45;
/// The same for the gradient at a layer's inputs, whose dense form first transposes the weight.
const SKIP_SLOPES_BELOW: f64 = 0.4;
/// Layers of fewer outputs take the dense form for it: sums over so few are not worth choosing among.
const NARROW: usize = 64;

/// Where a training pass stands.
#[derive(Clone, Copy)]
struct At {
    seed: u64,
    step: u32,
    /// Position of these rows' first in the step's batch.
    first_row: u32,
}

impl FusedStep {
    /// Passes over `rows`, and gives what they saw. With a `pace`, the layers take a step as soon as their gradients are there, if the loss is
    /// finite; otherwise the gradients of the mean loss are left in the layers.
    pub(super) fn pass(&mut self, examples: &Examples, rows: &[u32], pace: Option<Pace>) -> Result<Totals, StepError> {
        let labels = examples.labels();
        let total_weight = match &self.objective.class_weights {
            None => rows.len() as f64,
            Some(weights) => rows.iter().map(|row| weights[labels[*row as usize] as usize]).sum(),
        };
        let objective = Objective {
            head: match self.head {
                Head::Softmax => loss::Head::Softmax,
                Head::Sigmoid => loss::Head::Sigmoid,
            },
            label_smoothing: self.objective.label_smoothing as f32,
            class_weights: &self.class_weights,
            // A window of classes that all weigh nothing has no mean, and nothing to learn from.
            share: if total_weight > 0.0 { (1.0 / total_weight) as f32 } else { 0.0 },
        };
        let micro_batch = self.micro_batch.unwrap_or(rows.len()).clamp(1, rows.len().max(1));
        let hands = self.hands.get_mut();
        hands.reserve(&self.layers, micro_batch);
        let mut totals = Totals::default();
        for (number, rows) in rows.chunks(micro_batch).enumerate() {
            // The masks' counter is 32 bits wide; after 2^32 steps they would repeat.
            let at = At { seed: self.seed, step: self.clock.steps as u32, first_row: (number * micro_batch) as u32 };
            fetch(hands, examples, rows)?;
            forward_pass(hands, &self.layers, rows.len(), Some(at));
            totals += loss_pass(hands, &objective, examples, rows);
            let step = pace.filter(|_| totals.loss.is_finite()).map(|pace| (&self.clock.config, pace));
            backward_pass(hands, &mut self.layers, rows.len(), step, number > 0);
        }
        Ok(totals)
    }

    /// The logits of `rows`, row-major, by the weights that evaluation uses.
    pub(super) fn evaluate(&self, examples: &Examples, rows: &[u32]) -> Result<Vec<f32>, StepError> {
        let hands = &mut *self.hands.borrow_mut();
        hands.reserve(&self.layers, rows.len().min(Self::EVALUATION_ROWS));
        let units = self.layers.last().map_or(0, |layer| layer.spec.units);
        let mut logits = Vec::with_capacity(rows.len() * units);
        for rows in rows.chunks(Self::EVALUATION_ROWS) {
            fetch(hands, examples, rows)?;
            forward_pass(hands, &self.layers, rows.len(), None);
            if let Some(last) = hands.workspace.layers.last() {
                // The logits lie where their gradient would.
                logits.extend(last.dz.to_rows(rows.len()));
            }
        }
        Ok(logits)
    }
}

impl Hands {
    /// Makes room for passes over so many rows.
    fn reserve(&mut self, layers: &[Layer], rows: usize) {
        if self.workspace.capacity < rows {
            self.workspace = Workspace::new(layers, rows);
        }
    }
}

/// Gathers and scales the rows into the first layer's inputs.
fn fetch(hands: &mut Hands, examples: &Examples, rows: &[u32]) -> Result<(), StepError> {
    let Some(first) = hands.workspace.layers.first_mut() else { return Ok(()) };
    Ok(examples.read_host(|source, scaling| gather(&mut hands.team, source, scaling, rows, &mut first.inputs))?)
}

/// Leaves each layer's outputs in the next layer's inputs, and the logits in the last layer's `dz`.
fn forward_pass(hands: &mut Hands, layers: &[Layer], rows: usize, at: Option<At>) {
    let Hands { team, workspace, uses } = hands;
    let drops = |layer: &Layer| at.and_then(|at| plan::dropout(&layer.spec, at.seed, at.step));
    let first_row = at.map_or(0, |at| at.first_row);
    for (position, layer) in layers.iter().enumerate() {
        let (reading, following) = workspace.layers.split_at_mut(position + 1);
        let Some(LayerBuffers { inputs, lit_inputs, dz, .. }) = reading.last_mut() else { return };
        if let (0, Some(dropout)) = (position, drops(layer)) {
            dropout.apply_to(team, first_row, rows, inputs);
        }
        let lit_share = if may_be_zero(layers, position, at.is_some()) {
            lit_inputs.update(team, inputs, rows);
            lit_inputs.share()
        } else {
            1.0
        };
        uses[position] = Use { lit_share, skips_zeros: lit_share < SKIP_BELOW };
        let x = (&*inputs, uses[position].skips_zeros.then_some(&*lit_inputs));
        let (weight, bias) = if at.is_some() { (&layer.weight.value, &layer.bias.value) } else { (layer.weight.evaluated(), layer.bias.evaluated()) };
        match (following.first_mut(), layers.get(position + 1)) {
            (Some(next), Some(next_layer)) => {
                let finish = Finish { activation: layer.activation, dropout: drops(next_layer), first_row, columns: layer.spec.fan_out };
                forward(team, x, rows, (weight, bias), (&mut next.inputs, Some(&mut next.slopes)), &|panel, rows, outputs, slopes| {
                    finish.apply(panel, rows, outputs, slopes);
                });
            }
            // The logits stay as they are.
            _ => forward(team, x, rows, (weight, bias), (dz, None), &|_, _, _, _| {}),
        }
    }
}

/// Whether it may pay to look for zeros among the inputs of the layer at `position`.
fn may_be_zero(layers: &[Layer], position: usize, is_training: bool) -> bool {
    let layer = &layers[position];
    let drops = is_training && layer.spec.input_dropout >= 1.0 - SKIP_BELOW && plan::dropout(&layer.spec, 0, 0).is_some_and(|d| d.gives_zeros());
    position == 0 || drops || layers[position - 1].activation.gives_zeros()
}

/// Activation and dropout of a tile.
struct Finish {
    activation: Activation,
    dropout: Option<Dropout>,
    first_row: u32,
    columns: usize,
}

impl Finish {
    fn apply(&self, panel: usize, rows: Range<usize>, outputs: &mut [f32], slopes: &mut [f32]) {
        let width = outputs.len() / rows.len().max(1);
        self.activation.apply(outputs, slopes);
        if let Some(dropout) = &self.dropout {
            let rows = self.first_row + rows.start as u32..self.first_row + rows.end as u32;
            dropout.apply(rows, panel * width, width, outputs, slopes);
        }
        // Columns beyond the last are no units: they stay zero.
        let units = width.min(self.columns - panel * width);
        if units < width {
            for (outputs, slopes) in outputs.chunks_exact_mut(width).zip(slopes.chunks_exact_mut(width)) {
                outputs[units..].fill(0.0);
                slopes[units..].fill(0.0);
            }
        }
    }
}

/// Turns the logits into their gradient, in place, and adds the rows' losses up in their order.
fn loss_pass(hands: &mut Hands, objective: &Objective<'_>, examples: &Examples, rows: &[u32]) -> Totals {
    let Hands { team, workspace, .. } = hands;
    let Workspace { layers, labels, losses, .. } = workspace;
    let (labels, losses) = (&mut labels[..rows.len()], &mut losses[..rows.len()]);
    for (label, row) in labels.iter_mut().zip(rows) {
        *label = examples.labels()[*row as usize];
    }
    let Some(last) = layers.last_mut() else { return Totals::default() };
    loss(team, objective, labels, &mut last.dz, losses);
    let mut totals = Totals { rows: rows.len() as u64, ..Totals::default() };
    for row in losses {
        totals.loss += row.loss;
        totals.correct += u64::from(row.is_correct);
    }
    totals
}

/// From the last layer to the first: takes a step, or leaves the gradients of weights and biases in the layers.
fn backward_pass(hands: &mut Hands, layers: &mut [Layer], rows: usize, step: Option<(&OptimizerConfig, Pace)>, add: bool) {
    let Hands { team, workspace, uses } = hands;
    for position in (0..layers.len()).rev() {
        let looks = position > 0 && may_be_zero(layers, position, true);
        let layer = &mut layers[position];
        let (before, here) = workspace.layers.split_at_mut(position);
        let Some(LayerBuffers { inputs, lit_inputs, slopes, lit_slopes, dz, transposed }) = here.first_mut() else { return };
        if let Some(previous) = before.last_mut() {
            if looks && layer.spec.fan_out >= NARROW {
                lit_slopes.update(team, slopes, rows);
            }
            let skips = looks && layer.spec.fan_out >= NARROW && lit_slopes.share() < SKIP_SLOPES_BELOW;
            let way = if skips { Way::Skipping(lit_slopes) } else { Way::Whole(transposed) };
            input_gradient(team, dz, rows, &layer.weight.value, slopes, &mut previous.dz, way);
        }
        let x = (&*inputs, uses[position].skips_zeros.then_some(&*lit_inputs));
        let destination = match step {
            Some((config, pace)) => Destination::Update {
                weight: layer.weight.target(config, pace),
                bias: layer.bias.target(config, pace),
                backwards: pace.step % 2 == 0,
            },
            None if add => Destination::Add(&mut layer.gradient),
            None => Destination::Store(&mut layer.gradient),
        };
        weight_gradient(team, x, rows, dz, destination);
    }
}
