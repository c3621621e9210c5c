use super::dense::{Dense, dense};
use super::forward::each_panel;
use super::inputs::LitInputs;
use super::sparse::{Factors, Sparse, sparse_pair};
use super::{Inputs, ZEROS};
use crate::isa::dispatch_simd;
use crate::lit::BLOCK;
use crate::optimizer::{Update, apply};
use crate::pool::{Tasks, Team, mirrored};
use crate::shares::Shares;
use crate::simd::Simd;
use crate::{Bytes, Lit, PANEL, Panels};
use std::mem::MaybeUninit;
use std::ops::Range;

/// The gradients of a layer: like its weight `[in, out]` and its bias `[1, out]`.
#[derive(Clone, Debug)]
pub struct Gradient {
    /// `x^T dz`.
    pub weight: Panels,
    /// The sum of `dz` over rows.
    pub bias: Panels,
}

/// A parameter to be updated as soon as its gradient is there, tile by tile, while both are in the cache: its gradient is never stored.
#[derive(Debug)]
pub struct Target<'a> {
    /// What to do.
    pub update: Update,
    /// The parameter.
    pub parameter: &'a mut Panels,
    /// The optimiser's slots, up to three.
    pub slots: &'a mut [Panels],
}

/// What becomes of the gradients of a layer.
#[derive(Debug)]
pub enum Destination<'a> {
    /// They are stored.
    Store(&'a mut Gradient),
    /// They are added to what is stored.
    Add(&'a mut Gradient),
    /// They update weight and bias at once.
    Update {
        /// The weight.
        weight: Target<'a>,
        /// The bias.
        bias: Target<'a>,
    },
}

/// Which thread begins with which tiles. It changes no bit.
#[derive(Clone, Copy, Debug, Default)]
pub struct TileOrder {
    /// A panel of inputs after the other, so that a thread meets the inputs that it made itself; otherwise a panel of outputs after the other, so
    /// that it meets the weights that it met in the forward pass.
    pub by_inputs: bool,
    /// Each thread begins with the last of its tiles: in turn with the other direction, what a step left in the cache is what the next one
    /// begins with.
    pub backwards: bool,
}

/// The gradients of weight `[in, out]` and bias `[1, out]` from the first `rows` rows of `x` `[rows, in]` and `dz` `[rows, out]`.
pub fn weight_gradient(team: &mut Team, x: Inputs<'_>, rows: usize, dz: &Panels, destination: Destination<'_>) {
    team.run_together(&[&mut WeightGradient::new(team.threads(), x, rows, dz, (destination, TileOrder::default()))]);
}

/// [`weight_gradient`] as part of a phase.
pub struct WeightGradient<'a> {
    x: Inputs<'a>,
    rows: usize,
    dz: &'a Panels,
    weight: Place<'a>,
    bias: Place<'a>,
    order: TileOrder,
    threads: usize,
}

