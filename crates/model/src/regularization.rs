//! What a training step does to a layer's inputs so that the network does not rely on any of them: dropout and noise, drawn from seed,
//! step, row and unit alone.

use candle_core::{Result, Tensor};
use relumine_random::{Purpose, Stream, mask, variates};
use serde::{Deserialize, Serialize};

/// Where in a training run a batch stands, which is all that its masks and noise depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaskPosition {
    /// The run's seed.
    pub seed: u64,
    /// Optimiser steps taken before this one.
    pub step: u32,
    /// Position of these rows' first in the step's whole batch.
    pub first_row: u32,
}

/// What becomes of a dropped unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DropoutKind {
    /// Zero: see [`dropout`].
    #[default]
    Dropout,
    /// SELU's lowest value: see [`alpha_dropout`].
    AlphaDropout,
}

impl DropoutKind {
    /// Drops units at `rate`: `[rows, units]` to the same.
    ///
    /// # Errors
    /// Those of Candle: a device out of memory.
    pub fn apply(self, inputs: &Tensor, rate: f64, layer: u16, at: MaskPosition) -> Result<Tensor> {
        match self {
            Self::Dropout => dropout(inputs, rate, layer, at),
            Self::AlphaDropout => alpha_dropout(inputs, rate, layer, at),
        }
    }
}

/// Inverted dropout: zeroes each unit with probability `rate` and divides the others by `1 - rate`, so that the expected activation
/// stays and evaluation needs no change. Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, JMLR 15, 2014. As
/// `torch.nn.functional.dropout`; at rate 0 it returns its input.
///
/// The mask is drawn on the host ([`mask::fill_scales`]) and uploaded, so it is the same on every device. `layer` is the layer that
/// reads the result.
///
/// ```
/// # use candle_core::{Device, Tensor};
/// # use relumine_model::{MaskPosition, dropout};
/// let (rows, at) = (Tensor::new(&[[1_f32; 8]; 2], &Device::Cpu)?, MaskPosition { seed: 1, step: 0, first_row: 0 });
/// let dropped = dropout(&rows, 0.75, 0, at)?.flatten_all()?.to_vec1::<f32>()?;
/// assert!(dropped.iter().all(|value| [0.0, 4.0].contains(value)));
/// # Ok::<(), candle_core::Error>(())
/// ```
///
/// # Shapes
/// `inputs` `[rows, units]`, the result likewise.
///
/// # Errors
/// Those of Candle: a device out of memory.
pub fn dropout(inputs: &Tensor, rate: f64, layer: u16, at: MaskPosition) -> Result<Tensor> {
    if rate == 0.0 {
        return Ok(inputs.clone());
    }
    inputs * mask_of(inputs, rate, (1.0 / (1.0 - rate)) as f32, layer, at)?
}

/// Alpha dropout: sets each unit with probability `rate` to `alpha' = -1.7581`, the value that SELU has far below zero, and then applies
/// the affine map `a y + b` that gives an input of mean 0 and variance 1 those moments again (Klambauer, Unterthiner, Mayr and Hochreiter
/// 2017, section 3):
///
/// ```text
/// q = 1 - rate,   a = (q + alpha'^2 q rate)^(-1/2),   b = -a rate alpha'
/// ```
///
/// As `torch.nn.AlphaDropout`; at rate 0 it returns its input. The mask is the one that [`dropout`] would draw.
///
/// At rate 0.5, `a = (0.5 + 1.7581^2 / 4)^(-1/2) = 0.8864`: a zero becomes `b = 0.7792` where it is kept and `a alpha' + b = -0.7792`
/// where it is dropped.
///
/// ```
/// # use candle_core::{Device, Tensor};
/// # use relumine_model::{MaskPosition, alpha_dropout};
/// let (rows, at) = (Tensor::new(&[[0_f32; 8]; 2], &Device::Cpu)?, MaskPosition { seed: 1, step: 0, first_row: 0 });
/// let dropped = alpha_dropout(&rows, 0.5, 0, at)?.flatten_all()?.to_vec1::<f32>()?;
/// assert!(dropped.iter().all(|value| (value.abs() - 0.7792).abs() < 1e-4));
/// # Ok::<(), candle_core::Error>(())
/// ```
///
/// # Shapes
/// `inputs` `[rows, units]`, the result likewise.
///
/// # Errors
/// Those of Candle: a device out of memory.
pub fn alpha_dropout(inputs: &Tensor, rate: f64, layer: u16, at: MaskPosition) -> Result<Tensor> {
    if rate == 0.0 {
        return Ok(inputs.clone());
    }
    let (a, b, alpha) = alpha_dropout_constants(rate);
    let mask = mask_of(inputs, rate, 1.0, layer, at)?;
    // a (x m + alpha (1 - m)) + b
    (inputs * (&mask * a)?)? + mask.affine(-a * alpha, a * alpha + b)?
}

/// `a`, `b` and `alpha'` of [`alpha_dropout`].
#[must_use]
pub fn alpha_dropout_constants(rate: f64) -> (f64, f64, f64) {
    use crate::activation::Selu;
    let alpha = -Selu::SCALE * Selu::ALPHA;
    let kept = 1.0 - rate;
    let a = (kept + alpha * alpha * kept * rate).sqrt().recip();
    (a, -a * rate * alpha, alpha)
}

/// `kept` where a unit is kept and 0 where it is dropped.
fn mask_of(inputs: &Tensor, rate: f64, kept: f32, layer: u16, at: MaskPosition) -> Result<Tensor> {
    let (rows, units) = inputs.dims2()?;
    let stream = Stream::new(at.seed, Purpose::Dropout, layer);
    let mut scales = vec![0.0; rows * units];
    mask::fill_scales(&stream, at.step, at.first_row, units, rate, kept, &mut scales);
    Tensor::from_vec(scales, (rows, units), inputs.device())?.to_dtype(inputs.dtype())
}

