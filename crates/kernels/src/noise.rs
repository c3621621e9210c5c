//! Gaussian noise of a tile: the variates of the random crate, added where outputs are in the cache.

use crate::Panels;
use crate::isa::dispatch_plain;
use crate::pool::Team;
use crate::shares::Shares;
use relumine_random::{Stream, variates};
use std::ops::Range;

/// What a training step adds to one layer's inputs: `y = x + normal(0, stddev)`, drawn in f64 and rounded once. The slope is 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Noise {
    stream: Stream,
    step: u32,
    stddev: f64,
}

impl Noise {
    /// Noise of this standard deviation.
    #[must_use]
    pub fn new(stream: Stream, step: u32, stddev: f64) -> Self {
        Self { stream, step, stddev }
    }

    /// Adds to the first `rows` rows of a matrix, which are the step's rows from `first_row` on. Columns beyond the last stay zero.
    pub fn apply_to(&self, team: &mut Team, first_row: u32, rows: usize, matrix: &mut Panels) {
        let (stride, width, columns, panels) = (matrix.stride(), matrix.width(), matrix.columns(), matrix.count());
        let matrix = Shares::new(matrix.values_mut());
        team.run(rows * panels, |task| {
            let (panel, row) = (task % panels, task / panels);
            let units = width.min(columns - panel * width);
            // SAFETY: each task has a row of a panel of its own.
            let outputs = unsafe { matrix.part(panel * stride + row * width, width) };
            let at = first_row + row as u32;
            self.apply(at..at + 1, panel * width, (width, units), outputs);
        });
    }

    /// Adds to rows `rows` of the step's batch, columns from `first_column` on: the first `units` columns of a row-major tile of `width`
    /// columns, a multiple of 4 and up to 64.
    pub fn apply(&self, rows: Range<u32>, first_column: usize, (width, units): (usize, usize), outputs: &mut [f32]) {
        apply(self, rows, (first_column, width, units), outputs);
    }
}

dispatch_plain! {
    fn apply(noise: &Noise, rows: Range<u32>, columns: (usize, usize, usize), outputs: &mut [f32]) = apply_plain
}

#[inline(always)]
fn apply_plain<const FUSED: bool>(
    noise: &Noise,
    rows: Range<u32>,
    (first_column, width, units): (usize, usize, usize),
    outputs: &mut [f32],
) {
    let mut words = [0; 64];
    let words = &mut words[..width];
    for (row, outputs) in rows.zip(outputs.chunks_exact_mut(width)) {
        noise.stream.fill_from(noise.step, row, (first_column / 4) as u32, words);
        for (output, word) in outputs[..units].iter_mut().zip(&*words) {
            *output += variates::normal(*word, 0.0, noise.stddev) as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use relumine_random::Purpose;

    #[test]
    fn each_unit_gets_the_variate_of_its_own_word_at_any_number_of_threads() {
        let stream = Stream::new(7, Purpose::Noise, 2);
        for (rows, columns) in [(1, 1), (5, 17), (4, 64), (3, 130)] {
            for threads in [1, 2, 3] {
                let mut matrix = Panels::from_rows(rows, columns, &vec![0.25; rows * columns]);
                Noise::new(stream, 3, 0.5).apply_to(&mut Team::new(threads), 9, rows, &mut matrix);
                for row in 0..rows {
                    for column in 0..columns {
                        let word = stream.word(3, 9 + row as u32, column as u32);
                        assert_eq!(matrix.get(row, column), 0.25 + variates::normal(word, 0.0, 0.5) as f32, "{row}, {column}");
                    }
                }
                let padding = matrix.values().iter().filter(|value| **value == 0.0).count();
                assert!(padding >= matrix.values().len() - rows * columns, "columns beyond the last stay zero");
            }
        }
    }
}
