//! What a study trains: its cells, each a whole recipe, and their trials.

use super::mistake::mistake;
use super::naming::{file_name, name_cells};
use super::selector::only_cell;
use super::values::{Values, equal, flatten, is_left_out, left_out, merge};
use super::{StudyFile, contrasts, findings};
use crate::checkpoint::sha256;
use crate::failure::Failure;
use crate::recipe::{Origin, Recipe};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// A study, checked and ready to train.
#[derive(Debug)]
pub struct StudyPlan {
    /// What it is called after.
    pub name: String,
    /// As it was written.
    pub file: StudyFile,
    /// What cells differ in, in alphabetical order.
    pub axes: Vec<String>,
    /// In the order of the file: grids, list, random sample.
    pub cells: Vec<CellPlan>,
    /// The place of the cell that the winner is set beside.
    pub baseline: usize,
    /// The training seeds.
    pub seeds: Vec<u64>,
}

/// A setting of the study.
#[derive(Clone, Debug)]
pub struct CellPlan {
    /// Its values in a line, as far as they tell it from other cells.
    pub name: String,
    /// The same of every axis that cells differ in, for the folders of its trials.
    pub stem: String,
    /// Its value of each axis; an empty string where it leaves the key out.
    pub settings: Values,
    /// By axis what its name says of it.
    pub labels: BTreeMap<String, String>,
    /// With every key of the study, but for the seed.
    pub recipe: Recipe,
}

/// A cell with a seed.
#[derive(Clone, Debug)]
pub struct TrialPlan {
    /// Its folder: readable, and different for every recipe.
    pub id: String,
    /// The place of its cell.
    pub cell: usize,
    /// The training seed.
    pub seed: u64,
    /// What it trains.
    pub recipe: Recipe,
}

impl StudyPlan {
    /// Makes recipes of what `file` says. Nothing is read but recipes.
    ///
    /// # Errors
    /// Keys, values, or combinations of them that no recipe can have, and cells that are named but not there.
    pub fn new(origin: &Origin, file: StudyFile) -> Result<Self, Failure> {
        let shown = &origin.shown;
        let given = given_cells(shown, &file)?;
        let axes: BTreeSet<String> = given.iter().flat_map(|values| values.keys().cloned()).collect();
        let mut cells: Vec<CellPlan> = Vec::new();
        for (place, values) in given.iter().enumerate() {
            let recipe = recipe_of(origin, &file, values, place + 1)?;
            let settings: Values = axes.iter().map(|axis| (axis.clone(), setting(axis, values, &recipe, &file))).collect();
            if !cells.iter().any(|cell| cell.recipe == recipe) {
                cells.push(CellPlan { name: String::new(), stem: String::new(), settings, labels: BTreeMap::new(), recipe });
            }
        }
        name_cells(&mut cells);
        let Some(baseline) = &file.baseline else {
            return Err(mistake(
                shown,
                "the study has no baseline: name the cell that others are set beside, as in baseline = { \"model.depth\" = 1 }",
            ));
        };
        let baseline = only_cell(shown, "baseline", &flatten(baseline), &cells)?;
        let plan = Self { name: origin.name.clone(), axes: axes.into_iter().collect(), cells, baseline, seeds: file.seed_list(), file };
        plan.check(shown)?;
        Ok(plan)
    }

    /// What the folders of trials of its cells end in, with these seeds.
    ///
    /// # Errors
    /// As [`trials`](Self::trials).
    pub(super) fn checksums(&self, seeds: &BTreeSet<u64>) -> Result<BTreeSet<String>, Failure> {
        let pairs = self.cells.iter().flat_map(|cell| seeds.iter().map(move |seed| (&cell.recipe, *seed)));
        pairs.map(|(recipe, seed)| Ok(seeded(recipe, seed)?.1)).collect()
    }

    /// Every cell with every seed.
    ///
    /// # Errors
    /// A number that TOML cannot hold.
    pub fn trials(&self) -> Result<Vec<TrialPlan>, Failure> {
        let mut trials = Vec::new();
        for (cell, CellPlan { stem, recipe, .. }) in self.cells.iter().enumerate() {
            for seed in &self.seeds {
                let (recipe, checksum) = seeded(recipe, *seed)?;
                let id = format!("{}-seed-{seed}-{checksum}", file_name(stem));
                trials.push(TrialPlan { id, cell, seed: *seed, recipe });
            }
        }
        Ok(trials)
    }

