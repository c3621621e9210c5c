//! Runs that belong together: one recipe with several seeds.

use crate::chart::Point;
use crate::comparison_groups::groups_of;
use crate::settings::is_log_or_seed;
use crate::{EpochRecord, ProbeRecord, ReportError, Run, Settings, statistics};
use std::collections::{BTreeMap, BTreeSet};

/// All runs of a page.
pub(super) struct Families {
    pub(super) all: Vec<Family>,
}

/// Runs that differ in nothing but their seed.
pub(super) struct Family {
    /// What tells it from the other families.
    pub(super) name: String,
    /// One for each seed.
    pub(super) runs: Vec<Trained>,
}

/// A run and what it wrote on the way.
pub(super) struct Trained {
    pub(super) run: Run,
    pub(super) epochs: Vec<EpochRecord>,
    pub(super) probes: Vec<ProbeRecord>,
}

impl Families {
    pub(super) fn read(runs: &[Run]) -> Result<Self, ReportError> {
        let read = |run: &Run| Ok(Trained { run: run.clone(), epochs: run.epochs()?, probes: run.probes()? });
        let groups = groups_of(runs);
        let firsts: Vec<&Run> = groups.iter().map(|group| &runs[group.runs[0]]).collect();
        let names = names(&firsts);
        let family = |(group, name): (&crate::ComparedGroup, String)| {
            let runs = group.runs.iter().map(|place| read(&runs[*place])).collect::<Result<_, ReportError>>()?;
            Ok(Family { name, runs })
        };
        Ok(Self { all: groups.iter().zip(names).map(family).collect::<Result<_, ReportError>>()? })
    }

    pub(super) fn title(&self) -> String {
        let Some(first) = self.all.first() else { return "No runs".into() };
        let summary = &first.first().run.summary;
        match (&self.all[..], first.runs.len()) {
            ([_], 1) => format!("{} on {}, seed {}", summary.recipe, summary.dataset, summary.seed),
            ([_], seeds) => format!("{} on {}, {seeds} seeds", summary.recipe, summary.dataset),
            (families, _) => {
                let datasets: BTreeSet<&str> = families.iter().map(|family| family.first().run.summary.dataset.as_str()).collect();
                format!("{} recipes on {}", families.len(), datasets.into_iter().collect::<Vec<_>>().join(", "))
            }
        }
    }

    /// Whether any family has several seeds.
    pub(super) fn has_bands(&self) -> bool {
        self.all.iter().any(|family| family.runs.len() > 1)
    }
}

impl Family {
    pub(super) fn first(&self) -> &Trained {
        &self.runs[0]
    }

    /// A number of each epoch, over the epochs that every run reached: the mean over the runs, with the lowest and the highest.
    pub(super) fn curve(&self, value: impl Fn(&EpochRecord) -> Option<f64>) -> Vec<Point> {
        let epochs = self.runs.iter().map(|trained| trained.epochs.len()).min().unwrap_or(0);
        let point = |place: usize| {
            let values: Option<Vec<f64>> = self.runs.iter().map(|trained| value(&trained.epochs[place])).collect();
            Some(point_of(self.first().epochs[place].epoch as f64, &values?))
        };
        (0..epochs).filter_map(point).collect()
    }

    /// A number of each probe, by its step, over the steps that every run was probed at.
    pub(super) fn probe_curve(&self, value: impl Fn(&ProbeRecord) -> Option<f64>) -> Vec<Point> {
        let mut by_step = BTreeMap::<u64, Vec<f64>>::new();
        for probe in self.runs.iter().flat_map(|trained| &trained.probes) {
            if let Some(value) = value(probe) {
                by_step.entry(probe.step).or_default().push(value);
            }
        }
        let complete = by_step.into_iter().filter(|(_, values)| values.len() == self.runs.len());
        complete.map(|(step, values)| point_of(step as f64, &values)).collect()
    }

    /// Whether some runs have fewer epochs than others.
    pub(super) fn is_uneven(&self) -> bool {
        self.runs.iter().any(|trained| trained.epochs.len() != self.first().epochs.len())
    }
}

/// The mean of several values with their range; of one value the value itself.
pub(super) fn point_of(x: f64, values: &[f64]) -> Point {
    let range = (values.len() > 1)
        .then(|| values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(*value), high.max(*value))));
    Point { x, y: statistics::mean(values), range }
}

/// What each family is called: its recipe, where that tells them apart; otherwise what its recipe has that the others have not; otherwise the
/// folder of its first run.
fn names(firsts: &[&Run]) -> Vec<String> {
    let are_distinct = |names: &[String]| names.iter().collect::<BTreeSet<_>>().len() == names.len();
    let recipes: Vec<String> = firsts.iter().map(|run| run.summary.recipe.clone()).collect();
    if are_distinct(&recipes) {
        return recipes;
    }
    let settings: Vec<&Settings> = firsts.iter().map(|run| &run.settings).collect();
    let by_difference = by_difference(&settings);
    if are_distinct(&by_difference) {
        return by_difference;
    }
    firsts.iter().map(|run| run.folder.display().to_string()).collect()
}

fn by_difference(settings: &[&Settings]) -> Vec<String> {
    /// More would be no name.
    const MOST_KEYS: usize = 3;
    let keys: BTreeSet<&str> = settings.iter().flat_map(|settings| settings.iter().map(|(key, _)| key)).collect();
    let differs = |key: &&str| settings.iter().any(|one| one.get(key) != settings[0].get(key));
    let differing: Vec<&str> = keys.into_iter().filter(|key| !is_log_or_seed(key)).filter(differs).collect();
    let part = |settings: &Settings, key: &str| {
        let value = settings.get(key)?.to_string();
        // `data.fold.index` is the number of the fold.
        let key = key.strip_suffix(".index").unwrap_or(key);
        Some(format!("{} {}", key.rsplit('.').next().unwrap_or(key), value.trim_matches('"')))
    };
    let name = |settings: &Settings| {
        let parts: Vec<String> = differing.iter().filter_map(|key| part(settings, key)).take(MOST_KEYS).collect();
        if parts.is_empty() { "without them".into() } else { parts.join(", ") }
    };
    settings.iter().map(|settings| name(settings)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipes_of_one_name_are_called_by_what_they_do_not_share() {
        let parse = |text: &str| Settings::parse(text).unwrap();
        let settings = [
            parse("[model]\nactivation = \"relu\"\ndropout = 0.5\n[train]\nseed = 1"),
            parse("[model]\nactivation = \"tanh\"\ndropout = 0.5\n[train]\nseed = 2"),
        ];
        assert_eq!(by_difference(&settings.each_ref()), ["activation relu", "activation tanh"]);
    }

    #[test]
    fn one_value_has_no_range() {
        assert_eq!(point_of(1.0, &[2.0]), Point { x: 1.0, y: 2.0, range: None });
        assert_eq!(point_of(1.0, &[1.0, 3.0]), Point { x: 1.0, y: 2.0, range: Some((1.0, 3.0)) });
    }
}
