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

    /// The record of a trial at the end of a rung, or at its own end where that came before. A trial that has gone on since is still judged by
    /// what it was then: a study that was interrupted chooses as it did.
    pub(super) fn at(&self, trial: &TrialPlan, rung: u64) -> Option<&TrialRecord> {
        self.rungs.get(&(trial.id.clone(), rung)).or_else(|| self.end(trial))
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

    /// Seconds of all trials, those that halving dropped included.
    pub(super) fn seconds(&self, trials: &[TrialPlan]) -> f64 {
        // The sum of nothing is -0.
        0.0 + trials.iter().filter_map(|trial| Some(self.furthest(trial)?.seconds)).sum::<f64>()
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
        // A trial that failed has measures, too: those of its layers before training.
        let value = |trial| record(trial).filter(|record| record.error.is_none())?.measures.get(measure).copied();
        let values: Option<Vec<f64>> = trials.iter().filter(|trial| trial.cell == cell).map(value).collect();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rung_is_judged_by_what_a_trial_was_there_and_every_second_counts() {
        let trial = |id: &str| TrialPlan { id: id.into(), cell: 0, seed: 0, recipe: crate::recipe::Recipe::default() };
        let record = |id: &str, rung: Option<u64>, loss: f64, seconds: f64| TrialRecord {
            trial: id.into(),
            seed: 0,
            rung,
            error: None,
            parameters: 1,
            train_rows: 1,
            validation_rows: 1,
            data_fingerprint: None,
            target_accuracy: None,
            patience: None,
            measures: BTreeMap::from([("validation_loss".to_owned(), loss)]),
            seconds,
        };
        let trials = ["went on", "was dropped", "stopped early"].map(trial);
        let records = [
            record("went on", Some(2), 0.5, 1.0),
            record("went on", None, 0.9, 4.0),
            record("was dropped", Some(2), 0.7, 2.0),
            record("stopped early", None, 0.6, 0.5),
        ];
        let mut ledger = Ledger::default();
        records.into_iter().for_each(|record| ledger.add(record));
        let losses = trials.each_ref().map(|trial| ledger.at(trial, 2).map(|record| record.measures["validation_loss"]));
        assert_eq!(losses, [Some(0.5), Some(0.7), Some(0.6)]);
        assert_eq!(ledger.seconds(&trials), 6.5);
        assert!(Ledger::default().seconds(&trials).is_sign_positive(), "no trials take 0 s, not -0 s");
    }
}
