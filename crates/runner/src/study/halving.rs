//! Which trials are trained, and for how long: all of them to the end, or by successive halving.

use super::ledger::Ledger;
use super::mistake::mistake;
use super::pause::Paused;
use super::trial::{self, Bench, Ended};
use super::{CellPlan, Pool, StudyPlan, TrialPlan};
use crate::failure::Failure;
use relumine_report::TrialRecord;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// `[halving]`: all cells train for `first` epochs, the better ones of them `factor` times as long, and so on (Jamieson and Talwalkar 2016).
/// Each rung keeps one cell in `factor`, by the mean over seeds, and the baseline. A trial that goes on has the bits of one that never waited.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Halving {
    /// Epochs of the first rung.
    first: u64,
    /// At least 2.
    #[serde(default = "three")]
    factor: u64,
}

fn three() -> u64 {
    3
}

impl Halving {
    pub(super) fn check(self, shown: &str, cells: &[CellPlan]) -> Result<(), Failure> {
        if self.first == 0 || self.factor < 2 {
            return Err(mistake(shown, "halving needs first of at least 1 epoch and a factor of at least 2, such as 3"));
        }
        let epochs: BTreeSet<u64> = cells.iter().map(|cell| cell.recipe.train.epochs).collect();
        if epochs.len() > 1 {
            return Err(mistake(shown, "halving compares cells after as many epochs: give all of them the same train.epochs"));
        }
        if epochs.first().is_some_and(|epochs| self.first >= *epochs) {
            return Err(mistake(shown, format_args!("halving.first = {} is no less than train.epochs; lower it", self.first)));
        }
        Ok(())
    }

    /// The ends of all rungs but the last one.
    fn rungs(self, epochs: u64) -> Vec<u64> {
        std::iter::successors(Some(self.first), |rung| rung.checked_mul(self.factor)).take_while(|rung| *rung < epochs).collect()
    }
}

/// What the workers share.
struct Training<'a> {
    plan: &'a StudyPlan,
    trials: &'a [TrialPlan],
    bench: &'a Bench<'a>,
    ledger: Mutex<Ledger>,
    paused: Mutex<BTreeMap<String, Paused>>,
}

/// Trains what is not done yet.
///
/// # Errors
/// A signal, or a trial that failed by no fault of its own. What is done is on disk.
pub(super) fn train_all(plan: &StudyPlan, trials: &[TrialPlan], bench: &Bench<'_>, pool: Pool, ledger: Ledger) -> Result<Ledger, Failure> {
    let training = Training { plan, trials, bench, ledger: Mutex::new(ledger), paused: Mutex::default() };
    let mut alive: BTreeSet<usize> = (0..plan.cells.len()).collect();
    if let Some(halving) = plan.file.halving {
        for rung in halving.rungs(plan.cells[0].recipe.train.epochs) {
            training.train(&alive, Some(rung), pool)?;
            alive = training.survivors(&alive, rung, halving.factor);
            bench.meter.say(&format!("after epoch {rung}: {} of {} cells go on", alive.len(), plan.cells.len()));
        }
    }
    training.train(&alive, None, pool)?;
    Ok(training.ledger.into_inner().unwrap_or_else(PoisonError::into_inner))
}

impl Training<'_> {
    /// Trains the trials of the cells that are `alive` to the end of a rung, or to their own, the longest first, so that no core is left alone
    /// with a long one.
    fn train(&self, alive: &BTreeSet<usize>, rung: Option<u64>, pool: Pool) -> Result<(), Failure> {
        let mut open: Vec<&TrialPlan> = self.trials.iter().filter(|trial| alive.contains(&trial.cell)).collect();
        let ledger = self.ledger();
        open.retain(|trial| rung.map_or_else(|| ledger.end(trial), |rung| ledger.at(trial, rung)).is_none());
        drop(ledger);
        let work = |trial: &TrialPlan| self.bench.shelf.work(&trial.recipe).saturating_mul(trial.recipe.train.epochs);
        open.sort_by_key(|trial| std::cmp::Reverse(work(trial)));
        pool.run(open, |trial| self.train_one(trial, rung))
    }

    fn train_one(&self, plan: &TrialPlan, rung: Option<u64>) -> Result<(), Failure> {
        let paused = self.paused().remove(&plan.id);
        let record = match trial::train(self.bench, plan, rung, paused)? {
            Ended::Done(record) => {
                self.bench.meter.trial_done(record.error.is_some(), &line(&record, &self.plan.file.measure));
                record
            }
            Ended::Paused(record, paused) => {
                self.paused().insert(plan.id.clone(), *paused);
                record
            }
        };
        self.bench.folder.append(&record)?;
        let mut ledger = self.ledger();
        ledger.add(record);
        self.drop_weights(&ledger, plan.cell);
        Ok(())
    }

    /// Cells that can no longer win keep no weights: a study may have hundreds of trials.
    fn drop_weights(&self, ledger: &Ledger, ended: usize) {
        let is_done = |cell: usize| self.trials.iter().filter(|trial| trial.cell == cell).all(|trial| ledger.end(trial).is_some());
        if !is_done(ended) {
            return;
        }
        let leader = ledger.leader(self.plan, self.trials);
        let loses = |cell: usize| Some(cell) != leader && cell != self.plan.baseline && is_done(cell);
        for trial in self.trials.iter().filter(|trial| loses(trial.cell)) {
            self.bench.folder.drop_weights(&trial.id);
        }
    }

    /// The best of the cells that are `alive`, one in `factor`, and the baseline.
    fn survivors(&self, alive: &BTreeSet<usize>, rung: u64, factor: u64) -> BTreeSet<usize> {
        let ledger = self.ledger();
        let merit = |cell: usize| ledger.merit(self.plan, self.trials, cell, |trial| ledger.at(trial, rung)).unwrap_or(f64::NEG_INFINITY);
        let mut ranked: Vec<(usize, f64)> = alive.iter().map(|cell| (*cell, merit(*cell))).collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
        let kept = ranked.len().div_ceil(usize::try_from(factor).unwrap_or(usize::MAX));
        ranked.into_iter().take(kept).map(|(cell, _)| cell).chain([self.plan.baseline]).collect()
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn paused(&self) -> MutexGuard<'_, BTreeMap<String, Paused>> {
        self.paused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a trial came to, for the log.
fn line(record: &TrialRecord, measure: &str) -> String {
    let result = match (&record.error, record.measures.get(measure)) {
        (Some(error), _) => format!("failed: {error}"),
        (None, Some(value)) => format!("{measure} {}", relumine_report::measure_text(measure, *value)),
        (None, None) => "done".into(),
    };
    format!("{}: {result}, {:.1} s", record.trial, record.seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rungs_grow_by_the_factor_and_end_before_the_last_epoch() {
        assert_eq!(Halving { first: 1, factor: 3 }.rungs(27), [1, 3, 9]);
        assert_eq!(Halving { first: 2, factor: 2 }.rungs(9), [2, 4, 8]);
    }
}
