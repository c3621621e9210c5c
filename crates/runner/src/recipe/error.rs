//! Recipe mistakes in one sentence, with the nearest thing that would have been right.

use super::{Origin, synonyms};
use anyhow::anyhow;

/// A file that is no TOML.
pub(super) fn syntax(origin: &Origin, error: &toml::de::Error) -> anyhow::Error {
    let before = error.span().map(|span| &origin.text[..span.start.min(origin.text.len())]);
    let line = before.map_or(1, |before| before.matches('\n').count() + 1);
    anyhow!("{}, line {line}: {}", origin.shown, one_line(error.message()))
}

/// A key or value that the recipe does not have.
pub(super) fn key(origin: &Origin, error: &serde_path_to_error::Error<toml::de::Error>) -> anyhow::Error {
    let (path, message) = (error.path().to_string(), one_line(error.inner().message()));
    let shown = &origin.shown;
    // serde words these two as "unknown field `x`, expected one of `a`, `b`": the first quoted word is the culprit, the others are known.
    let mut quoted = message.split('`').skip(1).step_by(2);
    let culprit = quoted.next().unwrap_or_default();
    let known: Vec<&str> = quoted.collect();
    let likeness = |name: &str| strsim::jaro_winkler(culprit, name);
    let most_like = || known.iter().copied().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    let nearest = synonyms::find(culprit, &known).or_else(most_like);
    let choices = known.join(", ");
    match nearest {
        Some(nearest) if message.starts_with("unknown field") => {
            // The path ends with the unknown key itself, except inside a table that is chosen by name.
            let parent = path.strip_suffix(culprit).unwrap_or(&path).trim_end_matches('.');
            let join = |key: &str| if matches!(parent, "" | ".") { key.to_owned() } else { format!("{parent}.{key}") };
            anyhow!("{shown}: {} is no recipe key; did you mean {}? (known here: {choices})", join(culprit), join(nearest))
        }
        Some(nearest) if message.starts_with("unknown variant") => {
            anyhow!("{shown}: {path} = \"{culprit}\" is not known; did you mean \"{nearest}\"? (known here: {choices})")
        }
        _ if message.starts_with("unknown field") => anyhow!("{shown}: {path} has a key `{culprit}`, but takes none; remove it"),
        _ => anyhow!("{shown}: {path} is not usable: {}", in_plain_words(&message)),
    }
}

/// serde names Rust's types; a recipe's author need not know them.
fn in_plain_words(message: &str) -> String {
    let Some((found, expected)) = message.rsplit_once("expected ") else { return message.to_owned() };
    let expected = match expected {
        "u64" | "usize" => "a whole number of at least 0",
        "f64" => "a number",
        "bool" | "a boolean" => "true or false",
        expected if expected.starts_with("struct ") => "a table of keys and values",
        expected => expected,
    };
    format!("{found}expected {expected}")
}

fn one_line(message: &str) -> String {
    message.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(", ")
}
