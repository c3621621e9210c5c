use super::Inputs;
use super::dense::{Dense, dense};
use super::inputs::LitInputs;
use super::sparse::{Factors, Sparse, sparse_pair, sparse_single};
use crate::isa::dispatch_simd;
use crate::lit::{BLOCK, Look};
use crate::loss::Logits;
use crate::pool::{Tasks, Team};
use crate::shares::Shares;
use crate::simd::Simd;
use crate::{Bytes, Lit, PANEL, Panels};
use std::ops::Range;

/// What is done to a tile of pre-activations while it is in the cache: rows `rows` of panel `panel`. It turns the first slice, row-major
/// pre-activations, into outputs, and writes their slopes into the second.
pub type Finish<'a> = &'a (dyn Fn(usize, Range<usize>, &mut [f32], &mut [f32]) + Sync);

/// `out = finish(x w + bias)` and `slopes`, for the first `rows` rows. Without `slopes`, `finish` gets an empty slice in their place.
///
/// # Shapes
/// `x` `[rows, in]`, `w` `[in, out]`, `bias` `[1, out]`, `out` and `slopes` `[rows, out]`.
pub fn forward(
    team: &mut Team,
    x: Inputs<'_>,
    rows: usize,
    affine: (&Panels, &Panels),
    (out, slopes): (&mut Panels, Option<&mut Panels>),
    finish: Finish<'_>,
) {
    team.run_together(&[&mut Forward::new(team.threads(), x, rows, affine, Out { out, slopes, lit: None, lit_slopes: None }, finish)]);
}

/// Where a product's outputs go.
#[derive(Debug)]
pub struct Out<'a> {
    /// The outputs.
    pub out: &'a mut Panels,
    /// Their slopes, where they are asked for.
    pub slopes: Option<&'a mut Panels>,
    /// Becomes what [`Lit::update`] would find in `out`.
    pub lit: Option<&'a mut Lit>,
    /// The same of `slopes`.
    pub lit_slopes: Option<&'a mut Lit>,
}

/// [`forward`] as part of a phase.
pub struct Forward<'a> {
    x: Inputs<'a>,
    w: &'a Panels,
    bias: &'a Panels,
    rows: usize,
    out: Shares<'a, f32>,
    slopes: Option<Shares<'a, f32>>,
    look: Option<Look<'a>>,
    look_slopes: Option<Look<'a>>,
    finish: Finish<'a>,
    /// Rows of a task.
    chunk: usize,
    /// Of the outputs: how far a panel is from the next, and its width.
    stride: usize,
    width: usize,
}

impl<'a> Forward<'a> {
    /// The tasks for so many threads; arguments as of [`forward`].
    pub fn new(
        threads: usize,
        x: Inputs<'a>,
        rows: usize,
        (w, bias): (&'a Panels, &'a Panels),
        Out { out, slopes, lit: lit_out, lit_slopes }: Out<'a>,
        finish: Finish<'a>,
    ) -> Self {
        assert!(x.columns() == w.rows() && w.columns() == out.columns() && bias.columns() == out.columns(), "the shapes of a product fit");
        assert!(x.have_rows(rows) && rows <= out.rows(), "there are so many rows");
        assert!(
            slopes.as_ref().is_none_or(|slopes| slopes.rows() == out.rows() && slopes.columns() == out.columns()),
            "slopes lie like outputs"
        );
        assert!(lit_slopes.is_none() || slopes.is_some(), "slopes that are looked at are there");
        let looks = lit_out.is_some() || lit_slopes.is_some();
        Self {
            x,
            w,
            bias,
            rows,
            look: lit_out.map(|lit| lit.begin(out, rows)),
            look_slopes: lit_slopes.map(|lit| lit.begin(out, rows)),
            chunk: chunk_rows(rows, out.count().div_ceil(2), threads, looks),
            stride: out.stride(),
            width: out.width(),
            out: Shares::new(out.values_mut()),
            slopes: slopes.map(|slopes| Shares::new(slopes.values_mut())),
            finish,
        }
    }

