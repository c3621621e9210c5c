//! Dropout of a tile: the masks of the random crate, applied where outputs and slopes are in the cache.

#[cfg(target_arch = "x86_64")]
mod avx512;

use crate::Panels;
use crate::isa::dispatch_plain;
use crate::pool::Team;
use crate::shares::Shares;
use relumine_random::{Stream, mask};
use std::ops::Range;

/// What a training step drops of one layer's outputs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    stream: Stream,
    step: u32,
    pub(crate) threshold: u32,
    /// A kept value is multiplied by `scale` and moved by `shift`.
    pub(crate) scale: f32,
    pub(crate) shift: f32,
    /// What a dropped value becomes.
    pub(crate) dropped: f32,
}

impl Dropout {
    /// Inverted dropout at `rate`: zero, or divided by `1 - rate`.
    #[must_use]
    pub fn new(stream: Stream, step: u32, rate: f64) -> Self {
        Self { stream, step, threshold: mask::threshold(rate), scale: (1.0 / (1.0 - rate)) as f32, shift: 0.0, dropped: 0.0 }
    }

    /// The affine form of alpha dropout: `scale * y + shift` where kept, `dropped` elsewhere.
    #[must_use]
    pub fn affine(stream: Stream, step: u32, rate: f64, (scale, shift, dropped): (f32, f32, f32)) -> Self {
        Self { stream, step, threshold: mask::threshold(rate), scale, shift, dropped }
    }

    /// Whether dropped values are zero.
    #[must_use]
    pub fn gives_zeros(&self) -> bool {
        self.dropped == 0.0
    }

    /// Drops from the first `rows` rows of a matrix, which are the step's rows from `first_row` on. Columns beyond the last stay zero.
    pub fn apply_to(&self, team: &mut Team, first_row: u32, rows: usize, matrix: &mut Panels) {
        let (stride, width, columns) = (matrix.stride(), matrix.width(), matrix.columns());
        let panels = matrix.count();
        let matrix = Shares::new(matrix.values_mut());
        team.run(rows * panels, |task| {
            let (panel, row) = (task % panels, task / panels);
            // SAFETY: each task has a row of a panel of its own.
            let outputs = unsafe { matrix.part(panel * stride + row * width, width) };
            let at = first_row + row as u32;
            self.apply(at..at + 1, panel * width, width, outputs, &mut [0.0; 64][..width]);
            outputs[width.min(columns - panel * width)..].fill(0.0);
        });
    }

    /// Drops from rows `rows` of the step's batch, columns from `first_column` on: row-major tiles of outputs and slopes, `width` a multiple
    /// of 4 and up to 64.
    pub fn apply(&self, rows: Range<u32>, first_column: usize, width: usize, outputs: &mut [f32], slopes: &mut [f32]) {
        #[cfg(target_arch = "x86_64")]
        if width == avx512::COLUMNS && crate::Isa::current() == crate::Isa::Avx512 {
            // SAFETY: the processor has AVX-512.
            return unsafe { avx512::apply(self, rows, first_column, outputs, slopes) };
        }
        apply(self, rows, (first_column, width), outputs, slopes);
    }
}

dispatch_plain! {
    fn apply(dropout: &Dropout, rows: Range<u32>, columns: (usize, usize), outputs: &mut [f32], slopes: &mut [f32]) = apply_plain
}

#[inline(always)]
fn apply_plain<const FUSED: bool>(
    dropout: &Dropout,
    rows: Range<u32>,
    (first_column, width): (usize, usize),
    outputs: &mut [f32],
    slopes: &mut [f32],
) {
    let mut words = [0; 64];
    let words = &mut words[..width];
    let tiles = outputs.chunks_exact_mut(width).zip(slopes.chunks_exact_mut(width));
    for (row, (outputs, slopes)) in rows.zip(tiles) {
        dropout.stream.fill_from(dropout.step, row, (first_column / 4) as u32, words);
        for ((output, slope), word) in outputs.iter_mut().zip(slopes).zip(&*words) {
            let kept = *word >= dropout.threshold;
            *output = if kept { *output * dropout.scale + dropout.shift } else { dropout.dropped };
            *slope = if kept { *slope * dropout.scale } else { 0.0 };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use relumine_random::Purpose;

    #[test]
    fn a_tile_has_the_mask_of_the_whole_matrix() {
        let stream = Stream::new(7, Purpose::Dropout, 2);
        let (units, rows) = (130, 9);
        let mut scales = vec![0.0; units * rows];
        mask::fill_scales(&stream, 3, 0, units, 0.3, (1.0 / 0.7) as f32, &mut scales);
        let dropout = Dropout::new(stream, 3, 0.3);
        for (first, width) in [(0, 64), (64, 64), (128, 16)] {
            let (mut outputs, mut slopes) = (vec![1.0; width * 4], vec![2.0; width * 4]);
            dropout.apply(5..9, first, width, &mut outputs, &mut slopes);
            for row in 0..4 {
                for column in 0..width.min(units - first) {
                    let expected = scales[(row + 5) * units + first + column];
                    assert_eq!(outputs[row * width + column], expected);
                    assert_eq!(slopes[row * width + column], 2.0 * expected);
                }
            }
        }
    }
}
