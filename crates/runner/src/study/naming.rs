//! What cells and the folders of their trials are called.

use super::CellPlan;
use super::values::{equal, is_left_out};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use toml::Value;

/// Gives every cell its labels, of the axes that tell cells apart, and a name of them.
pub(super) fn name_cells(cells: &mut [CellPlan]) {
    let Some(first) = cells.first() else { return };
    let differs = |axis: &String| cells.iter().any(|cell| !equal(&cell.settings[axis], &first.settings[axis]));
    let all: Vec<String> = first.settings.keys().filter(|axis| differs(axis)).cloned().collect();
    let axes = telling(cells, &all);
    for cell in cells.iter_mut() {
        cell.labels = labels(cell, &axes);
        cell.stem = joined(&labels(cell, &all));
    }
    let names: Vec<String> = cells.iter().map(|cell| joined(&cell.labels)).collect();
    for (place, cell) in cells.iter_mut().enumerate() {
        // Values that read the same are told apart by number.
        let before = names[..place].iter().filter(|name| **name == names[place]).count();
        cell.name = if before == 0 { names[place].clone() } else { format!("{} ({})", names[place], before + 1) };
    }
}

/// `axes` without those that the others imply, such as a width that goes with a depth. Axes of the network are the last to go.
fn telling(cells: &[CellPlan], axes: &[String]) -> Vec<String> {
    let distinct = |axes: &[String]| cells.iter().map(|cell| joined(&labels(cell, axes))).collect::<BTreeSet<_>>().len();
    let (all, mut kept) = (distinct(axes), axes.to_vec());
    // A width goes before a depth.
    let mut candidates: Vec<&String> = axes.iter().rev().collect();
    candidates.sort_by_key(|axis| axis.starts_with("model."));
    for candidate in candidates {
        let without: Vec<String> = kept.iter().filter(|axis| *axis != candidate).cloned().collect();
        if !without.is_empty() && distinct(&without) == all {
            kept = without;
        }
    }
    kept
}

fn labels(cell: &CellPlan, axes: &[String]) -> BTreeMap<String, String> {
    axes.iter().filter_map(|axis| Some((axis.clone(), part(axis, &cell.settings[axis])?))).collect()
}

fn joined(labels: &BTreeMap<String, String>) -> String {
    if labels.is_empty() { "all".into() } else { labels.values().map(String::as_str).collect::<Vec<_>>().join(", ") }
}

/// A value with its key, or alone where it says by itself what it is; `None` where the key is left out.
fn part(axis: &str, value: &Value) -> Option<String> {
    let key = axis.rsplit('.').next().unwrap_or(axis);
    if is_left_out(value) {
        return None;
    }
    match (axis, value) {
        ("recipe", Value::String(path)) => {
            Some(Path::new(path).file_stem().map_or_else(|| path.clone(), |stem| stem.to_string_lossy().into_owned()))
        }
        ("model.activation" | "model.init" | "optimizer.name" | "data.name", value) => Some(plain(value)),
        (_, value) => Some(format!("{key} {}", plain(value))),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Table(table) => {
            let name = table.get("name").map(plain).unwrap_or_default();
            let rest: Vec<String> =
                table.iter().filter(|(key, _)| *key != "name").map(|(key, value)| format!("{key} {}", plain(value))).collect();
            if rest.is_empty() { name } else { format!("{name}({})", rest.join(" ")) }
        }
        other => other.to_string(),
    }
}

/// A name that every file system takes.
pub(super) fn file_name(name: &str) -> String {
    const LONGEST: usize = 80;
    let plain = name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' || c == '_' { c } else { '-' });
    let mut text = String::new();
    for c in plain {
        if c != '-' || !text.ends_with('-') {
            text.push(c);
        }
    }
    text.truncate(LONGEST);
    text.trim_matches(|c| c == '-' || c == '.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_read_as_a_person_would_say_them() {
        let named: toml::Table = toml::from_str("x = { name = \"random_normal\", stddev = 0.05 }").unwrap();
        for (axis, value, expected) in [
            ("model.activation", Value::String("relu".into()), Some("relu")),
            ("model.depth", Value::Integer(8), Some("depth 8")),
            ("model.init", named["x"].clone(), Some("random_normal(stddev 0.05)")),
            ("model.norm", Value::String("batch".into()), Some("norm batch")),
            ("recipe", Value::String("../lab/deep.toml".into()), Some("deep")),
            ("optimizer.max_norm", Value::String(String::new()), None),
        ] {
            assert_eq!(part(axis, &value).as_deref(), expected);
        }
        assert_eq!(file_name("random_normal(stddev 0.05), depth 8"), "random_normal-stddev-0.05-depth-8");
    }

    #[test]
    fn a_name_has_no_more_than_tells_cells_apart() {
        let cell = |values: [(&str, Value); 4]| CellPlan {
            name: String::new(),
            stem: String::new(),
            settings: values.into_iter().map(|(axis, value)| (axis.to_owned(), value)).collect(),
            labels: BTreeMap::new(),
            recipe: crate::recipe::Recipe::default(),
        };
        let of = |activation: &str, depth: i64, width: i64, rows: i64| {
            cell([
                ("data.limit_train", Value::Integer(rows)),
                ("model.activation", Value::String(activation.into())),
                ("model.depth", Value::Integer(depth)),
                ("model.width", Value::Integer(width)),
            ])
        };
        let mut cells = [of("tanh", 5, 1000, 5000), of("relu", 5, 1000, 5000), of("relu", 30, 128, 20000)];
        name_cells(&mut cells);
        assert_eq!(cells.each_ref().map(|cell| cell.name.as_str()), ["tanh, depth 5", "relu, depth 5", "relu, depth 30"]);
        assert_eq!(cells[2].stem, "limit_train 20000, relu, depth 30, width 128");
    }
}