    fn check(&self, shown: &str) -> Result<(), Failure> {
        for CellPlan { name, recipe, .. } in &self.cells {
            let refuse = |key: &str, why: &str| Err(mistake(shown, format_args!("cell {name}: {key} {why}; leave it out of a study")));
            match recipe {
                Recipe { data, .. } if data.fold.is_some() => return refuse("data.fold", "is part of a cross-validation"),
                Recipe { train, .. } if train.refit => {
                    return refuse("train.refit", "trains on the validation rows that trials are compared on");
                }
                Recipe { train, .. } if train.overfit_batches.is_some() => {
                    return refuse("train.overfit_batches", "validates on the train rows");
                }
                Recipe { train, .. } if train.max_minutes.is_some() => {
                    return refuse("train.max_minutes", "makes results depend on what else the machine does");
                }
                _ => {}
            }
        }
        if let Some(halving) = &self.file.halving {
            halving.check(shown, &self.cells)?;
        }
        contrasts::planned(shown, &self.file, &self.cells)?;
        findings::check(shown, &self.file, &self.cells)?;
        super::analysis::references(shown, &self.file, &self.cells).map(drop)
    }
}

/// `recipe` with this seed, and what the folder of its trial ends in.
fn seeded(recipe: &Recipe, seed: u64) -> Result<(Recipe, String), Failure> {
    let mut recipe = recipe.clone();
    recipe.train.seed = seed;
    let mut checksum = sha256(recipe.to_toml().map_err(Failure::Usage)?.as_bytes());
    checksum.truncate(8);
    Ok((recipe, checksum))
}

/// The values of each cell, grids first.
fn given_cells(shown: &str, file: &StudyFile) -> Result<Vec<Values>, Failure> {
    let mut cells = Vec::new();
    for grid in file.grid.each() {
        cells.extend(crossed(shown, &flatten(grid))?);
    }
    cells.extend(file.list.iter().map(flatten));
    if let Some(random) = &file.random {
        cells.extend(random.cells(shown)?);
    }
    if cells.is_empty() {
        return Err(mistake(shown, "the study has no cells; give a [grid], a [[list]] or a [random] sample of recipe keys"));
    }
    for values in &cells {
        let shorthand = ["model.depth", "model.width"].into_iter().find(|key| values.contains_key(*key));
        if let (Some(shorthand), true) = (shorthand, values.contains_key("model.hidden")) {
            return Err(mistake(
                shown,
                format_args!("{shorthand} and model.hidden contradict each other in one cell; leave one of them out"),
            ));
        }
    }
    if let Some(key) = cells.iter().flat_map(Values::keys).find(|key| *key == "train.seed") {
        return Err(mistake(shown, format_args!("{key} is no axis: every cell has the seeds of the study; set seeds")));
    }
    Ok(cells)
}

/// Every combination; the first key changes slowest.
fn crossed(shown: &str, grid: &Values) -> Result<Vec<Values>, Failure> {
    let mut cells = vec![Values::new()];
    for (key, values) in grid {
        let values = match values {
            Value::Array(values) => values.clone(),
            value => vec![value.clone()],
        };
        if values.is_empty() {
            return Err(mistake(shown, format_args!("grid.{key} has no values; give some, or leave it out")));
        }
        if let Some((at, twice)) = values.iter().enumerate().find(|(at, value)| values[..*at].iter().any(|other| equal(other, value))) {
            return Err(mistake(shown, format_args!("grid.{key} has {twice} twice (value {}); give each once", at + 1)));
        }
        let with = |cell: &Values, value: &Value| cell.clone().into_iter().chain([(key.clone(), value.clone())]).collect::<Values>();
        cells = cells.iter().flat_map(|cell| values.iter().map(|value| with(cell, value)).collect::<Vec<_>>()).collect();
    }
    Ok(cells)
}

