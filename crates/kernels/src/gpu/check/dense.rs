//! The kernels of dense layers whose products are small.

use super::bench::{Bench, REPLICAS, SUMMED, wide};
use super::layers::activated;
use crate::Activation;
use crate::gpu::{DenseBackwardArguments, DenseForwardArguments, DenseGradientArguments, Draws, GpuError, Launch, Values};

/// Rows, terms and columns: more than one chunk of terms and no multiple of it; what vectors fit into nowhere; one row, and fewer terms than a
/// group takes; one term; two chunks; vectors that fit into one side alone.
const SIZES: [(usize, usize, usize); 6] = [(48, 784, 36), (33, 17, 70), (1, 3, 10), (35, 1, 1), (18, 512, 33), (20, 30, 64)];

/// A matrix of each replica.
struct Matrix<'a> {
    values: &'a [f64],
    rows: usize,
    columns: usize,
}

impl Matrix<'_> {
    fn at(&self, replica: usize, row: usize, column: usize) -> f64 {
        self.values[(replica * self.rows + row) * self.columns + column]
    }
}

/// `[r, m, n]`, each element from its row and column in `terms` terms.
fn products(m: usize, n: usize, terms: usize, term: impl Fn(usize, usize, usize, usize) -> f64) -> Vec<f64> {
    let element = |place: usize| {
        let (replica, row, column) = (place / (m * n), place % (m * n) / n, place % n);
        (0..terms).map(|number| term(replica, row, column, number)).sum()
    };
    (0..REPLICAS * m * n).map(element).collect()
}

/// What an activation and then `disturb` make of pre-activations of all replicas: outputs and slopes.
fn disturbed(
    activation: Activation,
    z: &[f32],
    bias: &[f32],
    units: usize,
    disturb: impl Fn(usize, usize, &mut [f32], &mut [f32]),
) -> [Vec<f32>; 2] {
    let (mut values, mut slopes) = activated(activation, units, z, bias);
    let of_replica = z.len() / REPLICAS;
    let parts = values.chunks_exact_mut(of_replica).zip(slopes.chunks_exact_mut(of_replica));
    parts.enumerate().for_each(|(replica, (values, slopes))| disturb(replica, units, values, slopes));
    [values, slopes]
}

/// Products and outputs, with noise and dropout or without; and logits, which have no outputs in training and no products in evaluation.
pub(super) fn forward(bench: &mut Bench<'_>) -> Result<(), GpuError> {
    for (rows, fan_in, units) in SIZES {
        for (activation, has_noise, has_dropout) in
            [(Activation::Relu, false, true), (Activation::Tanh, true, true), (Activation::Gelu, false, false)]
        {
            let (inputs, weight) = (bench.normal(REPLICAS * rows * fan_in), bench.normal(REPLICAS * units * fan_in));
            // As small as a network's, so that activations are not all at their ends.
            let weight: Vec<f32> = weight.iter().map(|weight| weight / (fan_in as f32).sqrt()).collect();
            let bias = bench.normal(REPLICAS * units);
            let disturbance = bench.disturbance(has_noise, has_dropout)?;
            let (z, out) = (bench.zeros(rows * units)?, bench.zeros(rows * units)?);
            let arguments = DenseForwardArguments {
                inputs: bench.array(&inputs)?,
                weight: bench.array(&weight)?,
                bias: bench.array(&bias)?,
                z,
                out,
                progress: bench.progress()?,
                draws: disturbance.draws,
                activation: activation.into(),
                rows: rows as u32,
                fan_in: fan_in as u32,
                units: units as u32,
                unused: 0,
            };
            bench.launch(Launch::DenseForward(arguments), 0)?;
            let (inputs, weight) = (wide(&inputs), wide(&weight));
            let [inputs, weight] = [(&inputs, rows), (&weight, units)].map(|(values, rows)| Matrix { values, rows, columns: fan_in });
            let expected = products(rows, units, fan_in, |r, row, unit, term| inputs.at(r, row, term) * weight.at(r, unit, term));
            let (found, outputs) = (bench.values(z)?, bench.values(out)?);
            let case = format!("[{rows}, {fan_in}] [{units}, {fan_in}]^T, {activation:?}{}", named(has_noise, has_dropout));
            bench.judge("dense_forward", format!("{case}: products"), &found, &expected, SUMMED);
            let rounded: Vec<f32> = expected.iter().map(|z| *z as f32).collect();
            let [values, _] = disturbed(activation, &rounded, &bias, units, |replica, units, values, slopes| {
                disturbance.apply(replica, units, values, slopes);
            });
            bench.judge("dense_forward", case, &outputs, &wide(&values), SUMMED);
            let evaluated = bench.zeros(rows * units)?;
            let logits = DenseForwardArguments {
                z: Values::NONE,
                out: evaluated,
                draws: Draws::default(),
                activation: Activation::Identity.into(),
                ..arguments
            };
            bench.launch(Launch::DenseForward(logits), 0)?;
            // And the other way round in training, where the loss adds the bias.
            let bare = bench.zeros(rows * units)?;
            bench.launch(Launch::DenseForward(DenseForwardArguments { z: bare, out: Values::NONE, ..logits }), 0)?;
            let found = bench.values(bare)?;
            bench.judge("dense_forward", format!("[{rows}, {fan_in}] [{units}, {fan_in}]^T, products alone"), &found, &expected, SUMMED);
            let with_bias: Vec<f64> =
                expected.iter().enumerate().map(|(at, z)| z + f64::from(bias[at / (rows * units) * units + at % units])).collect();
            let found = bench.values(evaluated)?;
            bench.judge("dense_forward", format!("[{rows}, {fan_in}] [{units}, {fan_in}]^T, logits"), &found, &with_bias, SUMMED);
        }
    }
    Ok(())
}

