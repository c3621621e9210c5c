//! The one time that a trial reads the test rows.

use super::trial::{self, Bench};
use super::{CellPlan, TrialPlan};
use crate::checkpoint::read_tensors;
use crate::failure::Failure;
use crate::pipeline::{Job, score_rows};
use crate::run_directory::RunDirectory;
use relumine_engine::Step;
use relumine_report::{Status, Summary};

/// Scores the test rows by the weights of `step`, and counts that it did.
///
/// # Errors
/// A device that fails.
pub(super) fn test(job: &Job, step: &dyn Step, summary: &mut Summary) -> Result<(), Failure> {
    summary.test = score_rows(job, step, job.test_examples(), &job.split.test)?;
    summary.test_evaluations += u64::from(summary.test.is_some());
    Ok(())
}

/// Reads the test rows for the trials of `cell`, but for those that have read them already.
///
/// # Errors
/// Weights that cannot be had, or a full disk.
pub(super) fn read_test_rows(bench: &Bench<'_>, cell: &CellPlan, trials: &[&TrialPlan]) -> Result<(), Failure> {
    for plan in trials {
        let run = bench.folder.run(&plan.id)?;
        let mut summary = run.summary()?;
        if summary.test.is_some() || summary.status != Status::Finished {
            continue;
        }
        let job = Job::on(bench.shelf.get(&plan.recipe)?, plan.recipe.clone(), &cell.name, bench.device.clone())?;
        if !run.file(RunDirectory::BEST).is_file() {
            // It was thought to be out of the race when it ended, before more seeds or cells came: its bits come again.
            trial::train(bench, plan, None, None)?;
        }
        let mut step = job.blank_step()?;
        step.load_parameters(&read_tensors(&run.file(RunDirectory::BEST))?)?;
        test(&job, &*step, &mut summary)?;
        run.write_json(RunDirectory::SUMMARY, &summary)?;
    }
    Ok(())
}