    /// The product that makes logits which other parts of the tasks use, too; it is called by rows, through [`tile`](Self::tile).
    pub(crate) fn of(x: Inputs<'a>, rows: usize, (w, bias): (&'a Panels, &'a Panels), logits: Logits<'a>) -> Self {
        assert!(x.columns() == w.rows() && w.columns() == logits.classes() && bias.columns() == w.columns(), "the shapes of a product fit");
        assert!(x.have_rows(rows), "there are so many rows");
        let (out, stride, width) = (logits.shares(), logits.stride(), w.width());
        let finish: Finish<'a> = &|_, _, _, _| {};
        Self { x, w, bias, rows, out, slopes: None, look: None, look_slopes: None, finish, chunk: rows.max(1), stride, width }
    }

    /// The outputs of some rows in one panel or two.
    pub(crate) fn tile(&self, panels: Range<usize>, rows: Range<usize>) {
        let Self { x, w, out, stride, width, .. } = *self;
        let (from, len) = (|panel: usize| panel * stride + rows.start * width, rows.len() * width);
        let bias = |panel: usize| self.bias.values()[panel * width..].as_ptr();
        let c = out.at(from(panels.start));
        let task = Task { w, panels: panels.clone(), rows: rows.clone(), bias: bias(panels.start), c, c_panel: stride };
        match x {
            // SAFETY: the shapes fit, as checked by `new`.
            Inputs::Lit(x, lit) => unsafe { skipping_values(&(x, lit), &task) },
            // SAFETY: as above.
            Inputs::Bytes(x, lit) => unsafe { skipping_bytes(&(x, lit), &task) },
            Inputs::Whole(x) => {
                for panel in panels.clone() {
                    // SAFETY: as above.
                    unsafe { whole(x, (w, bias(panel)), panel, &rows, c.add((panel - panels.start) * stride)) };
                }
            }
        }
        for panel in panels {
            // SAFETY: each task has rows and panels of its own, and rows that are looked at are whole blocks.
            unsafe {
                let tile = out.part(from(panel), len);
                let slopes = self.slopes.map_or_else(Default::default, |slopes| slopes.part(from(panel), len));
                (self.finish)(panel, rows.clone(), tile, slopes);
                if let Some(look) = &self.look {
                    look.at_rows(panel, rows.start, tile);
                }
                if let Some(look) = &self.look_slopes {
                    look.at_rows(panel, rows.start, slopes);
                }
            }
        }
    }
}

impl Tasks for Forward<'_> {
    fn count(&self) -> usize {
        self.rows.div_ceil(self.chunk) * self.w.count().div_ceil(2)
    }

    unsafe fn run(&self, task: usize) {
        let chunks = self.rows.div_ceil(self.chunk);
        let (pair, first) = (task / chunks, task % chunks * self.chunk);
        self.tile(2 * pair..(2 * pair + 2).min(self.w.count()), first..(first + self.chunk).min(self.rows));
    }
}

impl std::fmt::Debug for Forward<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Forward").field("rows", &self.rows).field("chunk", &self.chunk).finish_non_exhaustive()
    }
}

/// Whether zeros of the outputs are best looked for by the tasks that make them: they need whole blocks of rows, which may be too few tasks.
pub fn can_look(rows: usize, outputs: &Panels, threads: usize) -> bool {
    let pairs = outputs.count().div_ceil(2);
    rows <= 32 || rows.div_ceil(BLOCK) * pairs >= threads
}

/// Rows of a task: enough to use a panel of weights well, and few enough to give every thread something. It changes no bit of the result.
fn chunk_rows(rows: usize, pairs: usize, threads: usize, whole_blocks: bool) -> usize {
    if super::LIBRARY.is_some() {
        // A library may round otherwise in a product of other sizes.
        return BLOCK;
    }
    let least = if whole_blocks { BLOCK } else { BLOCK / 2 };
    [2 * BLOCK, BLOCK].into_iter().find(|chunk| rows.div_ceil(*chunk) * pairs >= threads).unwrap_or(least)
}

