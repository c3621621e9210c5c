//! The training loop, whole.

use super::best::{Best, Preference};
use super::budget::Budget;
use super::evaluation::{score, score_rows};
use super::{Event, Job, Observer};
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use relumine_engine::{Step, StepError};
use relumine_report::{EpochRecord, Score, StopReason};
use std::time::{Duration, Instant};

/// What training has come to.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Epochs done; the last one may have been cut short by a limit.
    pub epochs: u64,
    /// The best weights on validation; `None` before the first epoch's end.
    pub best: Option<Best>,
    /// The validation score of the last epoch.
    pub last_validation: Option<Score>,
    /// The highest validation accuracy of any epoch.
    pub highest_accuracy: Option<f64>,
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
    /// Validation reached the accuracy that was asked for.
    TargetReached,
    /// `train.max_steps` are done.
    StepLimit,
    /// `train.max_minutes` are over.
    TimeLimit,
    /// A signal came.
    Interrupted,
}

impl Ending {
    /// What the summary calls it; `None` for a run that did not finish.
    #[must_use]
    pub fn reason(self) -> Option<StopReason> {
        match self {
            Self::Completed => Some(StopReason::Epochs),
            Self::EarlyStopped => Some(StopReason::EarlyStopping),
            Self::TargetReached => Some(StopReason::TargetAccuracy),
            Self::StepLimit => Some(StopReason::MaxSteps),
            Self::TimeLimit => Some(StopReason::MaxMinutes),
            Self::Interrupted => None,
        }
    }
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
    let plateau = job.recipe.optimizer.schedule.plateau();
    let mut validation_losses = Vec::new();
    let mut budget = Budget::new(settings);
    let preference = Preference::of(settings);
    tell(observers, Event::Started { job })?;

    for epoch in 1..=settings.epochs {
        // Every row once, in an order of the epoch's own; the last step has whatever is left.
        let rows = job.epoch_rows(epoch);
        let started = Instant::now();
        step.reset_totals()?;
        let mut last_told = started;
        let mut rows_done = 0;
        let mut spent = None;
        for batch in rows.chunks(settings.rows_per_step()) {
            step.train(&job.examples, batch)?;
            rows_done += batch.len() as u64;
            outcome.first_step.get_or_insert_with(Instant::now);
            if interrupt.is_requested() {
                return Ok(Ending::Interrupted);
            }
            if last_told.elapsed() >= STEPS_INTERVAL && observers.iter().any(|observer| observer.wants_steps()) {
                tell(observers, Event::Steps { epoch, rows: rows_done, totals: step.totals()? })?;
                last_told = Instant::now();
            }
            if settings.checkpoint_steps.is_some_and(|every| step.steps().is_multiple_of(every)) {
                tell(observers, Event::CheckpointDue { step, epochs: outcome.epochs, best: outcome.best.as_ref() })?;
            }
            spent = budget.is_spent(step.steps());
            if spent.is_some() {
                break;
            }
        }
        let totals = step.totals()?;
        let seconds = started.elapsed().as_secs_f64();

        // Choices are made on the validation rows; the test rows have not been touched.
        let validation = judge(job, step)?;
        if let (Some(plateau), Some(Score { loss, .. })) = (plateau, validation) {
            validation_losses.push(loss);
            step.scale_learning_rate(plateau.factor_after(&validation_losses));
        }
        let is_best = preference.is_better(validation, outcome.best.as_ref());
        if is_best {
            outcome.best = Some(Best { epoch, steps: step.steps(), validation, parameters: step.parameters()? });
        }
        outcome.epochs = epoch;
        outcome.last_validation = validation;
        outcome.highest_accuracy = validation.map(|score| score.accuracy.max(outcome.highest_accuracy.unwrap_or(0.0)));
        if spent.is_none() {
            outcome.epoch_seconds.push(seconds);
        }
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
        if let Some(ending) = budget.is_satisfied(validation).or(spent) {
            return Ok(ending);
        }
    }
    Ok(Ending::Completed)
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

fn tell(observers: &mut [&mut dyn Observer], event: Event<'_>) -> Result<(), Failure> {
    // Each observer is told even when another one fails: a full disk must not silence the rest.
    let results: Vec<_> = observers.iter_mut().map(|observer| observer.observe(event)).collect();
    results.into_iter().collect::<anyhow::Result<()>>().map_err(Failure::Run)
}
