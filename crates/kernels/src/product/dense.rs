//! The innermost loops of products that multiply everything.

use crate::isa::dispatch_simd;
use crate::simd::Simd;

/// Rows of a tile of a dense product.
const ROWS: usize = 6;

/// A dense product: `c[m][..] = from(m)[..] + sum_k a(m, k) b[k][..]` for `m < rows`, `k` ascending, over the columns of one panel.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dense {
    pub(super) a: *const f32,
    /// How far one row of `a` is from the next.
    pub(super) a_row: usize,
    /// How far one `k` of `a` is from the next, within a run of `a_run` of them.
    pub(super) a_k: usize,
    /// Terms in a run.
    pub(super) a_run: usize,
    /// How far one run is from the next.
    pub(super) a_run_step: usize,
    /// Rows of `width` values.
    pub(super) b: *const f32,
    /// Rows of `width` values, such as those of `c`.
    pub(super) from: *const f32,
    /// How far one row of `from` is from the next: 0 where all begin with the same.
    pub(super) from_row: usize,
    /// Rows of `width` values.
    pub(super) c: *mut f32,
    /// Columns: 16, 32 or 64.
    pub(super) width: usize,
    pub(super) rows: usize,
    /// Terms of each sum.
    pub(super) terms: usize,
}

/// # Safety
/// Everything that `product` points at is there, and `c` is written by nobody else.
#[inline]
pub(super) unsafe fn dense(product: &Dense) {
    #[cfg(any(feature = "accelerate", feature = "blas", feature = "onednn"))]
    if product.rows >= LEAST_ROWS {
        // SAFETY: the caller's promise.
        return unsafe { super::library::dense(product) };
    }
    // SAFETY: as above.
    unsafe { our_own(product) }
}

/// A library is asked for products of so many rows or more: fewer are over before it has begun.
#[cfg(any(feature = "accelerate", feature = "blas", feature = "onednn"))]
const LEAST_ROWS: usize = 4;

dispatch_simd! {
    /// # Safety
    /// As of [`dense`].
    unsafe fn our_own(product: &Dense) = dense_generic
}

#[inline(always)]
unsafe fn dense_generic<S: Simd>(product: &Dense) {
    let columns = S::TILE * S::LANES;
    let mut column = 0;
    while column < product.width {
        // SAFETY: the caller's promise; the tiles lie inside the matrices.
        unsafe {
            // The narrowest panel is 16 columns wide, a whole tile or a single register of one.
            if product.width - column >= columns {
                dense_columns::<S, true>(product, column);
            } else {
                dense_columns::<S, false>(product, column);
            }
        }
        column += if product.width - column >= columns { columns } else { S::LANES };
    }
}

/// All rows of a tile's columns, or of a single register's.
#[inline(always)]
unsafe fn dense_columns<S: Simd, const WHOLE: bool>(product: &Dense, column: usize) {
    let mut row = 0;
    while row < product.rows {
        // SAFETY: the caller's promise.
        unsafe {
            match product.rows - row {
                1 => dense_tile::<S, 1, WHOLE>(product, row, column),
                2 => dense_tile::<S, 2, WHOLE>(product, row, column),
                3 => dense_tile::<S, 3, WHOLE>(product, row, column),
                4 => dense_tile::<S, 4, WHOLE>(product, row, column),
                5 => dense_tile::<S, 5, WHOLE>(product, row, column),
                _ => dense_tile::<S, ROWS, WHOLE>(product, row, column),
            }
        }
        row += ROWS;
    }
}

#[inline(always)]
unsafe fn dense_tile<S: Simd, const M: usize, const WHOLE: bool>(product: &Dense, row: usize, column: usize) {
    let registers = if WHOLE { S::TILE } else { 1 };
    // SAFETY: the caller's promise: rows, terms and columns lie inside the matrices.
    unsafe {
        let c = product.c.add(row * product.width + column);
        let from = product.from.add(row * product.from_row + column);
        let mut sums = [[S::splat(0.0); 4]; M];
        for (m, sums) in sums.iter_mut().enumerate() {
            for (v, sum) in sums.iter_mut().enumerate().take(registers) {
                *sum = S::load(from.add(m * product.from_row + v * S::LANES));
            }
        }
        let mut b = product.b.add(column);
        let mut run = product.a.add(row * product.a_row);
        let mut left = product.terms;
        while left > 0 {
            let terms = left.min(product.a_run);
            let mut a = run;
            for _ in 0..terms {
                let mut operand = [S::splat(0.0); 4];
                for (v, operand) in operand.iter_mut().enumerate().take(registers) {
                    *operand = S::load(b.add(v * S::LANES));
                }
                for (m, sums) in sums.iter_mut().enumerate() {
                    let factor = S::splat(*a.add(m * product.a_row));
                    for (v, sum) in sums.iter_mut().enumerate().take(registers) {
                        *sum = factor.mul_add(operand[v], *sum);
                    }
                }
                // After the last term these lie beyond the matrices, and are not followed.
                a = a.wrapping_add(product.a_k);
                b = b.wrapping_add(product.width);
            }
            run = run.wrapping_add(product.a_run_step);
            left -= terms;
        }
        for (m, sums) in sums.iter().enumerate() {
            for (v, sum) in sums.iter().enumerate().take(registers) {
                sum.store(c.add(m * product.width + v * S::LANES));
            }
        }
    }
}
