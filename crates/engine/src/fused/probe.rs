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
use relumine_kernels::{Panels, Team};

/// Values of some rows, and what is to be told of them.
struct Subject<'a> {
    values: &'a Panels,
    rows: usize,
    range: Range,
}

/// What is told of them.
#[derive(Default)]
struct Finding {
    distribution: Option<Distribution>,
    saturated: Option<f64>,
    dead: Option<f64>,
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
        let is_back = self.layers.last().is_some_and(Layer::goes_there_and_back);
        backward_pass(hands, &mut self.layers, rows.len(), None, false, is_back);

        let findings = findings(hands, &self.layers, rows.len(), logits);
        let layer = |(position, [outputs, gradients, weight_gradients]): (usize, [Finding; 3])| {
            let weight = &self.layers[position].weight.value;
            let (weight_norm, update_ratio) = self.noted.movement(position, self.clock.steps, weight.values());
            Some(LayerProbe {
                layer: self.layers[position].spec.index,
                activations: outputs.distribution?,
                saturated: outputs.saturated,
                dead: outputs.dead,
                gradients: gradients.distribution?,
                weight_gradients: weight_gradients.distribution?,
                weight_norm,
                update_ratio,
            })
        };
        Ok(Probe { loss: totals.mean_loss(), layers: findings.into_iter().enumerate().filter_map(layer).collect() })
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

/// Of each layer: its outputs, the gradient at its pre-activations, and that of its weight. Each is one thread's work.
fn findings(hands: &mut Hands, layers: &[Layer], rows: usize, logits: Distribution) -> Vec<[Finding; 3]> {
    let Hands { team, workspace, .. } = hands;
    let specs: Vec<_> = layers.iter().map(|layer| &layer.spec).collect();
    let plain = |values, rows| Subject { values, rows, range: Range::default() };
    let outputs = workspace.layers.iter().skip(1).zip(Range::of_layers(&specs));
    // The longest first, so that no thread is left with it at the end.
    let weights = layers.iter().map(|layer| plain(&layer.gradient.weight, layer.spec.fan_in));
    let outputs = outputs.map(|(next, range)| Subject { values: &next.inputs, rows, range });
    let gradients = workspace.layers.iter().map(|buffers| plain(&buffers.dz, rows));
    let mut subjects: Vec<Subject<'_>> = weights.chain(gradients).chain(outputs).collect();
    let mut found = examine(team, &mut subjects).into_iter();
    let weights: Vec<Finding> = found.by_ref().take(layers.len()).collect();
    let gradients: Vec<Finding> = found.by_ref().take(layers.len()).collect();
    let outputs = found.chain([Finding { distribution: Some(logits), ..Finding::default() }]);
    outputs.zip(gradients).zip(weights).map(|((outputs, gradients), weights)| [outputs, gradients, weights]).collect()
}

fn examine(team: &mut Team, subjects: &mut [Subject<'_>]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = subjects.iter().map(|_| Finding::default()).collect();
    team.run_each(subjects, &mut findings, |_, subject, finding| *finding = subject.finding());
    findings
}

impl Subject<'_> {
    fn finding(&self) -> Finding {
        let Self { values: panels, rows, range } = self;
        let (width, columns) = (panels.width(), panels.columns());
        let stride = panels.stride().max(1);
        let mut blocks: Vec<&[f32]> = panels.values().chunks_exact(stride).map(|panel| &panel[..rows * width]).collect();
        // The last panel's columns beyond the last are no values.
        let units = columns % width;
        let narrowed: Vec<f32>;
        if let (1.., Some(last)) = (units, blocks.last_mut()) {
            narrowed = last.chunks_exact(width).flat_map(|row| &row[..units]).copied().collect();
            *last = &narrowed;
        }
        let saturated = blocks.iter().map(|block| range.saturated(block)).sum::<Option<usize>>();
        let dead = || blocks.iter().map(|block| dead_units(block, block.len() / (*rows).max(1))).sum::<usize>();
        Finding {
            saturated: saturated.map(|count| count as f64 / (rows * columns) as f64),
            dead: range.may_die.then(|| dead() as f64 / columns as f64),
            distribution: Some(Distribution::of_blocks(&blocks)),
        }
    }
}
