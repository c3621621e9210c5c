//! A study from its plan to its results.

use super::analysis::{Circumstances, analyse};
use super::done::done;
use super::halving::train_all;
use super::ledger::Ledger;
use super::measures::Yardstick;
use super::testing::read_test_rows;
use super::trial::Bench;
use super::{Meter, Pool, Shelf, StudyFolder, StudyPlan, TestRows, TrialPlan};
use crate::device::Chosen;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use relumine_report::{Status, Study};
use std::time::Instant;

/// What a study needs beside its plan.
#[derive(Debug)]
pub struct Means<'a> {
    /// Where its results go.
    pub folder: &'a StudyFolder,
    /// Its data.
    pub shelf: &'a Shelf,
    /// What it trains on.
    pub device: &'a Chosen,
    /// How many trials at a time.
    pub pool: Pool,
    /// Whether it is asked to stop.
    pub interrupt: &'a Interrupt,
    /// Whether it is the small form.
    pub quick: bool,
    /// Whether it shows no progress.
    pub quiet: bool,
    /// When it began.
    pub started: Instant,
}

/// Trains what is not done, reads the test rows where the study says so, and writes `study.json`, as it stands if it is stopped.
///
/// # Errors
/// Trials of other data in the folder, a signal, a full disk, or a device that fails.
pub fn conduct(plan: &StudyPlan, means: &Means<'_>) -> Result<Study, Failure> {
    let trials = plan.trials()?;
    let yardstick = Yardstick { target_accuracy: plan.file.target_accuracy, patience: plan.file.patience };
    let found = || done(plan, &trials, (means.folder, means.shelf), yardstick);
    let ledger = found()?;
    let work = |trial: &TrialPlan| means.shelf.work(&trial.recipe).saturating_mul(trial.recipe.train.epochs);
    let open = trials.iter().filter(|trial| ledger.end(trial).is_none()).map(work).sum();
    let meter = Meter::new(means.quiet, trials.len() as u64, ledger.counts(), open);
    let bench = Bench {
        folder: means.folder,
        device: means.device,
        shelf: means.shelf,
        interrupt: means.interrupt,
        meter: &meter,
        yardstick,
        tests_all: plan.file.test == TestRows::All,
    };
    let trained = train_all(plan, &trials, &bench, means.pool, ledger).and_then(|ledger| {
        if plan.file.test == TestRows::Chosen {
            test_chosen(plan, &trials, &bench, &ledger)?;
        }
        Ok(ledger)
    });
    meter.finish();
    let (ledger, ended) = match trained {
        Ok(ledger) => (ledger, Ok(())),
        Err(failure) => (found()?, Err(failure)),
    };
    let status = match &ended {
        Ok(()) => Status::Finished,
        Err(Failure::Interrupted) => Status::Interrupted,
        Err(_) => Status::Failed,
    };
    let circumstances = Circumstances {
        quick: means.quick,
        status,
        device: means.device.name.clone(),
        jobs: means.pool.jobs as u64,
        wall_seconds: means.started.elapsed().as_secs_f64(),
    };
    let saved = analyse(plan, &trials, &ledger, means.folder, circumstances).and_then(|study| means.folder.save(&study).map(|()| study));
    match (ended, saved) {
        (Ok(()), saved) => saved,
        (Err(first), saved) => {
            // What went wrong first is what to mend first.
            if let Err(second) = saved {
                tracing::warn!("the results so far were not saved: {second}");
            }
            Err(first)
        }
    }
}

/// Everything has been chosen on validation: the winner and the baseline read the test rows.
fn test_chosen(plan: &StudyPlan, trials: &[TrialPlan], bench: &Bench<'_>, ledger: &Ledger) -> Result<(), Failure> {
    let mut cells: Vec<usize> = ledger.leader(plan, trials).into_iter().chain([plan.baseline]).collect();
    cells.dedup();
    for cell in cells {
        let own: Vec<&TrialPlan> = trials.iter().filter(|trial| trial.cell == cell && ledger.end(trial).is_some()).collect();
        read_test_rows(bench, &plan.cells[cell], &own)?;
    }
    Ok(())
}
