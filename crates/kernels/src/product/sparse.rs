//! The innermost loops of products that pass over zeros.

use crate::lit::each_bit;
use crate::simd::Simd;

/// The left factors of a product that skips zeros.
pub(super) trait Factors: Copy {
    /// The factor so many places further on.
    ///
    /// # Safety
    /// It is there.
    unsafe fn get(self, place: usize) -> f32;

    /// The factors from that place on.
    ///
    /// # Safety
    /// They are there, or nobody reads them.
    unsafe fn skip(self, places: usize) -> Self;
}

impl Factors for *const f32 {
    #[inline(always)]
    unsafe fn get(self, place: usize) -> f32 {
        // SAFETY: the caller's promise.
        unsafe { *self.add(place) }
    }

    #[inline(always)]
    unsafe fn skip(self, places: usize) -> Self {
        self.wrapping_add(places)
    }
}

/// Bytes that stand for values.
#[derive(Clone, Copy)]
pub(super) struct Coded {
    pub(super) bytes: *const u8,
    /// 256 values.
    pub(super) table: *const f32,
}

impl Factors for Coded {
    #[inline(always)]
    unsafe fn get(self, place: usize) -> f32 {
        // SAFETY: the caller's promise, and a byte is under 256.
        unsafe { *self.table.add(usize::from(*self.bytes.add(place))) }
    }

    #[inline(always)]
    unsafe fn skip(self, places: usize) -> Self {
        Self { bytes: self.bytes.wrapping_add(places), ..self }
    }
}

/// Sums that skip zeros: `c[..] = from[..] + sum_k a[k a_step] b[k][..]` over the bits `k` of `word`, ascending, for one panel of columns or
/// two.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sparse<A> {
    pub(super) word: u64,
    pub(super) a: A,
    pub(super) a_step: usize,
    /// Rows of `width` values.
    pub(super) b: *const f32,
    /// One row of `width` values, such as `c` itself.
    pub(super) from: *const f32,
    /// One row of `width` values.
    pub(super) c: *mut f32,
    /// Columns of a panel: 16, 32 or 64.
    pub(super) width: usize,
    /// How far the second panel's `b`, `from` and `c` are from the first's; unused where there is one panel.
    pub(super) b_panel: usize,
    pub(super) from_panel: usize,
    pub(super) c_panel: usize,
}

/// Both panels of 64 columns at once: eight registers of 16 lanes hide the latency of the additions.
#[inline(always)]
pub(super) unsafe fn sparse_pair<S: Simd, A: Factors>(sum: &Sparse<A>) {
    // SAFETY: the caller's promise.
    unsafe {
        // Eight registers at a time: all 128 columns of two panels with 16 lanes, fewer columns with fewer lanes.
        let columns = 4 * S::LANES;
        let mut column = 0;
        while column < sum.width {
            let mut first = [S::splat(0.0); 4];
            let mut second = [S::splat(0.0); 4];
            for v in 0..4 {
                first[v] = S::load(sum.from.add(column + v * S::LANES));
                second[v] = S::load(sum.from.add(sum.from_panel + column + v * S::LANES));
            }
            each_bit(sum.word, |k| {
                let factor = S::splat(sum.a.get(k * sum.a_step));
                let b = sum.b.add(k * sum.width + column);
                for (v, register) in first.iter_mut().enumerate() {
                    *register = factor.mul_add(S::load(b.add(v * S::LANES)), *register);
                }
                let b = b.add(sum.b_panel);
                for (v, register) in second.iter_mut().enumerate() {
                    *register = factor.mul_add(S::load(b.add(v * S::LANES)), *register);
                }
            });
            for v in 0..4 {
                first[v].store(sum.c.add(column + v * S::LANES));
                second[v].store(sum.c.add(sum.c_panel + column + v * S::LANES));
            }
            column += columns;
        }
    }
}

/// One panel of any width.
#[inline(always)]
pub(super) unsafe fn sparse_single<S: Simd, A: Factors>(sum: &Sparse<A>) {
    // SAFETY: the caller's promise; widths are multiples of 16.
    unsafe {
        let mut column = 0;
        while column < sum.width {
            if sum.width - column >= 4 * S::LANES {
                sparse_columns::<S, A, 4>(sum, column);
                column += 4 * S::LANES;
            } else {
                sparse_columns::<S, A, 1>(sum, column);
                column += S::LANES;
            }
        }
    }
}

#[inline(always)]
unsafe fn sparse_columns<S: Simd, A: Factors, const N: usize>(sum: &Sparse<A>, column: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        let mut registers = [S::splat(0.0); N];
        for (v, register) in registers.iter_mut().enumerate() {
            *register = S::load(sum.from.add(column + v * S::LANES));
        }
        each_bit(sum.word, |k| {
            let factor = S::splat(sum.a.get(k * sum.a_step));
            let b = sum.b.add(k * sum.width + column);
            for (v, register) in registers.iter_mut().enumerate() {
                *register = factor.mul_add(S::load(b.add(v * S::LANES)), *register);
            }
        });
        for (v, register) in registers.iter().enumerate() {
            register.store(sum.c.add(column + v * S::LANES));
        }
    }
}
