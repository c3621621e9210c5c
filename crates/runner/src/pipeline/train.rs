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
    let mut ending = run(job, step, observers, interrupt, &mut outcome);
    if let Err(failure) = tell(observers, Event::Stopped { step, outcome: &outcome }) {
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
    let budget = Budget::new(settings, outcome.earlier);
    let preference = Preference::of(settings);
    tell(observers, Event::Started { job })?;
    // Of all that ends a training, only a number of epochs can be raised.
    if let Some(ending) = outcome.ended.filter(|ending| *ending != Ending::Completed) {
        return Ok(ending);
    }

    let mut prober = Prober::of(job, observers);
    if let Some(prober) = prober.as_mut().filter(|_| step.steps() == 0) {
        tell_probe(observers, prober.after_step(step, 0, false)?.as_ref())?;
    }

    for epoch in outcome.epochs + 1..=settings.epochs {
        outcome.ended = None;
        // Every row once, in an order of the epoch's own; the last step has whatever is left.
        let rows = job.epoch_rows(epoch);
        let started = Instant::now();
        let rows_before = outcome.rows;
        let mut spent = None;
        if rows_before == 0 {
            step.reset_totals()?;
        } else {
            // An epoch that was left within goes on there, if no limit has been reached at that very step.
            spent = budget.is_spent(step.steps());
        }
        let mut last_told = started;
        for batch in rows[rows.len().min(rows_before as usize)..].chunks(settings.rows_per_step()) {
            if spent.is_some() {
                break;
            }
            let is_last = epoch == settings.epochs && outcome.rows + batch.len() as u64 == rows.len() as u64;
            if let Some(prober) = &prober {
                prober.before_step(step, is_last)?;
            }
            step.train(&job.examples, batch)?;
            outcome.rows += batch.len() as u64;
            outcome.first_step.get_or_insert_with(Instant::now);
            // Before an interrupt is heeded: a run that goes on does not come by here again.
            if let Some(prober) = &mut prober {
                tell_probe(observers, prober.after_step(step, epoch, is_last)?.as_ref())?;
            }
            if interrupt.is_requested() {
                return Ok(Ending::Interrupted);
            }
            if last_told.elapsed() >= STEPS_INTERVAL && observers.iter().any(|observer| observer.wants_steps()) {
                tell(observers, Event::Steps { epoch, rows: outcome.rows, totals: step.totals()? })?;
                last_told = Instant::now();
            }
            if settings.checkpoint_steps.is_some_and(|every| step.steps().is_multiple_of(every)) {
                tell(observers, Event::CheckpointDue { step, outcome })?;
            }
            spent = budget.is_spent(step.steps());
        }
        let totals = step.totals()?;
        let seconds = started.elapsed().as_secs_f64();

        // Choices are made on the validation rows; the test rows have not been touched.
        let validation = judge(job, step)?;
        if let (Some(plateau), Some(Score { loss, .. })) = (plateau, validation) {
            outcome.validation_losses.push(loss);
            step.scale_learning_rate(plateau.factor_after(&outcome.validation_losses));
        }
        let is_best = preference.is_better(validation, outcome.best.as_ref());
        if is_best {
            outcome.best = Some(Best { epoch, steps: step.steps(), validation, parameters: step.parameters()? });
        }
        (outcome.epochs, outcome.rows) = (epoch, 0);
        outcome.last_validation = validation;
        outcome.highest_accuracy = validation.map(|score| score.accuracy.max(outcome.highest_accuracy.unwrap_or(0.0)));
        if spent.is_none() && rows_before == 0 {
            outcome.epoch_seconds.push(seconds);
        }
        let completed = (epoch == settings.epochs).then_some(Ending::Completed);
        outcome.ended = budget.is_satisfied(validation, outcome).or(spent).or(completed);
        if let Some(prober) = &mut prober {
            tell_probe(observers, prober.at_end(step, outcome)?.as_ref())?;
        }
        let record = EpochRecord {
            epoch,
            step: step.steps(),
            learning_rate: step.learning_rate(),
            train: score(&totals),
            validation,
            best: is_best,
            seconds,
            samples_per_second: (totals.rows - rows_before) as f64 / seconds,
        };
        tell(observers, Event::Epoch { record: &record, step, outcome })?;
        if let Some(ending) = outcome.ended {
            return Ok(ending);
        }
    }
    Ok(*outcome.ended.get_or_insert(Ending::Completed))
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
