//! The kernels of what follows a product, both ways.

use super::bench::{Bench, REPLICAS, ROUNDED, SUMMED, wide};
use crate::Activation;
use crate::gpu::{
    ActivateArguments, ActivateBackwardArguments, Address, Draws, GpuError, Launch, MaxoutArguments, ROWS_PER_CHUNK, STRIP, Values,
};

const ROWS: usize = 37;
const ACTIVATIONS: [(&str, Activation); 14] = [
    ("identity", Activation::Identity),
    ("sigmoid", Activation::Sigmoid),
    ("tanh", Activation::Tanh),
    ("relu", Activation::Relu),
    ("leaky_relu", Activation::LeakyRelu { negative_slope: 0.01 }),
    ("elu", Activation::Elu { alpha: 0.7, scale: 1.05 }),
    ("gelu", Activation::Gelu),
    ("gelu_tanh", Activation::GeluTanh),
    ("silu", Activation::Silu),
    ("softplus", Activation::Softplus),
    ("softsign", Activation::Softsign),
    ("hard_sigmoid", Activation::HardSigmoid),
    ("mish", Activation::Mish),
    ("scaled_tanh", Activation::ScaledTanh { scale: 1.7159, stretch: 2.0 / 3.0 }),
];

/// Every activation, over widths that vectors fit into and others, with noise and dropout or without.
fn cases() -> impl Iterator<Item = (&'static str, Activation, usize, bool, bool)> {
    let shapes = [(70, false, false), (256, false, true), (33, true, true)];
    ACTIVATIONS.iter().flat_map(move |(name, activation)| shapes.map(|(units, noise, dropout)| (*name, *activation, units, noise, dropout)))
}

/// The pre-activations of all replicas, with the bias, and what an activation makes of them: outputs and slopes.
pub(super) fn activated(activation: Activation, units: usize, z: &[f32], bias: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let of_replica = z.len() / REPLICAS;
    let of_bias = |place: usize| bias[place / of_replica * units + place % units];
    let mut values: Vec<f32> = z.iter().enumerate().map(|(place, z)| z + of_bias(place)).collect();
    let mut slopes = vec![0.0; values.len()];
    activation.apply(&mut values, &mut slopes);
    (values, slopes)
}

fn named(name: &str, units: usize, has_noise: bool, has_dropout: bool) -> String {
    let disturbed = if has_noise { ", noise" } else { "" };
    let dropped = if has_dropout { ", dropout" } else { "" };
    format!("{name}, {ROWS} x {units}{disturbed}{dropped}")
}

pub(super) fn activate(bench: &mut Bench<'_>) -> Result<(), GpuError> {
    for (name, activation, units, has_noise, has_dropout) in cases() {
        let (z, bias) = (bench.normal(REPLICAS * ROWS * units), bench.normal(REPLICAS * units));
        let disturbance = bench.disturbance(has_noise, has_dropout)?;
        let out = bench.zeros(ROWS * units)?;
        let arguments = ActivateArguments {
            z: bench.array(&z)?,
            bias: bench.array(&bias)?,
            out,
            progress: bench.progress()?,
            draws: disturbance.draws,
            activation: activation.into(),
            rows: ROWS as u32,
            units: units as u32,
        };
        bench.launch(Launch::Activate(arguments), 0)?;
        let (mut values, mut slopes) = activated(activation, units, &z, &bias);
        let parts = values.chunks_exact_mut(ROWS * units).zip(slopes.chunks_exact_mut(ROWS * units));
        parts.enumerate().for_each(|(replica, (values, slopes))| disturbance.apply(replica, units, values, slopes));
        let found = bench.values(out)?;
        bench.judge("activate", named(name, units, has_noise, has_dropout), &found, &wide(&values), ROUNDED);
        if has_dropout && !has_noise && name == "identity" {
            let kept = |values: &[f32]| values.iter().map(|value| f32::from(u8::from(*value != 0.0))).collect::<Vec<_>>();
            let case = format!("the mask, {ROWS} x {units}");
            bench.judge("activate", case, &kept(&found), &wide(&kept(&values)), 0.0);
        }
    }
    Ok(())
}

pub(super) fn activate_backward(bench: &mut Bench<'_>) -> Result<(), GpuError> {
    for (name, activation, units, has_noise, has_dropout) in cases() {
        let (z, bias) = (bench.normal(REPLICAS * ROWS * units), bench.normal(REPLICAS * units));
        let (dy, old) = (bench.normal(REPLICAS * ROWS * units), bench.normal(REPLICAS * units));
        let disturbance = bench.disturbance(has_noise, has_dropout)?;
        let (dz, bias_gradient) = (bench.zeros(ROWS * units)?, bench.array(&old)?);
        let arguments = ActivateBackwardArguments {
            dy: bench.array(&dy)?,
            z: bench.array(&z)?,
            bias: bench.array(&bias)?,
            dz,
            bias_gradient,
            sums: Address::NONE,
            tickets: Address::NONE,
            progress: bench.progress()?,
            draws: disturbance.draws,
            activation: activation.into(),
            rows: ROWS as u32,
            units: units as u32,
            adds: has_noise.into(),
            unused: 0,
        };
        bench.launch(Launch::ActivateBackward(arguments), 0)?;
        let (mut values, mut slopes) = activated(activation, units, &z, &bias);
        let parts = values.chunks_exact_mut(ROWS * units).zip(slopes.chunks_exact_mut(ROWS * units));
        parts.enumerate().for_each(|(replica, (values, slopes))| disturbance.apply(replica, units, values, slopes));
        let expected: Vec<f64> = dy.iter().zip(&slopes).map(|(dy, slope)| f64::from(*dy) * f64::from(*slope)).collect();
        let mut sums = if has_noise { wide(&old) } else { vec![0.0; old.len()] };
        for (place, value) in expected.iter().enumerate() {
            sums[place / (ROWS * units) * units + place % units] += value;
        }
        let (found, of_bias) = (bench.values(dz)?, bench.values(bias_gradient)?);
        let case = named(name, units, has_noise, has_dropout);
        bench.judge("activate_backward", format!("{case}: bias"), &of_bias, &sums, SUMMED);
        bench.judge("activate_backward", case, &found, &expected, ROUNDED);
    }
    Ok(())
}

