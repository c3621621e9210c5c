//! The kernels of batch and layer normalisation, beside their formulas in f64.

use super::bench::{Bench, REPLICAS, ROUNDED, SUMMED, wide};
use crate::gpu::{BatchNormArguments, GpuError, Launch, LayerNormArguments, NormBackwardArguments, Values};

const ROWS: usize = 37;
const UNITS: [usize; 2] = [70, 256];
const EPSILON: f32 = 1e-3;
const MOMENTUM: f32 = 0.1;

/// Random inputs of a normalisation both ways, all replicas of each.
struct Inputs {
    units: usize,
    x: Vec<f32>,
    weight: Vec<f32>,
    bias: Vec<f32>,
    dy: Vec<f32>,
    /// What the gradients at scale and shift are added to.
    old: Vec<f32>,
}

impl Inputs {
    fn draw(bench: &mut Bench<'_>, units: usize) -> Self {
        let x = bench.normal(REPLICAS * ROWS * units).into_iter().map(|x| 3.0 * x + 1.0).collect();
        let [weight, bias, old] = [bench.normal(REPLICAS * units), bench.normal(REPLICAS * units), bench.normal(REPLICAS * units)];
        Self { units, x, weight, bias, dy: bench.normal(REPLICAS * ROWS * units), old }
    }

    /// A value for each element: `of` gets its place, replica, row and column.
    fn each(&self, of: impl Fn(usize, usize, usize, usize) -> f64) -> Vec<f64> {
        let (part, units) = (ROWS * self.units, self.units);
        (0..REPLICAS * part).map(|place| of(place, place / part, place % part / units, place % units)).collect()
    }

    /// Narrow ones are added to what is there.
    fn adds(&self) -> bool {
        self.units == UNITS[0]
    }

    /// Sums over the rows of each column.
    fn column_sums(&self, values: &[f64]) -> Vec<f64> {
        let mut sums = vec![0.0; REPLICAS * self.units];
        let part = ROWS * self.units;
        values.iter().enumerate().for_each(|(place, value)| sums[place / part * self.units + place % self.units] += value);
        sums
    }

    fn backward(
        &self,
        bench: &Bench<'_>,
        (normalized, inverse): (Values, Values),
        is_constant: bool,
    ) -> Result<NormBackwardArguments, GpuError> {
        Ok(NormBackwardArguments {
            dy: bench.array(&self.dy)?,
            normalized,
            dx: bench.zeros(ROWS * self.units)?,
            weight: bench.array(&self.weight)?,
            inverse,
            weight_gradient: bench.array(&self.old)?,
            bias_gradient: bench.array(&self.old)?,
            is_constant: is_constant.into(),
            rows: ROWS as u32,
            units: self.units as u32,
            adds: self.adds().into(),
        })
    }

    /// Of outputs `weight x^ + bias`, and of the gradients at weight and bias.
    fn judge_common(
        &self,
        bench: &mut Bench<'_>,
        (forward, backward): (&'static str, &'static str),
        case: &str,
        normalized: &[f64],
        (out, arguments): (Values, &NormBackwardArguments),
    ) -> Result<(), GpuError> {
        let units = self.units;
        let scaled = |place: usize, replica: usize, _, column: usize| {
            normalized[place] * f64::from(self.weight[replica * units + column]) + f64::from(self.bias[replica * units + column])
        };
        let found = bench.values(out)?;
        bench.judge(forward, format!("{case}: outputs"), &found, &self.each(scaled), SUMMED);
        let products: Vec<f64> = normalized.iter().zip(&self.dy).map(|(x, dy)| x * f64::from(*dy)).collect();
        for (name, gradient, values) in
            [("scale", arguments.weight_gradient, &products), ("shift", arguments.bias_gradient, &wide(&self.dy))]
        {
            let found = bench.values(gradient)?;
            let mut sums = self.column_sums(values);
            sums.iter_mut().zip(&self.old).filter(|_| self.adds()).for_each(|(sum, old)| *sum += f64::from(*old));
            bench.judge(backward, format!("{case}: {name}"), &found, &sums, SUMMED);
        }
        Ok(())
    }
}

