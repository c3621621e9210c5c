//! The three products of a dense layer, each in a form that multiplies everything and one that skips zeros. For the first two both forms add
//! the terms of a sum in the same order, so they give the same bits.
//!
//! | product | sum over | skips |
//! |---|---|---|
//! | [`forward`] `z = x w + bias` | inputs, from the bias on | inputs that are zero |
//! | [`weight_gradient`] `dw = x^T dz` | rows | inputs that are zero |
//! | [`input_gradient`] `dx = (dz w^T) * slope` | outputs | elements whose slope is zero |
//!
//! `x` is `[rows, in]`, `w` `[in, out]`, `dz` `[rows, out]`, all in panels.

mod backward_data;
mod backward_weight;
mod dense;
mod forward;
mod inputs;
#[cfg(any(feature = "accelerate", feature = "blas", feature = "onednn"))]
mod library;
mod sparse;
mod transpose;

pub(crate) use backward_data::Dz;
pub use backward_data::{InputGradient, Way, input_gradient};
pub use backward_weight::{Destination, Gradient, Target, TileOrder, WeightGradient, weight_gradient};
pub use forward::{Finish, Forward, Out, can_look, forward};
pub use inputs::Inputs;
pub use transpose::Transpose;

/// What sums begin with that begin with nothing: as wide as two panels.
static ZEROS: [f32; 2 * crate::PANEL] = [0.0; 2 * crate::PANEL];

/// The library whose products take the place of our own dense ones; none without a feature that asks for one.
pub const LIBRARY: Option<&str> = if cfg!(feature = "onednn") {
    Some("oneDNN")
} else if cfg!(feature = "accelerate") {
    Some("Accelerate")
} else if cfg!(feature = "blas") {
    Some("BLAS")
} else {
    None
};

#[cfg(test)]
mod tests;
