//! What several seeds of one recipe say together.

use crate::{Run, statistics};
use std::collections::BTreeMap;

/// What the tested runs of one recipe say together: the same settings, data, division and device, and different seeds.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// The folder of the first of its runs and how many more seeds there are, such as `runs/wide-1 and 2 more`.
    pub name: String,
    /// The recipe's name.
    pub recipe: String,
    /// The data set's name.
    pub dataset: String,
    /// The device.
    pub device: String,
    /// Different seeds among the runs.
    pub seeds: usize,
    /// Test accuracy of each run.
    pub test_accuracies: Vec<f64>,
}

impl Group {
    /// Mean and sample standard deviation of the test accuracy.
    #[must_use]
    pub fn test_accuracy(&self) -> (f64, f64) {
        (statistics::mean(&self.test_accuracies), statistics::standard_deviation(&self.test_accuracies))
    }
}

/// Groups tested runs that differ in their seed alone, in the order of their first runs; of runs with the same seed the last one counts.
#[must_use]
pub fn group_by_recipe(runs: &[Run]) -> Vec<Group> {
    let mut groups: Vec<(&Run, BTreeMap<u64, f64>)> = Vec::new();
    for run in runs {
        let Some(test) = run.summary.test else { continue };
        match groups.iter_mut().find(|(first, _)| first.differs_in_seed_alone(run)) {
            Some((_, by_seed)) => drop(by_seed.insert(run.summary.seed, test.accuracy)),
            None => groups.push((run, BTreeMap::from([(run.summary.seed, test.accuracy)]))),
        }
    }
    groups.into_iter().map(|(first, by_seed)| group(first, by_seed)).collect()
}

fn group(first: &Run, by_seed: BTreeMap<u64, f64>) -> Group {
    let folder = first.folder.display();
    Group {
        name: if by_seed.len() > 1 { format!("{folder} and {} more", by_seed.len() - 1) } else { folder.to_string() },
        recipe: first.summary.recipe.clone(),
        dataset: first.summary.dataset.clone(),
        device: first.summary.device.clone(),
        seeds: by_seed.len(),
        test_accuracies: by_seed.into_values().collect(),
    }
}