/// By the statistics of the batch, and by the running ones.
pub(super) fn batch_norm(bench: &mut Bench<'_>) -> Result<(), GpuError> {
    for (units, is_constant) in UNITS.into_iter().flat_map(|units| [(units, false), (units, true)]) {
        let inputs = Inputs::draw(bench, units);
        let old_mean = bench.normal(REPLICAS * units);
        let old_variance: Vec<f32> = bench.normal(REPLICAS * units).into_iter().map(|value| 0.5 + value * value).collect();
        let (x, out, inverse) = (bench.array(&inputs.x)?, bench.zeros(ROWS * units)?, bench.zeros(units)?);
        let (next_mean, next_variance) = (bench.zeros(units)?, bench.zeros(units)?);
        let unbiased = ROWS as f32 / (ROWS - 1) as f32;
        let arguments = BatchNormArguments {
            x,
            out,
            weight: bench.array(&inputs.weight)?,
            bias: bench.array(&inputs.bias)?,
            running_mean: bench.array(&old_mean)?,
            running_variance: bench.array(&old_variance)?,
            next_mean,
            next_variance,
            inverse,
            epsilon: EPSILON,
            kept: 1.0 - MOMENTUM,
            newest: MOMENTUM,
            unbiased,
            is_constant: is_constant.into(),
            rows: ROWS as u32,
            units: units as u32,
            unused: 0,
        };
        bench.launch(Launch::BatchNorm(arguments), 0)?;
        let backward = inputs.backward(bench, (x, inverse), is_constant)?;
        bench.launch(Launch::BatchNormBackward(backward), 0)?;

        let shares = |sums: Vec<f64>| sums.into_iter().map(|sum| sum / ROWS as f64).collect::<Vec<_>>();
        let of_batch = shares(inputs.column_sums(&wide(&inputs.x)));
        let squares = inputs.each(|place, replica, _, column| (f64::from(inputs.x[place]) - of_batch[replica * units + column]).powi(2));
        let variance_of_batch = shares(inputs.column_sums(&squares));
        let [mean, variance] =
            if is_constant { [wide(&old_mean), wide(&old_variance)] } else { [of_batch.clone(), variance_of_batch.clone()] };
        let inverses: Vec<f64> = variance.iter().map(|variance| (variance + f64::from(EPSILON)).sqrt().recip()).collect();
        let normalized = inputs.each(|place, replica, _, column| {
            (f64::from(inputs.x[place]) - mean[replica * units + column]) * inverses[replica * units + column]
        });
        let case = format!("{ROWS} x {units}, {} statistics", if is_constant { "running" } else { "batch" });
        let found = bench.values(x)?;
        bench.judge("batch_norm", format!("{case}: normalised"), &found, &normalized, SUMMED);
        let (kept, newest) = (f64::from(1.0 - MOMENTUM), f64::from(MOMENTUM));
        let moved = |old: &[f32], new: &[f64], factor: f64| -> Vec<f64> {
            let both = old.iter().zip(new);
            both.map(|(old, new)| if is_constant { f64::from(*old) } else { f64::from(*old) * kept + new * factor * newest }).collect()
        };
        for (name, place, expected) in [
            ("mean", next_mean, moved(&old_mean, &of_batch, 1.0)),
            ("variance", next_variance, moved(&old_variance, &variance_of_batch, f64::from(unbiased))),
        ] {
            let found = bench.values(place)?;
            bench.judge("batch_norm", format!("{case}: running {name}"), &found, &expected, SUMMED);
        }
        inputs.judge_common(bench, ("batch_norm", "batch_norm_backward"), &case, &normalized, (out, &backward))?;
        let products = inputs.each(|place, _, _, _| f64::from(inputs.dy[place]) * normalized[place]);
        let (of_products, of_dy) = (shares(inputs.column_sums(&products)), shares(inputs.column_sums(&wide(&inputs.dy))));
        let dx = inputs.each(|place, replica, _, column| {
            let at = replica * units + column;
            let centred = f64::from(inputs.dy[place]) - if is_constant { 0.0 } else { of_dy[at] + normalized[place] * of_products[at] };
            centred * f64::from(inputs.weight[at]) * inverses[at]
        });
        let found = bench.values(backward.dx)?;
        bench.judge("batch_norm_backward", format!("{case}: inputs"), &found, &dx, SUMMED);
    }
    Ok(())
}

pub(super) fn layer_norm(bench: &mut Bench<'_>) -> Result<(), GpuError> {
    for units in UNITS {
        let inputs = Inputs::draw(bench, units);
        let (x, out, inverse) = (bench.array(&inputs.x)?, bench.zeros(ROWS * units)?, bench.zeros(ROWS)?);
        let arguments = LayerNormArguments {
            x,
            out,
            weight: bench.array(&inputs.weight)?,
            bias: bench.array(&inputs.bias)?,
            inverse,
            epsilon: EPSILON,
            rows: ROWS as u32,
            units: units as u32,
            unused: 0,
        };
        bench.launch(Launch::LayerNorm(arguments), 0)?;
        let backward = inputs.backward(bench, (x, inverse), false)?;
        bench.launch(Launch::LayerNormGradient(backward), 0)?;
        bench.launch(Launch::LayerNormBackward(backward), 0)?;

        let mean_of = |values: &[f64]| values.iter().sum::<f64>() / units as f64;
        let weights = inputs.each(|_, replica, _, column| f64::from(inputs.weight[replica * units + column]));
        let (mut normalized, mut inverses, mut dx) = (Vec::new(), Vec::new(), Vec::new());
        let rows = wide(&inputs.x);
        for (row, (dy, weight)) in rows.chunks_exact(units).zip(inputs.dy.chunks_exact(units).zip(weights.chunks_exact(units))) {
            let mean = mean_of(row);
            let variance = mean_of(&row.iter().map(|x| (x - mean).powi(2)).collect::<Vec<_>>());
            let inverse = (variance + f64::from(EPSILON)).sqrt().recip();
            let of_row: Vec<f64> = row.iter().map(|x| (x - mean) * inverse).collect();
            let scaled: Vec<f64> = dy.iter().zip(weight).map(|(dy, weight)| f64::from(*dy) * weight).collect();
            let products = mean_of(&scaled.iter().zip(&of_row).map(|(g, x)| g * x).collect::<Vec<_>>());
            let plain = mean_of(&scaled);
            dx.extend(scaled.iter().zip(&of_row).map(|(g, x)| inverse * (g - plain - x * products)));
            normalized.extend(of_row);
            inverses.push(inverse);
        }
        let case = format!("{ROWS} x {units}");
        for (name, place, expected) in [("normalised", x, &normalized), ("one over the deviation", inverse, &inverses)] {
            let found = bench.values(place)?;
            bench.judge("layer_norm", format!("{case}: {name}"), &found, expected, ROUNDED);
        }
        inputs.judge_common(bench, ("layer_norm", "layer_norm_gradient"), &case, &normalized, (out, &backward))?;
        let found = bench.values(backward.dx)?;
        bench.judge("layer_norm_backward", format!("{case}: inputs"), &found, &dx, SUMMED);
    }
    Ok(())
}
