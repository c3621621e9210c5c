//! How far two devices are apart.

use super::trace::{Trace, Values};
use serde::Serialize;

/// The largest difference of one thing that two devices made.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Line {
    /// `initial`, `loss`, `gradient` or `parameter`.
    pub(super) kind: &'static str,
    /// The parameter; of a loss, the step where it differs most.
    pub(super) name: String,
    /// The largest difference of any element. NaN (null in JSON) where one is no number.
    pub(super) difference: f64,
    /// The size of the largest element of the first device.
    pub(super) largest: f64,
    /// The L2 norm of all differences over that of the first device's values.
    pub(super) relative_norm: f64,
    /// How much of the tolerance is used; 1 is just within it. Infinite (null in JSON) where nothing may differ. Of a parameter it is
    /// `relative_norm / tolerance`, since Adam and its kin blow up the rounding of the smallest gradients to whole steps; of everything else
    /// `difference / (tolerance largest)`.
    pub(super) share: f64,
    /// Whether the share counts: not where the loss does not depend on the values, so that they may be anything.
    pub(super) is_judged: bool,
}

/// One device beside the first.
#[derive(Debug, Serialize)]
pub(super) struct Comparison {
    pub(super) device: String,
    pub(super) step: &'static str,
    pub(super) agrees: bool,
    pub(super) lines: Vec<Line>,
}

impl Comparison {
    /// Compares what `other` made with what `first` did. Initial weights that are drawn on the host may not differ at all.
    pub(super) fn of(first: &Trace, other: &Trace, device: &str, tolerance: f64) -> Self {
        let mut lines = by_name("initial", &first.initial, &other.initial, if first.is_calibrated { tolerance } else { 0.0 });
        lines.push(losses(&first.losses, &other.losses, tolerance));
        lines.extend(by_name("gradient", &first.gradients, &other.gradients, tolerance));
        lines.extend(by_name("parameter", &first.parameters, &other.parameters, tolerance));
        for line in &mut lines {
            line.is_judged = line.kind == "initial" || !first.indifferent.contains(&line.name);
        }
        let agrees = lines.iter().all(|line| !line.is_judged || line.share <= 1.0);
        Self { device: device.to_owned(), step: other.step, agrees, lines }
    }

    /// The line with the largest share of its tolerance.
    pub(super) fn worst(&self) -> Option<&Line> {
        self.lines.iter().filter(|line| line.is_judged).max_by(|a, b| a.share.total_cmp(&b.share))
    }
}

fn by_name(kind: &'static str, first: &Values, other: &Values, tolerance: f64) -> Vec<Line> {
    let compare = |(name, values): (&String, &Vec<f32>)| {
        // A tensor that the other one lacks is compared with nothing, which is no number.
        let others = other.get(name).filter(|others| others.len() == values.len());
        let pairs =
            values.iter().enumerate().map(|(index, value)| (f64::from(*value), others.map_or(f64::NAN, |others| f64::from(others[index]))));
        line(kind, name.clone(), pairs, tolerance)
    };
    first.iter().map(compare).collect()
}

/// Each loss has its own tolerance, since losses fall: the step that is worst by it stands for all.
fn losses(first: &[f64], other: &[f64], tolerance: f64) -> Line {
    let steps = first.iter().zip(other).enumerate();
    let lines = steps.map(|(index, (first, other))| line("loss", format!("step {}", index + 1), [(*first, *other)].into_iter(), tolerance));
    let nothing = || line("loss", "no step".into(), std::iter::empty(), tolerance);
    lines.max_by(|a, b| a.share.total_cmp(&b.share)).unwrap_or_else(nothing)
}

fn line(kind: &'static str, name: String, pairs: impl Iterator<Item = (f64, f64)>, tolerance: f64) -> Line {
    let (mut difference, mut largest, mut squares_apart, mut squares) = (0.0_f64, 0.0_f64, 0.0, 0.0);
    for (first, other) in pairs {
        largest = largest.max(first.abs());
        let apart = (first - other).abs();
        squares += first * first;
        squares_apart += apart * apart;
        // Not a number stays, whatever comes after it.
        if apart.is_nan() || apart > difference {
            difference = if difference.is_nan() { difference } else { apart };
        }
    }
    let over = |numerator: f64, denominator: f64| match numerator / denominator {
        _ if numerator == 0.0 => 0.0,
        ratio if ratio.is_nan() => f64::INFINITY,
        ratio => ratio,
    };
    let relative_norm = over(squares_apart.sqrt(), squares.sqrt());
    let share = if kind == "parameter" { over(relative_norm, tolerance) } else { over(difference, tolerance * largest) };
    Line { kind, name, difference, largest, relative_norm, share, is_judged: true }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compare(kind: &'static str, first: &[f32], other: &[f32], tolerance: f64) -> Line {
        let named = |values: &[f32]| Values::from([("w".to_owned(), values.to_vec())]);
        by_name(kind, &named(first), &named(other), tolerance).remove(0)
    }

    #[test]
    fn the_share_of_a_gradient_goes_by_its_largest_difference_and_that_of_a_parameter_by_the_norm() {
        let gradient = compare("gradient", &[3.0, -4.0, 0.0], &[3.0, -4.0, 0.5], 0.125);
        assert_eq!((gradient.difference, gradient.largest, gradient.share), (0.5, 4.0, 1.0));
        let parameter = compare("parameter", &[3.0, -4.0, 0.0], &[3.0, -4.0, 0.5], 0.125);
        assert_eq!((parameter.difference, parameter.relative_norm, parameter.share), (0.5, 0.1, 0.8));
    }

    #[test]
    fn where_nothing_may_differ_any_difference_is_too_much_and_none_is_none() {
        assert_eq!(compare("initial", &[1.0, 2.0], &[1.0, 2.0], 0.0).share, 0.0);
        assert_eq!(compare("initial", &[1.0, 2.0], &[1.0, 2.0 + f32::EPSILON * 2.0], 0.0).share, f64::INFINITY);
        for kind in ["gradient", "parameter"] {
            assert_eq!(compare(kind, &[0.0], &[1e-30], 1e-3).share, f64::INFINITY);
        }
    }

    #[test]
    fn what_is_no_number_or_not_there_never_agrees() {
        for other in [&[1.0, f32::NAN, 3.0][..], &[1.0, 2.0], &[f32::INFINITY, 2.0, 3.0]] {
            for kind in ["gradient", "parameter"] {
                assert_eq!(compare(kind, &[1.0, 2.0, 3.0], other, 1e-3).share, f64::INFINITY, "{other:?}");
            }
        }
        let named = Values::from([("w".to_owned(), vec![1.0])]);
        assert_eq!(by_name("gradient", &named, &Values::new(), 1e-3)[0].share, f64::INFINITY);
    }

    #[test]
    fn the_step_whose_loss_is_worst_by_its_own_size_is_named() {
        let line = losses(&[2.0, 0.01], &[2.001, 0.0105], 0.1);
        assert_eq!(line.name, "step 2");
        assert!((line.share - 0.5).abs() < 1e-9, "{}", line.share);
    }
}
