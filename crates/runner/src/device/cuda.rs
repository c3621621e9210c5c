//! What is asked of CUDA itself. In a build without it there are no devices.

use candle_core::{Device, Result};

/// What a CUDA device is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CudaDetails {
    /// Such as `NVIDIA H100 80GB HBM3`.
    pub name: String,
    /// Such as `9.0`.
    pub compute_capability: String,
    /// All its memory, in MiB.
    pub memory_mb: u64,
    /// The memory that nobody holds, in MiB.
    pub free_memory_mb: u64,
}

/// How many CUDA devices the driver shows to this process; 0 without a driver.
#[cfg(feature = "cuda")]
#[must_use]
pub fn count() -> usize {
    use candle_core::cuda_backend::cudarc::driver::CudaContext;
    CudaContext::device_count().ok().and_then(|count| usize::try_from(count).ok()).unwrap_or_default()
}

/// How many CUDA devices this process can use: none in a build without CUDA.
#[cfg(not(feature = "cuda"))]
#[must_use]
pub fn count() -> usize {
    0
}

/// Opens a device and runs one of this program's kernels on it: a driver that is too old, or a GPU that the kernels do not fit, shows now
/// rather than when a run has begun.
pub(super) fn open(number: usize) -> Result<Device> {
    let device = Device::new_cuda(number)?;
    candle_core::Tensor::new(&[1_f32], &device)?.affine(2.0, 1.0)?.to_vec1::<f32>()?;
    Ok(device)
}

/// What an open device is; `None` for one that is no CUDA device, or does not answer.
#[cfg(feature = "cuda")]
#[must_use]
pub fn details(device: &Device) -> Option<CudaDetails> {
    let Device::Cuda(device) = device else { return None };
    let stream = device.cuda_stream();
    let context = stream.context();
    let (major, minor) = context.compute_capability().ok()?;
    let (free, total) = context.mem_get_info().ok()?;
    Some(CudaDetails {
        name: context.name().ok()?,
        compute_capability: format!("{major}.{minor}"),
        memory_mb: (total >> 20) as u64,
        free_memory_mb: (free >> 20) as u64,
    })
}

/// What an open device is: never a CUDA device in a build without CUDA.
#[cfg(not(feature = "cuda"))]
#[must_use]
pub fn details(_device: &Device) -> Option<CudaDetails> {
    None
}
