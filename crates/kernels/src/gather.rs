//! A batch from the resident data set: rows gathered and scaled into panels, in one pass.

use crate::Panels;
use crate::isa::dispatch_plain;
use crate::pool::Team;
use crate::shares::Shares;

/// Where features lie, row-major `[examples, features]`.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    /// One byte each.
    U8(&'a [u8]),
    /// Four bytes each.
    F32(&'a [f32]),
}

/// `scaled = (feature - offset) / divisor`, with one constant for all features or one for each.
#[derive(Clone, Debug, PartialEq)]
pub struct Scaling {
    offset: Vec<f32>,
    divisor: Vec<f32>,
    /// The reciprocal of the one divisor, if division of bytes by it can be done by multiplications.
    reciprocal: Option<f32>,
}

impl Scaling {
    /// A scaling by these constants.
    #[must_use]
    pub fn new(offset: Vec<f32>, divisor: Vec<f32>) -> Self {
        let reciprocal = match (offset.as_slice(), divisor.as_slice()) {
            ([offset], [divisor]) => {
                let reciprocal = divisor.recip();
                // Markstein's division is exact for almost every divisor; 256 values are soon tried.
                let is_exact =
                    (0..=255_u8).all(|byte| divide(f32::from(byte) - offset, *divisor, reciprocal) == (f32::from(byte) - offset) / divisor);
                is_exact.then_some(reciprocal)
            }
            _ => None,
        };
        Self { offset, divisor, reciprocal }
    }

    fn constants(&self, feature: usize) -> (f32, f32) {
        let of = |values: &[f32], neutral: f32| match values {
            [] => neutral,
            [value] => *value,
            values => values[feature],
        };
        (of(&self.offset, 0.0), of(&self.divisor, 1.0))
    }
}

/// Division by Newton's correction of a product (Markstein 1990).
#[inline(always)]
fn divide(x: f32, divisor: f32, reciprocal: f32) -> f32 {
    let quotient = x * reciprocal;
    (-quotient).mul_add(divisor, x).mul_add(reciprocal, quotient)
}

/// Fills the first `rows.len()` rows of `out` `[rows, features]` with the scaled features of `rows`.
pub fn gather(team: &mut Team, source: Source<'_>, scaling: &Scaling, rows: &[u32], out: &mut Panels) {
    debug_assert!(rows.len() <= out.rows());
    const CHUNK: usize = 32;
    let (stride, width, features, panels) = (out.stride(), out.width(), out.columns(), out.count());
    let out = Shares::new(out.values_mut());
    team.run(rows.len().div_ceil(CHUNK), |task| {
        for place in task * CHUNK..((task + 1) * CHUNK).min(rows.len()) {
            // Rows lie far apart, where no processor looks ahead by itself.
            if let Some(row) = rows.get(place + AHEAD) {
                prefetch(source, *row as usize * features, features);
            }
            let start = rows[place] as usize * features;
            for panel in 0..panels {
                let first = panel * width;
                let count = width.min(features - first);
                // SAFETY: each task has rows of its own.
                let out = unsafe { out.part(panel * stride + place * width, count) };
                match source {
                    Source::U8(bytes) => from_bytes(&bytes[start + first..][..count], scaling, first, out),
                    Source::F32(values) => from_floats(&values[start + first..][..count], scaling, first, out),
                }
            }
        }
    });
}

/// How many rows ahead of the one that is read are on their way from memory.
const AHEAD: usize = 6;

/// Asks for a row's cache lines.
fn prefetch(source: Source<'_>, start: usize, features: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        let (first, size) = match source {
            Source::U8(bytes) => (bytes[start..][..features].as_ptr().cast::<i8>(), features),
            Source::F32(values) => (values[start..][..features].as_ptr().cast::<i8>(), features * 4),
        };
        for line in (0..size).step_by(64) {
            // SAFETY: the address lies inside the row; a prefetch reads nothing.
            unsafe { std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(first.add(line)) };
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (source, start, features);
}

dispatch_plain! {
    fn from_bytes(bytes: &[u8], scaling: &Scaling, first: usize, out: &mut [f32]) = from_bytes_plain
}

#[inline(always)]
fn from_bytes_plain<const FUSED: bool>(bytes: &[u8], scaling: &Scaling, first: usize, out: &mut [f32]) {
    if let (Some(reciprocal), true) = (scaling.reciprocal, FUSED) {
        let (offset, divisor) = scaling.constants(0);
        for (out, byte) in out.iter_mut().zip(bytes) {
            *out = divide(f32::from(*byte) - offset, divisor, reciprocal);
        }
    } else {
        for (place, (out, byte)) in out.iter_mut().zip(bytes).enumerate() {
            let (offset, divisor) = scaling.constants(first + place);
            *out = (f32::from(*byte) - offset) / divisor;
        }
    }
}

dispatch_plain! {
    fn from_floats(values: &[f32], scaling: &Scaling, first: usize, out: &mut [f32]) = from_floats_plain
}

#[inline(always)]
fn from_floats_plain<const FUSED: bool>(values: &[f32], scaling: &Scaling, first: usize, out: &mut [f32]) {
    for (place, (out, value)) in out.iter_mut().zip(values).enumerate() {
        let (offset, divisor) = scaling.constants(first + place);
        *out = (value - offset) / divisor;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gathered_rows_are_the_scaled_ones_to_the_bit() {
        let features = 70;
        let bytes: Vec<u8> = (0..features * 9).map(|i| (i * 37 % 256) as u8).collect();
        let floats: Vec<f32> = bytes.iter().map(|byte| f32::from(*byte)).collect();
        let each: Vec<f32> = (0..features).map(|i| i as f32 + 0.5).collect();
        for (offset, divisor) in [(vec![0.0], vec![255.0]), (vec![3.0], vec![16.0]), (vec![33.3], vec![0.3]), (each.clone(), each)] {
            let scaling = Scaling::new(offset, divisor);
            let rows = [8, 0, 3, 3];
            for source in [Source::U8(&bytes), Source::F32(&floats)] {
                let mut out = Panels::zeros(5, features);
                gather(&mut Team::new(2), source, &scaling, &rows, &mut out);
                for (place, row) in rows.iter().enumerate() {
                    for feature in 0..features {
                        let (offset, divisor) = scaling.constants(feature);
                        let expected = (floats[*row as usize * features + feature] - offset) / divisor;
                        assert_eq!(out.get(place, feature), expected, "feature {feature} of row {row}");
                    }
                }
            }
        }
    }

    #[test]
    fn bytes_over_255_need_no_division() {
        assert!(Scaling::new(vec![0.0], vec![255.0]).reciprocal.is_some());
    }
}
