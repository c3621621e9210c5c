//! The last layer, there and back: logits, losses, their gradient, and the gradient at the layer's inputs, row by row, in one phase.

use crate::Panels;
use crate::loss::{Logits, Loss, Objective, RowLoss};
use crate::pool::Tasks;
use crate::product::{Dz, Forward, InputGradient, Inputs, Way};
use std::marker::PhantomData;
use std::ops::Range;

/// The layer that makes the logits, and what made its inputs.
#[derive(Debug)]
pub struct LastLayer<'a> {
    /// `[rows, in]`
    pub inputs: Inputs<'a>,
    /// `[in, out]`; of at most 64 outputs.
    pub weight: &'a Panels,
    /// `[1, out]`
    pub bias: &'a Panels,
    /// `[rows, out]`: becomes the gradient at the logits.
    pub dz: &'a mut Panels,
    /// Where there is a layer before it.
    pub before: Option<Before<'a>>,
}

/// What the gradient at the last layer's inputs needs.
#[derive(Debug)]
pub struct Before<'a> {
    /// `[out, in]`, made by [`Transpose`](crate::product::Transpose).
    pub transposed: &'a Panels,
    /// `[rows, in]`
    pub slopes: &'a Panels,
    /// `[rows, in]`
    pub dx: &'a mut Panels,
}

/// Rows of a task: few enough to give every thread some.
fn chunk_rows(rows: usize, threads: usize) -> usize {
    // A library may round otherwise in a product of other sizes.
    let threads = if crate::product::LIBRARY.is_some() { 1 } else { threads };
    rows.div_ceil(threads).clamp(8, 32)
}

/// What [`forward`](crate::product::forward), [`loss`](crate::loss::loss) and [`input_gradient`](crate::product::input_gradient) compute one
/// after the other, to the bit.
pub struct RoundTrip<'a> {
    forward: Forward<'a>,
    loss: Loss<'a>,
    back: Option<InputGradient<'a>>,
    rows: usize,
    chunk: usize,
}

impl<'a> RoundTrip<'a> {
    /// The tasks for so many threads, of a row for each label.
    pub fn new(threads: usize, layer: LastLayer<'a>, objective: &'a Objective<'a>, labels: &'a [u32], losses: &'a mut [RowLoss]) -> Self {
        let LastLayer { inputs, weight, bias, dz, before } = layer;
        assert!(weight.count() == 1, "all logits lie in one panel");
        let rows = labels.len();
        // One set of shares for all who write or read the logits.
        let logits = Logits::of(dz);
        let forward = Forward::of(inputs, rows, (weight, bias), logits);
        let dz = Dz { start: logits.shares().at(0), stride: 0, matrix: PhantomData };
        let back = before.map(|Before { transposed, slopes, dx }| InputGradient::of(dz, rows, weight, slopes, dx, Way::Whole(transposed)));
        Self { forward, loss: Loss::new(objective, labels, logits, losses), back, rows, chunk: chunk_rows(rows, threads) }
    }

    fn rows(&self, rows: Range<usize>) {
        self.forward.tile(0..1, rows.clone());
        // SAFETY: each task has rows of its own, and what it wrote above is done.
        unsafe { self.loss.rows(rows.clone()) };
        if let Some(back) = &self.back {
            back.rows(&rows);
        }
    }
}

impl Tasks for RoundTrip<'_> {
    fn count(&self) -> usize {
        self.rows.div_ceil(self.chunk)
    }

    unsafe fn run(&self, task: usize) {
        self.rows(task * self.chunk..((task + 1) * self.chunk).min(self.rows));
    }
}

impl std::fmt::Debug for RoundTrip<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("RoundTrip").field("rows", &self.rows).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loss::{Head, loss};
    use crate::product::{Transpose, forward, input_gradient};
    use crate::{Lit, Team};

    fn values(count: usize, seed: usize) -> Vec<f32> {
        (0..count).map(|i| ((i * 37 + seed * 11) % 23) as f32 / 9.0 - 1.0).map(|value| if value < -0.5 { 0.0 } else { value }).collect()
    }

    #[test]
    fn there_and_back_in_one_phase_is_the_three_phases_to_the_bit() {
        for (rows, inputs, outputs, head) in
            [(1, 1, 2, Head::Softmax), (33, 70, 1, Head::Sigmoid), (128, 256, 10, Head::Softmax), (65, 30, 64, Head::Softmax)]
        {
            let capacity = rows + 2;
            let x = Panels::from_rows(capacity, inputs, &values(capacity * inputs, 1));
            let mut lit = Lit::new(&x);
            lit.update(&mut Team::new(1), &x, rows);
            let weight = Panels::from_rows(inputs, outputs, &values(inputs * outputs, 2));
            let bias = Panels::from_rows(1, outputs, &values(outputs, 3));
            let labels: Vec<u32> = (0..rows as u32).map(|row| row * 7 % (outputs as u32).max(2)).collect();
            let objective = Objective { head, label_smoothing: 0.1, class_weights: &[], share: 1.0 / rows as f32 };
            let mut transposed = Panels::zeros(outputs, inputs);
            let mut team = Team::new(3);
            team.run_together(&[&mut Transpose::new(&weight, &mut transposed)]);

            let (mut dz, mut dx, mut losses) =
                (Panels::zeros(capacity, outputs), Panels::zeros(capacity, inputs), vec![RowLoss::default(); rows]);
            forward(&mut team, Inputs::Lit(&x, &lit), rows, (&weight, &bias), (&mut dz, None), &|_, _, _, _| {});
            loss(&mut team, &objective, &labels, &mut dz, &mut losses);
            input_gradient(&mut team, &dz, rows, &weight, &x, &mut dx, Way::Whole(&transposed));
            let expected = (dz.to_rows(rows), dx.to_rows(rows), losses.clone());

            for threads in [1, 3, 16] {
                for matrix in [&mut dz, &mut dx] {
                    matrix.values_mut().fill(7.0);
                }
                let before = Before { transposed: &transposed, slopes: &x, dx: &mut dx };
                let layer = LastLayer { inputs: Inputs::Lit(&x, &lit), weight: &weight, bias: &bias, dz: &mut dz, before: Some(before) };
                Team::new(threads).run_together(&[&mut RoundTrip::new(threads, layer, &objective, &labels, &mut losses)]);
                assert_eq!((dz.to_rows(rows), dx.to_rows(rows), losses.clone()), expected, "{rows} rows, {inputs} -> {outputs}");
            }
        }
    }
}
