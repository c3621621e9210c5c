//! Inputs that stay the bytes they are: a quarter of the memory, which is what a batch of pixels costs to move between cores.

use crate::PANEL;
use crate::shares::Shares;

/// A matrix of bytes that stand for the values of a table, in panels of 64 columns as [`Panels`](crate::Panels) has them.
#[derive(Clone, Debug)]
pub struct Bytes {
    /// `[panels][rows]`
    lines: Vec<Line>,
    rows: usize,
    columns: usize,
    /// What each byte stands for; 0 stands for 0.
    table: [f32; 256],
}

/// A row of a panel, on a cache line of its own.
#[repr(align(64))]
#[derive(Clone, Copy, Debug)]
struct Line(#[expect(dead_code, reason = "read and written through pointers")] [u8; PANEL]);

impl Bytes {
    /// A matrix of zeros.
    #[must_use]
    pub fn zeros(rows: usize, columns: usize) -> Self {
        let lines = vec![Line([0; PANEL]); columns.div_ceil(PANEL).saturating_mul(rows)];
        Self { lines, rows, columns, table: [0.0; 256] }
    }

    /// How many rows there is room for.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Columns.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Panels.
    #[must_use]
    pub fn count(&self) -> usize {
        self.columns.div_ceil(PANEL)
    }

    /// Where the byte of this row and the first column of this panel is; the rows after it lie behind it.
    pub(crate) fn at(&self, panel: usize, row: usize) -> *const u8 {
        self.lines[panel * self.rows + row..].as_ptr().cast()
    }

    pub(crate) fn table(&self) -> &[f32; 256] {
        &self.table
    }

    /// The bytes for tasks to write, a panel after the other, 64 a row; they will stand for what is in `table`.
    pub(crate) fn begin(&mut self, table: &[f32; 256]) -> Shares<'_, u8> {
        self.table = *table;
        let len = self.lines.len() * PANEL;
        // SAFETY: lines are 64 bytes each without padding, and the borrow is exclusive.
        Shares::new(unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), len) })
    }
}
