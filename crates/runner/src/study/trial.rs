//! One trial: a recipe with a seed, from its first step to its files.

use super::folder::{StudyFolder, TrialFiles};
use super::measures::{self, Yardstick};
use super::pause::Paused;
use super::recorder::{self, Recorder};
use super::{Meter, Shelf, TrialPlan, testing};
use crate::checkpoint::to_safetensors;
use crate::device::Chosen;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::pipeline::{Ending, Job, Outcome, Times, score_rows, summarise, train_on};
use relumine_engine::{Step, StepError};
use relumine_report::{Status, Summary, TestedWeights, TrialRecord};
use std::time::Instant;

/// What all trials of a study need.
pub(super) struct Bench<'a> {
    pub(super) folder: &'a StudyFolder,
    pub(super) device: &'a Chosen,
    pub(super) shelf: &'a Shelf,
    pub(super) interrupt: &'a Interrupt,
    pub(super) meter: &'a Meter,
    pub(super) yardstick: Yardstick,
    /// Whether every trial reads the test rows.
    pub(super) tests_all: bool,
}

/// How far a trial came.
pub(super) enum Ended {
    /// To its end, or it failed; its folder is written.
    Done(TrialRecord),
    /// To the end of a rung.
    Paused(TrialRecord, Box<Paused>),
}

/// Trains `plan` to its end, or to the end of epoch `rung` where that comes first, on from where it was `paused`.
///
/// # Errors
/// A signal, a full disk, or a device that fails. A training that fails by its own settings is a result.
pub(super) fn train(bench: &Bench<'_>, plan: &TrialPlan, rung: Option<u64>, paused: Option<Paused>) -> Result<Ended, Failure> {
    let started = Instant::now();
    let mut job = Job::on(bench.shelf.get(&plan.recipe)?, plan.recipe.clone(), &plan.id, bench.device.clone())?;
    let rung = rung.filter(|rung| *rung < plan.recipe.train.epochs);
    // The horizon stays that of the whole plan: schedules do not notice.
    job.recipe.train.epochs = rung.unwrap_or(plan.recipe.train.epochs);
    let (mut step, outcome, records, earlier) = match paused {
        None => (job.step()?, Outcome::default(), (Vec::new(), Vec::new()), 0.0),
        Some(paused) => {
            let step = paused.step(&job)?;
            let probes = recorder::going_on(paused.probes, &job.recipe);
            (step, paused.outcome, (paused.epochs, probes), paused.seconds)
        }
    };
    let mut recorder = Recorder::new(bench.meter, bench.shelf.work(&plan.recipe), records.0, records.1);
    let (outcome, ending) = train_on(&job, &mut *step, &mut [&mut recorder], bench.interrupt, outcome);
    let times = Times { started, first_step: outcome.first_step, earlier: outcome.earlier };
    let mut summary = summarise(&job, &*step, &outcome, &times);
    summary.recipe = plan.id.clone();
    let seconds = || earlier + started.elapsed().as_secs_f64();
    match ending {
        Ok(Ending::Interrupted) => Err(Failure::Interrupted),
        Ok(Ending::Completed) if rung.is_some() => {
            summary.wall_seconds = seconds();
            let record = record(bench, plan, &summary, &recorder, rung);
            let paused = Paused::new(&*step, outcome, (recorder.epochs, recorder.probes), seconds())?;
            Ok(Ended::Paused(record, Box::new(paused)))
        }
        Ok(ending) => {
            if rung.is_some() {
                recorder.probes = recorder::stopping_early(recorder.probes, &job.recipe);
            }
            summary.stopped_by = ending.reason();
            let weights = chosen_weights(&job, &mut *step, &outcome, &mut summary)?;
            if bench.tests_all {
                testing::test(&job, &*step, &mut summary)?;
            }
            times.finish(&mut summary);
            summary.wall_seconds = seconds();
            finish(bench, plan, (&job, &summary, Some(weights)), &recorder)
        }
        Err(Failure::Run(error)) if is_own_fault(&error) => {
            (summary.status, summary.error) = (Status::Failed, Some(format!("{error:#}")));
            times.finish(&mut summary);
            summary.wall_seconds = seconds();
            finish(bench, plan, (&job, &summary, None), &recorder)
        }
        Err(failure) => Err(failure),
    }
}

/// A loss or weights that are no numbers come from the trial's settings; everything else is nobody's result.
fn is_own_fault(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(StepError::NonFiniteLoss { .. } | StepError::RuinedWeights { .. }))
}

/// Puts the weights that the recipe would have tested into `step`, scores the train rows by them, and gives them as a file's bytes.
fn chosen_weights(job: &Job, step: &mut dyn Step, outcome: &Outcome, summary: &mut Summary) -> Result<Vec<u8>, Failure> {
    if let (Some(best), TestedWeights::Best) = (&outcome.best, summary.weights) {
        step.load_parameters(&best.parameters)?;
    }
    summary.train = score_rows(job, step, &job.examples, &job.split.train)?;
    Ok(to_safetensors(&step.parameters()?)?)
}

fn finish(
    bench: &Bench<'_>,
    plan: &TrialPlan,
    (job, summary, weights): (&Job, &Summary, Option<Vec<u8>>),
    recorder: &Recorder<'_>,
) -> Result<Ended, Failure> {
    let files = TrialFiles { recipe: &plan.recipe, job, summary, epochs: &recorder.epochs, probes: &recorder.probes, weights };
    bench.folder.write_trial(&plan.id, &files)?;
    Ok(Ended::Done(record(bench, plan, summary, recorder, None)))
}

fn record(bench: &Bench<'_>, plan: &TrialPlan, summary: &Summary, recorder: &Recorder<'_>, rung: Option<u64>) -> TrialRecord {
    let finished = (summary.status == Status::Finished).then_some(summary);
    TrialRecord {
        trial: plan.id.clone(),
        seed: plan.seed,
        rung,
        error: summary.error.clone(),
        parameters: summary.parameters,
        train_rows: summary.train_rows,
        validation_rows: summary.validation_rows,
        data_fingerprint: Some(summary.data_fingerprint.clone()),
        target_accuracy: Some(bench.yardstick.target_accuracy),
        patience: Some(bench.yardstick.patience),
        measures: measures::of_trial(&recorder.epochs, &recorder.probes, finished, bench.yardstick),
        seconds: summary.wall_seconds,
    }
}
