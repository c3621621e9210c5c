//! Norm, mean, spread and percentiles of many values.

use super::percentiles::{Counts, Percentiles};

/// How values are distributed; NaN throughout where there are none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Distribution {
    /// The square root of the sum of the squares.
    pub norm: f64,
    /// The arithmetic mean.
    pub mean: f64,
    /// The standard deviation, with `n` in the denominator, as `numpy.std`.
    pub standard_deviation: f64,
    /// The values at [`PERCENTILES`](super::PERCENTILES), as `numpy.percentile`; all NaN where a value is not a number.
    pub percentiles: [f64; 7],
}

impl Distribution {
    /// The distribution of `values`, with sums in 64 bits.
    ///
    /// ```
    /// // values = [3, 0, 4, 1]: numpy.linalg.norm, mean, std, percentile([1, 5, 25, 50, 75, 95, 99])
    /// let of = relumine_engine::Distribution::of(&[3.0, 0.0, 4.0, 1.0]);
    /// assert!((of.norm - 26_f64.sqrt()).abs() < 1e-12 && of.mean == 2.0 && (of.standard_deviation - 2.5_f64.sqrt()).abs() < 1e-12);
    /// let expected = [0.03, 0.15, 0.75, 2.0, 3.25, 3.85, 3.97];
    /// assert!(of.percentiles.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-12));
    /// ```
    #[must_use]
    pub fn of(values: &[f32]) -> Self {
        Self::of_blocks(&[values])
    }

    /// The same of values that do not lie one after the other. They are gone through twice, a piece at a time that stays near the processor.
    pub(crate) fn of_blocks(blocks: &[&[f32]]) -> Self {
        const PIECE: usize = 1 << 12;
        let pieces = || blocks.iter().flat_map(|block| block.chunks(PIECE));
        let (mut sums, mut counts) = (Sums::default(), Counts::new());
        for piece in pieces() {
            sums = sums.and(Sums::of(piece));
            counts.add(piece);
        }
        let count = blocks.iter().map(|block| block.len()).sum::<usize>() as f64;
        let mean = sums.values / count;
        let mut centred = 0.0;
        let mut percentiles = (count > 0.0 && !sums.squares.is_nan()).then(|| Percentiles::of(&counts, sums.zeros));
        for piece in pieces() {
            centred += sum(piece, |value| (value - mean) * (value - mean));
            if let Some(percentiles) = &mut percentiles {
                percentiles.add(piece);
            }
        }
        Self {
            norm: if count == 0.0 { f64::NAN } else { sums.squares.sqrt() },
            mean,
            standard_deviation: (centred / count).sqrt(),
            percentiles: percentiles.map_or([f64::NAN; 7], Percentiles::finish),
        }
    }
}

/// What one pass over a piece adds up.
#[derive(Clone, Copy, Default)]
struct Sums {
    values: f64,
    squares: f64,
    zeros: usize,
}

impl Sums {
    fn of(values: &[f32]) -> Self {
        Self {
            values: sum(values, |value| value),
            squares: sum(values, |value| value * value),
            // Few enough values that 32 bits count them: a processor counts more of these at once.
            zeros: values.iter().map(|value| u32::from(*value == 0.0)).sum::<u32>() as usize,
        }
    }

    fn and(self, other: Self) -> Self {
        Self { values: self.values + other.values, squares: self.squares + other.squares, zeros: self.zeros + other.zeros }
    }
}

/// The L2 norm, with sums in 64 bits.
pub(super) fn norm(values: &[f32]) -> f64 {
    sum(values, |value| value * value).sqrt()
}

/// The sum of the terms, in eight partial sums: a processor adds several at once.
fn sum(values: &[f32], term: impl Fn(f64) -> f64) -> f64 {
    let (eights, rest) = values.as_chunks::<8>();
    let mut lanes = [0.0; 8];
    for eight in eights {
        for (lane, value) in lanes.iter_mut().zip(eight) {
            *lane += term(f64::from(*value));
        }
    }
    lanes.iter().sum::<f64>() + rest.iter().map(|value| term(f64::from(*value))).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_have_no_spread_and_sums_do_not_drift() {
        let of = Distribution::of(&[0.1; 1001]);
        assert!((of.mean - f64::from(0.1_f32)).abs() < 1e-15 && of.standard_deviation < 1e-15);
        assert!((of.norm - f64::from(0.1_f32) * 1001_f64.sqrt()).abs() < 1e-12);
        assert_eq!(of.percentiles, [f64::from(0.1_f32); 7]);
    }

    #[test]
    fn what_is_no_number_is_not_hidden() {
        let of = Distribution::of(&[1.0, f32::NAN]);
        assert!(of.norm.is_nan() && of.mean.is_nan() && of.standard_deviation.is_nan() && of.percentiles.iter().all(|p| p.is_nan()));
        assert!(Distribution::of(&[]).mean.is_nan());
        assert_eq!(Distribution::of(&[1.0, f32::INFINITY]).norm, f64::INFINITY);
    }
}
