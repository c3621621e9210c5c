//! The innermost loops.

use crate::isa::dispatch_simd;
use crate::lit::each_bit;
use crate::simd::Simd;

/// Rows of a tile of a dense product.
const ROWS: usize = 6;

/// A dense product in place: `c[m][..] += sum_k a(m, k) b[k][..]` for `m < rows`, `k` ascending, over the columns of one panel.
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
    /// Rows of `width` values.
    pub(super) c: *mut f32,
    /// Columns: 16, 32 or 64.
    pub(super) width: usize,
    pub(super) rows: usize,
    /// Terms of each sum.
    pub(super) terms: usize,
}

dispatch_simd! {
    /// # Safety
    /// Everything that `product` points at is there, and `c` is written by nobody else.
    pub(super) unsafe fn dense(product: &Dense) = dense_generic
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
        let mut sums = [[S::splat(0.0); 4]; M];
        for (m, sums) in sums.iter_mut().enumerate() {
            for (v, sum) in sums.iter_mut().enumerate().take(registers) {
                *sum = S::load(c.add(m * product.width + v * S::LANES));
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

/// Sums that skip zeros: `c[..] += sum_k a[k a_step] b[k][..]` over the bits `k` of `word`, ascending, for one panel of columns or two.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sparse<A> {
    pub(super) word: u64,
    pub(super) a: A,
    pub(super) a_step: usize,
    /// Rows of `width` values.
    pub(super) b: *const f32,
    /// One row of `width` values.
    pub(super) c: *mut f32,
    /// Columns of a panel: 16, 32 or 64.
    pub(super) width: usize,
    /// How far the second panel's `b` and `c` are from the first's; unused where there is one panel.
    pub(super) b_panel: usize,
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
                first[v] = S::load(sum.c.add(column + v * S::LANES));
                second[v] = S::load(sum.c.add(sum.c_panel + column + v * S::LANES));
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
            *register = S::load(sum.c.add(column + v * S::LANES));
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
