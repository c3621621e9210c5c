//! The ranges that the parameters of initialisers are checked against.

/// The largest magnitude of a parameter. f32 ends at 3.4e38, and what is drawn lies within `|mean| + 7.3 stddev`.
const MOST: f64 = 1e37;

pub(super) fn any_number(name: &str, value: f64, example: f64) -> Result<(), String> {
    check(value >= -MOST, name, value, "a number from -1e37 to 1e37", example)
}

pub(super) fn at_least_0(name: &str, value: f64, example: f64) -> Result<(), String> {
    check(value >= 0.0, name, value, "a number from 0 to 1e37", example)
}

pub(super) fn over_0(name: &str, value: f64, example: f64) -> Result<(), String> {
    check(value > 0.0, name, value, "a number over 0, 1e37 at most", example)
}

/// A comparison with NaN is false, so that NaN is refused too.
fn check(is_over_its_lower_end: bool, name: &str, value: f64, range: &str, example: f64) -> Result<(), String> {
    if is_over_its_lower_end && value <= MOST { Ok(()) } else { Err(format!("{name} = {value:?} must be {range}, such as {example}")) }
}
