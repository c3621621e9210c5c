//! Over the units of a row (Ba, Kiros and Hinton 2016): see the model crate's layer normalisation.

use super::sums::{self, Destination};
use super::{Affine, Gradient};
use crate::Panels;
use crate::isa::{dispatch_plain, mul_add};
use crate::pool::Team;
use crate::product::Finish;
use crate::shares::Shares;

/// Rows of a task.
const CHUNK: usize = 16;
/// Partial sums of a row: one register, or as many as that takes.
const LANES: usize = 16;

/// Two numbers for each row of a task.
type Pairs = [[f32; 2]; CHUNK];
/// Two sums for each row of a task, in lanes.
type Lanes = [[[f32; LANES]; 2]; CHUNK];

/// Replaces the first `rows` rows of `x` by `x^`, writes each row's `1 / sqrt(variance + epsilon)` into `inverse` and
/// `weight x^ + bias`, finished, into `out`.
///
/// # Shapes
/// `x`, `out` and `slopes` `[rows, units]`; `inverse` `[rows]`. Without `slopes`, `finish` gets an empty slice in their place.
pub fn forward(
    team: &mut Team,
    (epsilon, inverse): (f64, &mut [f32]),
    affine: Affine<'_>,
    (x, rows): (&mut Panels, usize),
    (out, slopes): (&mut Panels, Option<&mut Panels>),
    finish: Finish<'_>,
) {
    debug_assert!(x.columns() == out.columns() && x.rows() == out.rows() && rows <= x.rows() && rows <= inverse.len());
    let (stride, width, panels, columns) = (x.stride(), x.width(), x.count(), x.columns());
    let (x, out, inverse) = (Shares::new(x.values_mut()), Shares::new(out.values_mut()), Shares::new(inverse));
    let slopes = slopes.map(|slopes| Shares::new(slopes.values_mut()));
    team.run(rows.div_ceil(CHUNK), |task| {
        let range = task * CHUNK..((task + 1) * CHUNK).min(rows);
        let (place, len) = (|panel: usize| panel * stride + range.start * width, range.len() * width);
        let units = |panel: usize| width.min(columns - panel * width);
        // SAFETY: each task has rows of its own, and each use of a tile ends before the next begins.
        let tile = |panel: usize| unsafe { x.part(place(panel), len) };
        // SAFETY: as above.
        let inverse = unsafe { inverse.part(range.start, range.len()) };
        let mut moments = [[0.0, 1.0]; CHUNK];
        for of in [0, 1] {
            let mut lanes = [[[0.0; LANES]; 2]; CHUNK];
            for panel in 0..panels {
                add_powers(tile(panel), (width, units(panel)), &moments, &mut lanes);
            }
            for (moments, lanes) in moments.iter_mut().zip(&lanes) {
                moments[of] = (total(&lanes[of]) / columns as f64) as f32;
            }
        }
        for (moments, inverse) in moments.iter_mut().zip(inverse) {
            moments[1] = 1.0 / (moments[1] + epsilon as f32).sqrt();
            *inverse = moments[1];
        }
        for panel in 0..panels {
            let constants = [affine.weight, affine.bias].map(|constants| &constants.values()[panel * width..][..width]);
            // SAFETY: as above.
            let out = unsafe { out.part(place(panel), len) };
            normalize(constants, &moments, units(panel), tile(panel), out);
            // SAFETY: as above.
            let slopes = slopes.map_or_else(Default::default, |slopes| unsafe { slopes.part(place(panel), len) });
            finish(panel, range.clone(), out, slopes);
        }
    });
}

/// The sum of a row's lanes, in their order.
fn total(lanes: &[f32; LANES]) -> f64 {
    lanes.iter().map(|lane| f64::from(*lane)).sum()
}

dispatch_plain! {
    /// Adds the first `units` values of each row, and the squares of their distances from the first of its moments.
    fn add_powers(x: &[f32], columns: (usize, usize), moments: &Pairs, lanes: &mut Lanes) = add_powers_plain
}

#[inline(always)]
fn add_powers_plain<const FUSED: bool>(x: &[f32], (width, units): (usize, usize), moments: &Pairs, lanes: &mut Lanes) {
    for ((x, [mean, _]), [sums, squares]) in x.chunks_exact(width).zip(moments).zip(lanes) {
        let mut add = |x: &[f32]| {
            for ((x, sum), squares) in x.iter().zip(&mut *sums).zip(&mut *squares) {
                *sum += x;
                *squares = mul_add::<FUSED>(x - mean, x - mean, *squares);
            }
        };
        let (whole, rest) = x[..units].as_chunks::<LANES>();
        whole.iter().for_each(|x| add(x));
        add(rest);
    }
}

dispatch_plain! {
    /// Weight and bias of the columns; mean and inverse deviation of the rows. Columns beyond `units` stay as they are.
    fn normalize(constants: [&[f32]; 2], moments: &Pairs, units: usize, x: &mut [f32], out: &mut [f32]) = normalize_plain
}

