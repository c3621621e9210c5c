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
    /// The difference over the tolerance times that size; 1 is just within it. Infinite (null in JSON) where nothing may differ.
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
    let (mut difference, mut largest) = (0.0_f64, 0.0_f64);
    for (first, other) in pairs {
        largest = largest.max(first.abs());
        let apart = (first - other).abs();
        // Not a number stays, whatever comes after it.
        if apart.is_nan() || apart > difference {
            difference = if difference.is_nan() { difference } else { apart };
        }
    }
    let share = if difference == 0.0 { 0.0 } else { difference / (tolerance * largest) };
    let share = if share.is_nan() { f64::INFINITY } else { share };
    Line { kind, name, difference, largest, share, is_judged: true }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compare(first: &[f32], other: &[f32], tolerance: f64) -> Line {
        let named = |values: &[f32]| Values::from([("w".to_owned(), values.to_vec())]);
        by_name("parameter", &named(first), &named(other), tolerance).remove(0)
    }

    #[test]
    fn the_share_is_the_largest_difference_over_the_tolerance_of_the_largest_value() {
        let line = compare(&[1.0, -4.0, 0.5], &[1.0, -4.0, 0.75], 0.125);
        assert_eq!((line.difference, line.largest, line.share), (0.25, 4.0, 0.5));
    }

    #[test]
    fn where_nothing_may_differ_any_difference_is_too_much_and_none_is_none() {
        assert_eq!(compare(&[1.0, 2.0], &[1.0, 2.0], 0.0).share, 0.0);
        assert_eq!(compare(&[1.0, 2.0], &[1.0, 2.0 + f32::EPSILON * 2.0], 0.0).share, f64::INFINITY);
        assert_eq!(compare(&[0.0], &[1e-30], 1e-3).share, f64::INFINITY);
    }

    #[test]
    fn what_is_no_number_or_not_there_never_agrees() {
        for other in [&[1.0, f32::NAN, 3.0][..], &[1.0, 2.0], &[f32::INFINITY, 2.0, 3.0]] {
            assert_eq!(compare(&[1.0, 2.0, 3.0], other, 1e-3).share, f64::INFINITY, "{other:?}");
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
