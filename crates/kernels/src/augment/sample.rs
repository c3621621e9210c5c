//! Resampling: each output pixel is interpolated between the four input pixels around its place.

use super::Image;
use super::pose::{Bounds, Map};
use super::scratch::{LANES, Scratch};
use crate::isa::{dispatch_simd, mul_add};
use crate::simd::Simd;

/// Fills the scratch's output from its source. With `alpha`, each place is displaced by that much times the scratch's field.
pub(super) fn sample(scratch: &mut Scratch, map: &Map, alpha: Option<f32>) {
    let Image { height, width, .. } = scratch.image;
    let whole = Bounds { left: 0, right: width, top: 0, bottom: height };
    let bounds = match (scratch.ink, alpha) {
        (None, _) => Bounds { right: 0, bottom: 0, ..whole },
        (Some(_), Some(_)) => whole,
        (Some(ink), None) => map.reach(ink, scratch.image),
    };
    if bounds != whole {
        let fill = scratch.fill;
        scratch.output.fill(fill);
    }
    if bounds.left < bounds.right {
        // SAFETY: the bounds lie within the image, and the scratch has the buffers that it needs.
        unsafe { rows(scratch, map, alpha, bounds) }
    }
}

/// As [`sample`], by the instructions that every processor has, and without leaving anything out.
#[cfg(test)]
pub(super) fn portable(scratch: &mut Scratch, map: &Map, alpha: Option<f32>) {
    let Image { height, width, .. } = scratch.image;
    // SAFETY: as above.
    unsafe { rows_generic::<crate::simd::Portable>(scratch, map, alpha, Bounds { left: 0, right: width, top: 0, bottom: height }) }
}

dispatch_simd! {
    /// # Safety
    /// `bounds` lie within the image; with `alpha` there is a field.
    unsafe fn rows(scratch: &mut Scratch, map: &Map, alpha: Option<f32>, bounds: Bounds) = rows_generic
}

#[inline(always)]
unsafe fn rows_generic<S: Simd + Sample>(scratch: &mut Scratch, map: &Map, alpha: Option<f32>, bounds: Bounds) {
    let Image { height, width, channels } = scratch.image;
    let padded = scratch.padded;
    let count = (bounds.right - bounds.left).next_multiple_of(LANES);
    // Whole registers, none of which crosses the end of a row.
    let left = bounds.left.min(padded - count);
    let matrix = map.matrix.map(|row| row.map(|value| value as f32));
    for channel in 0..channels {
        let source = scratch.plane(channel).as_ptr();
        let plane = Plane { source, stride: scratch.stride() as i32, right: width as f32 + 1.0, bottom: height as f32 + 1.0 };
        for y in bounds.top..bounds.bottom {
            // Columns and rows of the plane are those of the image and 1.
            let offset = [0, 1].map(|axis: usize| map.offset[axis] + 1.0);
            let of_row = [0, 1].map(|axis: usize| (map.matrix[axis][1] * y as f64 + offset[axis]) as f32);
            for x in (left..left + count).step_by(S::LANES) {
                // SAFETY: the caller's promise; `x + LANES` is at most `padded`.
                unsafe {
                    let mut column = S::load(scratch.numbers.as_ptr().add(x));
                    let mut rest = of_row.map(|value| S::splat(value));
                    if let Some(alpha) = alpha {
                        let [right, down] = [0, 1].map(|axis| S::load(scratch.field.as_ptr().add((2 * y + axis) * padded + x)));
                        column = right.mul_add(S::splat(alpha), column);
                        rest = [0, 1].map(|axis: usize| down.mul_add(S::splat(alpha * matrix[axis][1]), rest[axis]));
                    }
                    let [from_x, from_y] = [0, 1].map(|axis: usize| column.mul_add(S::splat(matrix[axis][0]), rest[axis]));
                    let out = scratch.output.as_mut_ptr().add((channel * height + y) * padded + x);
                    S::sample(from_x, from_y, &plane).store(out);
                }
            }
        }
    }
}

/// One channel inside its border.
pub(super) struct Plane {
    source: *const f32,
    stride: i32,
    /// The last column and row that a place may lie in, `width + 1` and `height + 1`; the first are 0.
    right: f32,
    bottom: f32,
}