impl<'a> WeightGradient<'a> {
    /// The tasks for so many threads; arguments as of [`weight_gradient`].
    pub fn new(threads: usize, x: Inputs<'a>, rows: usize, dz: &'a Panels, (destination, order): (Destination<'a>, TileOrder)) -> Self {
        assert!(x.have_rows(rows) && rows <= dz.rows(), "there are so many rows");
        let fits = |weight: &Panels, bias: &Panels| {
            weight.rows() == x.columns() && weight.columns() == dz.columns() && bias.rows() == 1 && bias.columns() == dz.columns()
        };
        assert!(
            match &destination {
                Destination::Store(gradient) | Destination::Add(gradient) => fits(&gradient.weight, &gradient.bias),
                Destination::Update { weight, bias, .. } => fits(weight.parameter, bias.parameter),
            },
            "the shapes of a product fit"
        );
        let (weight, bias) = match destination {
            Destination::Store(gradient) => (Place::store(&mut gradient.weight, false), Place::store(&mut gradient.bias, false)),
            Destination::Add(gradient) => (Place::store(&mut gradient.weight, true), Place::store(&mut gradient.bias, true)),
            Destination::Update { weight, bias } => (Place::update(weight), Place::update(bias)),
        };
        Self { x, rows, dz, weight, bias, order, threads }
    }

    /// The gradient of a tile of the weight: a panel of inputs by one panel of outputs or two.
    fn tile(&self, in_panel: usize, panels: Range<usize>) {
        let Self { x, dz, rows, .. } = *self;
        let (inputs, width) = (x.columns(), dz.width());
        let stride = inputs * width;
        let first = in_panel * x.width();
        let range = first..(first + x.width()).min(inputs);
        let (from, len) = (panels.start * stride + range.start * width, range.len() * width);
        self.weight.fill_pair((from, len), (panels.len(), stride), |c, c_panel, adds| {
            let task = Task { dz, in_panel, inputs: range.len(), panels: panels.clone(), c, c_panel, adds };
            match x {
                // SAFETY: the shapes fit, and `c` points at room for both panels that is this task's alone.
                Inputs::Lit(x, lit) => unsafe { skipping_values(&(x, lit), &task) },
                // SAFETY: as above.
                Inputs::Bytes(x, lit) => unsafe { skipping_bytes(&(x, lit), &task) },
                Inputs::Whole(x) => {
                    for panel in panels.clone() {
                        // SAFETY: the second panel is so far further on.
                        let c = unsafe { c.add((panel - panels.start) * c_panel) };
                        let product = Dense {
                            a: x.values()[in_panel * x.stride()..].as_ptr(),
                            a_row: 1,
                            a_k: x.width(),
                            a_run: rows,
                            a_run_step: 0,
                            b: dz.values()[panel * dz.stride()..].as_ptr(),
                            from: if adds { c.cast_const() } else { ZEROS.as_ptr() },
                            from_row: if adds { width } else { 0 },
                            c,
                            width,
                            rows: range.len(),
                            terms: rows,
                        };
                        // SAFETY: as above.
                        unsafe { dense(&product) };
                    }
                }
            }
        });
    }
}

impl Tasks for WeightGradient<'_> {
    fn count(&self) -> usize {
        self.x.count() * self.dz.count().div_ceil(2)
    }

    unsafe fn run(&self, task: usize) {
        let Self { dz, rows, order, .. } = *self;
        let (in_panels, pairs) = (self.x.count(), dz.count().div_ceil(2));
        let task = if order.backwards { mirrored(task, in_panels * pairs, self.threads) } else { task };
        let (pair, in_panel) = if order.by_inputs { (task % pairs, task / pairs) } else { (task / in_panels, task % in_panels) };
        let panels = 2 * pair..(2 * pair + 2).min(dz.count());
        // One tile of each pair of outputs does their biases: mostly tiles of different threads, in either order.
        if in_panel == pair * in_panels / pairs {
            let width = dz.width();
            for panel in panels.clone() {
                self.bias.add_to(panel * width, width, |sums| sum_rows(&dz.values()[panel * dz.stride()..][..rows * width], sums));
            }
        }
        self.tile(in_panel, panels);
    }
}

impl std::fmt::Debug for WeightGradient<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("WeightGradient").field("rows", &self.rows).finish_non_exhaustive()
    }
}

/// Where one gradient goes.
struct Place<'a> {
    /// Where it is stored; the parameter itself where it is updated.
    values: Shares<'a, f32>,
    kind: Kind<'a>,
}

