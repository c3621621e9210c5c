//! Normalisation of a matrix `[rows, units]`, in place, so that the way back finds the normalised values:
//!
//! | | mean and variance | `y` |
//! |---|---|---|
//! | [`batch`] | of each unit, over the rows, or constants | `weight x^ + bias`, `x^ = (x - mean) / sqrt(variance + epsilon)` |
//! | [`layer`] | of each row, over its units | the same |
//!
//! Variances are those with 1/n. Sums over rows are taken in f32 for 64 rows and in f64 over those blocks.

pub mod batch;
pub mod layer;
mod sums;

/// What a unit's normalised values are multiplied by, and what is added: each `[1, units]`.
#[derive(Clone, Copy, Debug)]
pub struct Affine<'a> {
    /// The scale.
    pub weight: &'a crate::Panels,
    /// The shift.
    pub bias: &'a crate::Panels,
}

/// The gradients of [`Affine`]: `sum_b dy x^` and `sum_b dy`, each `[1, units]`.
#[derive(Clone, Debug)]
pub struct Gradient {
    /// Of the scale.
    pub weight: crate::Panels,
    /// Of the shift.
    pub bias: crate::Panels,
}

impl Gradient {
    /// Zeros for so many units.
    #[must_use]
    pub fn zeros(units: usize) -> Self {
        Self { weight: crate::Panels::zeros(1, units), bias: crate::Panels::zeros(1, units) }
    }
}

#[cfg(test)]
mod tests;
