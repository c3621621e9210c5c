//! What cells and the folders of their trials are called.

use super::CellPlan;
use super::values::{equal, is_left_out};
use std::path::Path;
use toml::Value;

/// Gives every cell a name: its values of the axes that cells differ in.
pub(super) fn name_cells(cells: &mut [CellPlan]) {
    let differs = |axis: &str| cells.iter().any(|cell| !equal(&cell.settings[axis], &cells[0].settings[axis]));
    let axes: Vec<String> =
        cells.first().map(|cell| cell.settings.keys().filter(|axis| differs(axis)).cloned().collect()).unwrap_or_default();
    let names: Vec<String> = cells
        .iter()
        .map(|cell| axes.iter().filter_map(|axis| part(axis, &cell.settings[axis])).collect::<Vec<_>>().join(", "))
        .map(|name| if name.is_empty() { "all".into() } else { name })
        .collect();
    for (place, cell) in cells.iter_mut().enumerate() {
        // Values that read the same are told apart by number.
        let before = names[..place].iter().filter(|name| **name == names[place]).count();
        cell.name = if before == 0 { names[place].clone() } else { format!("{} ({})", names[place], before + 1) };
    }
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
}
