//! Which elements of a matrix are not zero: a bit each, by row and by column.

mod look;

pub(crate) use look::Look;

use crate::pool::Team;
use crate::shares::Shares;
use crate::{Bytes, Panels};
use std::ops::Range;

/// The non-zero elements of the first rows of a [`Panels`] or [`Bytes`]: what products look at to skip the others.
///
/// Skipping is exact: a term of zero times a finite weight changes no sum but for the sign of a zero, so a product has the same bits with and
/// without it. A weight that is infinite or no number is seen only where its input is lit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lit {
    /// `[panels][blocks of 64 rows]`
    blocks: Vec<Block>,
    capacity: usize,
    columns: usize,
    panels: usize,
    rows: usize,
}

/// Rows of a block, and bits of a word.
pub(crate) const BLOCK: usize = 64;

/// What is lit in a block of rows of a panel: whoever looks at it shares no cache line with those who look at others.
#[repr(align(64))]
#[derive(Clone, Debug, PartialEq, Eq)]
struct Block {
    /// Of each row: bit `c` is column `c` of the panel.
    by_row: [u64; BLOCK],
    /// Of each column: bit `r` is row `r` of the block.
    by_column: [u64; BLOCK],
    count: u32,
}

impl Block {
    const DARK: Self = Self { by_row: [0; BLOCK], by_column: [0; BLOCK], count: 0 };
}

impl Lit {
    /// Room for matrices of this shape, nothing lit.
    #[must_use]
    pub fn new(matrix: &Panels) -> Self {
        let (capacity, panels) = (matrix.rows(), matrix.count());
        Self { blocks: vec![Block::DARK; panels * capacity.div_ceil(BLOCK)], capacity, columns: matrix.columns(), panels, rows: 0 }
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
        let per_panel = self.capacity.div_ceil(BLOCK);
        Look { blocks: Shares::new(&mut self.blocks), per_panel, columns: self.columns, width }
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
        (0..self.panels).flat_map(|panel| self.blocks_of(panel)).map(|block| u64::from(block.count)).sum()
    }

    /// The blocks of a panel that rows have been looked at in.
    fn blocks_of(&self, panel: usize) -> &[Block] {
        &self.blocks[panel * self.capacity.div_ceil(BLOCK)..][..self.block_count()]
    }

    /// How many blocks the rows lie in.
    pub(crate) fn block_count(&self) -> usize {
        self.rows.div_ceil(BLOCK)
    }

    /// The words of some rows of a panel, all of one block.
    #[inline]
    pub(crate) fn rows_of(&self, panel: usize, rows: Range<usize>) -> &[u64] {
        let block = rows.start / BLOCK;
        &self.blocks_of(panel)[block].by_row[rows.start - block * BLOCK..rows.end - block * BLOCK]
    }

    /// The words of the columns of a block of rows of a panel.
    #[inline]
    pub(crate) fn columns_of(&self, panel: usize, block: usize) -> &[u64; BLOCK] {
        &self.blocks_of(panel)[block].by_column
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
                    assert_eq!(lit.rows_of(panel, row..row + 1)[0] >> place & 1 == 1, expected);
                    assert_eq!(lit.columns_of(panel, row / BLOCK)[place] >> (row % BLOCK) & 1 == 1, expected);
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