unsafe fn whole(x: &Panels, (w, bias): (&Panels, *const f32), panel: usize, rows: &Range<usize>, c: *mut f32) {
    let product = Dense {
        a: x.values()[rows.start * x.width()..].as_ptr(),
        a_row: x.width(),
        a_k: 1,
        a_run: x.width(),
        a_run_step: x.stride(),
        b: w.values()[panel * w.stride()..].as_ptr(),
        from: bias,
        from_row: 0,
        c,
        width: w.width(),
        rows: rows.len(),
        terms: x.columns(),
    };
    // SAFETY: the caller has checked the shapes.
    unsafe { dense(&product) }
}

struct Task<'a> {
    w: &'a Panels,
    /// One panel of outputs or two.
    panels: Range<usize>,
    rows: Range<usize>,
    /// What the sums of the first panel begin with; those of the second lie behind it.
    bias: *const f32,
    /// The first row of the first panel; the second is `c_panel` further on.
    c: *mut f32,
    c_panel: usize,
}

dispatch_simd! {
    /// # Safety
    /// The shapes fit, and `c` is written by nobody else.
    unsafe fn skipping_values(x: &(&Panels, &Lit), task: &Task<'_>) = skipping
}

dispatch_simd! {
    /// # Safety
    /// The shapes fit, and `c` is written by nobody else.
    unsafe fn skipping_bytes(x: &(&Bytes, &Lit), task: &Task<'_>) = skipping
}

#[inline(always)]
unsafe fn skipping<S: Simd>(x: &impl LitInputs, task: &Task<'_>) {
    let mut first = task.rows.start;
    while first < task.rows.end {
        // It lies in one block, wherever the task begins.
        let rows = first..((first / STRIP + 1) * STRIP).min(task.rows.end);
        // SAFETY: the caller's promise.
        unsafe { skipping_strip::<S>(x, task, rows.clone()) };
        first = rows.end;
    }
}

/// Rows that are taken together: two panels of their sums, 16 KiB, stay in the first cache while all inputs come by, a word of them and its
/// rows of weights, 32 KiB, at a time. With more rows every word would move the sums between two caches and back, with fewer the weights.
const STRIP: usize = 32;
// So that a strip lies in one block of what is lit.
const _: () = assert!(BLOCK.is_multiple_of(STRIP));

#[inline(always)]
unsafe fn skipping_strip<S: Simd>(x: &impl LitInputs, task: &Task<'_>, rows: Range<usize>) {
    let Task { w, .. } = task;
    for panel in 0..x.count() {
        let words = x.lit().rows_of(panel, rows.clone());
        let b = w.values()[task.panels.start * w.stride() + panel * x.width() * w.width()..].as_ptr();
        let mut a = x.factors(panel, rows.start);
        let mut c = task.c.wrapping_add((rows.start - task.rows.start) * w.width());
        for word in words {
            let (from, from_panel) = if panel == 0 { (task.bias, w.width()) } else { (c.cast_const(), task.c_panel) };
            let (word, width, b_panel, c_panel) = (*word, w.width(), w.stride(), task.c_panel);
            let sum = Sparse { word, a, a_step: 1, b, from, c, width, b_panel, from_panel, c_panel };
            // SAFETY: the caller's promise.
            unsafe {
                if task.panels.len() == 2 && w.width() == PANEL {
                    sparse_pair::<S, _>(&sum);
                } else {
                    each_panel::<S, _>(&sum, task.panels.len());
                }
                (a, c) = (a.skip(x.width()), c.add(w.width()));
            }
        }
    }
}

/// The panels one after the other.
#[inline(always)]
pub(super) unsafe fn each_panel<S: Simd, A: Factors>(sum: &Sparse<A>, panels: usize) {
    for panel in 0..panels {
        // SAFETY: the caller's promise.
        unsafe {
            let (b, from, c) = (sum.b.add(panel * sum.b_panel), sum.from.add(panel * sum.from_panel), sum.c.add(panel * sum.c_panel));
            sparse_single::<S, A>(&Sparse { b, from, c, ..*sum });
        }
    }
}
