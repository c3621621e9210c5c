//! Which units dropout keeps: integers, so that every device agrees to the bit.

use crate::Stream;

/// The integer at or above which a word keeps its unit: `round(rate * 2^32)`, for `0 <= rate < 1`.
///
/// The realised rate is within `2^-33` of the one asked for.
///
/// ```
/// assert_eq!(relumine_random::mask::threshold(0.5), 1 << 31);
/// ```
#[must_use]
pub fn threshold(rate: f64) -> u32 {
    debug_assert!((0.0..1.0).contains(&rate), "a dropout rate lies in [0, 1), this one is {rate}");
    // A rate within 2^-33 of 1 rounds up to 2^32, where the cast saturates.
    (rate * 4_294_967_296.0).round() as u32
}

/// Fills `scales` (`[rows, units]`, row-major) with `kept` where the unit is kept and 0 where it is dropped.
///
/// Unit `u` of the row at position `first_row + r` of the batch at `step` is kept if its word is at or over [`threshold`].
pub fn fill_scales(stream: &Stream, step: u32, first_row: u32, units: usize, rate: f64, kept: f32, scales: &mut [f32]) {
    let threshold = threshold(rate);
    let mut words = vec![0; units];
    for (row, scales) in (first_row..).zip(scales.chunks_exact_mut(units)) {
        stream.fill(step, row, &mut words);
        for (scale, word) in scales.iter_mut().zip(&words) {
            *scale = if *word >= threshold { kept } else { 0.0 };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Purpose;

    #[test]
    fn a_batch_in_two_parts_has_the_mask_of_the_whole() {
        let stream = Stream::new(3, Purpose::Dropout, 1);
        let (units, rows) = (7, 6);
        let mut whole = vec![0.0; rows * units];
        fill_scales(&stream, 12, 0, units, 0.4, 2.0, &mut whole);
        let (mut first, mut second) = (vec![0.0; 2 * units], vec![0.0; 4 * units]);
        fill_scales(&stream, 12, 0, units, 0.4, 2.0, &mut first);
        fill_scales(&stream, 12, 2, units, 0.4, 2.0, &mut second);
        assert_eq!(whole, [first, second].concat());
    }

    /// 1,000,000 units: the share dropped lies within 4 standard errors of the rate.
    #[test]
    fn the_share_dropped_is_the_rate() {
        for rate in [0.1, 0.5, 0.9] {
            let stream = Stream::new(9, Purpose::Dropout, 2);
            let mut scales = vec![0.0; 1_000_000];
            fill_scales(&stream, 0, 0, 1000, rate, 1.0, &mut scales);
            let dropped = scales.iter().filter(|scale| **scale == 0.0).count() as f64 / 1e6;
            let error = (rate * (1.0 - rate) / 1e6).sqrt();
            assert!((dropped - rate).abs() < 4.0 * error, "rate {rate}: dropped {dropped}");
        }
    }

    #[test]
    fn rates_at_the_ends_are_exact() {
        assert_eq!(threshold(0.0), 0);
        assert_eq!(threshold(1.0 - f64::EPSILON), u32::MAX);
    }
}
