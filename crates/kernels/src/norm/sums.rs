//! Sums over the rows of a tile, column by column.

use super::Gradient;
use crate::isa::{dispatch_plain, mul_add};
use crate::pool::Team;
use crate::shares::Shares;
use crate::{PANEL, Panels};

/// Rows that are summed in f32.
const BLOCK: usize = 64;

/// `N` sums over rows for each of `W` columns: `add` adds a row's terms.
#[inline(always)]
pub(super) fn over_rows<const W: usize, const N: usize>(rows: usize, add: impl Fn(usize, &mut [[f32; W]; N])) -> [[f64; W]; N] {
    let mut totals = [[0.0; W]; N];
    for first in (0..rows).step_by(BLOCK) {
        let mut sums = [[0.0; W]; N];
        for row in first..(first + BLOCK).min(rows) {
            add(row, &mut sums);
        }
        for (totals, sums) in totals.iter_mut().zip(&sums) {
            for (total, sum) in totals.iter_mut().zip(sums) {
                *total += f64::from(*sum);
            }
        }
    }
    totals
}

/// The sums of `dy x^` and of `dy`, each of a panel's columns.
pub(super) type Sums = [[f64; PANEL]; 2];

dispatch_plain! {
    /// Sums of row-major tiles of `width` columns.
    pub(super) fn of_gradient(dy: &[f32], normalized: &[f32], width: usize, sums: &mut Sums) = of_gradient_plain
}

#[inline(always)]
fn of_gradient_plain<const FUSED: bool>(dy: &[f32], normalized: &[f32], width: usize, sums: &mut Sums) {
    match width {
        16 => of_columns::<16, FUSED>(dy, normalized, sums),
        32 => of_columns::<32, FUSED>(dy, normalized, sums),
        _ => of_columns::<PANEL, FUSED>(dy, normalized, sums),
    }
}

#[inline(always)]
fn of_columns<const W: usize, const FUSED: bool>(dy: &[f32], normalized: &[f32], sums: &mut Sums) {
    let (dy, normalized) = (dy.as_chunks::<W>().0, normalized.as_chunks::<W>().0);
    let rows = dy.len().min(normalized.len());
    let found = over_rows::<W, 2>(rows, |row, [products, plain]| {
        for column in 0..W {
            products[column] = mul_add::<FUSED>(dy[row][column], normalized[row][column], products[column]);
            plain[column] += dy[row][column];
        }
    });
    for (sums, found) in sums.iter_mut().zip(&found) {
        sums[..W].copy_from_slice(found);
    }
}

/// Where the gradients of scale and shift go.
#[derive(Clone, Copy)]
pub(super) struct Destination<'a> {
    weight: Shares<'a, f32>,
    bias: Shares<'a, f32>,
    add: bool,
}

impl<'a> Destination<'a> {
    pub(super) fn new(gradient: &'a mut Gradient, add: bool) -> Self {
        Self { weight: Shares::new(gradient.weight.values_mut()), bias: Shares::new(gradient.bias.values_mut()), add }
    }

    /// Stores the sums of a panel, or adds them.
    ///
    /// # Safety
    /// Nobody else stores those of this panel.
    pub(super) unsafe fn store(&self, panel: usize, width: usize, sums: &Sums) {
        for (place, sums) in [&self.weight, &self.bias].into_iter().zip(sums) {
            // SAFETY: the caller's promise.
            let place = unsafe { place.part(panel * width, width) };
            for (place, sum) in place.iter_mut().zip(sums) {
                *place = if self.add { *place + *sum as f32 } else { *sum as f32 };
            }
        }
    }
}

/// `sum_b dy x^` and `sum_b dy`, over the first `rows` rows.
pub(super) fn gradient(team: &mut Team, dy: &Panels, normalized: &Panels, rows: usize, destination: Destination<'_>) {
    let (stride, width) = (dy.stride(), dy.width());
    team.run(dy.count(), |panel| {
        let tile = |matrix: &Panels| panel * stride..panel * stride + rows.min(matrix.rows()) * width;
        let mut sums = [[0.0; PANEL]; 2];
        of_gradient(&dy.values()[tile(dy)], &normalized.values()[tile(normalized)], width, &mut sums);
        // SAFETY: each task has a panel of its own.
        unsafe { destination.store(panel, width, &sums) };
    });
}
