//! The training loop, whole.

use super::best::{Best, Preference};
use super::budget::Budget;
use super::evaluation::{score, score_rows};
use super::probes::Prober;
use super::{Ending, Event, Job, Observer, Outcome, Stopped};
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use relumine_engine::{Step, StepError};
use relumine_report::{EpochRecord, ProbeRecord, Score};
use std::time::{Duration, Instant};

/// How often observers that show steps are told.
const STEPS_INTERVAL: Duration = Duration::from_millis(100);

/// Trains `job`'s recipe. The outcome is there whatever happens, so that nothing is lost.
pub fn train(job: &Job, step: &mut dyn Step, observers: &mut [&mut dyn Observer], interrupt: &Interrupt) -> Stopped {
    train_on(job, step, observers, interrupt, Outcome::default())
}

/// Trains on from where `outcome` and `step` stand, with the bits of a training that never stopped there.
pub fn train_on(
    job: &Job,
    step: &mut dyn Step,
    observers: &mut [&mut dyn Observer],
    interrupt: &Interrupt,
    mut outcome: Outcome,
) -> Stopped {
    let budget = Budget::new(&job.recipe.train, outcome.earlier);
    let prober = Prober::of(job, observers);
    let mut training = Training { job, step, observers, interrupt, budget, prober };
    let mut ending = training.run(&mut outcome);
    let Training { step, observers, .. } = training;
    if let Err(failure) = tell(observers, Event::Stopped { step, outcome: &outcome }) {
        ending = ending.and(Err(failure));
    }
    (outcome, ending)
}

/// What a training is done with.
struct Training<'a, 'o> {
    job: &'a Job,
    step: &'a mut dyn Step,
    observers: &'a mut [&'o mut dyn Observer],
    interrupt: &'a Interrupt,
    budget: Budget,
    prober: Option<Prober<'a>>,
}

/// Why the batches of an epoch came to an end.
enum Batches {
    /// There are no more.
    Done,
    /// A limit was reached.
    Spent(Ending),
    Interrupted,
}

impl Training<'_, '_> {
    fn run(&mut self, outcome: &mut Outcome) -> Result<Ending, Failure> {
        tell(self.observers, Event::Started { job: self.job })?;
        // Of all that ends a training, only a number of epochs can be raised.
        if let Some(ending) = outcome.ended.filter(|ending| *ending != Ending::Completed) {
            return Ok(ending);
        }
        if self.step.steps() == 0 {
            self.probe(0, false)?;
        }
        for epoch in outcome.epochs + 1..=self.job.recipe.train.epochs {
            outcome.ended = None;
            if let Some(ending) = self.epoch(epoch, outcome)? {
                return Ok(ending);
            }
        }
        Ok(*outcome.ended.get_or_insert(Ending::Completed))
    }

    /// Every row once, in an order of the epoch's own, and what there is to say of it. Whether it was the last.
    fn epoch(&mut self, epoch: u64, outcome: &mut Outcome) -> Result<Option<Ending>, Failure> {
        let settings = &self.job.recipe.train;
        let started = Instant::now();
        let rows_before = outcome.rows;
        let spent = match self.batches(epoch, outcome)? {
            Batches::Interrupted => return Ok(Some(Ending::Interrupted)),
            Batches::Spent(ending) => Some(ending),
            Batches::Done => None,
        };
        let totals = self.step.totals()?;
        let seconds = started.elapsed().as_secs_f64();

        // Choices are made on the validation rows; the test rows have not been touched.
        let validation = judge(self.job, self.step)?;
        if let (Some(plateau), Some(Score { loss, .. })) = (self.job.recipe.optimizer.schedule.plateau(), validation) {
            outcome.validation_losses.push(loss);
            self.step.scale_learning_rate(plateau.factor_after(&outcome.validation_losses));
        }
        let is_best = Preference::of(settings).is_better(validation, outcome.best.as_ref());
        if is_best {
            outcome.best = Some(Best { epoch, steps: self.step.steps(), validation, parameters: self.step.parameters()? });
        }
        (outcome.epochs, outcome.rows) = (epoch, 0);
        outcome.last_validation = validation;
        outcome.highest_accuracy = validation.map(|score| score.accuracy.max(outcome.highest_accuracy.unwrap_or(0.0)));
        if spent.is_none() && rows_before == 0 {
            outcome.epoch_seconds.push(seconds);
        }
        let completed = (epoch == settings.epochs).then_some(Ending::Completed);
        outcome.ended = self.budget.is_satisfied(validation, outcome).or(spent).or(completed);
        if let Some(prober) = &mut self.prober {
            tell_probe(self.observers, prober.at_end(self.step, outcome)?.as_ref())?;
        }
        let record = EpochRecord {
            epoch,
            step: self.step.steps(),
            learning_rate: self.step.learning_rate(),
            train: score(&totals),
            validation,
            best: is_best,
            seconds,
            samples_per_second: (totals.rows - rows_before) as f64 / seconds,
        };
        tell(self.observers, Event::Epoch { record: &record, step: self.step, outcome })?;
        Ok(outcome.ended)
    }

