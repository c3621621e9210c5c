//! When what flows through the layers is looked at, and on which rows.

use super::{Ending, Job, Observer, Outcome};
use crate::failure::Failure;
use relumine_engine::{Distribution, LayerProbe, Step};
use relumine_random::permutation::permutation;
use relumine_random::{Purpose, Stream};
use relumine_report::ProbeRecord;

/// Looks before the first step, after every so many steps, and at the end. What it looks at is the same wherever a run is stopped and goes on.
pub(super) struct Prober<'a> {
    job: &'a Job,
    every: u64,
    rows: Vec<u32>,
    /// Steps that had been taken when it looked last.
    looked: Option<u64>,
}

impl<'a> Prober<'a> {
    /// `None` where the recipe asks for no probes, or nobody takes note of them.
    pub(super) fn of(job: &'a Job, observers: &[&mut dyn Observer]) -> Option<Self> {
        let section = job.recipe.probes.filter(|section| section.every > 0)?;
        let is_wanted = observers.iter().any(|observer| observer.wants_probes());
        is_wanted.then(|| Self { job, every: section.every, rows: probed_rows(job, section.rows), looked: None })
    }

    /// Before a step, which may be the `last` of the plan: a probe after it tells how far it moved the weights.
    ///
    /// # Errors
    /// A device that fails.
    pub(super) fn before_step(&self, step: &mut dyn Step, is_last: bool) -> Result<(), Failure> {
        if self.is_planned(step.steps() + 1, is_last) {
            step.note_weights()?;
        }
        Ok(())
    }

    /// What there is to say after a step, if it is time.
    ///
    /// # Errors
    /// A device that fails.
    pub(super) fn after_step(&mut self, step: &mut dyn Step, epoch: u64, is_last: bool) -> Result<Option<ProbeRecord>, Failure> {
        if self.is_planned(step.steps(), is_last) { self.look(step, epoch).map(Some) } else { Ok(None) }
    }

    /// What there is to say at the end of a training that ended before the end of its plan, after the step that turned out to be the last.
    /// Nobody knew to note the weights before it.
    ///
    /// # Errors
    /// A device that fails.
    pub(super) fn at_end(&mut self, step: &mut dyn Step, outcome: &Outcome) -> Result<Option<ProbeRecord>, Failure> {
        let is_known =
            outcome.ended == Some(Ending::Completed) || self.is_planned(step.steps(), false) || self.looked == Some(step.steps());
        if outcome.ended.is_none() || is_known { Ok(None) } else { self.look(step, outcome.epochs).map(Some) }
    }

    fn is_planned(&self, steps: u64, is_last: bool) -> bool {
        is_last || steps.is_multiple_of(self.every) || self.job.recipe.train.max_steps == Some(steps)
    }

    fn look(&mut self, step: &mut dyn Step, epoch: u64) -> Result<ProbeRecord, Failure> {
        self.looked = Some(step.steps());
        let probe = step.probe(&self.job.examples, &self.rows)?;
        let layers = probe.layers.into_iter().map(|layer| self.layer(layer)).collect();
        Ok(ProbeRecord { step: step.steps(), epoch, rows: self.rows.len() as u64, loss: probe.loss, layers })
    }

    fn layer(&self, probe: LayerProbe) -> relumine_report::LayerProbe {
        let LayerProbe { layer, activations, saturated, dead, gradients, weight_gradients, weight_norm, update_ratio } = probe;
        let [activations, gradients, weight_gradients] =
            [activations, gradients, weight_gradients].map(|Distribution { norm, mean, standard_deviation, percentiles }| {
                relumine_report::Distribution { norm, mean, standard_deviation, percentiles }
            });
        relumine_report::LayerProbe {
            layer: format!("layers.{layer}"),
            activation: self.job.architecture.layers[usize::from(layer)].activation.name().to_owned(),
            activations,
            gradients,
            weight_gradients,
            saturated,
            dead,
            weight_norm,
            update_ratio,
        }
    }
}

/// The train rows to look at. The order is none of an epoch's.
fn probed_rows(job: &Job, count: u64) -> Vec<u32> {
    let train = &job.split.train;
    let order = permutation(&Stream::new(job.recipe.data.split_seed, Purpose::Shuffle, 1), 0, train.len() as u32);
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    order.into_iter().take(count).map(|position| train[position as usize]).collect()
}

impl Outcome {
    /// Whether the last step that was taken is the last of training by this job's recipe, which may have been given more epochs since.
    #[must_use]
    pub fn is_at_end_of(&self, job: &Job) -> bool {
        let epochs = job.recipe.train.epochs;
        match self.ended {
            Some(Ending::Completed) => self.epochs >= epochs,
            Some(_) => true,
            None => self.epochs + 1 == epochs && self.rows >= job.split.train.len() as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn steps_and_reports_have_the_same_percentiles() {
        assert_eq!(relumine_engine::PERCENTILES, relumine_report::PERCENTILES);
    }
}
