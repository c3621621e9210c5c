//! Recipe mistakes in one sentence, with the nearest thing that would have been right.

use super::{Origin, Recipe, synonyms};
use anyhow::anyhow;
use toml::{Table, Value};

/// A file that is no TOML.
pub(super) fn syntax(origin: &Origin, error: &toml::de::Error) -> anyhow::Error {
    let before = error.span().map(|span| &origin.text[..span.start.min(origin.text.len())]);
    let line = before.map_or(1, |before| before.matches('\n').count() + 1);
    let text = origin.text.lines().nth(line - 1).unwrap_or_default().trim();
    let place = if text.is_empty() { String::new() } else { format!(": mend `{text}`") };
    anyhow!("{}, line {line}: {}{place}", origin.shown, one_line(error.message()))
}

/// A key or value that the recipe does not have.
pub(super) fn key(origin: &Origin, error: &serde_path_to_error::Error<toml::de::Error>) -> anyhow::Error {
    let (path, message) = (error.path().to_string(), one_line(error.inner().message()));
    let shown = &origin.shown;
    let (culprit, known) = culprit_and_known(&message);
    let likeness = |name: &str| strsim::jaro_winkler(culprit, name);
    let most_like = || known.iter().copied().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    let nearest = synonyms::find(culprit, &known).or_else(most_like);
    let choices = known.join(", ");
    match nearest {
        Some(nearest) if message.starts_with("unknown field") => {
            // The path ends with the unknown key itself, except inside a table that is chosen by name.
            let parent = path.strip_suffix(culprit).unwrap_or(&path).trim_end_matches('.');
            let join = |key: &str| if matches!(parent, "" | ".") { key.to_owned() } else { format!("{parent}.{key}") };
            let elsewhere = if synonyms::find(culprit, &known).is_some() { None } else { in_a_section(culprit) };
            let meant = elsewhere.unwrap_or_else(|| join(nearest));
            anyhow!("{shown}: {} is no recipe key; did you mean {meant}? (known here: {choices})", join(culprit))
        }
        Some(nearest) if message.starts_with("unknown variant") => {
            anyhow!("{shown}: {path} = \"{culprit}\" is not known; did you mean \"{nearest}\"? (known here: {choices})")
        }
        _ if message.starts_with("unknown field") => anyhow!("{shown}: {path} has a key `{culprit}`, but takes none; remove it"),
        _ => anyhow!("{shown}: {path} is not usable: {}", in_plain_words(&message)),
    }
}

/// serde words these two as "unknown field `x`, expected one of `a`, `b`": the first quoted word is the culprit, the others are known.
fn culprit_and_known(message: &str) -> (&str, Vec<&str>) {
    let mut quoted = message.split('`').skip(1).step_by(2);
    (quoted.next().unwrap_or_default(), quoted.collect())
}

/// The section that has a key of this name, or of one that it is another word for, with the key.
fn in_a_section(name: &str) -> Option<String> {
    const SECTIONS: [&str; 6] = ["model", "optimizer", "train", "data", "augment", "probes"];
    SECTIONS.into_iter().find_map(|section| {
        // What the section says of a key with a value that none takes.
        let probe = Table::from_iter([(section.to_owned(), Value::Table(Table::from_iter([(name.to_owned(), Value::Array(Vec::new()))])))]);
        let Err(error) = Recipe::from_table(probe) else { return Some(format!("{section}.{name}")) };
        let message = error.inner().message();
        if !message.starts_with("unknown field") {
            return Some(format!("{section}.{name}"));
        }
        synonyms::find(name, &culprit_and_known(message).1).map(|key| format!("{section}.{key}"))
    })
}

/// Refuses a list where the recipe has none: what reads tables would take its elements for their keys, by position.
pub(super) fn check_lists(origin: &Origin, given: &Table, recipe: &Recipe) -> anyhow::Result<()> {
    fn find(given: &Table, known: &Table) -> Option<String> {
        given.iter().find_map(|(key, value)| match (value, known.get(key)?) {
            (Value::Array(_), Value::Table(_) | Value::String(_)) => Some(key.clone()),
            (Value::Table(given), Value::Table(known)) => find(given, known).map(|inner| format!("{key}.{inner}")),
            _ => None,
        })
    }
    match find(given, &Table::try_from(recipe)?) {
        Some(key) => Err(anyhow!("{}: {key} is not usable: invalid type: sequence, expected a table of keys and values", origin.shown)),
        None => Ok(()),
    }
}

/// serde names Rust's types; a recipe's author need not know them.
fn in_plain_words(message: &str) -> String {
    let Some((found, expected)) = message.rsplit_once("expected ") else { return message.to_owned() };
    let expected = match expected {
        "u64" | "usize" => "a whole number of at least 0",
        "f64" => "a number",
        "bool" | "a boolean" => "true or false",
        "a sequence" => "a list, such as [256, 256]",
        expected if expected.starts_with("struct ") => "a table of keys and values",
        expected => expected,
    };
    format!("{found}expected {expected}")
}

fn one_line(message: &str) -> String {
    message.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(", ")
}
