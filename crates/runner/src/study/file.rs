//! A study file, as it is written.

use super::measures;
use super::mistake::{mistake, nearest, of_key};
use super::values::merge;
use super::{Halving, findings::FindingSpec, random::Random};
use crate::failure::Failure;
use crate::recipe::Origin;
use anyhow::anyhow;
use relumine_report::FitRule;
use serde::Deserialize;
use std::path::Path;
use toml::{Table, Value};

/// A study. Its cells are those of all its grids, its list and its random sample together; one that comes up twice counts once.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StudyFile {
    /// What it asks, in a line.
    pub title: String,
    /// The recipe that cells change: a file beside the study, or an embedded one's name; the default recipe where absent.
    pub recipe: Option<String>,
    /// Recipe keys for every cell, over those of the recipe.
    #[serde(default)]
    pub base: Table,
    /// How many training seeds, from 0, or which.
    pub seeds: Seeds,
    /// The measure that cells are compared by.
    #[serde(default = "default_measure")]
    pub measure: String,
    /// More measures for the table.
    #[serde(default)]
    pub columns: Vec<String>,
    /// Values that name one cell, which the winner is set beside.
    pub baseline: Option<Table>,
    /// Which cells read the test rows.
    #[serde(default)]
    pub test: TestRows,
    /// Recipe keys with arrays of values, which are crossed; a single value holds for the whole grid.
    #[serde(default)]
    pub grid: OneOrMany,
    /// Cells one by one: recipe keys with a value each.
    #[serde(default)]
    pub list: Vec<Table>,
    /// Cells drawn at random.
    pub random: Option<Random>,
    /// Stops the worse cells early.
    pub halving: Option<Halving>,
    /// How under- and over-fitting are told apart.
    pub fit: Option<FitRule>,
    /// The validation accuracy that `epochs_to_target` and `steps_to_target` wait for.
    #[serde(default = "default_target")]
    pub target_accuracy: f64,
    /// The patience, in epochs, of the early stopping whose end `early_stop_epoch` tells; it stops nothing.
    #[serde(default = "default_patience")]
    pub patience: u64,
    /// Planned comparisons; no others get a p-value.
    #[serde(default)]
    pub contrasts: Vec<ContrastSpec>,
    /// What is expected.
    #[serde(default)]
    pub findings: Vec<FindingSpec>,
    /// Published numbers, to stand beside those of a cell.
    #[serde(default)]
    pub references: Vec<ReferenceSpec>,
    /// What `--quick` changes: any key of the study.
    #[serde(default)]
    #[expect(dead_code, reason = "it is merged into the rest before the small form is read; here it is a key that is known")]
    quick: Table,
    /// Whether this is the small form.
    #[serde(skip)]
    pub is_quick: bool,
}

/// How many seeds, or which.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "expected a number of seeds, such as 5, or a list of them, such as [0, 1, 2]")]
pub enum Seeds {
    /// 0, 1, ..
    Count(u32),
    /// These.
    Listed(Vec<u32>),
}

/// Which cells read the test rows, once per trial.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TestRows {
    /// The winner and the baseline, when everything has been chosen on validation.
    #[default]
    Chosen,
    /// All of them, to be set beside published numbers; nothing is chosen by them.
    All,
    /// None.
    None,
}

/// A grid or several.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "expected a table of recipe keys with arrays of values, or several as [[grid]]")]
pub enum OneOrMany {
    /// `[grid]`.
    One(Table),
    /// `[[grid]]`.
    Many(Vec<Table>),
}

impl Default for OneOrMany {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl OneOrMany {
    pub(super) fn each(&self) -> &[Table] {
        match self {
            Self::One(table) => std::slice::from_ref(table),
            Self::Many(tables) => tables,
        }
    }
}

/// `[[contrasts]]`: a cell against another one. Values that name several cells stand for several contrasts: each against the cell that
/// differs from it in what `against` says.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContrastSpec {
    pub(super) name: String,
    pub(super) cell: Table,
    pub(super) against: Table,
    /// The study's measure where absent.
    pub(super) measure: Option<String>,
}

/// `[[references]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReferenceSpec {
    pub(super) cell: Table,
    /// Where it was published.
    pub(super) name: String,
    pub(super) value: f64,
}

fn default_measure() -> String {
    "validation_accuracy".into()
}

fn default_target() -> f64 {
    0.9
}

fn default_patience() -> u64 {
    5
}

