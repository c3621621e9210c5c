//! What was run, and on what.

use super::families::Families;
use super::{Block, Section};
use crate::history::read_json;
use crate::{Align, Comparison, ReportError, Run, Table};
use serde_json::{Map, Value};

pub(super) fn sections(families: &Families) -> Result<Vec<Section>, ReportError> {
    let (mut recipe, mut environment) = (Section::new("Recipe"), Section::new("Environment"));
    if families.all.len() > 1 {
        recipe.add(Block::Table(differences(families)?));
        recipe.add(Block::Note(format!("What differs between the recipes. The first, {}, in full:", families.all[0].name)));
    }
    let Some(first) = families.all.first().map(|family| &family.first().run) else { return Ok(Vec::new()) };
    recipe.add(Block::Code(first.recipe()?));
    let seeds: Vec<String> = families.all[0].runs.iter().map(|trained| trained.run.summary.seed.to_string()).collect();
    if seeds.len() > 1 {
        recipe.add(Block::Note(format!("The recipe of the first run; the seeds are {}.", seeds.join(", "))));
    }
    let path = first.folder.join("environment.json");
    if path.is_file() {
        environment.add(Block::Table(facts(&read_json(&path)?)));
    } else {
        environment.missing("The run has no environment.json.");
    }
    Ok(vec![recipe, environment])
}

/// A row per key, a column per family.
fn differences(families: &Families) -> Result<Table, ReportError> {
    let firsts: Vec<Run> = families.all.iter().map(|family| family.first().run.clone()).collect();
    let comparison = Comparison::of(&firsts)?;
    let columns = families.all.iter().map(|family| (family.name.as_str(), Align::Right));
    let mut table = Table::new(&std::iter::once(("key", Align::Left)).chain(columns).collect::<Vec<_>>());
    for (key, values) in comparison.differences.iter().filter(|(key, _)| key.as_str() != "train.seed") {
        let cells = values.iter().map(|value| value.as_ref().map_or_else(|| "-".into(), ToString::to_string));
        table.row(std::iter::once(key.clone()).chain(cells));
    }
    Ok(table)
}

/// A row per fact of `environment.json`, whatever a version writes into it.
fn facts(environment: &Map<String, Value>) -> Table {
    let mut table = Table::new(&[("", Align::Left), ("", Align::Left)]);
    for (key, value) in environment {
        let text = match value {
            Value::Null => continue,
            Value::String(text) => text.clone(),
            Value::Array(items) => {
                items.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned)).collect::<Vec<_>>().join(", ")
            }
            other => other.to_string(),
        };
        table.row([key.replace('_', " "), text]);
    }
    table
}
