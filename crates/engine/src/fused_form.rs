//! Which fused step a device has.

use crate::{FusedStep, GpuStep, Step, StepError, TrainingConfig};
use candle_core::Device;
use relumine_kernels::gpu::{Gpu, Precision};
use relumine_model::Architecture;

/// The fused step of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FusedForm {
    /// There is one.
    Ready,
    /// There is one that nobody has seen run on such a device: for those who ask for it.
    Unproven(&'static str),
    /// There is none, and why, as the end of a sentence.
    Missing(&'static str),
}

impl FusedForm {
    /// That of `device`, for training that changes its images at random or does not.
    #[must_use]
    pub fn of(device: &Device, augments: bool) -> Self {
        match device {
            Device::Cpu => Self::Ready,
            Device::Cuda(_) if augments => {
                Self::Missing("the fused step on CUDA takes its inputs as they are, and this recipe changes them on the host")
            }
            Device::Cuda(_) => Self::Unproven("the fused step on CUDA has been tested in emulation, and not yet on hardware"),
            Device::Metal(_) => Self::Missing("the fused step runs on the CPU and on CUDA"),
        }
    }
}

/// The fused step for a device, with fresh parameters.
///
/// # Errors
/// A device that has none, or no room for it.
pub fn fused_step(architecture: &Architecture, config: &TrainingConfig, device: &Device) -> Result<Box<dyn Step>, StepError> {
    match FusedForm::of(device, config.augmentation.is_some()) {
        FusedForm::Missing(reason) => Err(StepError::NotFused { reason: reason.into() }),
        FusedForm::Ready if config.precision != Precision::F32 => {
            Err(StepError::NotFused { reason: "on the CPU it calculates with all digits of an f32".into() })
        }
        FusedForm::Ready => Ok(Box::new(FusedStep::new(architecture, config, device)?)),
        FusedForm::Unproven(_) => on_gpu(architecture, config, device),
    }
}

fn on_gpu(architecture: &Architecture, config: &TrainingConfig, device: &Device) -> Result<Box<dyn Step>, StepError> {
    Ok(Box::new(GpuStep::new(gpu_of(device, config.precision, None)?, architecture, config, device)?))
}

/// The kernels of a CUDA device, and a queue of their own, with products of f32 numbers; `dense_limit` in the place of its own
/// [`Gpu::dense_limit`].
///
/// # Errors
/// Another device, or a device that fails.
pub fn open_gpu(device: &Device, dense_limit: Option<usize>) -> Result<Box<dyn Gpu>, StepError> {
    gpu_of(device, Precision::F32, dense_limit)
}

#[cfg(feature = "cuda")]
fn gpu_of(device: &Device, precision: Precision, dense_limit: Option<usize>) -> Result<Box<dyn Gpu>, StepError> {
    let ordinal = device.as_cuda_device()?.cuda_stream().context().ordinal();
    let gpu = relumine_kernels::gpu::CudaGpu::new(ordinal, precision)?;
    Ok(Box::new(match dense_limit {
        Some(limit) => gpu.with_dense_limit(limit),
        None => gpu,
    }))
}

#[cfg(not(feature = "cuda"))]
fn gpu_of(_: &Device, _: Precision, _: Option<usize>) -> Result<Box<dyn Gpu>, StepError> {
    Err(StepError::NotFused { reason: "this program was built without CUDA".into() })
}
