//! What several seeds of one recipe say together.

use crate::{Run, Score, Summary, statistics};
use std::collections::BTreeMap;

/// What the runs of one recipe say together, tested ones or untested ones: the same settings, data, division and device, and different seeds.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// The folder of the first of its runs and how many more seeds there are, such as `runs/wide-1 and 2 more`.
    pub name: String,
    /// The recipe's name; of the trials of a study what their names have in common.
    pub recipe: String,
    /// The data set's name.
    pub dataset: String,
    /// The device.
    pub device: String,
    /// Different seeds among the runs.
    pub seeds: usize,
    /// Validation accuracy of each run; empty where one has none.
    pub validation_accuracies: Vec<f64>,
    /// Test accuracy of each run; empty where they were not tested.
    pub test_accuracies: Vec<f64>,
}

impl Group {
    /// Mean and sample standard deviation of the validation accuracy; `None` where a run has none.
    #[must_use]
    pub fn validation_accuracy(&self) -> Option<(f64, f64)> {
        mean_and_deviation(&self.validation_accuracies)
    }

    /// Mean and sample standard deviation of the test accuracy; `None` where the runs were not tested.
    #[must_use]
    pub fn test_accuracy(&self) -> Option<(f64, f64)> {
        mean_and_deviation(&self.test_accuracies)
    }
}

fn mean_and_deviation(accuracies: &[f64]) -> Option<(f64, f64)> {
    (!accuracies.is_empty()).then(|| (statistics::mean(accuracies), statistics::standard_deviation(accuracies)))
}

/// Groups runs that differ in their seed alone, in the order of their first runs; of runs with the same seed the last one counts. Tested runs
/// are not grouped with untested ones, and runs without scores with none.
#[must_use]
pub fn group_by_recipe(runs: &[Run]) -> Vec<Group> {
    let mut groups: Vec<(&Run, BTreeMap<u64, &Run>)> = Vec::new();
    let is_tested = |run: &Run| run.summary.test.is_some();
    for run in runs.iter().filter(|run| is_tested(run) || run.summary.validation.is_some()) {
        match groups.iter_mut().find(|(first, _)| is_tested(first) == is_tested(run) && first.differs_in_seed_alone(run)) {
            Some((_, by_seed)) => drop(by_seed.insert(run.summary.seed, run)),
            None => groups.push((run, BTreeMap::from([(run.summary.seed, run)]))),
        }
    }
    groups.into_iter().map(|(first, by_seed)| group(first, &by_seed)).collect()
}

fn group(first: &Run, by_seed: &BTreeMap<u64, &Run>) -> Group {
    let folder = first.folder.display();
    let accuracies = |score: fn(&Summary) -> Option<Score>| {
        let all: Option<Vec<f64>> = by_seed.values().map(|run| Some(score(&run.summary)?.accuracy)).collect();
        all.unwrap_or_default()
    };
    let have_one_name = by_seed.values().all(|run| run.summary.recipe == first.summary.recipe);
    Group {
        name: if by_seed.len() > 1 { format!("{folder} and {} more", by_seed.len() - 1) } else { folder.to_string() },
        recipe: if have_one_name { &first.summary.recipe } else { without_seed(&first.summary.recipe) }.to_owned(),
        dataset: first.summary.dataset.clone(),
        device: first.summary.device.clone(),
        seeds: by_seed.len(),
        validation_accuracies: accuracies(|summary| summary.validation),
        test_accuracies: accuracies(|summary| summary.test),
    }
}

/// A trial of a study is called after its cell, its seed and its checksum.
fn without_seed(recipe: &str) -> &str {
    recipe.rsplit_once("-seed-").map_or(recipe, |(cell, _)| cell)
}
