use super::tile::{Dense, Sparse, dense, sparse_pair, sparse_single};
use crate::isa::dispatch_simd;
use crate::pool::Team;
use crate::shares::Shares;
use crate::simd::Simd;
use crate::{Lit, PANEL, Panels};
use std::ops::Range;

/// What is done to a tile of pre-activations while it is in the cache: rows `rows` of panel `panel`. It turns the first slice, row-major
/// pre-activations, into outputs, and writes their slopes into the second.
pub type Finish<'a> = &'a (dyn Fn(usize, Range<usize>, &mut [f32], &mut [f32]) + Sync);

/// `out = finish(x w + bias)` and `slopes`, for the first `rows` rows. Without `slopes`, `finish` gets an empty slice in their place.
///
/// # Shapes
/// `x` `[rows, in]`, `w` `[in, out]`, `bias` `[1, out]`, `out` and `slopes` `[rows, out]`. `lit` belongs to `x`, or is `None` to multiply
/// everything.
pub fn forward(
    team: &mut Team,
    (x, lit): (&Panels, Option<&Lit>),
    rows: usize,
    (w, bias): (&Panels, &Panels),
    (out, slopes): (&mut Panels, Option<&mut Panels>),
    finish: Finish<'_>,
) {
    assert!(x.columns() == w.rows() && w.columns() == out.columns() && bias.columns() == out.columns(), "the shapes of a product fit");
    assert!(rows <= x.rows() && rows <= out.rows() && lit.is_none_or(|lit| lit.belongs_to(x, rows)), "there are so many rows");
    assert!(
        slopes.as_ref().is_none_or(|slopes| slopes.rows() == out.rows() && slopes.columns() == out.columns()),
        "slopes lie like outputs"
    );
    let pairs = out.count().div_ceil(2);
    let chunk = chunk_rows(rows, pairs, team.threads());
    let chunks = rows.div_ceil(chunk);
    let (stride, width) = (out.stride(), out.width());
    let (out, slopes) = (Shares::new(out.values_mut()), slopes.map(|slopes| Shares::new(slopes.values_mut())));
    team.run(chunks * pairs, |task| {
        let (pair, first) = (task / chunks, task % chunks * chunk);
        let range = first..(first + chunk).min(rows);
        let panels = 2 * pair..(2 * pair + 2).min(w.count());
        let place = |panel: usize| panel * stride + range.start * width;
        for panel in panels.clone() {
            // SAFETY: each task has rows and panels of its own.
            let tile = unsafe { out.part(place(panel), range.len() * width) };
            let bias = &bias.values()[panel * width..][..width];
            tile.chunks_exact_mut(width).for_each(|row| row.copy_from_slice(bias));
        }
        let c = out.at(place(panels.start));
        match lit {
            // SAFETY: the shapes fit, as checked above.
            Some(lit) => unsafe { skipping(&Task { x, lit, w, panels: panels.clone(), rows: range.clone(), c, c_panel: stride }) },
            None => {
                for panel in panels.clone() {
                    // SAFETY: as above.
                    unsafe { whole(x, w, panel, &range, c.add((panel - panels.start) * stride)) };
                }
            }
        }
        for panel in panels {
            let (from, len) = (place(panel), range.len() * width);
            // SAFETY: as above.
            let (tile, slopes) = unsafe { (out.part(from, len), slopes.map_or_else(Default::default, |slopes| slopes.part(from, len))) };
            finish(panel, range.clone(), tile, slopes);
        }
    });
}

/// Rows of a task: enough to use a panel of weights well, and few enough to give every thread something. It changes no bit of the result.
fn chunk_rows(rows: usize, pairs: usize, threads: usize) -> usize {
    [128, 64].into_iter().find(|chunk| rows.div_ceil(*chunk) * pairs >= threads).unwrap_or(32)
}

unsafe fn whole(x: &Panels, w: &Panels, panel: usize, rows: &Range<usize>, c: *mut f32) {
    let product = Dense {
        a: x.values()[rows.start * x.width()..].as_ptr(),
        a_row: x.width(),
        a_k: 1,
        a_run: x.width(),
        a_run_step: x.stride(),
        b: w.values()[panel * w.stride()..].as_ptr(),
        c,
        width: w.width(),
        rows: rows.len(),
        terms: x.columns(),
    };
    // SAFETY: the caller has checked the shapes.
    unsafe { dense(&product) }
}

struct Task<'a> {
    x: &'a Panels,
    lit: &'a Lit,
    w: &'a Panels,
    /// One panel of outputs or two.
    panels: Range<usize>,
    rows: Range<usize>,
    /// The first row of the first panel; the second is `c_panel` further on.
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
    let Task { x, lit, w, .. } = task;
    // One word of inputs at a time: its rows of weights stay in the first cache for all rows of the batch.
    for panel in 0..x.count() {
        let words = &lit.rows_of(panel)[task.rows.clone()];
        let b = w.values()[task.panels.start * w.stride() + panel * x.width() * w.width()..].as_ptr();
        let mut a = x.values()[panel * x.stride() + task.rows.start * x.width()..].as_ptr();
        let mut c = task.c;
        for word in words {
            let sum = Sparse { word: *word, a, a_step: 1, b, c, width: w.width(), b_panel: w.stride(), c_panel: task.c_panel };
            // SAFETY: the caller's promise.
            unsafe {
                if task.panels.len() == 2 && w.width() == PANEL {
                    sparse_pair::<S>(&sum);
                } else {
                    each_panel::<S>(&sum, task.panels.len());
                }
                (a, c) = (a.add(x.width()), c.add(w.width()));
            }
        }
    }
}

/// The panels one after the other.
#[inline(always)]
pub(super) unsafe fn each_panel<S: Simd>(sum: &Sparse, panels: usize) {
    for panel in 0..panels {
        // SAFETY: the caller's promise.
        unsafe { sparse_single::<S>(&Sparse { b: sum.b.add(panel * sum.b_panel), c: sum.c.add(panel * sum.c_panel), ..*sum }) };
    }
}
