//! Examples of any size, dense and sparse, in both forms that features come in.

use candle_core::Device;
use relumine_engine::{Examples, FeatureBuffer};
use relumine_random::{Purpose, Stream, variates};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    /// Bytes over 255.
    Bytes,
    /// The same, four of five of them 0.
    SparseBytes,
    /// Bytes, most of them 0, with a mean and a standard deviation of each feature's own.
    StandardBytes,
    /// Numbers of both signs.
    Floats,
    /// The same, four of five of them 0.
    SparseFloats,
}

impl Kind {
    pub(crate) const ALL: [Self; 5] = [Self::Bytes, Self::SparseBytes, Self::StandardBytes, Self::Floats, Self::SparseFloats];

    fn is_sparse(self) -> bool {
        matches!(self, Self::SparseBytes | Self::StandardBytes | Self::SparseFloats)
    }
}

fn unit(row: usize, index: usize) -> f64 {
    variates::unit(Stream::new(97, Purpose::Augment, 0).word(0, row as u32, index as u32))
}

/// `[rows, features]`: a number in [0, 1) for each, or 0.
fn units(rows: usize, features: usize, kind: Kind) -> Vec<f64> {
    let value = |row: usize, feature: usize| {
        let is_lit = !kind.is_sparse() || unit(row, 2 * feature) < 0.2;
        if is_lit { unit(row, 2 * feature + 1) } else { 0.0 }
    };
    (0..rows * features).map(|i| value(i / features, i % features)).collect()
}

pub(crate) fn examples(rows: usize, features: usize, classes: usize, kind: Kind) -> Examples {
    let units = units(rows, features, kind);
    let buffer = match kind {
        Kind::Bytes | Kind::SparseBytes | Kind::StandardBytes => FeatureBuffer::U8(units.iter().map(|unit| (unit * 256.0) as u8).collect()),
        Kind::Floats => FeatureBuffer::F32(units.iter().map(|unit| (unit * 4.0 - 2.0) as f32).collect()),
        Kind::SparseFloats => {
            FeatureBuffer::F32(units.iter().map(|unit| if *unit == 0.0 { 0.0 } else { (unit * 4.0 - 2.0) as f32 }).collect())
        }
    };
    let each = |from: f32, by: f32| (0..features).map(|feature| from + by * (feature % 13) as f32).collect();
    let (offset, divisor) = match kind {
        Kind::Bytes | Kind::SparseBytes => (vec![0.0], vec![255.0]),
        Kind::StandardBytes => (each(20.0, 1.5), each(60.0, 3.7)),
        Kind::Floats | Kind::SparseFloats => (vec![0.0], vec![1.0]),
    };
    let labels = (0..rows).map(|row| (unit(row, 2 * features) * classes as f64) as u32).collect();
    Examples::new(buffer, &[features], labels, &offset, &divisor, &Device::Cpu).unwrap()
}
