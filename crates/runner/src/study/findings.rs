//! What a study expects, and whether its numbers say so.

use super::mistake::mistake;
use super::selector::{counterpart, matching, some_cells};
use super::values::flatten;
use super::{CellPlan, StudyFile};
use crate::failure::Failure;
use relumine_report::{Contrast, Finding, Fit, StudyCell, measure_text, short};
use serde::Deserialize;
use toml::Table;

/// `[[findings]]`. A finding's own `quick` holds what its check has in place of the rest in a `--quick` run, and its own `statement` there.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FindingSpec {
    /// A short name.
    pub(super) name: String,
    /// In a sentence.
    pub(super) statement: String,
    pub(super) check: Check,
    #[serde(default)]
    #[expect(dead_code, reason = "it is merged into the check before the small form is read; here it is a key that is known")]
    quick: Table,
}

/// What must hold for every cell that `of` names, or with `any` for one of them: a mean over seeds, or what it is beside that of the cell that
/// differs in `against`, within bounds; or a fit; or a planned contrast, with a Holm-corrected p-value within bounds.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Check {
    /// The study's measure where absent.
    pub(super) measure: Option<String>,
    /// All cells where absent.
    #[serde(default)]
    of: Table,
    against: Option<Table>,
    /// What is made of the two; the difference where absent.
    compare: Option<Compare>,
    at_least: Option<f64>,
    at_most: Option<f64>,
    fit: Option<Fit>,
    /// The name of a planned contrast, whose mean difference is looked at.
    contrast: Option<String>,
    /// For a contrast.
    p_at_most: Option<f64>,
    #[serde(default)]
    any: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Compare {
    /// The mean minus that of the other.
    #[default]
    Difference,
    /// The mean over that of the other.
    Ratio,
}

/// Refuses findings that can never be checked.
///
/// # Errors
/// Cells that are not there, or a check without bounds.
pub(super) fn check(shown: &str, file: &StudyFile, cells: &[CellPlan]) -> Result<(), Failure> {
    for FindingSpec { name, check, .. } in &file.findings {
        let what = format!("finding {name}");
        let has_bounds = check.at_least.is_some() || check.at_most.is_some() || check.fit.is_some() || check.p_at_most.is_some();
        if !has_bounds {
            return Err(mistake(shown, format_args!("{what}: its check has no bounds; give at_least, at_most or fit")));
        }
        let beside =
            |key: &str, other: &str| mistake(shown, format_args!("{what}: its check cannot use {key} beside {other}; leave one out"));
        if check.fit.is_some() {
            let others =
                [("at_least", check.at_least.is_some()), ("at_most", check.at_most.is_some()), ("against", check.against.is_some())];
            if let Some((key, _)) = others.into_iter().find(|(_, is_there)| *is_there) {
                return Err(beside(key, "fit"));
            }
        }
        if check.contrast.is_some() {
            let others = [
                ("fit", check.fit.is_some()),
                ("of", !check.of.is_empty()),
                ("against", check.against.is_some()),
                ("measure", check.measure.is_some()),
            ];
            if let Some((key, _)) = others.into_iter().find(|(_, is_there)| *is_there) {
                return Err(beside(key, "contrast"));
            }
        }
        if check.compare.is_some() && check.against.is_none() {
            return Err(mistake(shown, format_args!("{what}: compare needs a cell to compare with; give against")));
        }
        if check.fit.is_some() && file.fit.is_none() {
            return Err(mistake(shown, format_args!("{what}: its check names a fit, and the study has no rule for it; give [fit]")));
        }
        if check.p_at_most.is_some() && check.contrast.is_none() {
            return Err(mistake(shown, format_args!("{what}: only planned contrasts have p-values; name one with contrast")));
        }
        if let Some(contrast) = check.contrast.as_ref().filter(|contrast| !file.contrasts.iter().any(|spec| spec.name == **contrast)) {
            return Err(mistake(shown, format_args!("{what}: there is no contrast {contrast}; name one of the study's")));
        }
        let places = some_cells(shown, &what, &flatten(&check.of), cells)?;
        if let Some(against) = &check.against {
            let against = flatten(against);
            matching(shown, &what, &against, cells)?;
            if !places.iter().any(|place| counterpart(*place, &against, cells).is_some()) {
                return Err(mistake(shown, format_args!("{what}: no cell has a counterpart that differs from it in `against` alone")));
            }
        }
    }
    Ok(())
}

