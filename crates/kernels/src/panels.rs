//! Matrices in panels of columns: the one layout of all kernels.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::ops::{Deref, DerefMut};

/// f32 values at the start of a cache line, zero at first.
#[derive(Debug)]
pub struct Buffer {
    start: *mut f32,
    len: usize,
}

// SAFETY: the memory belongs to the buffer alone.
unsafe impl Send for Buffer {}
// SAFETY: shared access only reads.
unsafe impl Sync for Buffer {}

impl Buffer {
    /// So many zeros.
    #[must_use]
    pub fn zeros(len: usize) -> Self {
        let layout = Self::layout(len);
        // SAFETY: the layout's size is not zero.
        let start = unsafe { alloc_zeroed(layout) };
        if start.is_null() {
            handle_alloc_error(layout);
        }
        Self { start: start.cast(), len }
    }

    fn layout(len: usize) -> Layout {
        const CACHE_LINE: usize = 64;
        // A length that overflows gives a size that no allocator grants.
        Layout::from_size_align(len.max(1).saturating_mul(4).min(isize::MAX as usize - CACHE_LINE), CACHE_LINE)
            .unwrap_or(Layout::new::<f32>())
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // SAFETY: it was allocated with this layout.
        unsafe { dealloc(self.start.cast(), Self::layout(self.len)) }
    }
}

impl Clone for Buffer {
    fn clone(&self) -> Self {
        let mut clone = Self::zeros(self.len);
        clone.copy_from_slice(self);
        clone
    }
}

impl Deref for Buffer {
    type Target = [f32];
    fn deref(&self) -> &[f32] {
        // SAFETY: `len` initialised values lie there.
        unsafe { std::slice::from_raw_parts(self.start, self.len) }
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        // SAFETY: as above, and the borrow is exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.start, self.len) }
    }
}

/// A matrix `[rows, columns]` in panels of up to 64 columns: panel `p` holds columns `64 p ..`, row-major, and the panels lie one after the
/// other. Columns beyond the last are zero and stay so.
///
/// A product reads a panel of weights and writes a panel of outputs, so what a core works on is contiguous, and a row of a panel is four
/// registers of 16 lanes. Matrices of at most 16 or 32 columns have panels of that width.
#[derive(Clone, Debug)]
pub struct Panels {
    values: Buffer,
    rows: usize,
    columns: usize,
    width: usize,
}

/// Columns of a whole panel.
pub const PANEL: usize = 64;

impl Panels {
    /// A matrix of zeros.
    #[must_use]
    pub fn zeros(rows: usize, columns: usize) -> Self {
        let width = match columns {
            0..=16 => 16,
            17..=32 => 32,
            _ => PANEL,
        };
        Self { values: Buffer::zeros(columns.div_ceil(width).saturating_mul(width).saturating_mul(rows)), rows, columns, width }
    }

    /// From row-major values `[rows, columns]`.
    #[must_use]
    pub fn from_rows(rows: usize, columns: usize, values: &[f32]) -> Self {
        let mut panels = Self::zeros(rows, columns);
        for (row, values) in values.chunks_exact(columns.max(1)).enumerate().take(rows) {
            for (column, value) in values.iter().enumerate() {
                let at = panels.index(row, column);
                panels.values[at] = *value;
            }
        }
        panels
    }

    /// From row-major values of the transpose, `[columns, rows]`: how PyTorch keeps a dense layer's weight.
    pub fn copy_from_transposed(&mut self, values: &[f32]) {
        for (column, values) in values.chunks_exact(self.rows.max(1)).enumerate().take(self.columns) {
            for (row, value) in values.iter().enumerate() {
                let at = self.index(row, column);
                self.values[at] = *value;
            }
        }
    }

    /// The transpose, row-major `[columns, rows]`.
    #[must_use]
    pub fn to_transposed(&self) -> Vec<f32> {
        (0..self.columns).flat_map(|column| (0..self.rows).map(move |row| self.get(row, column))).collect()
    }

    /// Row-major `[rows, columns]`, of the first `rows` rows.
    #[must_use]
    pub fn to_rows(&self, rows: usize) -> Vec<f32> {
        (0..rows).flat_map(|row| (0..self.columns).map(move |column| self.get(row, column))).collect()
    }

    fn index(&self, row: usize, column: usize) -> usize {
        (column / self.width * self.rows + row) * self.width + column % self.width
    }

    /// One value.
    #[must_use]
    pub fn get(&self, row: usize, column: usize) -> f32 {
        self.values[self.index(row, column)]
    }

    /// Rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Columns.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Columns of a panel: 16, 32 or 64.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Panels.
    #[must_use]
    pub fn count(&self) -> usize {
        self.columns.div_ceil(self.width)
    }

    /// Values of one panel, `rows * width`: how far one panel starts after another.
    #[must_use]
    pub fn stride(&self) -> usize {
        self.rows * self.width
    }

    /// All values, panel by panel, the zeros beyond the last column included.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// All values, to change. Those beyond the last column must stay zero.
    pub fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_survive_every_shape_and_both_orders() {
        for (rows, columns) in [(1, 1), (3, 16), (2, 17), (5, 33), (4, 64), (3, 65), (2, 200), (0, 3)] {
            let values: Vec<f32> = (0..rows * columns).map(|i| i as f32 + 1.0).collect();
            let panels = Panels::from_rows(rows, columns, &values);
            assert_eq!(panels.to_rows(rows), values);
            let mut again = Panels::zeros(rows, columns);
            again.copy_from_transposed(&panels.to_transposed());
            assert_eq!(again.values(), panels.values());
            let padding = panels.values().iter().filter(|value| **value == 0.0).count();
            assert_eq!(padding, panels.count() * panels.stride() - rows * columns);
        }
    }

    #[test]
    fn buffers_start_on_a_cache_line() {
        assert_eq!(Buffer::zeros(3).as_ptr() as usize % 64, 0);
        assert!(Buffer::zeros(0).is_empty());
    }
}