impl StudyFile {
    /// Reads a study file, in its small form where `quick`, with `seeds` seeds where they are given.
    ///
    /// # Errors
    /// The file, key or value that is wrong, and what is right; always the user's to mend.
    pub fn read(path: &Path, quick: bool, seeds: Option<u32>) -> Result<(Origin, Self), Failure> {
        let origin = read(path)?;
        let shown = &origin.shown;
        let table: Table = toml::from_str(&origin.text).map_err(|error: toml::de::Error| {
            let line = error.span().map_or(1, |span| origin.text[..span.start.min(origin.text.len())].matches('\n').count() + 1);
            mistake(shown, format_args!("line {line}: {}", error.message().replace('\n', " ")))
        })?;
        // Both forms are checked, whichever is asked for; their cells are built for that one alone.
        let full = Self::parse(shown, table.clone())?;
        let small = Self::parse(shown, small_form(table))?;
        full.check(shown)?;
        small.check(shown)?;
        let mut file = if quick { Self { is_quick: true, ..small } } else { full };
        if let Some(seeds) = seeds {
            file.seeds = Seeds::Count(seeds);
        }
        file.check(shown)?;
        Ok((origin, file))
    }

    fn parse(shown: &str, table: Table) -> Result<Self, Failure> {
        serde_path_to_error::deserialize(Value::Table(table)).map_err(|error| of_key(shown, &error))
    }

    /// The training seeds.
    #[must_use]
    pub fn seed_list(&self) -> Vec<u64> {
        match &self.seeds {
            Seeds::Count(count) => (0..u64::from(*count)).collect(),
            Seeds::Listed(seeds) => seeds.iter().copied().map(u64::from).collect(),
        }
    }

    fn check(&self, shown: &str) -> Result<(), Failure> {
        let seeds = self.seed_list();
        if seeds.is_empty() {
            return Err(mistake(shown, "seeds = 0 trains nothing; give at least 1, and 2 or more for intervals"));
        }
        if let Some(twice) = seeds.iter().enumerate().find(|(at, seed)| seeds[..*at].contains(seed)) {
            return Err(mistake(shown, format_args!("seeds names {} twice; name each once", twice.1)));
        }
        let of_contrasts = self.contrasts.iter().filter_map(|contrast| contrast.measure.as_ref());
        let of_findings = self.findings.iter().filter_map(|finding| finding.check.measure.as_ref());
        let named = std::iter::once(&self.measure).chain(&self.columns).chain(of_contrasts).chain(of_findings);
        for measure in named {
            if !measures::is_known(measure) {
                let near = nearest(measure, measures::names()).unwrap_or_default();
                let known = measures::names().collect::<Vec<_>>().join(", ");
                return Err(mistake(shown, format_args!("{measure} is no measure; did you mean {near}? (known: {known})")));
            }
        }
        let shown_measures: Vec<&String> = std::iter::once(&self.measure).chain(&self.columns).collect();
        if let Some(twice) = shown_measures.iter().enumerate().find(|(at, measure)| shown_measures[..*at].contains(measure)) {
            return Err(mistake(shown, format_args!("columns names {}, which is shown already; leave it out", twice.1)));
        }
        if self.halving.is_some() && !(self.contrasts.is_empty() && self.findings.is_empty()) {
            return Err(mistake(
                shown,
                "halving drops cells before they are trained to the end, and contrasts and findings need all of theirs; leave out one of them",
            ));
        }
        if self.halving.is_some() && !["validation_accuracy", "validation_loss"].contains(&self.measure.as_str()) {
            return Err(mistake(shown, "halving ranks cells on validation: set measure to validation_accuracy or validation_loss"));
        }
        Ok(())
    }
}

fn read(path: &Path) -> Result<Origin, Failure> {
    let shown = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::usage(anyhow!("cannot read the study {shown}: {error}; give a study file in TOML")))?;
    let name = path.file_stem().map_or_else(|| "study".into(), |stem| stem.to_string_lossy().into_owned());
    Ok(Origin { name, shown, text, folder: path.parent().map(Path::to_owned) })
}

/// What `[quick]` says in the place of what the rest says; its `base` goes over the other key by key, and so does each finding's own `quick`.
fn small_form(mut table: Table) -> Table {
    let Some(Value::Table(quick)) = table.remove("quick") else { return with_small_findings(table) };
    for (key, value) in quick {
        match (table.get_mut(&key), &value) {
            (Some(Value::Table(base)), Value::Table(over)) if key == "base" => merge(base, over),
            _ => drop(table.insert(key, value)),
        }
    }
    with_small_findings(table)
}

fn with_small_findings(mut table: Table) -> Table {
    let findings = table.get_mut("findings").and_then(Value::as_array_mut);
    for finding in findings.into_iter().flatten().filter_map(Value::as_table_mut) {
        if let (Some(Value::Table(quick)), Some(Value::Table(check))) = (finding.remove("quick"), finding.get_mut("check")) {
            // Selectors are replaced whole.
            quick.into_iter().for_each(|(key, value)| drop(check.insert(key, value)));
            if let Some(statement) = check.remove("statement") {
                finding.insert("statement".into(), statement);
            }
        }
    }
    table
}