    /// The batches of an epoch; those that are left, if it was left within and no limit has been reached at that very step. The last one has
    /// whatever rows are left.
    fn batches(&mut self, epoch: u64, outcome: &mut Outcome) -> Result<Batches, Failure> {
        let settings = &self.job.recipe.train;
        let rows = self.job.epoch_rows(epoch);
        if outcome.rows == 0 {
            self.step.reset_totals()?;
        } else if let Some(ending) = self.budget.is_spent(self.step.steps()) {
            return Ok(Batches::Spent(ending));
        }
        let mut last_told = Instant::now();
        for batch in rows[rows.len().min(outcome.rows as usize)..].chunks(settings.rows_per_step()) {
            let is_last = epoch == settings.epochs && outcome.rows + batch.len() as u64 == rows.len() as u64;
            if let Some(prober) = &self.prober {
                prober.before_step(self.step, is_last)?;
            }
            self.step.train(&self.job.examples, batch)?;
            outcome.rows += batch.len() as u64;
            outcome.first_step.get_or_insert_with(Instant::now);
            // Before an interrupt is heeded: a run that goes on does not come by here again.
            self.probe(epoch, is_last)?;
            if self.interrupt.is_requested() {
                return Ok(Batches::Interrupted);
            }
            if last_told.elapsed() >= STEPS_INTERVAL && self.observers.iter().any(|observer| observer.wants_steps()) {
                tell(self.observers, Event::Steps { epoch, rows: outcome.rows, totals: self.step.totals()? })?;
                last_told = Instant::now();
            }
            if settings.checkpoint_steps.is_some_and(|every| self.step.steps().is_multiple_of(every)) {
                tell(self.observers, Event::CheckpointDue { step: self.step, outcome })?;
            }
            if let Some(ending) = self.budget.is_spent(self.step.steps()) {
                return Ok(Batches::Spent(ending));
            }
        }
        Ok(Batches::Done)
    }

    /// Looks at the layers, if it is time.
    fn probe(&mut self, epoch: u64, is_last: bool) -> Result<(), Failure> {
        let Some(prober) = &mut self.prober else { return Ok(()) };
        tell_probe(self.observers, prober.after_step(self.step, epoch, is_last)?.as_ref())
    }
}

/// The score of the validation rows. The loss of a step is seen before its update, so the last update has not been judged yet: this does
/// it. Without validation rows the first batch of train rows judges it.
///
/// # Errors
/// Weights that give a loss that is not finite, or a device that fails.
pub fn judge(job: &Job, step: &dyn Step) -> Result<Option<Score>, Failure> {
    let validation = score_rows(job, step, &job.examples, &job.split.validation)?;
    let judged = match validation {
        Some(score) => Some((score, "validation")),
        None => {
            let first = &job.split.train[..job.split.train.len().min(job.recipe.train.batch_size as usize)];
            score_rows(job, step, &job.examples, first)?.map(|score| (score, "train"))
        }
    };
    match judged {
        Some((Score { loss, .. }, rows)) if !loss.is_finite() => {
            Err(StepError::RuinedWeights { step: step.steps(), loss, rows, learning_rate: step.learning_rate() }.into())
        }
        _ => Ok(validation),
    }
}

fn tell_probe(observers: &mut [&mut dyn Observer], record: Option<&ProbeRecord>) -> Result<(), Failure> {
    record.map_or(Ok(()), |record| tell(observers, Event::Probe { record }))
}

fn tell(observers: &mut [&mut dyn Observer], event: Event<'_>) -> Result<(), Failure> {
    // Each observer is told even when another one fails: a full disk must not silence the rest.
    let results: Vec<_> = observers.iter_mut().map(|observer| observer.observe(event)).collect();
    results.into_iter().collect::<anyhow::Result<()>>().map_err(Failure::Run)
}
