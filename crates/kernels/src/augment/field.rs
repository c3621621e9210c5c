//! The displacement field: uniform numbers, smoothed along either axis.

use super::Image;
use super::scratch::{LANES, Scratch};
use crate::isa::{dispatch_plain, dispatch_simd};
use crate::simd::Simd;
use relumine_random::Stream;

/// A Gaussian's taps.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Taps {
    radius: usize,
    /// `[LANES + (2 radius + 1) + LANES]`, zeros at the ends.
    weights: Vec<f32>,
}

impl Taps {
    /// `exp(-k^2 / (2 sigma^2))` for `|k| <= floor(4 sigma + 1/2)`, divided by their sum.
    pub(super) fn new(sigma: f64) -> Self {
        const TRUNCATE: f64 = 4.0;
        let radius = (TRUNCATE * sigma + 0.5) as usize;
        let tap = |k: usize| {
            let distance = k as f64 - radius as f64;
            libm::exp(-0.5 * distance * distance / (sigma * sigma))
        };
        let sum: f64 = (0..=2 * radius).map(tap).sum();
        let mut weights = vec![0.0; 2 * LANES + 2 * radius + 1];
        for k in 0..=2 * radius {
            weights[LANES + k] = (tap(k) / sum) as f32;
        }
        Self { radius, weights }
    }

    /// Where tap 0 is. Taps down to `-(radius + LANES)` and up to `radius + LANES` can be read from there.
    fn centre(&self) -> *const f32 {
        self.weights.as_ptr().wrapping_add(LANES + self.radius)
    }
}

/// Draws the row's field into `scratch.field`. Word `y width + x` holds the displacement of pixel `(x, y)`: to the right in its lower half
/// and down in its upper half, `(half + 1/2) / 2^15 - 1` each.
pub(super) fn draw(taps: &Taps, stream: &Stream, at: (u32, u32), scratch: &mut Scratch) {
    spread(stream, at, scratch);
    // SAFETY: the scratch has the buffers that its image needs, and the taps their zeros.
    unsafe { smooth(taps, scratch) }
}

dispatch_plain! {
    fn spread(stream: &Stream, at: (u32, u32), scratch: &mut Scratch) = spread_plain
}

#[inline(always)]
fn spread_plain<const FUSED: bool>(stream: &Stream, (step, row): (u32, u32), scratch: &mut Scratch) {
    let Scratch { image, padded, words, field, .. } = scratch;
    stream.fill_from(step, row, 0, words);
    for (y, rows) in field.chunks_exact_mut(2 * *padded).enumerate() {
        let (right, down) = rows.split_at_mut(*padded);
        // Beyond the last column lie words of other pixels, which no sum takes in.
        let words = words[y * image.width..][..*padded].as_chunks::<LANES>().0;
        let rows = right.as_chunks_mut::<LANES>().0.iter_mut().zip(down.as_chunks_mut::<LANES>().0);
        for (words, (right, down)) in words.iter().zip(rows) {
            for lane in 0..LANES {
                right[lane] = centred(words[lane] & 0xffff);
                down[lane] = centred(words[lane] >> 16);
            }
        }
    }
}

/// Exact: 17 bits.
#[inline(always)]
fn centred(half: u32) -> f32 {
    const STEP: f32 = 1.0 / 32_768.0;
    half as i32 as f32 * STEP + (0.5 * STEP - 1.0)
}

dispatch_simd! {
    /// # Safety
    /// The scratch's `field` and `rough` are `[height, 2, padded]` and not empty.
    unsafe fn smooth(taps: &Taps, scratch: &mut Scratch) = smooth_generic
}

#[inline(always)]
unsafe fn smooth_generic<S: Simd>(taps: &Taps, scratch: &mut Scratch) {
    let (Image { height, width, .. }, padded) = (scratch.image, scratch.padded);
    assert!(scratch.field.len() == height * 2 * padded && scratch.rough.len() == scratch.field.len());
    // SAFETY: the caller's promise on the processor; the buffers have the lengths that were just checked.
    unsafe {
        down_columns::<S>(taps, scratch.field.as_ptr(), scratch.rough.as_mut_ptr(), (height, 2 * padded));
        along_rows::<S>(taps, scratch.rough.as_ptr(), scratch.field.as_mut_ptr(), (2 * height, width, padded));
    }
}

/// Smooths each of `columns` columns, a multiple of 2 [`LANES`].
#[inline(always)]
unsafe fn down_columns<S: Simd>(taps: &Taps, from: *const f32, to: *mut f32, (height, columns): (usize, usize)) {
    const TOGETHER: usize = 2;
    for y in 0..height {
        let (first, end) = (y.saturating_sub(taps.radius), (y + taps.radius + 1).min(height));
        for x in (0..columns).step_by(TOGETHER * S::LANES) {
            // SAFETY: rows `first..end` and columns up to `x + 2 LANES` are there, and so are taps of up to `radius`.
            unsafe {
                let mut sums = [S::splat(0.0); TOGETHER];
                for k in first..end {
                    let tap = S::splat(*taps.centre().offset(k as isize - y as isize));
                    for (i, sum) in sums.iter_mut().enumerate() {
                        *sum = S::load(from.add(k * columns + x + i * S::LANES)).mul_add(tap, *sum);
                    }
                }
                for (i, sum) in sums.into_iter().enumerate() {
                    sum.store(to.add(y * columns + x + i * S::LANES));
                }
            }
        }
    }
}

/// Smooths the first `width` values of each of `rows` rows of `padded` values. Each value is added to all sums that it belongs to.
#[inline(always)]
unsafe fn along_rows<S: Simd>(taps: &Taps, from: *const f32, to: *mut f32, (rows, width, padded): (usize, usize, usize)) {
    const TOGETHER: usize = 4;
    for first_row in (0..rows).step_by(TOGETHER) {
        // The last rows may come more than once.
        let starts: [usize; TOGETHER] = std::array::from_fn(|i| (first_row + i).min(rows - 1) * padded);
        for x in (0..padded).step_by(S::LANES) {
            let (first, end) = (x.saturating_sub(taps.radius), (x + S::LANES + taps.radius).min(width));
            // SAFETY: the rows are there, and so are taps of up to `radius + LANES`.
            unsafe {
                let mut sums = [S::splat(0.0); TOGETHER];
                for k in first..end {
                    let taps = S::load(taps.centre().offset(x as isize - k as isize));
                    for (sum, start) in sums.iter_mut().zip(starts) {
                        *sum = S::splat(*from.add(start + k)).mul_add(taps, *sum);
                    }
                }
                for (sum, start) in sums.into_iter().zip(starts) {
                    sum.store(to.add(start + x));
                }
            }
        }
    }
}
