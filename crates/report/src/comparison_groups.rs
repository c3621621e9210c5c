//! Runs of a comparison that are the same recipe with several seeds.

use crate::{Align, Comparison, Run, Score, Table, statistics};
use serde::Serialize;
use std::collections::BTreeMap;

/// Runs that differ in nothing but their seed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ComparedGroup {
    /// Their places among the runs of the comparison, from 0: one for each seed, in the order of `seeds`.
    pub runs: Vec<usize>,
    /// Each once; of runs with the same seed the one that was named last counts.
    pub seeds: Vec<u64>,
    /// `None` where any of the runs has no validation score.
    pub validation_accuracy: Option<Spread>,
    /// `None` where any of the runs has no test score.
    pub test_accuracy: Option<Spread>,
}

/// What several numbers say together.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// Their mean.
    pub mean: f64,
    /// Their sample standard deviation, with n - 1; `None` of one number.
    pub sd: Option<f64>,
    /// The 95 % interval of the mean they were drawn around, by Student's t; `None` of one number.
    pub interval: Option<(f64, f64)>,
}

/// How much higher the accuracy of one group is than that of another, seed by seed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PairedDifference {
    /// Place of the group that is subtracted.
    pub from: usize,
    /// Place of the group that it is subtracted from.
    pub to: usize,
    /// The seeds that both have, two or more.
    pub seeds: Vec<u64>,
    /// Of the differences in validation accuracy.
    pub validation_accuracy: Option<Spread>,
    /// Of the differences in test accuracy.
    pub test_accuracy: Option<Spread>,
}

impl Spread {
    fn of(values: &[f64]) -> Self {
        let sd = (values.len() > 1).then(|| statistics::standard_deviation(values));
        Self { mean: statistics::mean(values), sd, interval: statistics::mean_interval(values) }
    }

    /// A share in percent, with the standard deviation.
    fn percent(self) -> String {
        let sd = self.sd.map_or_else(String::new, |sd| format!(" (sd {:.2})", 100.0 * sd));
        format!("{:.2} %{sd}", 100.0 * self.mean)
    }

    /// A difference of shares in percentage points, with the interval.
    fn points(self) -> String {
        let interval = self.interval.map_or_else(String::new, |(low, high)| format!(" ({:.2} to {:.2})", 100.0 * low, 100.0 * high));
        format!("{:.2}{interval}", 100.0 * self.mean)
    }
}

/// In the order of their first runs.
pub(crate) fn groups_of(runs: &[Run]) -> Vec<ComparedGroup> {
    let mut groups: Vec<(&Run, BTreeMap<u64, usize>)> = Vec::new();
    for (place, run) in runs.iter().enumerate() {
        match groups.iter_mut().find(|(first, _)| first.differs_in_seed_alone(run)) {
            Some((_, by_seed)) => drop(by_seed.insert(run.summary.seed, place)),
            None => groups.push((run, BTreeMap::from([(run.summary.seed, place)]))),
        }
    }
    let group = |(_, by_seed): (&Run, BTreeMap<u64, usize>)| {
        let places: Vec<usize> = by_seed.values().copied().collect();
        let spread = |score: fn(&Run) -> Option<Score>| {
            let accuracies: Option<Vec<f64>> = places.iter().map(|place| Some(score(&runs[*place])?.accuracy)).collect();
            accuracies.map(|accuracies| Spread::of(&accuracies))
        };
        ComparedGroup {
            validation_accuracy: spread(validation),
            test_accuracy: spread(test),
            seeds: by_seed.keys().copied().collect(),
            runs: places,
        }
    };
    groups.into_iter().map(group).collect()
}

fn validation(run: &Run) -> Option<Score> {
    run.summary.validation
}

fn test(run: &Run) -> Option<Score> {
    run.summary.test
}

/// The first group against each other one that is on the same data and has at least two of its seeds.
pub(crate) fn paired_differences(groups: &[ComparedGroup], runs: &[Run]) -> Vec<PairedDifference> {
    let Some(first) = groups.first() else { return Vec::new() };
    let mut paired = Vec::new();
    for (to, group) in groups.iter().enumerate().skip(1) {
        let pairs = pairs(first, group);
        let data = |group: &ComparedGroup| &runs[group.runs[0]].summary.data_fingerprint;
        if pairs.len() < 2 || data(first) != data(group) {
            continue;
        }
        let spread = |score: fn(&Run) -> Option<Score>| {
            let difference = |(_, one, other): &(u64, usize, usize)| Some(score(&runs[*other])?.accuracy - score(&runs[*one])?.accuracy);
            pairs.iter().map(difference).collect::<Option<Vec<f64>>>().map(|differences| Spread::of(&differences))
        };
        let seeds = pairs.iter().map(|(seed, ..)| *seed).collect();
        paired.push(PairedDifference { from: 0, to, seeds, validation_accuracy: spread(validation), test_accuracy: spread(test) });
    }
    paired
}

/// The seeds that both groups have, with the places of their runs.
fn pairs(one: &ComparedGroup, other: &ComparedGroup) -> Vec<(u64, usize, usize)> {
    let place_in = |group: &ComparedGroup, seed: u64| group.seeds.iter().position(|found| *found == seed).map(|at| group.runs[at]);
    one.seeds.iter().filter_map(|seed| Some((*seed, place_in(one, *seed)?, place_in(other, *seed)?))).collect()
}

impl Comparison {
    /// A row per group of several seeds, named by its first run.
    #[must_use]
    pub fn group_table(&self) -> Table {
        let mut table = Table::new(&[
            ("runs of one recipe", Align::Left),
            ("seeds", Align::Right),
            ("validation accuracy", Align::Right),
            ("test accuracy", Align::Right),
        ]);
        for group in &self.groups {
            let percent = |spread: Option<Spread>| spread.map_or_else(|| "-".into(), Spread::percent);
            let cells = [self.name_of(group), group.seeds.len().to_string()];
            table.row(cells.into_iter().chain([percent(group.validation_accuracy), percent(group.test_accuracy)]));
        }
        table
    }

    /// A row per paired difference, in percentage points.
    #[must_use]
    pub fn difference_table(&self) -> Table {
        let mut table = Table::new(&[
            ("paired by seed, in points (95 % interval)", Align::Left),
            ("pairs", Align::Right),
            ("validation accuracy", Align::Right),
            ("test accuracy", Align::Right),
        ]);
        for PairedDifference { from, to, seeds, validation_accuracy, test_accuracy } in &self.paired_differences {
            let points = |spread: Option<Spread>| spread.map_or_else(|| "-".into(), Spread::points);
            let name = format!("{} minus {}", self.name_of(&self.groups[*to]), self.name_of(&self.groups[*from]));
            table.row([name, seeds.len().to_string(), points(*validation_accuracy), points(*test_accuracy)]);
        }
        table
    }

    fn name_of(&self, group: &ComparedGroup) -> String {
        let first = &self.runs[group.runs[0]].run;
        if group.runs.len() > 1 { format!("{first} and {} more", group.runs.len() - 1) } else { first.clone() }
    }
}