enum Kind<'a> {
    Store { add: bool },
    Update { update: Update, slots: [Option<Shares<'a, f32>>; 3] },
}

/// Values of a tile: two panels of 64 outputs by 64 inputs.
const TILE: usize = 2 * PANEL * PANEL;

impl<'a> Place<'a> {
    fn store(gradient: &'a mut Panels, add: bool) -> Self {
        Self { values: Shares::new(gradient.values_mut()), kind: Kind::Store { add } }
    }

    fn update(target: Target<'a>) -> Self {
        let mut slots = target.slots.iter_mut().map(|slot| Shares::new(slot.values_mut()));
        let slots = [slots.next(), slots.next(), slots.next()];
        Self { values: Shares::new(target.parameter.values_mut()), kind: Kind::Update { update: target.update, slots } }
    }

    /// Adds to zeros or to what is there, or updates by the sums: `len` elements from `from` on, a panel's at most, which are this task's alone.
    fn add_to(&self, from: usize, len: usize, add: impl FnOnce(&mut [f32])) {
        self.fill_pair((from, len), (1, 0), |start, _, adds| {
            // SAFETY: `fill_pair` hands out `len` elements.
            let sums = unsafe { std::slice::from_raw_parts_mut(start, len) };
            if !adds {
                sums.fill(0.0);
            }
            add(sums);
        });
    }

    /// Stores a gradient or updates by it: `panels` parts of a matrix of `len` elements each, `stride` apart. `gradient` gets the first part, how far
    /// the next one is, and whether it is to add to what is there; otherwise nothing is, and it writes every element.
    fn fill_pair(&self, (from, len): (usize, usize), (panels, stride): (usize, usize), gradient: impl FnOnce(*mut f32, usize, bool)) {
        match &self.kind {
            Kind::Store { add } => gradient(self.values.at(from), stride, *add),
            Kind::Update { update, slots } => {
                let mut tile = MaybeUninit::<[f32; TILE]>::uninit();
                let start = tile.as_mut_ptr().cast::<f32>();
                gradient(start, TILE / 2, false);
                for panel in 0..panels {
                    // SAFETY: each task has elements of its own.
                    let part = |shares: &Shares<'a, f32>| unsafe { shares.part(from + panel * stride, len) };
                    let slots = slots.each_ref().map(|slot| slot.as_ref().map_or_else(Default::default, part));
                    // SAFETY: `gradient` has written `len` elements of each part.
                    let gradient = unsafe { std::slice::from_raw_parts(start.add(panel * (TILE / 2)), len) };
                    apply(update, part(&self.values), gradient, slots);
                }
            }
        }
    }
}

/// Adds rows to `sums`, the first first.
fn sum_rows(values: &[f32], sums: &mut [f32]) {
    for row in values.chunks_exact(sums.len()) {
        sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
    }
}

struct Task<'a> {
    dz: &'a Panels,
    in_panel: usize,
    /// Inputs of that panel.
    inputs: usize,
    /// One panel of outputs or two.
    panels: Range<usize>,
    /// The row of the first input in the first panel; the second panel is `c_panel` further on.
    c: *mut f32,
    c_panel: usize,
    /// Whether the sums go on from what is there.
    adds: bool,
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
    let Task { dz, in_panel, .. } = task;
    let (width, lit) = (dz.width(), x.lit());
    let blocks = lit.block_count();
    if blocks == 0 && !task.adds {
        for panel in 0..task.panels.len() {
            // SAFETY: the caller's promise.
            unsafe { task.c.add(panel * task.c_panel).write_bytes(0, task.inputs * width) };
        }
    }
    // One block of rows at a time: its rows of `dz` stay in the first cache for all inputs.
    for block in 0..blocks {
        let b = dz.values()[task.panels.start * dz.stride() + block * BLOCK * width..].as_ptr();
        let a = x.factors(*in_panel, block * BLOCK);
        // The first block of sums that go on from nothing writes them all.
        let is_first = block == 0 && !task.adds;
        for (input, word) in lit.columns_of(*in_panel, block)[..task.inputs].iter().enumerate() {
            let word = *word;
            if word == 0 && !is_first {
                continue;
            }
            // SAFETY: the caller's promise.
            unsafe {
                let (a, c, c_panel) = (a.skip(input), task.c.add(input * width), task.c_panel);
                let (from, from_panel) = if is_first { (ZEROS.as_ptr(), PANEL) } else { (c.cast_const(), c_panel) };
                let sum = Sparse { word, a, a_step: x.width(), b, from, c, width, b_panel: dz.stride(), from_panel, c_panel };
                if task.panels.len() == 2 && width == PANEL {
                    sparse_pair::<S, _>(&sum);
                } else {
                    each_panel::<S, _>(&sum, task.panels.len());
                }
            }
        }
    }
}
