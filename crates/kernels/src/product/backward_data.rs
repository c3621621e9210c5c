use super::tile::{Dense, dense};
use crate::isa::dispatch_simd;
use crate::lit::each_bit;
use crate::pool::Team;
use crate::shares::Shares;
use crate::simd::Simd;
use crate::{Lit, Panels};
use std::ops::Range;

/// How to compute [`input_gradient`].
#[derive(Debug)]
pub enum Way<'a> {
    /// Only where the slope is not zero: `Lit` belongs to the slopes.
    Skipping(&'a Lit),
    /// All of it, by way of a transposed copy of the weight, which is written into this `[out, in]`.
    Whole(&'a mut Panels),
}

/// `dx = (dz w^T) * slope`, for the first `rows` rows. The two ways add the terms of a sum in different orders.
///
/// # Shapes
/// `dz` `[rows, out]`, `w` `[in, out]`, `slopes` and `dx` `[rows, in]`.
pub fn input_gradient(team: &mut Team, dz: &Panels, rows: usize, w: &Panels, slopes: &Panels, dx: &mut Panels, way: Way<'_>) {
    let fits = dz.columns() == w.columns() && slopes.columns() == w.rows() && dx.columns() == w.rows() && slopes.rows() == dx.rows();
    assert!(fits && rows <= dz.rows() && rows <= dx.rows(), "the shapes of a product fit");
    assert!(
        match &way {
            Way::Skipping(lit) => lit.belongs_to(slopes, rows),
            Way::Whole(transposed) => transposed.rows() == w.columns() && transposed.columns() == w.rows(),
        },
        "what the way needs belongs to these"
    );
    let transposed = match way {
        Way::Whole(transposed) => {
            transpose(team, w, transposed);
            Ok(&*transposed)
        }
        Way::Skipping(lit) => Err(lit),
    };
    const CHUNK: usize = 32;
    let chunks = rows.div_ceil(CHUNK);
    let (stride, width) = (dx.stride(), dx.width());
    let panels = dx.count();
    let dx = Shares::new(dx.values_mut());
    team.run(chunks * panels, |task| {
        let (panel, first) = (task / chunks, task % chunks * CHUNK);
        let rows = first..(first + CHUNK).min(rows);
        // SAFETY: each task has rows and a panel of its own.
        let out = unsafe { dx.part(panel * stride + rows.start * width, rows.len() * width) };
        let slopes = &slopes.values()[panel * stride + rows.start * width..][..rows.len() * width];
        let task = Task { dz, w, rows, first_input: panel * width, slopes, width };
        match transposed {
            // SAFETY: the shapes fit, as checked above.
            Err(lit) => unsafe { skipping(&task, &lit.rows_of(panel)[task.rows.clone()], out) },
            Ok(transposed) => whole(&task, transposed, panel, out),
        }
    });
}

/// Writes the transpose of `w` `[in, out]` into `transposed` `[out, in]`.
fn transpose(team: &mut Team, w: &Panels, transposed: &mut Panels) {
    let (stride, width) = (transposed.stride(), transposed.width());
    let (inputs, outputs) = (w.rows(), w.columns());
    let panels = transposed.count();
    let shares = Shares::new(transposed.values_mut());
    team.run(panels, |panel| {
        // SAFETY: each task has a panel of its own.
        let out = unsafe { shares.part(panel * stride, stride) };
        let first = panel * width;
        for from in 0..w.count() {
            let outputs = w.width().min(outputs - from * w.width());
            for input in first..(first + width).min(inputs) {
                let row = &w.values()[from * w.stride() + input * w.width()..][..outputs];
                let column = &mut out[from * w.width() * width + input - first..];
                for (output, value) in row.iter().enumerate() {
                    column[output * width] = *value;
                }
            }
        }
    });
}

/// Every element of a tile, then the slopes.
fn whole(task: &Task<'_>, transposed: &Panels, panel: usize, out: &mut [f32]) {
    let Task { dz, rows, slopes, .. } = task;
    out.fill(0.0);
    let product = Dense {
        a: dz.values()[rows.start * dz.width()..].as_ptr(),
        a_row: dz.width(),
        a_k: 1,
        a_run: dz.width(),
        a_run_step: dz.stride(),
        b: transposed.values()[panel * transposed.stride()..].as_ptr(),
        c: out.as_mut_ptr(),
        width: task.width,
        rows: rows.len(),
        terms: dz.columns(),
    };
    // SAFETY: the shapes fit, and `out` is exclusive.
    unsafe { dense(&product) };
    out.iter_mut().zip(*slopes).for_each(|(out, slope)| *out *= slope);
}

struct Task<'a> {
    dz: &'a Panels,
    w: &'a Panels,
    rows: Range<usize>,
    /// The first input of the panel.
    first_input: usize,
    /// Row-major `[rows, width]`, like the output.
    slopes: &'a [f32],
    width: usize,
}

dispatch_simd! {
    /// # Safety
    /// The shapes fit.
    unsafe fn skipping(task: &Task<'_>, words: &[u64], out: &mut [f32]) = skipping_generic
}

#[inline(always)]
unsafe fn skipping_generic<S: Simd>(task: &Task<'_>, words: &[u64], out: &mut [f32]) {
    out.fill(0.0);
    for (place, word) in words.iter().enumerate() {
        let mut inputs = [0; 64];
        let mut count = 0;
        each_bit(*word, |input| {
            inputs[count] = input;
            count += 1;
        });
        let (groups, rest) = inputs[..count].as_chunks::<8>();
        let row = task.rows.start + place;
        let out = &mut out[place * task.width..][..task.width];
        let slopes = &task.slopes[place * task.width..][..task.width];
        let mut store = |inputs: &[usize], dots: &[f32]| {
            for (input, dot) in inputs.iter().zip(dots) {
                out[*input] = dot * slopes[*input];
            }
        };
        // SAFETY: the caller's promise.
        unsafe {
            for group in groups {
                store(group, &dots::<S, 8>(task, row, group));
            }
            for input in rest {
                store(&[*input], &dots::<S, 1>(task, row, &[*input]));
            }
        }
    }
}

/// `sum_o dz[row][o] w[first_input + inputs[n]][o]`, lane by lane over the panels and then over the lanes.
#[inline(always)]
unsafe fn dots<S: Simd, const N: usize>(task: &Task<'_>, row: usize, inputs: &[usize; N]) -> [f32; N] {
    let Task { dz, w, .. } = task;
    let width = w.width();
    // SAFETY: the caller's promise: rows and inputs lie inside the matrices.
    unsafe {
        let mut sums = [S::splat(0.0); N];
        for panel in 0..w.count() {
            let dz = dz.values().as_ptr().add(panel * dz.stride() + row * width);
            let w = w.values().as_ptr().add(panel * w.stride() + task.first_input * width);
            let mut column = 0;
            while column < width {
                let dz = S::load(dz.add(column));
                for (sum, input) in sums.iter_mut().zip(inputs) {
                    *sum = dz.mul_add(S::load(w.add(input * width + column)), *sum);
                }
                column += S::LANES;
            }
        }
        std::array::from_fn(|n| sums[n].sum())
    }
}
