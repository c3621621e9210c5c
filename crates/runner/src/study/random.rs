//! `[random]`: cells drawn at random.

use super::mistake::mistake;
use super::values::{Values, flatten, number};
use crate::failure::Failure;
use relumine_random::{Purpose, Stream};
use serde::Deserialize;
use toml::{Table, Value};

/// So many cells, each key drawn by itself: from `[1, 2, 3]` an element, from `{ low = 1e-4, high = 1e-1, log = true }` a number between, with
/// `log` evenly in its logarithm, with `whole` a whole one.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Random {
    /// How many cells.
    count: u32,
    /// What they are drawn by; another than those of training.
    #[serde(default)]
    seed: u64,
    /// Recipe keys.
    keys: Table,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Range {
    low: f64,
    high: f64,
    #[serde(default)]
    log: bool,
    #[serde(default)]
    whole: bool,
}

impl Random {
    /// The cells. A key's draws depend on the seed and its place among the keys alone: a larger count begins with the same cells.
    pub(super) fn cells(&self, shown: &str) -> Result<Vec<Values>, Failure> {
        let keys = flatten_ranges(&self.keys);
        if self.count == 0 || keys.is_empty() {
            return Err(mistake(shown, "random needs a count of at least 1 and keys to draw; give both, or leave it out"));
        }
        // Layer 0 divides rows: see `Purpose`.
        let streams = || (0..).map(|place| Stream::new(self.seed, Purpose::Split, 1 + place));
        let mut cells = vec![Values::new(); self.count as usize];
        for ((key, choice), stream) in keys.iter().zip(streams()) {
            for (draw, cell) in (0..).zip(&mut cells) {
                // 32 bits, in [0, 1).
                let share = f64::from(stream.word(0, 0, draw)) / 4_294_967_296.0;
                cell.insert(key.clone(), drawn(shown, key, choice, share)?);
            }
        }
        Ok(cells)
    }
}

/// As [`flatten`], but a table with `low` is a range.
fn flatten_ranges(table: &Table) -> Values {
    let mut values = Values::new();
    for (key, value) in flatten(table) {
        match key.rsplit_once('.') {
            Some((parent, field @ ("low" | "high" | "log" | "whole"))) => {
                let range = values.entry(parent.to_owned()).or_insert_with(|| Value::Table(Table::new()));
                if let Value::Table(range) = range {
                    range.insert(field.to_owned(), value);
                }
            }
            _ => drop(values.insert(key, value)),
        }
    }
    values
}

fn drawn(shown: &str, key: &str, choice: &Value, share: f64) -> Result<Value, Failure> {
    match choice {
        Value::Array(choices) if !choices.is_empty() => Ok(choices[(share * choices.len() as f64) as usize].clone()),
        Value::Table(range) => {
            let range: Range = range.clone().try_into().map_err(|error: toml::de::Error| {
                mistake(shown, format_args!("random.keys.{key} is no range: {}; give low and high", error.message()))
            })?;
            range
                .at(share)
                .ok_or_else(|| mistake(shown, format_args!("random.keys.{key} must have low under high, and with log low over 0")))
        }
        value if number(value).is_some() || value.is_str() => Ok(value.clone()),
        _ => Err(mistake(shown, format_args!("random.keys.{key} must be an array of values, or {{ low = .., high = .. }}"))),
    }
}

impl Range {
    fn at(&self, share: f64) -> Option<Value> {
        let is_range = self.low < self.high && self.low.is_finite() && self.high.is_finite() && (!self.log || self.low > 0.0);
        let between = |low: f64, high: f64| low + share * (high - low);
        let high = if self.whole { self.high + 1.0 } else { self.high };
        let value = if self.log { libm::exp(between(libm::log(self.low), libm::log(high))) } else { between(self.low, high) };
        // Four digits tell settings apart, and can be typed again.
        let rounded = || format!("{value:.3e}").parse().unwrap_or(value);
        is_range.then(|| if self.whole { Value::Integer((value.floor()).min(self.high) as i64) } else { Value::Float(rounded()) })
    }
}