/// Looks for every finding in the numbers.
pub(super) fn look(file: &StudyFile, plans: &[CellPlan], cells: &[StudyCell], contrasts: &[Contrast]) -> Vec<Finding> {
    let look = |FindingSpec { name, statement, check, .. }: &FindingSpec| {
        let verdicts = match &check.contrast {
            Some(name) => contrasts.iter().filter(|contrast| contrast.name == *name).map(|contrast| check.of_contrast(contrast)).collect(),
            None => check.of_cells(&file.measure, plans, cells),
        };
        let holds = |(holds, _): &(bool, String)| *holds;
        let found = if check.any { verdicts.iter().any(holds) } else { !verdicts.is_empty() && verdicts.iter().all(holds) };
        let evidence = verdicts.into_iter().map(|(_, evidence)| evidence).collect();
        Finding { name: name.clone(), statement: statement.clone(), found, evidence }
    };
    file.findings.iter().map(look).collect()
}

impl Check {
    fn of_contrast(&self, contrast: &Contrast) -> (bool, String) {
        let (Some(test), Some(p)) = (contrast.test, contrast.holm_p) else {
            return (false, format!("{} minus {}: too few seeds have both", contrast.cell, contrast.against));
        };
        let holds = self.is_within(test.mean) && self.p_at_most.is_none_or(|most| p <= most);
        let significance = self.p_at_most.map_or_else(String::new, |most| format!(", at most {most}"));
        let Contrast { cell, against, measure, .. } = contrast;
        let value = self.beside_bounds(&Contrast::difference_text(measure, test.mean));
        (holds, format!("{cell} minus {against}: {measure} {value}; corrected p {p:.2e}{significance}"))
    }

    fn of_cells(&self, default: &str, plans: &[CellPlan], cells: &[StudyCell]) -> Vec<(bool, String)> {
        let places = matching("", "", &flatten(&self.of), plans).unwrap_or_default();
        match (&self.against, self.fit) {
            (Some(against), _) => {
                let against = flatten(against);
                let pairs = places.into_iter().filter_map(|place| Some((place, counterpart(place, &against, plans)?)));
                pairs.map(|(place, other)| self.of_pair(default, &cells[place], &cells[other])).collect()
            }
            (None, Some(fit)) => places.into_iter().map(|place| of_fit(&cells[place], fit)).collect(),
            (None, None) => places.into_iter().map(|place| self.of_cell(default, &cells[place])).collect(),
        }
    }

    fn of_cell(&self, default: &str, cell: &StudyCell) -> (bool, String) {
        let measure = self.measure.as_deref().unwrap_or(default);
        let Some(estimate) = cell.measures.get(measure) else { return (false, format!("{}: no {measure}", cell.name)) };
        let value = self.beside_bounds(&measure_text(measure, estimate.mean));
        (self.is_within(estimate.mean), format!("{}: {measure} {value}", cell.name))
    }

    fn of_pair(&self, default: &str, cell: &StudyCell, other: &StudyCell) -> (bool, String) {
        let measure = self.measure.as_deref().unwrap_or(default);
        let (Some(one), Some(two)) = (cell.measures.get(measure), other.measures.get(measure)) else {
            return (false, format!("{} against {}: no {measure}", cell.name, other.name));
        };
        let (difference, ratio) = (one.mean - two.mean, one.mean / two.mean);
        let (value, word, text) = match self.compare.unwrap_or_default() {
            Compare::Difference => (difference, "minus", Contrast::difference_text(measure, difference)),
            Compare::Ratio => (ratio, "over", short(ratio)),
        };
        let evidence = format!("{} {word} {}: {measure} {}", cell.name, other.name, self.beside_bounds(&text));
        (self.is_within(value), evidence)
    }

    /// What is no number is within no bounds.
    fn is_within(&self, value: f64) -> bool {
        !value.is_nan() && self.at_least.is_none_or(|least| value >= least) && self.at_most.is_none_or(|most| value <= most)
    }

    /// `value` with what was expected of it, in its unit: `%` or `points` of shares, which the study file has from 0 to 1, and no other.
    fn beside_bounds(&self, value: &str) -> String {
        let unit = value.split_once(' ').map_or("", |(_, unit)| unit);
        let shown = |bound: f64| match unit {
            "" => bound.to_string(),
            // Without what the multiplication rounds: 0.07 is 7 %.
            _ => ((1e10 * bound).round() / 1e8).to_string(),
        };
        let end = if unit.is_empty() { String::new() } else { format!(" {unit}") };
        match (self.at_least.map(shown), self.at_most.map(shown)) {
            (Some(least), Some(most)) => format!("{value} (expected {least} to {most}{end})"),
            (Some(least), None) => format!("{value} (expected at least {least}{end})"),
            (None, Some(most)) => format!("{value} (expected at most {most}{end})"),
            (None, None) => value.to_owned(),
        }
    }
}

fn of_fit(cell: &StudyCell, expected: Fit) -> (bool, String) {
    let word = |fit| match fit {
        Fit::Under => "under-fitted",
        Fit::Well => "well-fitted",
        Fit::Over => "over-fitted",
    };
    let found = cell.fit.map_or("not judged", word);
    (cell.fit == Some(expected), format!("{}: {found} (expected {})", cell.name, word(expected)))
}
