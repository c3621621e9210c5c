use crate::Panels;
use crate::isa::dispatch_plain;
use crate::pool::Tasks;
use crate::shares::Shares;

/// Makes the transposed copy of a weight that [`Way::Whole`](super::Way::Whole) reads: a task for each panel of inputs.
#[derive(Debug)]
pub struct Transpose<'a> {
    w: &'a Panels,
    transposed: Shares<'a, f32>,
    panels: usize,
    stride: usize,
    width: usize,
}

impl<'a> Transpose<'a> {
    /// From `w` `[in, out]` to `transposed` `[out, in]`.
    pub fn new(w: &'a Panels, transposed: &'a mut Panels) -> Self {
        assert!(transposed.rows() == w.columns() && transposed.columns() == w.rows(), "one is shaped like the other's transpose");
        let (panels, stride, width) = (transposed.count(), transposed.stride(), transposed.width());
        Self { w, transposed: Shares::new(transposed.values_mut()), panels, stride, width }
    }
}

impl Tasks for Transpose<'_> {
    fn count(&self) -> usize {
        self.panels
    }

    unsafe fn run(&self, panel: usize) {
        let Self { w, width, stride, .. } = *self;
        // SAFETY: each task has a panel of its own.
        let out = unsafe { self.transposed.part(panel * stride, stride) };
        let inputs = panel * width..((panel + 1) * width).min(w.rows());
        for from in 0..w.count() {
            let outputs = w.width().min(w.columns() - from * w.width());
            let rows = &w.values()[from * w.stride() + inputs.start * w.width()..][..inputs.len() * w.width()];
            transpose_rows(rows, (w.width(), outputs), width, &mut out[from * w.width() * width..]);
        }
    }
}

dispatch_plain! {
    /// Of rows so wide the first columns, so many, become rows of `width`.
    fn transpose_rows(rows: &[f32], columns: (usize, usize), width: usize, out: &mut [f32]) = transpose_rows_plain
}

/// Eight by eight at a time, which compilers turn into shuffles of registers.
#[inline(always)]
fn transpose_rows_plain<const FUSED: bool>(rows: &[f32], (row_width, outputs): (usize, usize), width: usize, out: &mut [f32]) {
    const SIDE: usize = 8;
    let inputs = rows.len() / row_width;
    for input in (0..inputs).step_by(SIDE) {
        let rows = &rows[input * row_width..];
        for output in (0..outputs).step_by(SIDE) {
            let out = &mut out[output * width + input..];
            if inputs - input >= SIDE && outputs - output >= SIDE {
                let mut block = [[0.0_f32; SIDE]; SIDE];
                for (row, block) in block.iter_mut().enumerate() {
                    block.copy_from_slice(&rows[row * row_width + output..][..SIDE]);
                }
                for column in 0..SIDE {
                    let column_of: [f32; SIDE] = std::array::from_fn(|row| block[row][column]);
                    out[column * width..][..SIDE].copy_from_slice(&column_of);
                }
            } else {
                for column in 0..SIDE.min(outputs - output) {
                    for row in 0..SIDE.min(inputs - input) {
                        out[column * width + row] = rows[row * row_width + output + column];
                    }
                }
            }
        }
    }
}