/// Bilinear interpolation of a register of places.
pub(super) trait Sample: Simd {
    /// `a + f_y (b - a)` with `a` and `b` the like mixtures along x of the upper and the lower two neighbours: between equal values it is
    /// that value to the bit. Places beyond the border's middle are brought back to it.
    ///
    /// # Safety
    /// As the methods of [`Simd`]; the plane has a row and a column after its last ones.
    unsafe fn sample(x: Self, y: Self, plane: &Plane) -> Self;
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Plane, Sample};
    use crate::simd::x86::{Avx2, Avx512};
    use std::arch::x86_64::*;

    impl Sample for Avx512 {
        #[inline(always)]
        unsafe fn sample(x: Self, y: Self, plane: &Plane) -> Self {
            // SAFETY: the caller has checked the processor; places are brought back to the plane before they become addresses.
            unsafe {
                let within = |at: __m512, end: f32| _mm512_min_ps(_mm512_max_ps(at, _mm512_setzero_ps()), _mm512_set1_ps(end));
                let (x, y) = (within(x.0, plane.right), within(y.0, plane.bottom));
                let (column, row) = (_mm512_cvttps_epi32(x), _mm512_cvttps_epi32(y));
                let (of_x, of_y) = (_mm512_sub_ps(x, _mm512_cvtepi32_ps(column)), _mm512_sub_ps(y, _mm512_cvtepi32_ps(row)));
                let at = _mm512_add_epi32(_mm512_mullo_epi32(row, _mm512_set1_epi32(plane.stride)), column);
                let (low, high) = (_mm512_castsi512_si256(at), _mm512_extracti64x4_epi64::<1>(at));
                let even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
                let odd = _mm512_or_si512(even, _mm512_set1_epi32(1));
                // A value and its right neighbour are read as one number of 64 bits: half as many reads.
                let along_x = |source: *const f32| {
                    let first = _mm512_castpd_ps(_mm512_i32gather_pd::<4>(low, source.cast()));
                    let second = _mm512_castpd_ps(_mm512_i32gather_pd::<4>(high, source.cast()));
                    let left = _mm512_permutex2var_ps(first, even, second);
                    let right = _mm512_permutex2var_ps(first, odd, second);
                    _mm512_fmadd_ps(of_x, _mm512_sub_ps(right, left), left)
                };
                let (above, below) = (along_x(plane.source), along_x(plane.source.add(plane.stride as usize)));
                Self(_mm512_fmadd_ps(of_y, _mm512_sub_ps(below, above), above))
            }
        }
    }

    impl Sample for Avx2 {
        #[inline(always)]
        unsafe fn sample(x: Self, y: Self, plane: &Plane) -> Self {
            // SAFETY: as above.
            unsafe {
                let within = |at: __m256, end: f32| _mm256_min_ps(_mm256_max_ps(at, _mm256_setzero_ps()), _mm256_set1_ps(end));
                let (x, y) = (within(x.0, plane.right), within(y.0, plane.bottom));
                let (column, row) = (_mm256_cvttps_epi32(x), _mm256_cvttps_epi32(y));
                let (of_x, of_y) = (_mm256_sub_ps(x, _mm256_cvtepi32_ps(column)), _mm256_sub_ps(y, _mm256_cvtepi32_ps(row)));
                let at = _mm256_add_epi32(_mm256_mullo_epi32(row, _mm256_set1_epi32(plane.stride)), column);
                let along_x = |source: *const f32| {
                    let (left, right) = (_mm256_i32gather_ps::<4>(source, at), _mm256_i32gather_ps::<4>(source.add(1), at));
                    _mm256_fmadd_ps(of_x, _mm256_sub_ps(right, left), left)
                };
                let (above, below) = (along_x(plane.source), along_x(plane.source.add(plane.stride as usize)));
                Self(_mm256_fmadd_ps(of_y, _mm256_sub_ps(below, above), above))
            }
        }
    }
}

#[cfg(target_arch = "aarch64")]
impl Sample for crate::simd::arm::Neon {
    #[inline(always)]
    unsafe fn sample(x: Self, y: Self, plane: &Plane) -> Self {
        // SAFETY: the caller's promise.
        unsafe { lane_by_lane::<_, true>(x, y, plane) }
    }
}

impl Sample for crate::simd::Portable {
    #[inline(always)]
    unsafe fn sample(x: Self, y: Self, plane: &Plane) -> Self {
        // SAFETY: the caller's promise.
        unsafe { lane_by_lane::<_, false>(x, y, plane) }
    }
}

/// Where there are no instructions that read from many addresses.
#[inline(always)]
unsafe fn lane_by_lane<S: Simd, const FUSED: bool>(x: S, y: S, plane: &Plane) -> S {
    let mix = |share: f32, from: f32, to: f32| mul_add::<FUSED>(share, to - from, from);
    let (mut xs, mut ys) = ([0.0_f32; LANES], [0.0_f32; LANES]);
    // SAFETY: no register has more lanes; places are brought back to the plane before they become addresses.
    unsafe {
        x.store(xs.as_mut_ptr());
        y.store(ys.as_mut_ptr());
        for (x, y) in xs.iter_mut().zip(ys).take(S::LANES) {
            let (place_x, place_y) = (x.clamp(0.0, plane.right), y.clamp(0.0, plane.bottom));
            let (column, row) = (place_x as usize, place_y as usize);
            let (of_x, of_y) = (place_x - column as f32, place_y - row as f32);
            let [above, below] = [0, 1].map(|further| {
                let at = plane.source.add((row + further) * plane.stride as usize + column);
                mix(of_x, *at, *at.add(1))
            });
            *x = mix(of_y, above, below);
        }
        S::load(xs.as_ptr())
    }
}
