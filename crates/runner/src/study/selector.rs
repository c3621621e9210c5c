//! Naming cells by some of their values.

use super::CellPlan;
use super::mistake::{mistake, nearest};
use super::values::{Values, equal};
use crate::failure::Failure;
use std::fmt::Write;

/// The places of the cells that have these values.
///
/// # Errors
/// A key that is no axis of the study.
pub(super) fn matching(shown: &str, what: &str, values: &Values, cells: &[CellPlan]) -> Result<Vec<usize>, Failure> {
    let axes: Vec<&str> = cells.first().map(|cell| cell.settings.keys().map(String::as_str).collect()).unwrap_or_default();
    if let Some(key) = values.keys().find(|key| !axes.contains(&key.as_str())) {
        let near = nearest(key, axes.iter().copied()).unwrap_or_default();
        return Err(mistake(
            shown,
            format_args!("{what}: {key} is no axis of the study; did you mean {near}? (axes: {})", axes.join(", ")),
        ));
    }
    let has = |cell: &CellPlan| values.iter().all(|(key, value)| cell.settings.get(key).is_some_and(|own| equal(own, value)));
    Ok((0..cells.len()).filter(|place| has(&cells[*place])).collect())
}

/// As [`matching`], one or more.
///
/// # Errors
/// Values that no cell has, too.
pub(super) fn some_cells(shown: &str, what: &str, values: &Values, cells: &[CellPlan]) -> Result<Vec<usize>, Failure> {
    let found = matching(shown, what, values, cells)?;
    if found.is_empty() {
        let names: Vec<&str> = cells.iter().take(8).map(|cell| cell.name.as_str()).collect();
        return Err(mistake(shown, format_args!("{what}: no cell has {}; the cells are {}", listed(values), names.join("; "))));
    }
    Ok(found)
}

/// As [`some_cells`], exactly one.
///
/// # Errors
/// Values that several cells have, too.
pub(super) fn only_cell(shown: &str, what: &str, values: &Values, cells: &[CellPlan]) -> Result<usize, Failure> {
    let found = some_cells(shown, what, values, cells)?;
    match found.as_slice() {
        [only] => Ok(*only),
        several => Err(mistake(
            shown,
            format_args!(
                "{what}: {} cells have {}, such as {}; give more values, so that one is left",
                several.len(),
                listed(values),
                cells[several[0]].name
            ),
        )),
    }
}

/// The cell that differs from the one at `place` in `values` alone.
pub(super) fn counterpart(place: usize, values: &Values, cells: &[CellPlan]) -> Option<usize> {
    let mut wanted = cells[place].settings.clone();
    wanted.extend(values.clone());
    let found = (0..cells.len()).find(|other| super::plan::same(&cells[*other].settings, &wanted));
    found.filter(|other| *other != place)
}

fn listed(values: &Values) -> String {
    let mut text = String::new();
    for (key, value) in values {
        let _ = write!(text, "{}{key} = {value}", if text.is_empty() { "" } else { ", " });
    }
    if text.is_empty() { "no values at all".into() } else { text }
}
