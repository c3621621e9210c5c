//! Recipe keys and their values, as study files name them.

use std::collections::BTreeMap;
use toml::{Table, Value};

/// Values by dotted key, such as `model.activation`, in alphabetical order.
pub(super) type Values = BTreeMap<String, Value>;

/// Takes tables apart, so that `model.depth = 2`, `"model.depth" = 2` and `[grid.model] depth = 2` are the same. A table with a `name` is a
/// value, such as `{ name = "elu", alpha = 0.5 }`.
pub(super) fn flatten(table: &Table) -> Values {
    let mut values = Values::new();
    take("", table, &mut values);
    values
}

fn take(prefix: &str, table: &Table, values: &mut Values) {
    for (key, value) in table {
        let key = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match value {
            // The data section has a name, and is no value: its keys are taken one by one.
            Value::Table(inner) if !inner.contains_key("name") || matches!(key.as_str(), "data" | "optimizer") => take(&key, inner, values),
            value => drop(values.insert(key, value.clone())),
        }
    }
}

/// Puts what `over` says over what `under` says, table by table.
pub(super) fn merge(under: &mut Table, over: &Table) {
    for (key, value) in over {
        match (under.get_mut(key), value) {
            (Some(Value::Table(inner)), Value::Table(value))
                if !value.contains_key("name") || matches!(key.as_str(), "data" | "optimizer") =>
            {
                merge(inner, value);
            }
            _ => drop(under.insert(key.clone(), value.clone())),
        }
    }
}

/// Whether two values mean the same: 1 and 1.0 do, and so do `"elu"` and `{ name = "elu" }`.
pub(super) fn equal(one: &Value, other: &Value) -> bool {
    let (one, other) = (alone(one), alone(other));
    match (number(one), number(other)) {
        (Some(one), Some(other)) => one == other,
        _ => match (one, other) {
            (Value::Table(one), Value::Table(other)) => {
                one.len() == other.len() && one.iter().all(|(key, value)| other.get(key).is_some_and(|other| equal(value, other)))
            }
            _ => one == other,
        },
    }
}

/// A name for a table that holds nothing else.
fn alone(value: &Value) -> &Value {
    value.as_table().filter(|table| table.len() == 1).and_then(|table| table.get("name")).unwrap_or(value)
}

pub(super) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        _ => None,
    }
}

/// What stands for a key that is left out.
pub(super) fn left_out() -> Value {
    Value::String(String::new())
}

pub(super) fn is_left_out(value: &Value) -> bool {
    value.as_str() == Some("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_mean_the_same_however_they_are_written() {
        let forms = ["model.depth = 2", "\"model.depth\" = 2", "[model]\ndepth = 2"];
        for form in forms {
            assert_eq!(flatten(&toml::from_str(form).unwrap()), Values::from([("model.depth".into(), Value::Integer(2))]), "{form}");
        }
        let named = flatten(&toml::from_str("model.activation = { name = \"elu\" }\ndata.name = \"digits\"").unwrap());
        assert_eq!(named.keys().collect::<Vec<_>>(), ["data.name", "model.activation"]);
    }

    #[test]
    fn numbers_are_equal_by_value() {
        assert!(equal(&Value::Integer(1), &Value::Float(1.0)) && !equal(&Value::Integer(1), &Value::Float(1.5)));
        let [one, other] = ["x = { a = 1 }", "x = { a = 1.0 }"].map(|text| toml::from_str::<Table>(text).unwrap()["x"].clone());
        assert!(equal(&one, &other));
    }
}
