//! Each kernel by itself on random inputs, beside what the CPU makes of the same: what to run first on a GPU that nobody has tried, as it
//! tells which kernel is at fault.

mod bench;
mod dense;
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

/// A device that failed while it was checked.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the GPU failed at {during}, after {} other checks: {source}", checks.len())]
pub struct KernelFault {
    /// What it was given last.
    pub during: String,
    /// What the driver or library said.
    pub source: GpuError,
    /// What was checked before.
    pub checks: Vec<KernelCheck>,
}

/// Checks every kernel, and the products of a GPU that makes them of f32 numbers.
///
/// # Errors
/// A device that fails.
pub fn check_kernels(gpu: &dyn Gpu) -> Result<Vec<KernelCheck>, KernelFault> {
    let mut bench = Bench::new(gpu);
    match check_all(&mut bench) {
        Ok(()) => Ok(bench.checks),
        Err(error) => Err(bench.fault(error)),
    }
}

fn check_all(bench: &mut Bench<'_>) -> Result<(), GpuError> {
    inputs::gather(bench)?;
    layers::activate(bench)?;
    layers::activate_backward(bench)?;
    layers::many_rows(bench)?;
    layers::bare(bench)?;
    layers::maxout(bench)?;
    dense::forward(bench)?;
    dense::backward(bench)?;
    dense::gradient(bench)?;
    norms::batch_norm(bench)?;
    norms::layer_norm(bench)?;
    training::loss(bench)?;
    training::update(bench)?;
    training::clip_scale(bench)?;
    training::bound_norms(bench)?;
    training::finish(bench)?;
    training::frozen(bench)?;
    products::products(bench)
}
