//! A pass that is looked at and changes nothing.

use super::backward::{backward_pass, choose_ways};
use super::fetch::fetch;
use super::forward::{At, forward_pass, logits};
use super::layer::Layer;
use super::pass::{loss_pass, objective};
use super::{FusedStep, Hands};
use crate::metrics::Totals;
use crate::probe::{Distribution, LayerProbe, Probe, Range, dead_units};
use crate::{Examples, StepError};
use relumine_kernels::Panels;

/// What one thread looks at.
#[derive(Clone, Copy)]
enum Subject<'a> {
    /// Values of so many rows, and what can be told of them.
    Values(&'a Panels, usize, Range),
    /// The weight of the layer at this position, and how far the last step moved it.
    Weight(usize),
}

/// What is told of them.
#[derive(Default)]
struct Finding {
    distribution: Option<Distribution>,
    saturated: Option<f64>,
    dead: Option<f64>,
    /// The weight's norm, and its last change over its norm before.
    movement: Option<(f64, Option<f64>)>,
}

impl FusedStep {
    /// See [`Step::probe`](crate::Step::probe).
    pub(super) fn look(&mut self, examples: &Examples, rows: &[u32]) -> Result<Probe, StepError> {
        let tallies = self.hands.get_mut().tallies.clone();
        let rates: Vec<(f64, f64)> = self.layers.iter().map(|layer| (layer.spec.input_noise, layer.spec.input_dropout)).collect();
        self.layers.iter_mut().for_each(|layer| (layer.spec.input_noise, layer.spec.input_dropout) = (0.0, 0.0));
        let probe = self.look_undisturbed(examples, rows);
        for (layer, rates) in self.layers.iter_mut().zip(rates) {
            (layer.spec.input_noise, layer.spec.input_dropout) = rates;
        }
        self.hands.get_mut().tallies = tallies;
        probe
    }

    /// The rows go through the network together, with no noise and no dropout; the gradients are left in the layers, where every step
    /// puts its own.
    fn look_undisturbed(&mut self, examples: &Examples, rows: &[u32]) -> Result<Probe, StepError> {
        let labels = examples.labels_of(rows);
        let objective = objective(&self.objective, &self.class_weights, self.head, labels.iter().copied());
        let hands = self.hands.get_mut();
        hands.reserve(&self.layers, rows.len());
        hands.begin(&self.layers);
        fetch(hands, &self.layers, examples, rows, (true, None))?;
        let at = At { seed: self.seed, step: self.clock.steps as u32, first_row: 0 };
        forward_pass(hands, &self.layers, rows.len(), Some(at));
        logits(hands, &self.layers, rows.len());
        let (totals, logits) = of_logits(hands, self.head, &labels);
        choose_ways(hands, &self.layers, rows.len());
        loss_pass(hands, &self.layers, &objective, examples, rows);
        backward_pass(hands, &mut self.layers, rows.len(), None, false);

        let found = self.findings(rows.len(), logits);
        let layer = |(layer, [outputs, gradients, weight_gradients, weight]): (&Layer, [Finding; 4])| {
            let (weight_norm, update_ratio) = weight.movement?;
            Some(LayerProbe {
                layer: layer.spec.index,
                activations: outputs.distribution?,
                saturated: outputs.saturated,
                dead: outputs.dead,
                gradients: gradients.distribution?,
                weight_gradients: weight_gradients.distribution?,
                weight_norm,
                update_ratio,
            })
        };
        Ok(Probe { loss: totals.mean_loss(), layers: self.layers.iter().zip(found).filter_map(layer).collect() })
    }

    /// Of each layer: its outputs, the gradient at its pre-activations, that of its weight, and the weight.
    fn findings(&mut self, rows: usize, logits: Distribution) -> Vec<[Finding; 4]> {
        let Hands { team, workspace, .. } = self.hands.get_mut();
        let (layers, noted, steps) = (&self.layers, &self.noted, self.clock.steps);
        let specs: Vec<_> = layers.iter().map(|layer| &layer.spec).collect();
        let plain = |values, rows| Subject::Values(values, rows, Range::default());
        // The longest first, so that no thread is left with it at the end.
        let weight_gradients = layers.iter().map(|layer| plain(&layer.gradient.weight, layer.spec.fan_in));
        let weights = (0..layers.len()).map(Subject::Weight);
        let gradients = workspace.layers.iter().map(|buffers| plain(&buffers.dz, rows));
        // The outputs of the last layer are the logits, which have been looked at.
        let outputs = workspace.layers.iter().skip(1).zip(Range::of_layers(&specs));
        let outputs = outputs.map(|(next, range)| Subject::Values(&next.inputs, rows, range));
        let mut subjects: Vec<Subject<'_>> = weight_gradients.chain(weights).chain(gradients).chain(outputs).collect();
        let mut found: Vec<Finding> = subjects.iter().map(|_| Finding::default()).collect();
        team.run_each(&mut subjects, &mut found, |_, subject, finding| {
            *finding = match *subject {
                Subject::Values(values, rows, range) => of_values(values, rows, range),
                Subject::Weight(position) => {
                    let movement = noted.movement(position, steps, layers[position].weight.value.values());
                    Finding { movement: Some(movement), ..Finding::default() }
                }
            };
        });
        let mut found = found.into_iter();
        let [weight_gradients, weights, gradients] = std::array::from_fn(|_| found.by_ref().take(layers.len()).collect::<Vec<_>>());
        let outputs = found.chain([Finding { distribution: Some(logits), ..Finding::default() }]);
        let rest = gradients.into_iter().zip(weight_gradients).zip(weights);
        outputs
            .zip(rest)
            .map(|(outputs, ((gradients, weight_gradients), weights))| [outputs, gradients, weight_gradients, weights])
            .collect()
    }

    /// See [`Step::note_weights`](crate::Step::note_weights).
    pub(super) fn note(&mut self) {
        self.noted.note(self.clock.steps, self.layers.iter().map(|layer| layer.weight.value.values()));
    }
}

/// The logits, which lie where their gradient will.
fn of_logits(hands: &Hands, head: relumine_model::Head, labels: &[u32]) -> (Totals, Distribution) {
    let logits = hands.workspace.layers.last().map(|last| last.dz.to_rows(labels.len())).unwrap_or_default();
    (Totals::of(head, &logits, labels), Distribution::of(&logits))
}

/// Of the first `rows` rows.
fn of_values(panels: &Panels, rows: usize, range: Range) -> Finding {
    let (width, columns) = (panels.width(), panels.columns());
    let stride = panels.stride().max(1);
    let mut blocks: Vec<&[f32]> = panels.values().chunks_exact(stride).map(|panel| &panel[..rows * width]).collect();
    // Columns beyond the last are no values.
    let units = columns % width;
    let narrowed: Vec<f32>;
    if let (1.., Some(last)) = (units, blocks.last_mut()) {
        narrowed = last.chunks_exact(width).flat_map(|row| &row[..units]).copied().collect();
        *last = &narrowed;
    }
    let saturated = blocks.iter().map(|block| range.saturated(block)).sum::<Option<usize>>();
    let dead = || blocks.iter().map(|block| dead_units(block, block.len() / rows.max(1))).sum::<usize>();
    Finding {
        saturated: saturated.map(|count| count as f64 / (rows * columns) as f64),
        dead: range.may_die.then(|| dead() as f64 / columns as f64),
        distribution: Some(Distribution::of_blocks(&blocks)),
        movement: None,
    }
}
