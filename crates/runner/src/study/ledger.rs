//! What is done of a study, trial by trial.

use super::measures::is_higher_better;
use super::{StudyPlan, TrialPlan};
use relumine_report::TrialRecord;
use relumine_report::statistics::mean;
use std::collections::BTreeMap;

/// The records of trials, by their folders' names; of a trial that was recorded twice the later counts.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    ends: BTreeMap<String, TrialRecord>,
    rungs: BTreeMap<(String, u64), TrialRecord>,
}

impl Ledger {
    /// Of the records that belong to `trials`.
    pub(super) fn of(records: Vec<TrialRecord>, trials: &[TrialPlan]) -> Self {
        let mut ledger = Self::default();
        for record in records {
            if trials.iter().any(|trial| trial.id == record.trial) {
                ledger.add(record);
            }
        }
        ledger
    }

    pub(super) fn add(&mut self, record: TrialRecord) {
        match record.rung {
            None => drop(self.ends.insert(record.trial.clone(), record)),
            Some(rung) => drop(self.rungs.insert((record.trial.clone(), rung), record)),
        }
    }

    /// The record of a trial that came to its end.
    pub(super) fn end(&self, trial: &TrialPlan) -> Option<&TrialRecord> {
        self.ends.get(&trial.id)
    }

    /// The record of a trial at the end of a rung, or at its own end before.
    pub(super) fn at(&self, trial: &TrialPlan, rung: u64) -> Option<&TrialRecord> {
        self.end(trial).or_else(|| self.rungs.get(&(trial.id.clone(), rung)))
    }

    /// The furthest record of a trial.
    pub(super) fn furthest(&self, trial: &TrialPlan) -> Option<&TrialRecord> {
        let of_trial = |(id, _): &&(String, u64)| *id == trial.id;
        self.end(trial).or_else(|| self.rungs.keys().rfind(of_trial).and_then(|key| self.rungs.get(key)))
    }

    /// How many trials came to their end, and how many of them by failing.
    pub(super) fn counts(&self) -> (u64, u64) {
        (self.ends.len() as u64, self.ends.values().filter(|record| record.error.is_some()).count() as u64)
    }

    pub(super) fn seconds(&self) -> f64 {
        self.ends.values().map(|record| record.seconds).sum()
    }

    /// How good a cell is by the study's measure, the higher the better, where `record` finds all of its seeds and none of them failed.
    pub(super) fn merit<'a>(
        &'a self,
        plan: &StudyPlan,
        trials: &[TrialPlan],
        cell: usize,
        record: impl Fn(&TrialPlan) -> Option<&'a TrialRecord>,
    ) -> Option<f64> {
        let measure = &plan.file.measure;
        let values: Option<Vec<f64>> =
            trials.iter().filter(|trial| trial.cell == cell).map(|trial| record(trial)?.measures.get(measure).copied()).collect();
        let mean = mean(&values?);
        Some(if is_higher_better(measure) { mean } else { -mean })
    }

    /// The best of the cells that are done with all of their seeds.
    pub(super) fn leader(&self, plan: &StudyPlan, trials: &[TrialPlan]) -> Option<usize> {
        let merits = (0..plan.cells.len()).filter_map(|cell| Some((cell, self.merit(plan, trials, cell, |trial| self.end(trial))?)));
        // Of equal ones the first.
        merits
            .fold(None, |best: Option<(usize, f64)>, (cell, merit)| match best {
                Some((_, highest)) if highest >= merit => best,
                _ => Some((cell, merit)),
            })
            .map(|(cell, _)| cell)
    }
}
