//! `--set KEY=VALUE`, and `--set KEY=` to leave out what the recipe has.

use anyhow::{anyhow, bail};
use toml::{Table, Value};

/// Sets one key of `table`, or takes it out where the value is empty; false where there was nothing to take out. The value is TOML where it
/// can be, and a string otherwise.
pub(super) fn apply(table: &mut Table, text: &str) -> anyhow::Result<bool> {
    let Some((key, value)) = text.split_once('=') else {
        bail!("--set {text} is not KEY=VALUE: write it as in --set model.dropout=0.3, or --set model.dropout= to leave the key out");
    };
    let mut parts: Vec<&str> = key.trim().split('.').collect();
    if parts.iter().any(|part| part.is_empty()) {
        bail!("--set {text} has no usable key: write it as in --set model.dropout=0.3");
    }
    let (last, value) = (parts.pop().unwrap_or_default(), value.trim());
    let mut inner = table;
    for (depth, part) in parts.iter().enumerate() {
        if value.is_empty() && !inner.contains_key(*part) {
            return Ok(false);
        }
        let entry = inner.entry((*part).to_owned()).or_insert_with(|| Value::Table(Table::new()));
        inner = entry.as_table_mut().ok_or_else(|| {
            let key = parts[..=depth].join(".");
            anyhow!("--set {text}: {key} is no table in the recipe; set it whole, as in --set '{key}={{ name = \"..\" }}'")
        })?;
    }
    if value.is_empty() {
        return Ok(inner.remove(last).is_some());
    }
    inner.insert(last.to_owned(), parse(value));
    Ok(true)
}

fn parse(value: &str) -> Value {
    let parsed = toml::from_str::<Table>(&format!("value = {value}")).ok().filter(|table| table.len() == 1);
    parsed.and_then(|mut table| table.remove("value")).unwrap_or_else(|| Value::String(value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_toml_or_else_strings() {
        assert_eq!(parse("3"), Value::Integer(3));
        assert_eq!(parse("1e-3"), Value::Float(1e-3));
        assert_eq!(parse("tanh"), Value::String("tanh".into()));
        assert_eq!(parse("\"tanh\""), Value::String("tanh".into()));
        assert_eq!(parse("../data.csv"), Value::String("../data.csv".into()));
        assert_eq!(parse("1\nother = 2"), Value::String("1\nother = 2".into()));
    }

    #[test]
    fn an_empty_value_takes_the_key_out_and_adds_nothing() {
        let mut table: Table = toml::from_str("[model]\ndropout = 0.1\nhidden = [3]").unwrap();
        assert!(apply(&mut table, "model.dropout=").unwrap());
        assert!(!apply(&mut table, "model.dropout= ").unwrap());
        assert!(!apply(&mut table, "train.early_stopping.patience=").unwrap());
        assert_eq!(table, toml::from_str("[model]\nhidden = [3]").unwrap());
        assert!(apply(&mut table, "model.hidden.first=").is_err());
        assert!(apply(&mut table, "data.label=\"\"").unwrap());
        assert_eq!(table["data"]["label"], Value::String(String::new()));
    }
}
