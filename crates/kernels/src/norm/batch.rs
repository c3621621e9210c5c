//! Over the rows of a batch (Ioffe and Szegedy 2015): see the model crate's batch normalisation.

use super::sums::{Destination, Sums, of_gradient, over_rows};
use super::{Affine, Gradient};
use crate::isa::{dispatch_plain, mul_add};
use crate::pool::Team;
use crate::product::Finish;
use crate::shares::Shares;
use crate::{PANEL, Panels};

/// What each unit is normalised by, each `[1, units]`.
#[derive(Clone, Debug)]
pub struct Moments {
    /// The mean.
    pub mean: Panels,
    /// The variance, with 1/n.
    pub variance: Panels,
    /// What the mean is short of, as one f32 rounds it: a unit's normalised values sum to zero, and so do the gradients at what it reads.
    rest: Panels,
    /// `1 / sqrt(variance + epsilon)`
    inverse: Panels,
}

impl Moments {
    /// Room for so many units.
    #[must_use]
    pub fn new(units: usize) -> Self {
        let zeros = || Panels::zeros(1, units);
        Self { mean: zeros(), variance: zeros(), rest: zeros(), inverse: zeros() }
    }

    /// Takes those of the first `rows` rows of `x`, at least one.
    pub fn measure(&mut self, team: &mut Team, x: &Panels, rows: usize, epsilon: f64) {
        debug_assert!(x.columns() == self.mean.columns() && (1..=x.rows()).contains(&rows));
        let (stride, width) = (x.stride(), x.width());
        let places = [&mut self.mean, &mut self.variance, &mut self.rest, &mut self.inverse].map(|place| Shares::new(place.values_mut()));
        team.run(x.count(), |panel| {
            // SAFETY: each task has a panel of its own.
            let [mean, variance, rest, inverse] = places.map(|place| unsafe { place.part(panel * width, width) });
            measure(&x.values()[panel * stride..][..rows * width], [mean, &mut *variance, rest]);
            invert(variance, epsilon as f32, inverse);
        });
    }

    /// Takes constants, such as running statistics.
    pub fn set(&mut self, mean: &Panels, variance: &Panels, epsilon: f64) {
        self.mean.values_mut().copy_from_slice(mean.values());
        self.variance.values_mut().copy_from_slice(variance.values());
        self.rest.values_mut().fill(0.0);
        invert(variance.values(), epsilon as f32, self.inverse.values_mut());
    }
}

fn invert(variance: &[f32], epsilon: f32, inverse: &mut [f32]) {
    for (inverse, variance) in inverse.iter_mut().zip(variance) {
        *inverse = 1.0 / (variance + epsilon).sqrt();
    }
}

dispatch_plain! {
    /// Mean, variance and rest of the mean of the columns of a row-major tile, as wide as they are.
    fn measure(x: &[f32], moments: [&mut [f32]; 3]) = measure_plain
}

#[inline(always)]
fn measure_plain<const FUSED: bool>(x: &[f32], moments: [&mut [f32]; 3]) {
    match moments[0].len() {
        16 => measure_columns::<16, FUSED>(x, moments),
        32 => measure_columns::<32, FUSED>(x, moments),
        _ => measure_columns::<PANEL, FUSED>(x, moments),
    }
}

#[inline(always)]
fn measure_columns<const W: usize, const FUSED: bool>(x: &[f32], [mean, variance, rest]: [&mut [f32]; 3]) {
    let x = x.as_chunks::<W>().0;
    let share = 1.0 / x.len() as f64;
    let [sums] = over_rows::<W, 1>(x.len(), |row, [sums]| {
        for column in 0..W {
            sums[column] += x[row][column];
        }
    });
    let means: [f32; W] = sums.map(|sum| (sum * share) as f32);
    let [squares, rests] = over_rows::<W, 2>(x.len(), |row, [squares, rests]| {
        for column in 0..W {
            let centred = x[row][column] - means[column];
            squares[column] = mul_add::<FUSED>(centred, centred, squares[column]);
            rests[column] += centred;
        }
    });
    let rests = rests.map(|sum| sum * share);
    mean.copy_from_slice(&means);
    for column in 0..W {
        rest[column] = rests[column] as f32;
        variance[column] = (squares[column] * share - rests[column] * rests[column]) as f32;
    }
}

/// Rows of a task.
const CHUNK: usize = 64;

/// Replaces the first `rows` rows of `x` by `x^` and writes `weight x^ + bias`, finished, into `out`.
///
/// # Shapes
/// `x`, `out` and `slopes` `[rows, units]`. Without `slopes`, `finish` gets an empty slice in their place.
pub fn forward(
    team: &mut Team,
    moments: &Moments,
    affine: Affine<'_>,
    (x, rows): (&mut Panels, usize),
    (out, slopes): (&mut Panels, Option<&mut Panels>),
    finish: Finish<'_>,
) {
    debug_assert!(x.columns() == out.columns() && x.columns() == moments.mean.columns() && x.rows() == out.rows() && rows <= x.rows());
    let (stride, width, panels) = (x.stride(), x.width(), x.count());
    let chunks = rows.div_ceil(CHUNK);
    let (x, out) = (Shares::new(x.values_mut()), Shares::new(out.values_mut()));
    let slopes = slopes.map(|slopes| Shares::new(slopes.values_mut()));
    team.run(panels * chunks, |task| {
        let (panel, first) = (task / chunks, task % chunks * CHUNK);
        let range = first..(first + CHUNK).min(rows);
        let (from, len) = (panel * stride + range.start * width, range.len() * width);
        // SAFETY: each task has rows and a panel of its own.
        let (x, tile) = unsafe { (x.part(from, len), out.part(from, len)) };
        let constants = [&moments.mean, &moments.rest, &moments.inverse, affine.weight, affine.bias];
        normalize(constants.map(|constants| &constants.values()[panel * width..][..width]), x, tile);
        // SAFETY: as above.
        let slopes = slopes.map_or_else(Default::default, |slopes| unsafe { slopes.part(from, len) });
        finish(panel, range, tile, slopes);
    });
}