/// The whole recipe of a cell: that of its file, what the study says for all cells, and its own values.
fn recipe_of(origin: &Origin, file: &StudyFile, values: &Values, number: usize) -> Result<Recipe, Failure> {
    let named = values.get("recipe").map(|value| value.as_str().unwrap_or_default().to_owned()).or_else(|| file.recipe.clone());
    let own = match &named {
        Some(name) if name.is_empty() => {
            return Err(mistake(&origin.shown, "recipe names no file; give one, or an embedded recipe's name"));
        }
        Some(name) => Some(Origin::find(Some(&beside(origin.folder.as_deref(), name)))?),
        None => None,
    };
    let mut table: Table = match &own {
        Some(own) => toml::from_str(&own.text).map_err(|error: toml::de::Error| mistake(&own.shown, error.message().replace('\n', " ")))?,
        None => Table::new(),
    };
    merge(&mut table, &file.base);
    let mut overrides: Vec<String> = Vec::new();
    for (key, value) in values.iter().filter(|(key, _)| !matches!(key.as_str(), "recipe" | "model.depth" | "model.width")) {
        let value = if is_left_out(value) { String::new() } else { value.to_string() };
        overrides.push(format!("{key}={value}"));
    }
    if let Some(hidden) = hidden_layers(&origin.shown, &table, values)? {
        overrides.push(format!("model.hidden={hidden:?}"));
    }
    let folder = own.as_ref().and_then(|own| own.folder.clone()).or_else(|| origin.folder.clone());
    let text = toml::to_string(&table).map_err(|error| mistake(&origin.shown, error))?;
    let shown = format!("{}, cell {number}", origin.shown);
    let mut recipe = Recipe::load(&Origin { name: origin.name.clone(), shown, text, folder }, &overrides)?;
    recipe.train.init_from = recipe.train.init_from.map(|init_from| init_from.pinned()).transpose()?;
    Ok(recipe)
}

fn beside(folder: Option<&Path>, name: &str) -> PathBuf {
    let path = folder.map_or_else(|| PathBuf::from(name), |folder| folder.join(name));
    if path.is_file() { path } else { PathBuf::from(name) }
}

/// `model.hidden` of the shorthands `model.depth` and `model.width`; what they leave open is as in the recipe.
fn hidden_layers(shown: &str, table: &Table, values: &Values) -> Result<Option<Vec<usize>>, Failure> {
    let whole = |key: &str| match values.get(key) {
        None => Ok(None),
        Some(Value::Integer(number)) if (0..=1 << 24).contains(number) => Ok(Some(*number as usize)),
        Some(other) => Err(mistake(shown, format_args!("{key} = {other} is not usable: give a whole number of at least 0"))),
    };
    let (depth, width) = (whole("model.depth")?, whole("model.width")?);
    if depth.is_none() && width.is_none() {
        return Ok(None);
    }
    let own = table.get("model").and_then(|model| model.get("hidden")).cloned();
    let own: Vec<usize> = own.and_then(|hidden| hidden.try_into().ok()).unwrap_or_else(|| Recipe::default().model.hidden);
    if depth.is_some_and(|depth| depth > 1024) {
        return Err(mistake(shown, "model.depth is over 1024 layers; give fewer"));
    }
    let width = match width.or_else(|| own.first().copied().filter(|first| own.iter().all(|units| units == first))) {
        Some(width) => width,
        None if depth == Some(0) => 0,
        None => {
            return Err(mistake(
                shown,
                format_args!("model.depth needs layers of one width, and the recipe has {own:?}; give model.width too"),
            ));
        }
    };
    Ok(Some(vec![width; depth.unwrap_or(own.len())]))
}

/// What a cell has on an axis: its own value, or what its whole recipe says.
fn setting(axis: &str, values: &Values, recipe: &Recipe, file: &StudyFile) -> Value {
    if let Some(value) = values.get(axis) {
        return value.clone();
    }
    let hidden = &recipe.model.hidden;
    match axis {
        "recipe" => file.recipe.clone().map_or_else(left_out, Value::String),
        "model.depth" => Value::Integer(hidden.len() as i64),
        "model.width" => hidden.first().map_or_else(left_out, |units| Value::Integer(*units as i64)),
        axis => {
            let table = Table::try_from(recipe).unwrap_or_default();
            let found = axis.split('.').try_fold(&Value::Table(table), |value, key| value.get(key)).cloned();
            found.unwrap_or_else(left_out)
        }
    }
}

pub(super) fn same(one: &Values, other: &Values) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|((key, value), (other_key, other))| key == other_key && equal(value, other))
}
