//! Dropout, with masks that depend on seed, step, row and unit alone.

use candle_core::{Result, Tensor};
use relumine_random::{Purpose, Stream, mask};

/// Where in a training run a batch stands, which is all that its masks depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaskPosition {
    /// The run's seed.
    pub seed: u64,
    /// Optimiser steps taken before this one.
    pub step: u32,
    /// Position of these rows' first in the step's whole batch.
    pub first_row: u32,
}

/// Inverted dropout: zeroes each unit with probability `rate` and divides the others by `1 - rate`, so that the expected activation
/// stays and evaluation needs no change. Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, JMLR 15, 2014. As
/// `torch.nn.functional.dropout`; at rate 0 it returns its input.
///
/// The mask is drawn on the host ([`mask::fill_scales`]) and uploaded, so it is the same on every device. `layer` is the layer that
/// reads the result.
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
    let (rows, units) = inputs.dims2()?;
    let stream = Stream::new(at.seed, Purpose::Dropout, layer);
    let mut scales = vec![0.0; rows * units];
    mask::fill_scales(&stream, at.step, at.first_row, units, rate, (1.0 / (1.0 - rate)) as f32, &mut scales);
    let scales = Tensor::from_vec(scales, (rows, units), inputs.device())?.to_dtype(inputs.dtype())?;
    inputs * scales
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{DType, Device};

    #[test]
    fn kept_units_are_scaled_so_that_the_mean_stays() {
        let ones = Tensor::ones((500, 400), DType::F32, &Device::Cpu).unwrap();
        let at = MaskPosition { seed: 1, step: 2, first_row: 0 };
        let dropped = dropout(&ones, 0.25, 1, at).unwrap();
        let values = dropped.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert!(values.iter().all(|value| *value == 0.0 || (value - 4.0 / 3.0).abs() < 1e-7));
        let mean = values.iter().map(|value| f64::from(*value)).sum::<f64>() / 200_000.0;
        assert!((mean - 1.0).abs() < 4.0 * (0.25_f64 / 0.75 / 200_000.0).sqrt(), "mean {mean}");
    }

    #[test]
    fn rate_zero_returns_the_very_tensor() {
        let ones = Tensor::ones((2, 3), DType::F32, &Device::Cpu).unwrap();
        let same = dropout(&ones, 0.0, 1, MaskPosition { seed: 1, step: 0, first_row: 0 }).unwrap();
        assert_eq!(same.id(), ones.id());
    }
}
