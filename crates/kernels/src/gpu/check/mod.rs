//! Each kernel by itself on random inputs, beside what the CPU makes of the same: what to run first on a GPU that nobody has tried, as it tells
//! which kernel is at fault.

mod bench;
mod inputs;
mod layers;
mod norms;
mod products;
mod training;

use super::{Gpu, GpuError};
use bench::Bench;

/// How far a kernel's outputs were from what they should be.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct KernelCheck {
    /// The kernel, or `product`.
    pub kernel: &'static str,
    /// What it was given, and which of its outputs were compared.
    pub case: String,
    /// How many values were compared.
    pub values: usize,
    /// The largest difference, as a share of the largest value.
    pub difference: f64,
    /// How much it may be: 0 where the bits must be the same.
    pub tolerance: f64,
}

impl KernelCheck {
    /// Whether the difference is one of rounding.
    #[must_use]
    pub fn is_right(&self) -> bool {
        self.difference <= self.tolerance
    }
}

/// Checks every kernel, and the products of a GPU that makes them of f32 numbers.
///
/// # Errors
/// A device that fails.
pub fn check_kernels(gpu: &dyn Gpu) -> Result<Vec<KernelCheck>, GpuError> {
    let mut bench = Bench::new(gpu);
    inputs::gather(&mut bench)?;
    layers::activate(&mut bench)?;
    layers::activate_backward(&mut bench)?;
    layers::maxout(&mut bench)?;
    norms::batch_norm(&mut bench)?;
    norms::layer_norm(&mut bench)?;
    training::loss(&mut bench)?;
    training::update(&mut bench)?;
    training::clip_scale(&mut bench)?;
    training::bound_norms(&mut bench)?;
    training::finish(&mut bench)?;
    products::products(&mut bench)?;
    Ok(bench.checks)
}