/// Adds Gaussian noise of mean 0 and standard deviation `stddev`: on the inputs, training with it is much like a penalty on the slope
/// (Bishop, "Training with Noise is Equivalent to Tikhonov Regularization", 1995). As `keras.layers.GaussianNoise`; at 0 it returns its
/// input. Drawn on the host in f64 and rounded to f32, from word `u` of the row for unit `u`.
///
/// ```
/// # use candle_core::{Device, Tensor};
/// # use relumine_model::{MaskPosition, gaussian_noise};
/// let (rows, at) = (Tensor::new(&[[0_f32; 8]; 2], &Device::Cpu)?, MaskPosition { seed: 1, step: 0, first_row: 0 });
/// let [once, twice] = [1.0, 2.0].map(|stddev| gaussian_noise(&rows, stddev, 0, at));
/// assert_eq!((once? * 2.0)?.to_vec2::<f32>()?, twice?.to_vec2::<f32>()?);
/// # Ok::<(), candle_core::Error>(())
/// ```
///
/// # Shapes
/// `inputs` `[rows, units]`, the result likewise.
///
/// # Errors
/// Those of Candle: a device out of memory.
pub fn gaussian_noise(inputs: &Tensor, stddev: f64, layer: u16, at: MaskPosition) -> Result<Tensor> {
    if stddev == 0.0 {
        return Ok(inputs.clone());
    }
    let (rows, units) = inputs.dims2()?;
    let stream = Stream::new(at.seed, Purpose::Noise, layer);
    let (mut noise, mut words) = (Vec::with_capacity(rows * units), vec![0; units]);
    for row in (at.first_row..).take(rows) {
        stream.fill(at.step, row, &mut words);
        noise.extend(words.iter().map(|word| variates::normal(*word, 0.0, stddev) as f32));
    }
    inputs + Tensor::from_vec(noise, (rows, units), inputs.device())?.to_dtype(inputs.dtype())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{DType, Device};

    const AT: MaskPosition = MaskPosition { seed: 1, step: 2, first_row: 0 };

    fn values(tensor: &Tensor) -> Vec<f64> {
        tensor.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap()
    }

    fn mean_and_variance(values: &[f64]) -> (f64, f64) {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        (mean, values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n)
    }

    #[test]
    fn kept_units_are_scaled_so_that_the_mean_stays() {
        let ones = Tensor::ones((500, 400), DType::F32, &Device::Cpu).unwrap();
        let values = values(&dropout(&ones, 0.25, 1, AT).unwrap());
        assert!(values.iter().all(|value| *value == 0.0 || (value - 4.0 / 3.0).abs() < 1e-7));
        let (mean, _) = mean_and_variance(&values);
        assert!((mean - 1.0).abs() < 4.0 * (0.25_f64 / 0.75 / 200_000.0).sqrt(), "mean {mean}");
    }

    /// 200,000 standard normal inputs keep mean 0 and variance 1, each within 5 standard errors.
    #[test]
    fn alpha_dropout_keeps_mean_and_variance_and_drops_what_dropout_drops() {
        let zeros = Tensor::zeros((500, 400), DType::F32, &Device::Cpu).unwrap();
        let normal = gaussian_noise(&zeros, 1.0, 9, AT).unwrap();
        for rate in [0.1, 0.5] {
            let dropped = alpha_dropout(&normal, rate, 1, AT).unwrap();
            let (mean, variance) = mean_and_variance(&values(&dropped));
            assert!(mean.abs() < 5.0 / 200_000_f64.sqrt(), "rate {rate}: mean {mean}");
            assert!((variance - 1.0).abs() < 5.0 * (2.0 / 200_000_f64).sqrt(), "rate {rate}: variance {variance}");
            let lowest = values(&dropped).into_iter().fold(f64::INFINITY, f64::min);
            let plain = values(&dropout(&normal, rate, 1, AT).unwrap());
            let of_dropped: Vec<f64> = values(&dropped).into_iter().zip(&plain).filter(|(_, p)| **p == 0.0).map(|(v, _)| v).collect();
            assert!(of_dropped.iter().all(|value| (value - of_dropped[0]).abs() < 1e-6), "one value stands for all dropped units");
            assert!(lowest <= of_dropped[0]);
        }
    }

    #[test]
    fn noise_has_its_deviation_and_a_batch_in_two_parts_has_that_of_the_whole() {
        let zeros = Tensor::zeros((500, 400), DType::F32, &Device::Cpu).unwrap();
        let whole = gaussian_noise(&zeros, 0.3, 1, AT).unwrap();
        let (mean, variance) = mean_and_variance(&values(&whole));
        assert!(mean.abs() < 4.0 * 0.3 / 200_000_f64.sqrt() && (variance.sqrt() / 0.3 - 1.0).abs() < 0.01, "{mean}, {variance}");
        let part = gaussian_noise(&zeros.narrow(0, 0, 100).unwrap(), 0.3, 1, MaskPosition { first_row: 400, ..AT }).unwrap();
        assert_eq!(values(&whole.narrow(0, 400, 100).unwrap()), values(&part));
    }

    #[test]
    fn at_zero_each_returns_the_very_tensor() {
        let ones = Tensor::ones((2, 3), DType::F32, &Device::Cpu).unwrap();
        for same in [dropout(&ones, 0.0, 1, AT), alpha_dropout(&ones, 0.0, 1, AT), gaussian_noise(&ones, 0.0, 1, AT)] {
            assert_eq!(same.unwrap().id(), ones.id());
        }
    }
}
