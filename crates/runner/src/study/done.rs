//! What is done of a study that goes on, by its study file and its data as they are now.

use super::ledger::Ledger;
use super::measures::{self, Yardstick};
use super::{Shelf, StudyFolder, StudyPlan, TrialPlan};
use crate::failure::Failure;
use anyhow::anyhow;
use relumine_report::{Status, TrialRecord};
use std::collections::BTreeSet;

/// The records in `folder` that still hold. What the study file says to measure by may have changed since they were written; the data may not.
///
/// # Errors
/// Trials of other data, or files that are not what a study writes.
pub(super) fn done(
    plan: &StudyPlan,
    trials: &[TrialPlan],
    (folder, shelf): (&StudyFolder, &Shelf),
    yardstick: Yardstick,
) -> Result<Ledger, Failure> {
    let mut records = folder.records()?;
    records.retain(|record| trials.iter().any(|trial| trial.id == record.trial));
    // A process that was killed while it trained a trial anew may have left its line without its folder.
    records.retain(|record| record.rung.is_some() || folder.is_whole(&record.trial));
    for (place, cell) in plan.cells.iter().enumerate() {
        let own: BTreeSet<&str> = trials.iter().filter(|trial| trial.cell == place).map(|trial| trial.id.as_str()).collect();
        let mut told = records.iter().filter(|record| own.contains(record.trial.as_str())).peekable();
        if told.peek().is_some() {
            let here = shelf.fingerprint(&cell.recipe)?;
            told.try_for_each(|record| check_data(record, &here, folder))?;
        }
    }
    let ended: BTreeSet<String> = records.iter().filter(|record| record.rung.is_none()).map(|record| record.trial.clone()).collect();
    let mut ledger = Ledger::default();
    for record in records {
        let is_ranked_alone = record.rung.is_some() && ended.contains(&record.trial);
        if yardstick.is_of(&record) || is_ranked_alone {
            // Cells are ranked at the end of a rung by what does not depend on the yardstick.
            ledger.add(record);
        } else if record.rung.is_none() {
            ledger.add(measured_anew(record, folder, yardstick)?);
        }
        // A trial at the end of a rung has left no files to measure: it trains to there again.
    }
    Ok(ledger)
}

/// Refuses to set trials of other data beside those that are done.
fn check_data(record: &TrialRecord, here: &str, folder: &StudyFolder) -> Result<(), Failure> {
    match record.data_fingerprint.as_deref() {
        Some(trained) if trained != here => Err(Failure::Run(anyhow!(
            "cannot go on with {}: the data or its division has changed since trial {} (fingerprint {here}, not {trained}): \
             restore the data, or give another folder with --out",
            folder.path().display(),
            record.trial
        ))),
        _ => Ok(()),
    }
}

fn measured_anew(record: TrialRecord, folder: &StudyFolder, yardstick: Yardstick) -> Result<TrialRecord, Failure> {
    let id = &record.trial;
    let (epochs, probes, summary) = (folder.epochs(id)?, folder.probes(id)?, folder.run(id)?.summary()?);
    let finished = (summary.status == Status::Finished).then_some(&summary);
    let measures = measures::of_trial(&epochs, &probes, finished, yardstick);
    Ok(TrialRecord { target_accuracy: Some(yardstick.target_accuracy), patience: Some(yardstick.patience), measures, ..record })
}
