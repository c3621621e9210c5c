//! The ranges that parameters share, each with the sentence for a value outside.

use std::ops::{Bound, RangeBounds};

/// `expected` completes the sentence "name = value must be ..".
pub(super) fn within(name: &str, value: f64, range: impl RangeBounds<f64>, expected: &str) -> Result<(), String> {
    if range.contains(&value) { Ok(()) } else { Err(format!("{name} = {value} must be {expected}")) }
}

/// A length in units.
pub(super) fn length(name: &str, value: u64) -> Result<(), String> {
    if value > 0 { Ok(()) } else { Err(format!("{name} = {value} must be a whole number of at least 1, such as 10")) }
}

/// A length that has a meaning where it is left out.
pub(super) fn optional_length(name: &str, value: Option<u64>) -> Result<(), String> {
    value.map_or(Ok(()), |value| length(name, value))
}

/// What a rate is multiplied by again and again: one over 1 would grow without bound.
pub(super) fn decay(name: &str, value: f64) -> Result<(), String> {
    within(name, value, (Bound::Excluded(0.0), Bound::Included(1.0)), "a number over 0 and at most 1, such as 0.5")
}

/// A part of something.
pub(super) fn share(name: &str, value: f64) -> Result<(), String> {
    within(name, value, 0.0..=1.0, "a number from 0 to 1, such as 0.3")
}

/// What is kept of the last change.
pub(super) fn momentum(name: &str, value: f64) -> Result<(), String> {
    within(name, value, 0.0..1.0, "a number of at least 0 and under 1, such as 0.9")
}