dispatch_plain! {
    /// Mean and its rest, inverse deviation, weight and bias of the columns.
    fn normalize(constants: [&[f32]; 5], x: &mut [f32], out: &mut [f32]) = normalize_plain
}

#[inline(always)]
fn normalize_plain<const FUSED: bool>([mean, rest, inverse, weight, bias]: [&[f32]; 5], x: &mut [f32], out: &mut [f32]) {
    let width = mean.len();
    let [rest, inverse, weight, bias] = [rest, inverse, weight, bias].map(|constants| &constants[..width]);
    for (x, out) in x.chunks_exact_mut(width).zip(out.chunks_exact_mut(width)) {
        for column in 0..width {
            x[column] = (x[column] - mean[column] - rest[column]) * inverse[column];
            out[column] = mul_add::<FUSED>(x[column], weight[column], bias[column]);
        }
    }
}

/// What the way back through a normalisation takes.
#[derive(Clone, Copy, Debug)]
pub struct Backward<'a> {
    /// What the batch was normalised by.
    pub moments: &'a Moments,
    /// Whether the moments are constants, which no value of the batch changes.
    pub are_constant: bool,
    /// `x^`, `[rows, units]`.
    pub normalized: &'a Panels,
    /// The scale, `[1, units]`.
    pub weight: &'a Panels,
    /// What the result is multiplied by: the slopes of what made `x`, `[rows, units]`.
    pub slopes: Option<&'a Panels>,
}

/// Replaces the first `rows` rows of `dy` by the gradient at `x`, and stores the gradients of scale and shift, or adds them:
///
/// ```text
/// dx = weight / sqrt(variance + epsilon) (dy - mean_b(dy) - x^ mean_b(dy x^))
/// dx = weight / sqrt(variance + epsilon) dy                                       where the moments are constants
/// ```
pub fn backward(team: &mut Team, of: Backward<'_>, rows: usize, dy: &mut Panels, gradient: &mut Gradient, add: bool) {
    debug_assert!(dy.columns() == of.normalized.columns() && dy.rows() == of.normalized.rows() && rows <= dy.rows());
    let (stride, width, panels) = (dy.stride(), dy.width(), dy.count());
    let destination = Destination::new(gradient, add);
    let dy = Shares::new(dy.values_mut());
    team.run(panels, |panel| {
        let (from, len) = (panel * stride, rows * width);
        // SAFETY: each task has a panel of its own.
        let dy = unsafe { dy.part(from, len) };
        let normalized = &of.normalized.values()[from..][..len];
        let mut sums = [[0.0; PANEL]; 2];
        of_gradient(dy, normalized, width, &mut sums);
        // SAFETY: as above.
        unsafe { destination.store(panel, width, &sums) };
        let constants = [&of.moments.inverse, of.weight].map(|constants| &constants.values()[panel * width..][..width]);
        let share = if of.are_constant { 0.0 } else { 1.0 / rows as f64 };
        differentiate(constants, &sums, share, normalized, dy);
        if let Some(slopes) = of.slopes {
            dy.iter_mut().zip(&slopes.values()[from..][..len]).for_each(|(dx, slope)| *dx *= slope);
        }
    });
}

dispatch_plain! {
    /// `share` is what the sums are multiplied by to give means.
    fn differentiate(constants: [&[f32]; 2], sums: &Sums, share: f64, normalized: &[f32], dy: &mut [f32]) = differentiate_plain
}

#[inline(always)]
fn differentiate_plain<const FUSED: bool>([inverse, weight]: [&[f32]; 2], sums: &Sums, share: f64, normalized: &[f32], dy: &mut [f32]) {
    let width = inverse.len().min(PANEL);
    let mut factors = [0.0; PANEL];
    factors.iter_mut().zip(inverse.iter().zip(weight)).for_each(|(factor, (inverse, weight))| *factor = inverse * weight);
    // A sum that is no number leaves none where the batch made its own moments, and constants ask for no sum.
    let [of_products, plain] = sums.map(|sums| sums.map(|sum| if share == 0.0 { 0.0 } else { (sum * share) as f32 }));
    for (dy, normalized) in dy.chunks_exact_mut(width).zip(normalized.chunks_exact(width)) {
        for column in 0..width {
            let rest = mul_add::<FUSED>(-normalized[column], of_products[column], dy[column] - plain[column]);
            dy[column] = factors[column] * rest;
        }
    }
}
