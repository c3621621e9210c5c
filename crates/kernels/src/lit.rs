//! Which elements of a matrix are not zero: a bit each, by row and by column.

use crate::isa::dispatch_simd;
use crate::pool::Team;
use crate::shares::Shares;
use crate::simd::Simd;
use crate::{Bytes, Panels};

/// The non-zero elements of the first rows of a [`Panels`]: what products look at to skip the others.
///
/// Skipping is exact: a term of zero times a finite weight changes no sum but for the sign of a zero, so a product has the same bits with and
/// without it. A weight that is infinite or no number is seen only where its input is lit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lit {
    /// `[panels][rows]`: bit `c` is column `c` of the panel.
    by_row: Vec<u64>,
    /// `[panels][64 columns][blocks of 64 rows]`: bit `r` is row `r` of the block.
    by_column: Vec<u64>,
    capacity: usize,
    columns: usize,
    panels: usize,
    rows: usize,
    /// How many there are, by panel and block of rows.
    counts: Vec<u32>,
}

/// Rows of a block, and bits of a word.
pub(crate) const BLOCK: usize = 64;

impl Lit {
    /// Room for matrices of this shape, nothing lit.
    #[must_use]
    pub fn new(matrix: &Panels) -> Self {
        let (capacity, panels) = (matrix.rows(), matrix.count());
        let blocks = capacity.div_ceil(BLOCK);
        let (by_row, by_column) = (vec![0; panels * capacity], vec![0; panels * BLOCK * blocks]);
        Self { by_row, by_column, capacity, columns: matrix.columns(), panels, rows: 0, counts: vec![0; panels * blocks] }
    }

    /// Looks at the first `rows` rows of `matrix`.
    pub fn update(&mut self, team: &mut Team, matrix: &Panels, rows: usize) {
        let used = rows.div_ceil(BLOCK);
        let look = self.begin(matrix, rows);
        team.run(matrix.count() * used, |task| {
            let (panel, block) = (task / used, task % used);
            let (first, count) = (block * BLOCK, BLOCK.min(rows - block * BLOCK));
            let start = panel * matrix.stride() + first * matrix.width();
            // SAFETY: each task has a panel and block of its own.
            unsafe { look.at(panel, block, &matrix.values()[start..][..count * matrix.width()]) };
        });
    }

    /// Begins to look at the first `rows` rows of `matrix`, of which only the shape is asked for: tasks that have just made a part of it look
    /// at that while it is in their cache.
    pub(crate) fn begin(&mut self, matrix: &Panels, rows: usize) -> Look<'_> {
        assert!(self.is_shaped(matrix.rows(), matrix.columns()), "these bits are of such a matrix");
        self.look(matrix.width(), rows)
    }

    /// The same of a matrix of bytes.
    pub(crate) fn begin_bytes(&mut self, matrix: &Bytes, rows: usize) -> Look<'_> {
        assert!(self.is_shaped(matrix.rows(), matrix.columns()), "these bits are of such a matrix");
        self.look(BLOCK, rows)
    }

    fn is_shaped(&self, rows: usize, columns: usize) -> bool {
        (self.capacity, self.columns) == (rows, columns)
    }

    fn look(&mut self, width: usize, rows: usize) -> Look<'_> {
        assert!(rows <= self.capacity, "there are so many rows");
        self.rows = rows;
        Look {
            by_row: Shares::new(&mut self.by_row),
            by_column: Shares::new(&mut self.by_column),
            counts: Shares::new(&mut self.counts),
            capacity: self.capacity,
            width,
        }
    }

    /// Whether this is what [`update`](Self::update) found in the first `rows` rows of a matrix of this shape.
    pub(crate) fn belongs_to(&self, matrix: &Panels, rows: usize) -> bool {
        self.rows == rows && self.is_shaped(matrix.rows(), matrix.columns())
    }

    /// The same of a matrix of bytes.
    pub(crate) fn belongs_to_bytes(&self, matrix: &Bytes, rows: usize) -> bool {
        self.rows == rows && self.is_shaped(matrix.rows(), matrix.columns())
    }

    /// The share of the elements of the rows it looked at that are lit, 0 to 1.
    #[must_use]
    pub fn share(&self) -> f64 {
        self.count() as f64 / (self.rows * self.columns).max(1) as f64
    }

    /// How many elements are lit.
    #[must_use]
    pub fn count(&self) -> u64 {
        let (blocks, used) = (self.capacity.div_ceil(BLOCK), self.rows.div_ceil(BLOCK));
        (0..self.panels).flat_map(|panel| &self.counts[panel * blocks..][..used]).map(|count| u64::from(*count)).sum()
    }

    /// The row words of a panel.
    #[inline]
    pub(crate) fn rows_of(&self, panel: usize) -> &[u64] {
        &self.by_row[panel * self.capacity..][..self.rows]
    }

    /// The words of a column of a panel, one for each block of rows.
    #[inline]
    pub(crate) fn column(&self, panel: usize, column: usize) -> &[u64] {
        let blocks = self.capacity.div_ceil(BLOCK);
        &self.by_column[(panel * BLOCK + column) * blocks..][..self.rows.div_ceil(BLOCK)]
    }
}

/// A [`Lit`] that is being made, block by block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look<'a> {
    by_row: Shares<'a, u64>,
    by_column: Shares<'a, u64>,
    counts: Shares<'a, u32>,
    capacity: usize,
    width: usize,
}

