//! Real numbers from words. One word gives one variate, so element `i` of a tensor depends on word `i` alone.
//!
//! Everything is computed in f64 with operations that IEEE 754 fixes, or with the pure-Rust `libm`: the same seed gives the same
//! values on every platform. The caller rounds to f32.

use crate::normal_quantile::normal_quantile;

/// A word as a number in the open interval (0, 1): `(word + 1/2) / 2^32`.
///
/// ```
/// assert_eq!(relumine_random::variates::unit(1 << 31), 0.5 + 2f64.powi(-33));
/// ```
#[must_use]
pub fn unit(word: u32) -> f64 {
    (f64::from(word) + 0.5) / 4_294_967_296.0
}

/// Uniform in (`low`, `high`): `low + (high - low) * unit(word)`.
#[must_use]
pub fn uniform(word: u32, low: f64, high: f64) -> f64 {
    low + (high - low) * unit(word)
}

/// Normal with the given mean and standard deviation, by inversion: `mean + stddev * quantile(unit(word))`.
///
/// 32 bits reach 6.3 standard deviations on either side.
#[must_use]
pub fn normal(word: u32, mean: f64, stddev: f64) -> f64 {
    mean + stddev * normal_quantile(unit(word))
}

/// The probability that a standard normal variate lies under -2, and that it lies between -2 and 2.
const BELOW_2_STDDEV: f64 = 0.022_750_131_948_179_21;
const WITHIN_2_STDDEV: f64 = 0.954_499_736_103_641_6;

/// Normal, given that it lies within two standard deviations of the mean, by inversion:
/// `mean + stddev * quantile(P(Z < -2) + P(|Z| < 2) * unit(word))` for a standard normal `Z`.
///
/// The values' own standard deviation is `0.87962566103423978 * stddev`. As `jax.random.truncated_normal(lower=-2, upper=2)`.
///
/// ```
/// use relumine_random::variates::truncated_normal;
/// assert!((truncated_normal(0, 10.0, 3.0) - 4.0).abs() < 1e-7);
/// assert!((truncated_normal(u32::MAX, 10.0, 3.0) - 16.0).abs() < 1e-7);
/// ```
#[must_use]
pub fn truncated_normal(word: u32, mean: f64, stddev: f64) -> f64 {
    mean + stddev * normal_quantile(BELOW_2_STDDEV + WITHIN_2_STDDEV * unit(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Purpose, Stream};

    #[test]
    fn unit_stays_inside_the_open_interval() {
        assert!(unit(0) > 0.0);
        assert!(unit(u32::MAX) < 1.0);
    }

    /// No word reaches the ends, and opposite words give opposite values.
    #[test]
    fn truncated_normal_stays_within_two_standard_deviations() {
        for word in [0, 1, 7, 1 << 20, 1 << 31] {
            let (low, high) = (truncated_normal(word, 0.0, 1.0), truncated_normal(u32::MAX - word, 0.0, 1.0));
            assert!(low > -2.0 && high < 2.0, "{word}: {low} and {high}");
            assert!((low + high).abs() < 1e-14, "{word}: {low} and {high}");
        }
    }

    /// The largest distance between the empirical and the true distribution of 100,000 draws stays under the 99.9 % point of
    /// Kolmogorov's statistic, 1.95 / sqrt(n).
    #[test]
    fn variates_follow_their_distribution() {
        let mut words = vec![0; 100_000];
        Stream::new(11, Purpose::Weights, 0).fill(0, 0, &mut words);
        let distance = |draw: &dyn Fn(u32) -> f64, cumulative: &dyn Fn(f64) -> f64| {
            let mut values: Vec<f64> = words.iter().map(|word| draw(*word)).collect();
            values.sort_by(f64::total_cmp);
            let n = values.len() as f64;
            values.iter().enumerate().fold(0.0_f64, |worst, (i, value)| {
                let expected = cumulative(*value);
                worst.max((expected - i as f64 / n).abs()).max((expected - (i + 1) as f64 / n).abs())
            })
        };
        let bound = 1.95 / 100_000_f64.sqrt();
        let uniform_distance = distance(&|word| uniform(word, -2.0, 3.0), &|x| (x + 2.0) / 5.0);
        assert!(uniform_distance < bound, "uniform: {uniform_distance} against {bound}");
        let below = |x: f64| 0.5 * libm::erfc((1.0 - x) / 2.0 / std::f64::consts::SQRT_2);
        let normal_distance = distance(&|word| normal(word, 1.0, 2.0), &below);
        assert!(normal_distance < bound, "normal: {normal_distance} against {bound}");
        let truncated_distance =
            distance(&|word| truncated_normal(word, 1.0, 2.0), &|x| (below(x) - below(-3.0)) / (below(5.0) - below(-3.0)));
        assert!(truncated_distance < bound, "truncated normal: {truncated_distance} against {bound}");
    }
}
