//! What a few seeds say about all seeds.

use super::{mean, standard_deviation, two_sided_p, two_sided_t};
use serde::{Deserialize, Serialize};

/// The 95 % interval of the mean of what these values are a sample of: `mean +- t sd / sqrt(n)` with Student's t of n - 1 degrees of freedom;
/// `None` of fewer than two values.
///
/// ```
/// // scipy.stats.t.interval(0.95, 2, loc=2.0, scale=scipy.stats.sem([1, 2, 3]))
/// let (low, high) = relumine_report::statistics::mean_interval(&[1.0, 2.0, 3.0]).unwrap();
/// assert!((low + 0.48413771175033027).abs() < 1e-12 && (high - 4.48413771175033).abs() < 1e-12);
/// ```
#[must_use]
pub fn mean_interval(values: &[f64]) -> Option<(f64, f64)> {
    if values.len() < 2 {
        return None;
    }
    let (n, mean) = (values.len() as f64, mean(values));
    let half = two_sided_t(0.05, n - 1.0) * standard_deviation(values) / n.sqrt();
    Some((mean - half, mean + half))
}

/// A paired t test.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairedTest {
    /// Pairs.
    pub pairs: usize,
    /// The mean of the differences, first minus second.
    pub mean: f64,
    /// Their sample standard deviation.
    pub sd: f64,
    /// The 95 % interval of their mean.
    pub interval: (f64, f64),
    /// The mean over its standard error; `None` where all differences are equal, and no t is to be had.
    pub t: Option<f64>,
    /// Two-sided, by Student's t of `pairs - 1` degrees of freedom: 0 where all differences are equal and not 0, and 1 where they all are 0.
    pub p: f64,
}

/// Compares `first` with `second`, pair by pair; `None` of fewer than two pairs. As `scipy.stats.ttest_rel`.
#[must_use]
pub fn paired_t_test(first: &[f64], second: &[f64]) -> Option<PairedTest> {
    let differences: Vec<f64> = first.iter().zip(second).map(|(a, b)| a - b).collect();
    let interval = mean_interval(&differences)?;
    let (n, mean, sd) = (differences.len() as f64, mean(&differences), standard_deviation(&differences));
    let t = (sd > 0.0).then(|| mean / (sd / n.sqrt()));
    let p = match t {
        Some(t) => two_sided_p(t, n - 1.0),
        None if mean == 0.0 => 1.0,
        None => 0.0,
    };
    Some(PairedTest { pairs: differences.len(), mean, sd, interval, t, p })
}

/// The p-values of several tests, each raised so that the chance of even one false finding among all of them stays what one p-value says
/// (Holm 1979): of `m` in ascending order the i-th, from 0, becomes the largest `min(1, (m - j) p_j)` of all j up to i. In the order given.
///
/// ```
/// // statsmodels.stats.multitest.multipletests([0.04, 0.01, 0.03], method="holm")[1]
/// let holm = relumine_report::statistics::holm(&[0.04, 0.01, 0.03]);
/// assert!(holm.iter().zip([0.06, 0.03, 0.06]).all(|(ours, theirs)| (ours - theirs).abs() < 1e-15));
/// ```
#[must_use]
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    let mut corrected = vec![0.0; p_values.len()];
    let mut highest = 0.0_f64;
    for (rank, index) in order.into_iter().enumerate() {
        highest = highest.max(((p_values.len() - rank) as f64 * p_values[index]).min(1.0));
        corrected[index] = highest;
    }
    corrected
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_without_spread_decide_by_themselves() {
        let equal = paired_t_test(&[0.5, 0.25], &[0.5, 0.25]).unwrap();
        assert_eq!((equal.p, equal.t, equal.interval), (1.0, None, (0.0, 0.0)));
        assert_eq!(paired_t_test(&[1.0, 2.0], &[0.5, 1.5]).unwrap().p, 0.0);
        assert!(paired_t_test(&[1.0], &[0.5]).is_none());
    }

    #[test]
    fn corrected_p_values_never_fall_below_those_of_stronger_findings() {
        assert_eq!(holm(&[]), Vec::<f64>::new());
        assert_eq!(holm(&[0.5]), [0.5]);
        assert_eq!(holm(&[0.5, 0.75]), [1.0, 1.0]);
    }
}
