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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Purpose, Stream};

    #[test]
    fn unit_stays_inside_the_open_interval() {
        assert!(unit(0) > 0.0);
        assert!(unit(u32::MAX) < 1.0);
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
        let normal_distance = distance(&|word| normal(word, 1.0, 2.0), &|x| 0.5 * libm::erfc((1.0 - x) / 2.0 / std::f64::consts::SQRT_2));
        assert!(normal_distance < bound, "normal: {normal_distance} against {bound}");
    }
}
