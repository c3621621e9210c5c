//! Study files that are wrong, in one sentence with the nearest thing that would have been right.

use crate::failure::Failure;
use anyhow::anyhow;
use std::fmt::Display;

/// A mistake in the study file `shown`.
pub(super) fn mistake(shown: &str, problem: impl Display) -> Failure {
    Failure::usage(anyhow!("{shown}: {problem}"))
}

/// The one of `known` that looks most like `culprit`.
pub(super) fn nearest<'a>(culprit: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let likeness = |name: &str| strsim::jaro_winkler(culprit, name);
    known.into_iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
}

/// A key or value that a study does not have.
pub(super) fn of_key(shown: &str, error: &serde_path_to_error::Error<toml::de::Error>) -> Failure {
    let (path, message) = (error.path().to_string(), error.inner().message().replace('\n', " "));
    // serde words these as "unknown field `x`, expected one of `a`, `b`": the first quoted word is the culprit, the others are known.
    let mut quoted = message.split('`').skip(1).step_by(2);
    let culprit = quoted.next().unwrap_or_default();
    let known: Vec<&str> = quoted.collect();
    match nearest(culprit, known.iter().copied()) {
        Some(nearest) if message.starts_with("unknown field") => {
            mistake(shown, format_args!("{path} is no study key; did you mean {nearest}? (known here: {})", known.join(", ")))
        }
        Some(nearest) if message.starts_with("unknown variant") => mistake(
            shown,
            format_args!("{path} = \"{culprit}\" is not known; did you mean \"{nearest}\"? (known here: {})", known.join(", ")),
        ),
        _ if message.starts_with("missing field") => mistake(shown, format_args!("the study has no {culprit}; add it")),
        _ => mistake(shown, format_args!("{path} is not usable: {message}")),
    }
}
