//! Features on a common scale.

use crate::isa::dispatch_plain;

/// `scaled = (feature - offset) / divisor`, with one constant for all features or one for each.
#[derive(Clone, Debug, PartialEq)]
pub struct Scaling {
    offset: Vec<f32>,
    divisor: Vec<f32>,
    /// The reciprocal of the one divisor, if division of bytes by it can be done by multiplications.
    reciprocal: Option<f32>,
    /// What each byte becomes, if that is the same for all features and 0 becomes 0.
    pub(super) table: Option<Box<[f32; 256]>>,
}

impl Scaling {
    /// A scaling by these constants.
    #[must_use]
    pub fn new(offset: Vec<f32>, divisor: Vec<f32>) -> Self {
        let reciprocal = match (offset.as_slice(), divisor.as_slice()) {
            ([offset], [divisor]) => {
                let reciprocal = divisor.recip();
                // Markstein's division is exact for almost every divisor; 256 values are soon tried.
                let is_exact =
                    (0..=255_u8).all(|byte| divide(f32::from(byte) - offset, *divisor, reciprocal) == (f32::from(byte) - offset) / divisor);
                is_exact.then_some(reciprocal)
            }
            _ => None,
        };
        let table = match (offset.as_slice(), divisor.as_slice()) {
            ([offset], [divisor]) => Some(std::array::from_fn(|byte| (byte as f32 - offset) / divisor)),
            _ => None,
        };
        let table = table.filter(|table: &[f32; 256]| table[0] == 0.0).map(Box::new);
        Self { offset, divisor, reciprocal, table }
    }

    pub(super) fn constants(&self, feature: usize) -> (f32, f32) {
        let of = |values: &[f32], neutral: f32| match values {
            [] => neutral,
            [value] => *value,
            values => values[feature],
        };
        (of(&self.offset, 0.0), of(&self.divisor, 1.0))
    }
}

/// Division by Newton's correction of a product (Markstein 1990).
#[inline(always)]
fn divide(x: f32, divisor: f32, reciprocal: f32) -> f32 {
    let quotient = x * reciprocal;
    (-quotient).mul_add(divisor, x).mul_add(reciprocal, quotient)
}

dispatch_plain! {
    pub(super) fn from_bytes(bytes: &[u8], scaling: &Scaling, first: usize, out: &mut [f32]) = from_bytes_plain
}

#[inline(always)]
fn from_bytes_plain<const FUSED: bool>(bytes: &[u8], scaling: &Scaling, first: usize, out: &mut [f32]) {
    if let (Some(reciprocal), true) = (scaling.reciprocal, FUSED) {
        let (offset, divisor) = scaling.constants(0);
        for (out, byte) in out.iter_mut().zip(bytes) {
            *out = divide(f32::from(*byte) - offset, divisor, reciprocal);
        }
    } else {
        for (place, (out, byte)) in out.iter_mut().zip(bytes).enumerate() {
            let (offset, divisor) = scaling.constants(first + place);
            *out = (f32::from(*byte) - offset) / divisor;
        }
    }
}

dispatch_plain! {
    pub(crate) fn from_floats(values: &[f32], scaling: &Scaling, first: usize, out: &mut [f32]) = from_floats_plain
}

#[inline(always)]
fn from_floats_plain<const FUSED: bool>(values: &[f32], scaling: &Scaling, first: usize, out: &mut [f32]) {
    if let ([offset], [divisor]) = (scaling.offset.as_slice(), scaling.divisor.as_slice()) {
        for (out, value) in out.iter_mut().zip(values) {
            *out = (value - offset) / divisor;
        }
    } else {
        for (place, (out, value)) in out.iter_mut().zip(values).enumerate() {
            let (offset, divisor) = scaling.constants(first + place);
            *out = (value - offset) / divisor;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_over_255_need_no_division() {
        assert!(Scaling::new(vec![0.0], vec![255.0]).reciprocal.is_some());
    }
}
