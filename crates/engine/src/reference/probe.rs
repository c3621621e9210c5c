//! What flows through the layers, by automatic differentiation.

use super::{ReferenceStep, mean_loss};
use crate::metrics::Totals;
use crate::probe::{Distribution, LayerProbe, Probe, Range, dead_units};
use crate::{Examples, StepError};
use candle_core::{Result, Tensor};
use relumine_model::{LayerTrace, Parameter, Role};

impl ReferenceStep {
    /// See [`Step::probe`](crate::Step::probe).
    pub(super) fn look(&self, examples: &Examples, rows: &[u32]) -> std::result::Result<Probe, StepError> {
        let (inputs, labels) = examples.batch(rows)?;
        let trace = self.mlp.trace(&inputs)?;
        let Some(LayerTrace { outputs: logits, .. }) = trace.last() else { return Ok(Probe { loss: f64::NAN, layers: Vec::new() }) };
        let host_labels = examples.labels_of(rows);
        let totals = Totals::of(self.head, &floats(logits)?, &host_labels);
        let loss = mean_loss(self.objective.sum(self.head, logits, &labels)?, self.objective.total_weight(host_labels.iter().copied()))?;
        let gradients = loss.backward()?;
        let gradient = |name: &str, of: &Tensor| {
            let missing = || StepError::NoGradient { parameter: name.to_owned(), step: self.optimizer.steps() + 1 };
            Ok::<_, StepError>(Distribution::of(&floats(gradients.get(of).ok_or_else(missing)?)?))
        };
        let specs: Vec<_> = trace.iter().map(|layer| layer.spec).collect();
        let mut layers = Vec::with_capacity(trace.len());
        for (position, ((traced, weight), range)) in trace.iter().zip(self.weights()).zip(Range::of_layers(&specs)).enumerate() {
            let outputs = floats(&traced.outputs)?;
            let units = traced.spec.units;
            let (weight_norm, update_ratio) = self.noted.movement(position, self.optimizer.steps(), &floats(&weight.var)?);
            layers.push(LayerProbe {
                layer: traced.spec.index,
                activations: Distribution::of(&outputs),
                saturated: range.saturated(&outputs).map(|count| count as f64 / outputs.len() as f64),
                dead: range.may_die.then(|| dead_units(&outputs, units) as f64 / units as f64),
                gradients: gradient(&weight.name, &traced.shift)?,
                weight_gradients: gradient(&weight.name, &weight.var)?,
                weight_norm,
                update_ratio,
            });
        }
        Ok(Probe { loss: totals.mean_loss(), layers })
    }

    /// See [`Step::note_weights`](crate::Step::note_weights).
    pub(super) fn note(&mut self) -> Result<()> {
        let weights = self.weights().map(|weight| floats(&weight.var)).collect::<Result<Vec<_>>>()?;
        self.noted.note(self.optimizer.steps(), weights.iter().map(Vec::as_slice));
        Ok(())
    }

    /// The weight of each layer, first to last.
    fn weights(&self) -> impl Iterator<Item = &Parameter> {
        self.parameters.trainable().filter(|parameter| parameter.role == Role::Weight)
    }
}

fn floats(tensor: &Tensor) -> Result<Vec<f32>> {
    tensor.flatten_all()?.to_vec1()
}
