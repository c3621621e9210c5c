//! `--set KEY=VALUE`.

use anyhow::{anyhow, bail};
use toml::{Table, Value};

/// Sets one key of `table`. The value is TOML where it can be, and a string otherwise.
pub(super) fn apply(table: &mut Table, text: &str) -> anyhow::Result<()> {
    let Some((key, value)) = text.split_once('=') else {
        bail!("--set {text} is not KEY=VALUE: write it as in --set model.dropout=0.3");
    };
    let mut parts: Vec<&str> = key.trim().split('.').collect();
    if parts.iter().any(|part| part.is_empty()) {
        bail!("--set {text} has no usable key: write it as in --set model.dropout=0.3");
    }
    let last = parts.pop().unwrap_or_default();
    let mut inner = table;
    for (depth, part) in parts.iter().enumerate() {
        let entry = inner.entry((*part).to_owned()).or_insert_with(|| Value::Table(Table::new()));
        inner = entry.as_table_mut().ok_or_else(|| {
            let key = parts[..=depth].join(".");
            anyhow!("--set {text}: {key} is no table in the recipe; set it whole, as in --set '{key}={{ name = \"..\" }}'")
        })?;
    }
    inner.insert(last.to_owned(), parse(value.trim()));
    Ok(())
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
}
