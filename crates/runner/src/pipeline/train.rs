//! The training loop, whole.

use super::best::{Best, is_better};
use super::evaluation::{score, score_rows};
use super::{Event, Job, Observer};
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::recipe::EarlyStopping;
use relumine_engine::{Step, StepError};
use relumine_random::permutation::permutation;
use relumine_random::{Purpose, Stream};
use relumine_report::{EpochRecord, Score};
use std::time::{Duration, Instant};

/// What training has come to.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Whole epochs done.
    pub epochs: u64,
    /// The weights to test; `None` before the first epoch's end.
    pub best: Option<Best>,
    /// Training time of each whole epoch.
    pub epoch_seconds: Vec<f64>,
    /// When the first step was done.
    pub first_step: Option<Instant>,
}

/// Why training ended where it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// All epochs are done.
    Completed,
    /// Validation stopped improving.
    EarlyStopped,
    /// A signal came.
    Interrupted,
}

/// Training that has stopped: what it came to, and why it stopped or what failed.
pub type Stopped = (Outcome, Result<Ending, Failure>);

/// How often observers that show steps are told.
const STEPS_INTERVAL: Duration = Duration::from_millis(100);

/// Trains `job`'s recipe. The outcome is there whatever happens, so that nothing is lost.
pub fn train(job: &Job, step: &mut dyn Step, observers: &mut [&mut dyn Observer], interrupt: &Interrupt) -> Stopped {
    let mut outcome = Outcome::default();
    let mut ending = run(job, step, observers, interrupt, &mut outcome);
    let stopped = Event::Stopped { step, epochs: outcome.epochs, best: outcome.best.as_ref() };
    if let Err(failure) = tell(observers, stopped) {
        ending = ending.and(Err(failure));
    }
    (outcome, ending)
}

fn run(
    job: &Job,
    step: &mut dyn Step,
    observers: &mut [&mut dyn Observer],
    interrupt: &Interrupt,
    outcome: &mut Outcome,
) -> Result<Ending, Failure> {
    let settings = &job.recipe.train;
    let shuffle = Stream::new(settings.seed, Purpose::Shuffle, 0);
    let mut patience = settings.early_stopping.map(Patience::new);
    tell(observers, Event::Started { job })?;

    for epoch in 1..=settings.epochs {
        // The row order is a pure function of seed and epoch. Positions index the train rows, so that it does not depend on the split.
        let order = permutation(&shuffle, (epoch - 1) as u32, job.split.train.len() as u32);
        let rows: Vec<u32> = order.into_iter().map(|position| job.split.train[position as usize]).collect();

        // Every row once; the last batch is whatever is left.
        let started = Instant::now();
        step.reset_totals()?;
        let mut last_told = started;
        for (batch, batch_rows) in rows.chunks(settings.batch_size as usize).enumerate() {
            step.train(&job.examples, batch_rows)?;
            outcome.first_step.get_or_insert_with(Instant::now);
            if interrupt.is_requested() {
                return Ok(Ending::Interrupted);
            }
            if last_told.elapsed() >= STEPS_INTERVAL && observers.iter().any(|observer| observer.wants_steps()) {
                let rows = (batch * settings.batch_size as usize + batch_rows.len()) as u64;
                tell(observers, Event::Steps { epoch, rows, totals: step.totals()? })?;
                last_told = Instant::now();
            }
            if settings.checkpoint_steps.is_some_and(|every| step.steps().is_multiple_of(every)) {
                tell(observers, Event::CheckpointDue { step, epochs: outcome.epochs, best: outcome.best.as_ref() })?;
            }
        }
        let totals = step.totals()?;
        let seconds = started.elapsed().as_secs_f64();

        // Choices are made on the validation rows; the test rows have not been touched.
        let validation = validate(job, step)?;
        check_finite(job, step, validation)?;
        let is_best = is_better(validation, outcome.best.as_ref());
        if is_best {
            outcome.best = Some(Best { epoch, validation, parameters: step.parameters()? });
        }
        outcome.epochs = epoch;
        outcome.epoch_seconds.push(seconds);
        let record = EpochRecord {
            epoch,
            step: step.steps(),
            learning_rate: step.learning_rate(),
            train: score(&totals),
            validation,
            best: is_best,
            seconds,
            samples_per_second: totals.rows as f64 / seconds,
        };
        if let Some(best) = &outcome.best {
            tell(observers, Event::Epoch { record: &record, step, best })?;
        }
        if patience.as_mut().is_some_and(|patience| patience.is_exhausted(validation)) {
            return Ok(Ending::EarlyStopped);
        }
    }
    Ok(Ending::Completed)
}

fn validate(job: &Job, step: &dyn Step) -> Result<Option<Score>, Failure> {
    score_rows(job, step, &job.examples, &job.split.validation)
}

/// The loss of a step is seen before its update, so the last update of an epoch has not been judged yet. Without validation rows the
/// first batch of train rows judges it.
fn check_finite(job: &Job, step: &dyn Step, validation: Option<Score>) -> Result<(), Failure> {
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
        _ => Ok(()),
    }
}

fn tell(observers: &mut [&mut dyn Observer], event: Event<'_>) -> Result<(), Failure> {
    // Each observer is told even when another one fails: a full disk must not silence the rest.
    let results: Vec<_> = observers.iter_mut().map(|observer| observer.observe(event)).collect();
    results.into_iter().collect::<anyhow::Result<()>>().map_err(Failure::Run)
}

/// Counts epochs without a lower validation loss.
struct Patience {
    settings: EarlyStopping,
    lowest: f64,
    waited: u64,
}

impl Patience {
    fn new(settings: EarlyStopping) -> Self {
        Self { settings, lowest: f64::INFINITY, waited: 0 }
    }

    fn is_exhausted(&mut self, validation: Option<Score>) -> bool {
        let Some(Score { loss, .. }) = validation else { return false };
        if loss < self.lowest - self.settings.min_delta {
            (self.lowest, self.waited) = (loss, 0);
        } else {
            self.waited += 1;
        }
        self.waited >= self.settings.patience
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_runs_out_after_epochs_without_enough_improvement() {
        let mut patience = Patience::new(EarlyStopping { patience: 2, min_delta: 0.1 });
        let mut exhausted = |loss| patience.is_exhausted(Some(Score { loss, accuracy: 0.0 }));
        assert_eq!([1.0, 0.5, 0.45, 0.35, 0.34, 0.33].map(&mut exhausted), [false, false, false, false, false, true]);
    }
}
