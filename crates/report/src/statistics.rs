//! Statistics over seeds.

mod inference;
mod student;

pub use inference::{PairedTest, holm, mean_interval, paired_t_test};
pub use student::{two_sided_p, two_sided_t};

/// The arithmetic mean; NaN of nothing.
#[must_use]
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The sample standard deviation, with `n - 1` in the denominator; NaN of fewer than two values.
///
/// ```
/// // numpy.std([2, 4, 4, 4, 5, 5, 7, 9], ddof=1)
/// let sd = relumine_report::statistics::standard_deviation(&[2., 4., 4., 4., 5., 5., 7., 9.]);
/// assert!((sd - 2.138089935299395).abs() < 1e-15);
/// ```
#[must_use]
pub fn standard_deviation(values: &[f64]) -> f64 {
    if values.len() < 2 {
        return f64::NAN;
    }
    let mean = mean(values);
    (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (values.len() - 1) as f64).sqrt()
}

/// The middle value, or the mean of the two middle ones; `None` of nothing.
#[must_use]
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        n if n % 2 == 1 => Some(sorted[middle]),
        _ => Some(f64::midpoint(sorted[middle - 1], sorted[middle])),
    }
}

/// The 95 % interval of a share of `successes` in `trials` (Wilson 1927), which stays inside [0, 1] and holds up at its ends.
///
/// ```
/// // scipy.stats.binomtest(98, 100).proportion_ci(method="wilson")
/// let (low, high) = relumine_report::statistics::wilson_interval(98, 100);
/// assert!((low - 0.9299882092714561).abs() < 1e-12 && (high - 0.9944980324498377).abs() < 1e-12);
/// ```
#[must_use]
pub fn wilson_interval(successes: u64, trials: u64) -> (f64, f64) {
    /// The 97.5 % point of the normal distribution.
    const Z: f64 = 1.959_963_984_540_054;
    let (n, share) = (trials as f64, successes as f64 / trials as f64);
    let centre = (share + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
    let half = Z / (1.0 + Z * Z / n) * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    // Exactly the end of the range where all or none succeeded, which rounding would miss on either side.
    let low = if successes == 0 { 0.0 } else { centre - half };
    let high = if successes == trials { 1.0 } else { centre + half };
    (low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_of_odd_and_even_counts() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn shares_of_none_and_of_all_end_at_the_ends_of_the_range() {
        for trials in 1..2000 {
            let (none, some) = (wilson_interval(0, trials), wilson_interval(trials, trials));
            assert_eq!((none.0, some.1), (0.0, 1.0), "{trials}");
            assert!(none.1 > 0.0 && none.1 < 1.0 && some.0 > 0.0 && some.0 < 1.0, "{trials}: {none:?} {some:?}");
            let inner = wilson_interval(trials / 2, trials);
            assert!(inner.0 >= 0.0 && inner.1 <= 1.0, "{trials}: {inner:?}");
        }
    }

    #[test]
    fn one_value_has_no_standard_deviation() {
        assert!(standard_deviation(&[1.0]).is_nan());
    }
}
