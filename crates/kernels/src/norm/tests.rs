use super::*;
use crate::{Panels, Team};
use std::ops::Range;

const EPSILON: f64 = 1e-3;
/// Odd sizes, panels of every width, more rows than a block of sums.
const SHAPES: [(usize, usize); 8] = [(3, 1), (5, 7), (16, 16), (33, 17), (7, 33), (65, 64), (130, 65), (150, 200)];

fn values(count: usize, seed: usize) -> Vec<f32> {
    (0..count).map(|i| ((i + 1).wrapping_mul(2_654_435_761).wrapping_add(seed * 97) % 1009) as f32 / 500.0 - 0.7).collect()
}

/// A normalisation of `[rows, units]`, over rows or over units, in 64 bits: what one number `l` depends on with slopes `dy`.
struct Exact {
    normalized: Vec<f64>,
    y: Vec<f64>,
    dx: Vec<f64>,
    weight: Vec<f64>,
    bias: Vec<f64>,
}

struct Case {
    rows: usize,
    units: usize,
    x: Vec<f32>,
    dy: Vec<f32>,
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl Case {
    fn new((rows, units): (usize, usize)) -> Self {
        let [x, dy] = [1, 2].map(|seed| values(rows * units, seed));
        Self { rows, units, x, dy, weight: values(units, 3), bias: values(units, 4) }
    }

    /// Groups of places that are normalised together.
    fn exact(&self, groups: &[Vec<usize>], constants: Option<(f64, f64)>) -> Exact {
        let count = self.rows * self.units;
        let of_unit = |values: &[f32], place: usize| f64::from(values[place % self.units]);
        let mut exact = Exact {
            normalized: vec![0.0; count],
            y: vec![0.0; count],
            dx: vec![0.0; count],
            weight: vec![0.0; self.units],
            bias: vec![0.0; self.units],
        };
        for group in groups {
            let mean_of = |value: &dyn Fn(usize) -> f64| group.iter().map(|place| value(*place)).sum::<f64>() / group.len() as f64;
            let (mean, variance) = constants.unwrap_or_else(|| {
                let mean = mean_of(&|place| f64::from(self.x[place]));
                (mean, mean_of(&|place| (f64::from(self.x[place]) - mean).powi(2)))
            });
            let inverse = 1.0 / (variance + EPSILON).sqrt();
            let normalized = |place: usize| (f64::from(self.x[place]) - mean) * inverse;
            let g = |place: usize| f64::from(self.dy[place]) * of_unit(&self.weight, place);
            let (plain, products) = (mean_of(&g), mean_of(&|place| g(place) * normalized(place)));
            for place in group {
                exact.normalized[*place] = normalized(*place);
                exact.y[*place] = normalized(*place) * of_unit(&self.weight, *place) + of_unit(&self.bias, *place);
                let rest = if constants.is_some() { 0.0 } else { plain + normalized(*place) * products };
                exact.dx[*place] = inverse * (g(*place) - rest);
            }
        }
        for place in 0..count {
            exact.weight[place % self.units] += f64::from(self.dy[place]) * exact.normalized[place];
            exact.bias[place % self.units] += f64::from(self.dy[place]);
        }
        exact
    }

    fn columns(&self) -> Vec<Vec<usize>> {
        (0..self.units).map(|unit| (0..self.rows).map(|row| row * self.units + unit).collect()).collect()
    }

    fn rows(&self) -> Vec<Vec<usize>> {
        (0..self.rows).map(|row| (0..self.units).map(|unit| row * self.units + unit).collect()).collect()
    }

    /// With rows beyond those that are used.
    fn matrix(&self, values: &[f32]) -> Panels {
        Panels::from_rows(self.rows + 2, self.units, &[values, &vec![0.0; 2 * self.units]].concat())
    }

    fn vector(&self, values: &[f32]) -> Panels {
        Panels::from_rows(1, self.units, values)
    }
}

fn assert_close(what: &str, ours: &[f32], exact: &[f64]) {
    let largest = exact.iter().fold(0.1_f64, |largest, value| largest.max(value.abs()));
    for (ours, exact) in ours.iter().zip(exact) {
        assert!((f64::from(*ours) - exact).abs() <= 3e-6 * largest, "{what}: {ours}, in 64 bits {exact}");
    }
}

fn assert_padding(matrix: &Panels) {
    for (place, value) in matrix.values().iter().enumerate() {
        let column = place / matrix.stride() * matrix.width() + place % matrix.width();
        assert!(column < matrix.columns() || *value == 0.0, "column {column} of {}", matrix.columns());
    }
}

/// Leaves outputs as they are, and notes them as slopes.
fn copy(_: usize, _: Range<usize>, outputs: &mut [f32], slopes: &mut [f32]) {
    slopes.copy_from_slice(outputs);
}

/// `x^`, `y`, `dx`, and the gradients of scale and shift, stored and then added once more.
type Results = [Vec<f32>; 5];

fn results(case: &Case, threads: usize, pass: impl Fn(&mut Team, Affine<'_>, &mut [Panels; 4], &mut Gradient)) -> Results {
    let (weight, bias) = (case.vector(&case.weight), case.vector(&case.bias));
    let empty = Panels::zeros(case.rows + 2, case.units);
    let mut matrices = [case.matrix(&case.x), empty.clone(), empty, case.matrix(&case.dy)];
    let mut gradient = Gradient::zeros(case.units);
    pass(&mut Team::new(threads), Affine { weight: &weight, bias: &bias }, &mut matrices, &mut gradient);
    matrices.iter().chain([&gradient.weight, &gradient.bias]).for_each(assert_padding);
    let [x, out, slopes, dy] = matrices.map(|matrix| matrix.to_rows(case.rows));
    assert_eq!(out, slopes);
    [x, out, dy, gradient.weight.to_rows(1), gradient.bias.to_rows(1)]
}

fn check(case: &Case, exact: &Exact, run: impl Fn(usize) -> Results) {
    let [normalized, y, dx, weight, bias] = run(1);
    assert_close("x^", &normalized, &exact.normalized);
    assert_close("y", &y, &exact.y);
    let halved = |values: &[f32]| values.iter().map(|value| value / 2.0).collect::<Vec<_>>();
    assert_close("dx", &dx, &exact.dx.iter().map(|dx| dx * 0.5).collect::<Vec<_>>());
    assert_close("weight", &halved(&weight), &exact.weight);
    assert_close("bias", &halved(&bias), &exact.bias);
    for threads in [2, 3] {
        assert_eq!(
            run(threads),
            [normalized.clone(), y.clone(), dx.clone(), weight.clone(), bias.clone()],
            "{} x {}",
            case.rows,
            case.units
        );
    }
}

#[test]
fn batch_normalisation_and_its_gradients_match_64_bit_arithmetic_at_any_number_of_threads() {
    for (shape, constants) in SHAPES.into_iter().flat_map(|shape| [(shape, None), (shape, Some((0.25, 0.5)))]) {
        let case = Case::new(shape);
        let run = |threads: usize| {
            results(&case, threads, |team, affine, [x, out, slopes, dy], gradient| {
                let mut moments = batch::Moments::new(case.units);
                match constants {
                    None => moments.measure(team, x, case.rows, EPSILON),
                    Some((mean, variance)) => {
                        let all = |value: f64| case.vector(&vec![value as f32; case.units]);
                        moments.set(&all(mean), &all(variance), EPSILON);
                    }
                }
                batch::forward(team, &moments, affine, (x, case.rows), (out, Some(slopes)), &copy);
                let halves = case.matrix(&vec![0.5; case.rows * case.units]);
                let of = |slopes| batch::Backward {
                    moments: &moments,
                    are_constant: constants.is_some(),
                    normalized: x,
                    weight: affine.weight,
                    slopes,
                };
                batch::backward(team, of(None), case.rows, &mut dy.clone(), gradient, false);
                batch::backward(team, of(Some(&halves)), case.rows, dy, gradient, true);
            })
        };
        check(&case, &case.exact(&case.columns(), constants), run);
    }
}

#[test]
fn layer_normalisation_and_its_gradients_match_64_bit_arithmetic_at_any_number_of_threads() {
    for shape in SHAPES {
        let case = Case::new(shape);
        let run = |threads: usize| {
            results(&case, threads, |team, affine, [x, out, slopes, dy], gradient| {
                let mut inverse = vec![0.0; case.rows];
                layer::forward(team, (EPSILON, &mut inverse), affine, (x, case.rows), (out, Some(slopes)), &copy);
                let halves = case.matrix(&vec![0.5; case.rows * case.units]);
                let of = |slopes| layer::Backward { inverse: &inverse, normalized: x, weight: affine.weight, slopes };
                layer::backward(team, of(None), case.rows, &mut dy.clone(), gradient, false);
                layer::backward(team, of(Some(&halves)), case.rows, dy, gradient, true);
            })
        };
        check(&case, &case.exact(&case.rows(), None), run);
    }
}

/// Mean 1e4 and variance 1: the squares are taken around the mean, not around zero.
#[test]
fn a_mean_that_is_large_beside_the_deviation_loses_no_variance() {
    let x = Panels::from_rows(4, 1, &[9_999.0, 10_001.0, 9_999.0, 10_001.0]);
    let mut moments = batch::Moments::new(1);
    moments.measure(&mut Team::new(1), &x, 4, EPSILON);
    assert_eq!((moments.mean.get(0, 0), moments.variance.get(0, 0)), (1e4, 1.0));
}