/// Sums over more rows than a block takes, twice: the tickets are as they were.
pub(super) fn many_rows(bench: &mut Bench<'_>) -> Result<(), GpuError> {
    const ROWS: usize = 2 * ROWS_PER_CHUNK + 3;
    for units in [70, 64] {
        let dy = bench.normal(REPLICAS * ROWS * units);
        let (place, bias_gradient) = (bench.array(&dy)?, bench.zeros(units)?);
        let arguments = ActivateBackwardArguments {
            dy: place,
            dz: place,
            bias_gradient,
            sums: bench.put_bytes(&vec![0; 8 * REPLICAS * 3 * units])?,
            tickets: bench.put(&vec![0_u32; REPLICAS * units.div_ceil(STRIP)])?,
            progress: bench.progress()?,
            rows: ROWS as u32,
            units: units as u32,
            adds: 1,
            ..Default::default()
        };
        let mut sums = vec![0.0; REPLICAS * units];
        for (place, value) in dy.iter().enumerate() {
            sums[place / (ROWS * units) * units + place % units] += f64::from(*value);
        }
        for time in [1.0, 2.0] {
            bench.launch(Launch::ActivateBackward(arguments), 0)?;
            let found = bench.values(bias_gradient)?;
            let expected: Vec<f64> = sums.iter().map(|sum| time * sum).collect();
            bench.judge("activate_backward", format!("sums of {ROWS} x {units}, added {time} times"), &found, &expected, SUMMED);
        }
    }
    Ok(())
}

/// Without bias and draws, and on the way back without what was activated: as a layer without them asks for it.
pub(super) fn bare(bench: &mut Bench<'_>) -> Result<(), GpuError> {
    const UNITS: usize = 70;
    let (z, dy) = (bench.normal(REPLICAS * ROWS * UNITS), bench.normal(REPLICAS * ROWS * UNITS));
    let (out, dz, progress) = (bench.zeros(ROWS * UNITS)?, bench.zeros(ROWS * UNITS)?, bench.progress()?);
    let (rows, units, activation) = (ROWS as u32, UNITS as u32, Activation::Relu.into());
    let forward =
        ActivateArguments { z: bench.array(&z)?, bias: Values::NONE, out, progress, draws: Draws::default(), activation, rows, units };
    bench.launch(Launch::Activate(forward), 0)?;
    let backward = ActivateBackwardArguments { dy: bench.array(&dy)?, dz, progress, activation, rows, units, ..Default::default() };
    bench.launch(Launch::ActivateBackward(backward), 0)?;
    let positive: Vec<f64> = z.iter().map(|z| f64::from(z.max(0.0))).collect();
    let (found, of_inputs) = (bench.values(out)?, bench.values(dz)?);
    bench.judge("activate", format!("relu without bias, {ROWS} x {UNITS}"), &found, &positive, 0.0);
    bench.judge("activate_backward", format!("nothing to undo, {ROWS} x {UNITS}"), &of_inputs, &wide(&dy), 0.0);
    Ok(())
}

/// To the bit: it only chooses.
pub(super) fn maxout(bench: &mut Bench<'_>) -> Result<(), GpuError> {
    for (units, pieces) in [(70, 2), (33, 3)] {
        let width = units * pieces;
        let (z, bias, dy) = (bench.normal(REPLICAS * ROWS * width), bench.normal(REPLICAS * width), bench.normal(REPLICAS * ROWS * units));
        let (y, dz) = (bench.zeros(ROWS * units)?, bench.array(&z)?);
        let forward = MaxoutArguments {
            z: dz,
            bias: bench.array(&bias)?,
            y,
            rows: ROWS as u32,
            units: units as u32,
            pieces: pieces as u32,
            unused: 0,
        };
        bench.launch(Launch::Maxout(forward), 0)?;
        let largest = bench.values(y)?;
        let backward = MaxoutArguments { y: bench.array(&dy)?, ..forward };
        bench.launch(Launch::MaxoutBackward(backward), 0)?;
        let gradient = bench.values(dz)?;
        let (mut expected, mut of_pieces) = (Vec::new(), vec![0.0; z.len()]);
        for (unit, pieces_of_unit) in z.chunks_exact(pieces).enumerate() {
            let (replica, column) = (unit / (ROWS * units), unit % units);
            let value = |piece: usize| pieces_of_unit[piece] + bias[replica * width + column * pieces + piece];
            // The first of the largest.
            let winner = (1..pieces).fold(0, |winner, piece| if value(piece) > value(winner) { piece } else { winner });
            expected.push(f64::from(value(winner)));
            of_pieces[unit * pieces + winner] = f64::from(dy[unit]);
        }
        let case = format!("{pieces} pieces, {ROWS} x {units}");
        bench.judge("maxout", case.clone(), &largest, &expected, 0.0);
        bench.judge("maxout_backward", case, &gradient, &of_pieces, 0.0);
    }
    Ok(())
}