#[inline(always)]
fn normalize_plain<const FUSED: bool>([weight, bias]: [&[f32]; 2], moments: &Pairs, units: usize, x: &mut [f32], out: &mut [f32]) {
    let width = weight.len();
    let (weight, bias) = (&weight[..units], &bias[..units]);
    for ((x, out), [mean, inverse]) in x.chunks_exact_mut(width).zip(out.chunks_exact_mut(width)).zip(moments) {
        let (x, out) = (&mut x[..units], &mut out[..units]);
        for column in 0..units {
            x[column] = (x[column] - mean) * inverse;
            out[column] = mul_add::<FUSED>(x[column], weight[column], bias[column]);
        }
    }
}

/// What the way back through a normalisation takes.
#[derive(Clone, Copy, Debug)]
pub struct Backward<'a> {
    /// Each row's `1 / sqrt(variance + epsilon)`, `[rows]`.
    pub inverse: &'a [f32],
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
/// g = weight dy,   dx = (g - mean_u(g) - x^ mean_u(g x^)) / sqrt(variance + epsilon)
/// ```
pub fn backward(team: &mut Team, of: Backward<'_>, rows: usize, dy: &mut Panels, gradient: &mut Gradient, add: bool) {
    debug_assert!(dy.columns() == of.normalized.columns() && dy.rows() == of.normalized.rows() && rows <= dy.rows());
    sums::gradient(team, dy, of.normalized, rows, Destination::new(gradient, add));
    let (stride, width, panels, columns) = (dy.stride(), dy.width(), dy.count(), dy.columns());
    let dy = Shares::new(dy.values_mut());
    team.run(rows.div_ceil(CHUNK), |task| {
        let range = task * CHUNK..((task + 1) * CHUNK).min(rows);
        let (place, len) = (|panel: usize| panel * stride + range.start * width, range.len() * width);
        // SAFETY: each task has rows of its own, and each use of a tile ends before the next begins.
        let tile = |panel: usize| unsafe { dy.part(place(panel), len) };
        let normalized = |panel: usize| &of.normalized.values()[place(panel)..][..len];
        let weight = |panel: usize| &of.weight.values()[panel * width..][..width];
        let mut lanes = [[[0.0; LANES]; 2]; CHUNK];
        for panel in 0..panels {
            add_products(weight(panel), normalized(panel), tile(panel), &mut lanes);
        }
        let means = lanes.map(|lanes| lanes.map(|lanes| (total(&lanes) / columns as f64) as f32));
        for panel in 0..panels {
            let units = width.min(columns - panel * width);
            differentiate((weight(panel), &of.inverse[range.clone()]), &means, units, normalized(panel), tile(panel));
            if let Some(slopes) = of.slopes {
                let slopes = &slopes.values()[place(panel)..][..len];
                tile(panel).iter_mut().zip(slopes).for_each(|(dx, slope)| *dx *= slope);
            }
        }
    });
}

dispatch_plain! {
    /// Adds `g` and `g x^`. Beyond the last unit both are zero.
    fn add_products(weight: &[f32], normalized: &[f32], dy: &[f32], lanes: &mut Lanes) = add_products_plain
}

#[inline(always)]
fn add_products_plain<const FUSED: bool>(weight: &[f32], normalized: &[f32], dy: &[f32], lanes: &mut Lanes) {
    let weight = weight.as_chunks::<LANES>().0;
    let rows = dy.chunks_exact(LANES * weight.len()).zip(normalized.chunks_exact(LANES * weight.len()));
    for ((dy, normalized), [plain, products]) in rows.zip(lanes) {
        let registers = dy.as_chunks::<LANES>().0.iter().zip(normalized.as_chunks::<LANES>().0);
        for (weight, (dy, normalized)) in weight.iter().zip(registers) {
            for lane in 0..LANES {
                let g = weight[lane] * dy[lane];
                plain[lane] += g;
                products[lane] = mul_add::<FUSED>(g, normalized[lane], products[lane]);
            }
        }
    }
}

dispatch_plain! {
    fn differentiate(constants: (&[f32], &[f32]), means: &Pairs, units: usize, normalized: &[f32], dy: &mut [f32]) = differentiate_plain
}

#[inline(always)]
fn differentiate_plain<const FUSED: bool>(
    (weight, inverse): (&[f32], &[f32]),
    means: &Pairs,
    units: usize,
    normalized: &[f32],
    dy: &mut [f32],
) {
    let width = weight.len();
    let weight = &weight[..units];
    let rows = dy.chunks_exact_mut(width).zip(normalized.chunks_exact(width));
    for ((dy, normalized), (inverse, [plain, of_products])) in rows.zip(inverse.iter().zip(means)) {
        let (dy, normalized) = (&mut dy[..units], &normalized[..units]);
        for column in 0..units {
            let g = mul_add::<FUSED>(weight[column], dy[column], -plain);
            dy[column] = inverse * mul_add::<FUSED>(-normalized[column], *of_products, g);
        }
    }
}
