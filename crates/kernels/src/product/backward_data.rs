use super::ZEROS;
use super::dense::{Dense, dense};
use crate::isa::dispatch_simd;
use crate::lit::each_bit;
use crate::pool::{Tasks, Team};
use crate::shares::Shares;
use crate::simd::Simd;
use crate::{Lit, Panels};
use std::marker::PhantomData;
use std::ops::Range;

/// How to compute [`input_gradient`].
#[derive(Clone, Copy, Debug)]
pub enum Way<'a> {
    /// Only where the slope is not zero: `Lit` belongs to the slopes.
    Skipping(&'a Lit),
    /// All of it, by way of a copy of the weight that [`Transpose`](super::Transpose) has made, `[out, in]`.
    Whole(&'a Panels),
}

/// `dx = (dz w^T) * slope`, for the first `rows` rows. The two ways add the terms of a sum in different orders.
///
/// # Shapes
/// `dz` `[rows, out]`, `w` `[in, out]`, `slopes` and `dx` `[rows, in]`.
pub fn input_gradient(team: &mut Team, dz: &Panels, rows: usize, w: &Panels, slopes: &Panels, dx: &mut Panels, way: Way<'_>) {
    team.run_together(&[&mut InputGradient::new(dz, rows, w, slopes, dx, way)]);
}

/// `dz`, in panels like the columns of the weight.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dz<'a> {
    pub(crate) start: *const f32,
    /// How far one panel is from the next.
    pub(crate) stride: usize,
    pub(crate) matrix: PhantomData<&'a f32>,
}

// SAFETY: tasks only read it, at rows that nobody writes at that time.
unsafe impl Sync for Dz<'_> {}

/// [`input_gradient`] as part of a phase.
#[derive(Debug)]
pub struct InputGradient<'a> {
    dz: Dz<'a>,
    rows: usize,
    w: &'a Panels,
    slopes: &'a Panels,
    dx: Shares<'a, f32>,
    way: Way<'a>,
    /// Of `dx`: its panels, how far one is from the next, and its width.
    panels: usize,
    stride: usize,
    width: usize,
}

impl<'a> InputGradient<'a> {
    /// The tasks; arguments as of [`input_gradient`].
    pub fn new(dz: &'a Panels, rows: usize, w: &'a Panels, slopes: &'a Panels, dx: &'a mut Panels, way: Way<'a>) -> Self {
        assert!(dz.columns() == w.columns() && rows <= dz.rows(), "the shapes of a product fit");
        Self::of(Dz { start: dz.values().as_ptr(), stride: dz.stride(), matrix: PhantomData }, rows, w, slopes, dx, way)
    }

    /// The same, of a `dz` that other parts of the tasks write: it lies in panels like the columns of `w`, `rows` rows of it or more.
    pub(crate) fn of(dz: Dz<'a>, rows: usize, w: &'a Panels, slopes: &'a Panels, dx: &'a mut Panels, way: Way<'a>) -> Self {
        let fits = slopes.columns() == w.rows() && dx.columns() == w.rows() && slopes.rows() == dx.rows();
        assert!(fits && rows <= dx.rows(), "the shapes of a product fit");
        assert!(
            match &way {
                Way::Skipping(lit) => lit.belongs_to(slopes, rows),
                Way::Whole(transposed) => transposed.rows() == w.columns() && transposed.columns() == w.rows(),
            },
            "what the way needs belongs to these"
        );
        let (panels, stride, width) = (dx.count(), dx.stride(), dx.width());
        Self { dz, rows, w, slopes, dx: Shares::new(dx.values_mut()), way, panels, stride, width }
    }

    /// The gradient at some rows of all panels of inputs.
    pub(crate) fn rows(&self, rows: &Range<usize>) {
        for panel in 0..self.panels {
            self.tile(panel, rows.clone());
        }
    }

    /// The gradient at some rows of a panel of inputs.
    fn tile(&self, panel: usize, rows: Range<usize>) {
        let Self { dz, w, stride, width, .. } = *self;
        let (from, len) = (panel * stride + rows.start * width, rows.len() * width);
        // SAFETY: each task has rows and a panel of its own.
        let out = unsafe { self.dx.part(from, len) };
        let slopes = &self.slopes.values()[from..][..len];
        let task = Task { dz, w, rows, first_input: panel * width, slopes, width };
        match self.way {
            // SAFETY: the shapes fit, as checked by `new`.
            Way::Skipping(lit) => unsafe { skipping(&task, lit.rows_of(panel, task.rows.clone()), out) },
            Way::Whole(transposed) => whole(&task, transposed, panel, out),
        }
    }
}

