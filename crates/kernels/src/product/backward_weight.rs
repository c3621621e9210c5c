use super::forward::each_panel;
use super::tile::{Dense, Sparse, dense, sparse_pair};
use crate::isa::dispatch_simd;
use crate::lit::BLOCK;
use crate::pool::{Shares, Team};
use crate::simd::Simd;
use crate::{Lit, PANEL, Panels};
use std::ops::Range;

/// The gradients of a layer: like its weight `[in, out]` and its bias `[1, out]`.
#[derive(Clone, Debug)]
pub struct Gradient {
    /// `x^T dz`.
    pub weight: Panels,
    /// The sum of `dz` over rows.
    pub bias: Panels,
}

/// The gradients of weight and bias from the first `rows` rows of `x` `[rows, in]` and `dz` `[rows, out]`. `lit` belongs to `x`, or is `None` to
/// multiply everything. With `accumulate` they are added to what `gradient` holds.
pub fn weight_gradient(
    team: &mut Team,
    (x, lit): (&Panels, Option<&Lit>),
    rows: usize,
    dz: &Panels,
    gradient: &mut Gradient,
    accumulate: bool,
) {
    let Gradient { weight, bias } = gradient;
    debug_assert!(x.columns() == weight.rows() && dz.columns() == weight.columns() && rows <= x.rows() && rows <= dz.rows());
    let (stride, width) = (weight.stride(), weight.width());
    let (in_panels, pairs) = (x.count(), dz.count().div_ceil(2));
    let inputs = x.columns();
    let (weight, bias) = (Shares::new(weight.values_mut()), Shares::new(bias.values_mut()));
    // The first tasks are the biases', one for each panel.
    team.run(dz.count() + in_panels * pairs, |task| {
        let Some(task) = task.checked_sub(dz.count()) else {
            // SAFETY: each task has a panel of its own.
            let sums = unsafe { bias.part(task * width, width) };
            return sum_rows(&dz.values()[task * dz.stride()..][..rows * width], sums, accumulate);
        };
        let (in_panel, pair) = (task / pairs, task % pairs);
        let panels = 2 * pair..(2 * pair + 2).min(dz.count());
        let first = in_panel * x.width();
        let range = first..(first + x.width()).min(inputs);
        let place = |panel: usize| panel * stride + range.start * width;
        if !accumulate {
            for panel in panels.clone() {
                // SAFETY: each task has rows and panels of the weight of its own.
                unsafe { weight.part(place(panel), range.len() * width) }.fill(0.0);
            }
        }
        let c = weight.at(place(panels.start));
        match lit {
            // SAFETY: the shapes fit, as checked above.
            Some(lit) => unsafe { skipping(&Task { x, lit, dz, in_panel, inputs: range.len(), panels, c, c_panel: stride }) },
            None => {
                for panel in panels.clone() {
                    let product = Dense {
                        a: x.values()[in_panel * x.stride()..].as_ptr(),
                        a_row: 1,
                        a_k: x.width(),
                        a_run: rows,
                        a_run_step: 0,
                        b: dz.values()[panel * dz.stride()..].as_ptr(),
                        // SAFETY: the second panel is one stride further on.
                        c: unsafe { c.add((panel - panels.start) * stride) },
                        width,
                        rows: range.len(),
                        terms: rows,
                    };
                    // SAFETY: the shapes fit, as checked above.
                    unsafe { dense(&product) };
                }
            }
        }
    });
}

/// Adds rows up, the first first.
fn sum_rows(values: &[f32], sums: &mut [f32], accumulate: bool) {
    if !accumulate {
        sums.fill(0.0);
    }
    for row in values.chunks_exact(sums.len()) {
        sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
    }
}

struct Task<'a> {
    x: &'a Panels,
    lit: &'a Lit,
    dz: &'a Panels,
    in_panel: usize,
    /// Inputs of that panel.
    inputs: usize,
    /// One panel of outputs or two.
    panels: Range<usize>,
    /// The row of the first input in the first panel; the second panel is `c_panel` further on.
    c: *mut f32,
    c_panel: usize,
}

dispatch_simd! {
    /// # Safety
    /// The shapes fit, and `c` is written by nobody else.
    unsafe fn skipping(task: &Task<'_>) = skipping_generic
}

#[inline(always)]
unsafe fn skipping_generic<S: Simd>(task: &Task<'_>) {
    let Task { x, lit, dz, in_panel, .. } = task;
    let width = dz.width();
    let blocks = lit.rows_of(*in_panel).len().div_ceil(BLOCK);
    // One block of rows at a time: its rows of `dz` stay in the first cache for all inputs.
    for block in 0..blocks {
        let b = dz.values()[task.panels.start * dz.stride() + block * BLOCK * width..].as_ptr();
        let a = x.values()[in_panel * x.stride() + block * BLOCK * x.width()..].as_ptr();
        for input in 0..task.inputs {
            let word = lit.column(*in_panel, input)[block];
            if word == 0 {
                continue;
            }
            // SAFETY: the caller's promise.
            unsafe {
                let (a, c) = (a.add(input), task.c.add(input * width));
                let sum = Sparse { word, a, a_step: x.width(), b, c, width, b_panel: dz.stride(), c_panel: task.c_panel };
                if task.panels.len() == 2 && width == PANEL { sparse_pair::<S>(&sum) } else { each_panel::<S>(&sum, task.panels.len()) }
            }
        }
    }
}