pub(super) fn backward(bench: &mut Bench<'_>) -> Result<(), GpuError> {
    for (rows, fan_out, units) in SIZES {
        for (activation, has_noise, has_dropout) in
            [(Activation::Relu, false, true), (Activation::Tanh, true, true), (Activation::Gelu, false, false)]
        {
            let (dz, weight) = (bench.normal(REPLICAS * rows * fan_out), bench.normal(REPLICAS * fan_out * units));
            let (z, bias) = (bench.normal(REPLICAS * rows * units), bench.normal(REPLICAS * units));
            let disturbance = bench.disturbance(has_noise, has_dropout)?;
            let place = bench.array(&z)?;
            let arguments = DenseBackwardArguments {
                dz: bench.array(&dz)?,
                weight: bench.array(&weight)?,
                z: place,
                bias: bench.array(&bias)?,
                progress: bench.progress()?,
                draws: disturbance.draws,
                activation: activation.into(),
                rows: rows as u32,
                fan_out: fan_out as u32,
                units: units as u32,
                unused: 0,
            };
            bench.launch(Launch::DenseBackward(arguments), 0)?;
            let [_, slopes] = disturbed(activation, &z, &bias, units, |replica, units, values, slopes| {
                disturbance.apply(replica, units, values, slopes);
            });
            let (dz, weight) = (wide(&dz), wide(&weight));
            let (dz, weight) = (Matrix { values: &dz, rows, columns: fan_out }, Matrix { values: &weight, rows: fan_out, columns: units });
            let mut expected = products(rows, units, fan_out, |r, row, unit, term| dz.at(r, row, term) * weight.at(r, term, unit));
            expected.iter_mut().zip(&slopes).for_each(|(gradient, slope)| *gradient *= f64::from(*slope));
            let found = bench.values(place)?;
            let case = format!("[{rows}, {fan_out}] [{fan_out}, {units}], {activation:?}{}", named(has_noise, has_dropout));
            bench.judge("dense_backward", case, &found, &expected, SUMMED);
        }
    }
    Ok(())
}

pub(super) fn gradient(bench: &mut Bench<'_>) -> Result<(), GpuError> {
    for (fan_in, rows, units) in SIZES {
        for (adds, has_bias) in [(false, true), (true, true), (false, false)] {
            let (dz, inputs) = (bench.normal(REPLICAS * rows * units), bench.normal(REPLICAS * rows * fan_in));
            let (old, old_bias) = (bench.normal(REPLICAS * units * fan_in), bench.normal(REPLICAS * units));
            let (weight_gradient, bias_gradient) = (bench.array(&old)?, bench.array(&old_bias)?);
            let arguments = DenseGradientArguments {
                dz: bench.array(&dz)?,
                inputs: bench.array(&inputs)?,
                weight_gradient,
                bias_gradient: if has_bias { bias_gradient } else { Values::NONE },
                rows: rows as u32,
                fan_in: fan_in as u32,
                units: units as u32,
                adds: adds.into(),
            };
            bench.launch(Launch::DenseGradient(arguments), 0)?;
            let (dz, inputs) = (wide(&dz), wide(&inputs));
            let (dz, inputs) = (Matrix { values: &dz, rows, columns: units }, Matrix { values: &inputs, rows, columns: fan_in });
            let from = |old: &[f32], at: usize| if adds { f64::from(old[at]) } else { 0.0 };
            let mut expected = products(units, fan_in, rows, |r, unit, input, row| dz.at(r, row, unit) * inputs.at(r, row, input));
            expected.iter_mut().enumerate().for_each(|(at, sum)| *sum += from(&old, at));
            let mut of_bias = products(units, 1, rows, |r, unit, _, row| dz.at(r, row, unit));
            of_bias.iter_mut().enumerate().for_each(|(at, sum)| *sum += from(&old_bias, at));
            // What nobody asks for stays.
            let of_bias = if has_bias { of_bias } else { wide(&old_bias) };
            let (found, found_bias) = (bench.values(weight_gradient)?, bench.values(bias_gradient)?);
            let case = format!("[{rows}, {units}]^T [{rows}, {fan_in}]{}", if adds { ", added" } else { "" });
            let tolerance = if has_bias { SUMMED } else { 0.0 };
            bench.judge(
                "dense_gradient",
                format!("{case}: bias{}", if has_bias { "" } else { " left alone" }),
                &found_bias,
                &of_bias,
                tolerance,
            );
            bench.judge("dense_gradient", case, &found, &expected, SUMMED);
        }
    }
    Ok(())
}

fn named(has_noise: bool, has_dropout: bool) -> &'static str {
    match (has_noise, has_dropout) {
        (true, _) => ", noise and dropout",
        (_, true) => ", dropout",
        _ => "",
    }
}