impl Look<'_> {
    /// Looks at a block of rows of a panel: `values` are those of all its rows that are used.
    ///
    /// # Safety
    /// Nobody else looks at the same block of the same panel.
    pub(crate) unsafe fn at(&self, panel: usize, block: usize, values: &[f32]) {
        // SAFETY: the caller's promise, and so many rows of `width` values lie there.
        unsafe { self.words(panel, block, values.len() / self.width, |words| row_words(values.as_ptr(), self.width, words)) };
    }

    /// The same for bytes, 64 to a row.
    ///
    /// # Safety
    /// As [`at`](Self::at).
    pub(crate) unsafe fn at_bytes(&self, panel: usize, block: usize, bytes: &[u8]) {
        // SAFETY: the caller's promise, and so many rows of 64 bytes lie there.
        unsafe { self.words(panel, block, bytes.len() / BLOCK, |words| byte_words(bytes.as_ptr(), words)) };
    }

    /// Keeps the words of a block of so many rows, which `find` finds.
    ///
    /// # Safety
    /// As [`at`](Self::at).
    unsafe fn words(&self, panel: usize, block: usize, count: usize, find: impl FnOnce(&mut [u64])) {
        let (first, blocks) = (block * BLOCK, self.capacity.div_ceil(BLOCK));
        // SAFETY: the caller's promise.
        let words = unsafe { self.by_row.part(panel * self.capacity + first, count) };
        let mut columns = [0_u64; BLOCK];
        find(words);
        columns[..count].copy_from_slice(words);
        // SAFETY: as above.
        let count = unsafe { self.counts.part(panel * blocks + block, 1) };
        count[0] = words.iter().map(|word| word.count_ones()).sum();
        transpose(&mut columns);
        for (column, word) in columns.into_iter().enumerate() {
            // SAFETY: as above.
            let place = unsafe { self.by_column.part((panel * BLOCK + column) * blocks + block, 1) };
            place[0] = word;
        }
    }

    /// The same for whole blocks of rows of a panel, the first of which begins at row `first`.
    ///
    /// # Safety
    /// As [`at`](Self::at), for each block.
    pub(crate) unsafe fn at_rows(&self, panel: usize, first: usize, values: &[f32]) {
        debug_assert!(first.is_multiple_of(BLOCK));
        for (block, values) in values.chunks(BLOCK * self.width).enumerate() {
            // SAFETY: the caller's promise.
            unsafe { self.at(panel, first / BLOCK + block, values) };
        }
    }
}

dispatch_simd! {
    /// The words of rows of 64 bytes each, one after the other.
    ///
    /// # Safety
    /// `words.len()` rows lie behind `bytes`.
    unsafe fn byte_words(bytes: *const u8, words: &mut [u64]) = byte_words_generic
}

#[inline(always)]
unsafe fn byte_words_generic<S: Simd>(bytes: *const u8, words: &mut [u64]) {
    for (row, word) in words.iter_mut().enumerate() {
        // SAFETY: the caller's promise.
        *word = unsafe { S::lit_bytes(bytes.add(row * BLOCK)) };
    }
}

dispatch_simd! {
    /// The words of rows of `width` values each, one after the other.
    ///
    /// # Safety
    /// `words.len()` rows of `width` values, a multiple of 16 up to 64, lie behind `values`.
    unsafe fn row_words(values: *const f32, width: usize, words: &mut [u64]) = row_words_generic
}

#[inline(always)]
unsafe fn row_words_generic<S: Simd>(values: *const f32, width: usize, words: &mut [u64]) {
    for (row, word) in words.iter_mut().enumerate() {
        *word = 0;
        for first in (0..width).step_by(S::LANES) {
            // SAFETY: the caller's promise.
            *word |= unsafe { S::load(values.add(row * width + first)).lit() } << first;
        }
    }
}

/// Transposes a 64 x 64 matrix of bits in place (Warren, "Hacker's Delight", section 7-3).
fn transpose(words: &mut [u64; BLOCK]) {
    let mut mask = u64::MAX >> 32;
    let mut distance = 32;
    while distance > 0 {
        let mut row = 0;
        while row < BLOCK {
            let swapped = ((words[row] >> distance) ^ words[row + distance]) & mask;
            words[row] ^= swapped << distance;
            words[row + distance] ^= swapped;
            row = (row + distance + 1) & !distance;
        }
        distance /= 2;
        mask ^= mask << distance;
    }
}

/// Calls `visit` with the position of each bit that is set, lowest first.
#[inline(always)]
pub(crate) fn each_bit(mut word: u64, mut visit: impl FnMut(usize)) {
    while word != 0 {
        visit(word.trailing_zeros() as usize);
        word &= word - 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_columns_and_counts_agree_with_the_matrix_at_every_shape() {
        for (rows, columns, used) in [(1, 1, 1), (7, 16, 5), (64, 33, 64), (130, 200, 129), (70, 65, 64)] {
            let values: Vec<f32> = (0..rows * columns).map(|i| if i * 7 % 5 < 2 { 0.0 } else { i as f32 - 3.0 }).collect();
            let matrix = Panels::from_rows(rows, columns, &values);
            let mut lit = Lit::new(&matrix);
            lit.update(&mut Team::new(2), &matrix, used);
            let mut count = 0;
            for row in 0..used {
                for column in 0..columns {
                    let expected = matrix.get(row, column) != 0.0;
                    let (panel, place) = (column / matrix.width(), column % matrix.width());
                    assert_eq!(lit.rows_of(panel)[row] >> place & 1 == 1, expected);
                    assert_eq!(lit.column(panel, place)[row / BLOCK] >> (row % BLOCK) & 1 == 1, expected);
                    count += u64::from(expected);
                }
            }
            assert_eq!(lit.count(), count, "{rows} x {columns}, {used} used");
        }
    }

    #[test]
    fn bits_are_visited_from_the_lowest() {
        let mut seen = Vec::new();
        each_bit(1 | 1 << 5 | 1 << 63, |bit| seen.push(bit));
        assert_eq!(seen, [0, 5, 63]);
    }
}