/// Rows of a task: all of one block of what is lit.
const CHUNK: usize = 32;
const _: () = assert!(crate::lit::BLOCK.is_multiple_of(CHUNK));

impl Tasks for InputGradient<'_> {
    fn count(&self) -> usize {
        self.rows.div_ceil(CHUNK) * self.panels
    }

    unsafe fn run(&self, task: usize) {
        let chunks = self.rows.div_ceil(CHUNK);
        let (panel, first) = (task / chunks, task % chunks * CHUNK);
        self.tile(panel, first..(first + CHUNK).min(self.rows));
    }
}

/// Every element of a tile, then the slopes.
fn whole(task: &Task<'_>, transposed: &Panels, panel: usize, out: &mut [f32]) {
    let Task { dz, w, rows, slopes, .. } = task;
    let product = Dense {
        // SAFETY: there are so many rows.
        a: unsafe { dz.start.add(rows.start * w.width()) },
        a_row: w.width(),
        a_k: 1,
        a_run: w.width(),
        a_run_step: dz.stride,
        b: transposed.values()[panel * transposed.stride()..].as_ptr(),
        from: ZEROS.as_ptr(),
        from_row: 0,
        c: out.as_mut_ptr(),
        width: task.width,
        rows: rows.len(),
        terms: w.columns(),
    };
    // SAFETY: the shapes fit, and `out` is exclusive.
    unsafe { dense(&product) };
    out.iter_mut().zip(*slopes).for_each(|(out, slope)| *out *= slope);
}

struct Task<'a> {
    dz: Dz<'a>,
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
        // Several at a time, so that none waits for its own additions, but no more than there are registers for.
        let (fours, rest) = rest.as_chunks::<4>();
        let (twos, rest) = rest.as_chunks::<2>();
        // SAFETY: the caller's promise.
        unsafe {
            for inputs in groups {
                if S::LANES == SUMS {
                    store(inputs, &dots::<S, 8>(task, row, inputs));
                } else {
                    inputs.as_chunks::<4>().0.iter().for_each(|inputs| store(inputs, &dots::<S, 4>(task, row, inputs)));
                }
            }
            fours.iter().for_each(|inputs| store(inputs, &dots::<S, 4>(task, row, inputs)));
            twos.iter().for_each(|inputs| store(inputs, &dots::<S, 2>(task, row, inputs)));
            rest.iter().for_each(|input| store(&[*input], &dots::<S, 1>(task, row, &[*input])));
        }
    }
}

/// Partial sums of a dot product, whatever the lanes of a register: so that every processor adds in the same order.
const SUMS: usize = 16;

/// `sum_o dz[row][o] w[first_input + inputs[n]][o]`: sixteen sums, of every sixteenth column each over the panels, and then over those.
#[inline(always)]
unsafe fn dots<S: Simd, const N: usize>(task: &Task<'_>, row: usize, inputs: &[usize; N]) -> [f32; N] {
    /// Registers of four lanes.
    const MOST: usize = SUMS / 4;
    let Task { dz, w, .. } = task;
    let (width, registers) = (w.width(), SUMS / S::LANES);
    // SAFETY: the caller's promise: rows and inputs lie inside the matrices; widths are multiples of 16.
    unsafe {
        let mut sums = [[S::splat(0.0); MOST]; N];
        for panel in 0..w.count() {
            let dz = dz.start.add(panel * dz.stride + row * width);
            let w = w.values().as_ptr().add(panel * w.stride() + task.first_input * width);
            for column in (0..width).step_by(SUMS) {
                for register in 0..registers {
                    let column = column + register * S::LANES;
                    let dz = S::load(dz.add(column));
                    for (sums, input) in sums.iter_mut().zip(inputs) {
                        sums[register] = dz.mul_add(S::load(w.add(input * width + column)), sums[register]);
                    }
                }
            }
        }
        std::array::from_fn(|n| S::sum_of_sixteen(&sums[n][..registers]))
    }
}
