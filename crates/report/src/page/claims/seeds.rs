//! What several runs say together.

use crate::page::families::{Family, Trained};
use crate::{Score, Summary, statistics};

/// Of one recipe with several seeds.
pub(super) fn of_family(family: &Family) -> Vec<String> {
    let claims = [("Validation", validation as Measure), ("Test", test as Measure)].map(|(rows, score)| {
        let accuracies = accuracies(family, score)?;
        Some(format!(
            "{rows} accuracy over {} seeds is {:.2} % on average (standard deviation {:.2} points, lowest {:.2} %, highest {:.2} %).",
            accuracies.len(),
            statistics::mean(&accuracies),
            statistics::standard_deviation(&accuracies),
            accuracies.iter().copied().fold(f64::INFINITY, f64::min),
            accuracies.iter().copied().fold(f64::NEG_INFINITY, f64::max)
        ))
    });
    claims.into_iter().flatten().chain(best_epochs(family)).collect()
}

/// A claim about one of several runs.
pub(super) fn of_seed(trained: &Trained, claim: &str) -> String {
    format!("Seed {}: {claim}", trained.run.summary.seed)
}

/// Of several recipes.
pub(super) fn between(families: &[Family]) -> Vec<String> {
    let (rows, score) = if families.iter().all(|family| accuracies(family, test).is_some()) {
        ("Test", test as Measure)
    } else {
        ("Validation", validation as Measure)
    };
    let mut claims: Vec<String> = families.iter().filter_map(|family| one_recipe(family, rows, score)).collect();
    claims.extend(best_and_worst(families, rows, score));
    claims.extend(families.iter().filter_map(gradient));
    claims
}

type Measure = fn(&Summary) -> Option<Score>;

fn validation(summary: &Summary) -> Option<Score> {
    summary.validation
}

fn test(summary: &Summary) -> Option<Score> {
    summary.test
}

/// In percent; `None` where a run has no score.
fn accuracies(family: &Family, score: Measure) -> Option<Vec<f64>> {
    family.runs.iter().map(|trained| Some(100.0 * score(&trained.run.summary)?.accuracy)).collect()
}

fn best_epochs(family: &Family) -> Option<String> {
    let epochs = || family.runs.iter().map(|trained| trained.run.summary.best_epoch).filter(|epoch| *epoch > 0);
    let (first, last) = (epochs().min()?, epochs().max()?);
    family.first().run.summary.validation?;
    Some(format!("The best epoch on validation lies between {first} and {last}, depending on the seed.")).filter(|_| first < last)
}

fn one_recipe(family: &Family, rows: &str, score: Measure) -> Option<String> {
    let accuracies = accuracies(family, score)?;
    let mean = statistics::mean(&accuracies);
    Some(match accuracies.len() {
        1 => format!("{}: {} accuracy {mean:.2} %, one seed.", family.name, rows.to_lowercase()),
        seeds => {
            let sd = statistics::standard_deviation(&accuracies);
            format!("{}: {} accuracy {mean:.2} % on average over {seeds} seeds (sd {sd:.2}).", family.name, rows.to_lowercase())
        }
    })
}

/// Only of runs on the same data, divided in the same way.
fn best_and_worst(families: &[Family], rows: &str, score: Measure) -> Option<String> {
    let data = &families.first()?.first().run.summary.data_fingerprint;
    if families.iter().any(|family| &family.first().run.summary.data_fingerprint != data) {
        return None;
    }
    let means: Option<Vec<(&Family, f64)>> =
        families.iter().map(|family| Some((family, statistics::mean(&accuracies(family, score)?)))).collect();
    let means = means?;
    let (best, high) = *means.iter().reduce(|best, next| if next.1 > best.1 { next } else { best })?;
    let (worst, low) = *means.iter().reduce(|worst, next| if next.1 < worst.1 { next } else { worst })?;
    let certainty = match paired(best, worst, score) {
        Some((low, high)) => format!("the 95 % interval, by seeds that both have, is {low:.2} to {high:.2}"),
        None => "too few seeds to tell a difference between recipes from one between seeds".into(),
    };
    (high > low).then(|| {
        format!("{rows} accuracy of {} is {:.2} points above that of {} on average; {certainty}.", best.name, high - low, worst.name)
    })
}

/// The 95 % interval of how much higher `best` is, in points; `None` of fewer than two seeds in common.
fn paired(best: &Family, worst: &Family, score: Measure) -> Option<(f64, f64)> {
    let of_seed = |family: &Family, seed: u64| {
        let trained = family.runs.iter().find(|trained| trained.run.summary.seed == seed)?;
        Some(100.0 * score(&trained.run.summary)?.accuracy)
    };
    let seeds = best.runs.iter().map(|trained| trained.run.summary.seed);
    let differences: Vec<f64> = seeds.filter_map(|seed| Some(of_seed(best, seed)? - of_seed(worst, seed)?)).collect();
    statistics::mean_interval(&differences)
}

fn gradient(family: &Family) -> Option<String> {
    let probe = family.first().probes.first()?;
    let [first, .., last] = &probe.layers[..] else { return None };
    let ratio = first.gradients.norm / last.gradients.norm;
    let number = crate::chart::number(ratio);
    let claim =
        format!("{}: the gradient's norm in the first layer is {number} times the last layer's at step {}.", family.name, probe.step);
    (ratio.is_finite()).then_some(claim)
}
