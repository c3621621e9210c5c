//! The passes over a batch: forward, loss, backward; and the forward pass of evaluation.

use super::backward::{backward_pass, choose_ways, transpose};
use super::fetch::fetch;
use super::forward::{At, forward_pass};
use super::layer::Layer;
use super::workspace::{LayerBuffers, Workspace, left_factor, output_gradient};
use super::{FusedStep, Hands};
use crate::metrics::Totals;
use crate::optimizer::Pace;
use crate::{Examples, StepError};
use relumine_kernels::augment::Place;
use relumine_kernels::loss::{self, Objective, loss};
use relumine_kernels::{Before, LastLayer, RoundTrip};
use relumine_model::Head;

impl FusedStep {
    /// Passes over `rows`, and gives what they saw. With a `pace`, the layers take a step as soon as their gradients are there, if the loss is
    /// finite; otherwise the gradients of the mean loss are left in the layers.
    pub(super) fn pass(&mut self, examples: &Examples, rows: &[u32], pace: Option<Pace>) -> Result<Totals, StepError> {
        let labels = rows.iter().map(|row| examples.labels()[*row as usize]);
        let objective = objective(&self.objective, &self.class_weights, self.head, labels);
        let micro_batch = self.micro_batch.unwrap_or(rows.len()).clamp(1, rows.len().max(1));
        let hands = self.hands.get_mut();
        hands.reserve(&self.layers, micro_batch);
        hands.begin(&self.layers);
        let mut totals = Totals::default();
        for (number, rows) in rows.chunks(micro_batch).enumerate() {
            // The masks' counter is 32 bits wide; after 2^32 steps they would repeat.
            let at = At { seed: self.seed, step: self.clock.steps as u32, first_row: (number * micro_batch) as u32 };
            let changes = self.augmenter.as_ref().map(|augmenter| (augmenter, Place { step: at.step, first_row: at.first_row }));
            fetch(hands, &self.layers, examples, rows, (true, changes))?;
            forward_pass(hands, &self.layers, rows.len(), Some(at));
            choose_ways(hands, &self.layers, rows.len());
            totals += loss_pass(hands, &self.layers, &objective, examples, rows);
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
            fetch(hands, &self.layers, examples, rows, (false, None))?;
            forward_pass(hands, &self.layers, rows.len(), None);
            if let Some(last) = hands.workspace.layers.last() {
                // The logits lie where their gradient would.
                logits.extend(last.dz.to_rows(rows.len()));
            }
        }
        Ok(logits)
    }
}

/// What is minimised over rows of these labels, as the kernel takes it: the mean of their losses.
pub(super) fn objective<'a>(
    objective: &crate::Objective,
    class_weights: &'a [f32],
    head: Head,
    labels: impl ExactSizeIterator<Item = u32>,
) -> Objective<'a> {
    Objective {
        head: match head {
            Head::Softmax => loss::Head::Softmax,
            Head::Sigmoid => loss::Head::Sigmoid,
        },
        label_smoothing: objective.label_smoothing as f32,
        class_weights,
        share: objective.share(labels),
    }
}

impl Hands {
    /// Makes room for passes over so many rows.
    pub(super) fn reserve(&mut self, layers: &[Layer], rows: usize) {
        if self.workspace.capacity < rows {
            self.workspace = Workspace::new(layers, rows);
        }
    }

    /// Begins a step.
    pub(super) fn begin(&mut self, layers: &[Layer]) {
        for (norm, buffers) in layers.iter().filter_map(|layer| layer.norm.as_ref()).zip(self.workspace.norms_mut()) {
            norm.begin(buffers);
        }
    }
}

/// Turns the logits into their gradient, in place, and adds the rows' losses up in their order. A last layer that goes there and back makes the
/// logits first, and the gradient at its inputs then.
pub(super) fn loss_pass(hands: &mut Hands, layers: &[Layer], objective: &Objective<'_>, examples: &Examples, rows: &[u32]) -> Totals {
    let Hands { team, workspace, uses, .. } = hands;
    let Workspace { layers: buffers, labels, losses, .. } = workspace;
    let (threads, labels, losses) = (team.threads(), &mut labels[..rows.len()], &mut losses[..rows.len()]);
    for (label, row) in labels.iter_mut().zip(rows) {
        *label = examples.labels()[*row as usize];
    }
    let (Some((last, before)), Some((layer, layers_before))) = (buffers.split_last_mut(), layers.split_last()) else {
        return Totals::default();
    };
    if layer.goes_there_and_back() {
        let LayerBuffers { inputs, lit_inputs, bytes, seen, slopes, dz, transposed, .. } = last;
        let skips_zeros = uses.last().is_some_and(|of_inputs| of_inputs.skips_zeros);
        let (mut back, mut to_transpose) = (None, None);
        if let (Some(previous), Some(previous_layer)) = (before.last_mut(), layers_before.last()) {
            let LayerBuffers { dz: previous_dz, maxout, transposed: of_previous, skips_slopes, .. } = previous;
            back = Some(Before { transposed, slopes, dx: output_gradient(previous_dz, maxout) });
            to_transpose = transpose(previous_layer, of_previous, *skips_slopes);
        }
        let last = LastLayer {
            inputs: left_factor((inputs, lit_inputs), (bytes, *seen), skips_zeros),
            weight: &layer.weight.value,
            bias: &layer.bias.value,
            dz,
            before: back,
        };
        team.run_together(&[&mut RoundTrip::new(threads, last, objective, labels, losses), &mut to_transpose]);
    } else {
        loss(team, objective, labels, &mut last.dz, losses);
    }
    let mut totals = Totals { rows: rows.len() as u64, ..Totals::default() };
    for row in losses {
        totals.loss += row.loss;
        totals.correct += u64::from(row.is_correct);
    }
    totals
}
