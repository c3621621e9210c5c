//! Examples as the kernels read them.

use crate::Examples;
use candle_core::{DType, Result, Storage, Tensor};
use relumine_kernels::gpu::Address;

/// Where examples lie on the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Places {
    pub(super) bytes: Address,
    pub(super) numbers: Address,
    pub(super) labels: Address,
    pub(super) offset: Address,
    pub(super) divisor: Address,
    /// 1 where the offset, plus 2 where the divisor has a number for each feature.
    pub(super) constants_per_feature: u32,
    pub(super) features: usize,
}

/// The same, and the examples themselves, which stay there as long as this.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub(super) places: Places,
    features: Tensor,
    labels: Tensor,
    _constants: [Option<Tensor>; 2],
}

impl Source {
    pub(super) fn of(examples: &Examples) -> Result<Self> {
        let (features, labels, [offset, divisor]) = examples.on_device();
        let place = address(features)?;
        let (bytes, numbers) = if features.dtype() == DType::U8 { (place, Address::NONE) } else { (Address::NONE, place) };
        let constant = |tensor: Option<&Tensor>| tensor.map_or(Ok(Address::NONE), address);
        let has_many = |tensor: Option<&Tensor>| u32::from(tensor.is_some_and(|tensor| tensor.elem_count() > 1));
        let places = Places {
            bytes,
            numbers,
            labels: address(labels)?,
            offset: constant(offset)?,
            divisor: constant(divisor)?,
            constants_per_feature: has_many(offset) | has_many(divisor) << 1,
            features: examples.num_features(),
        };
        Ok(Self { places, features: features.clone(), labels: labels.clone(), _constants: [offset.cloned(), divisor.cloned()] })
    }

    /// Whether it is of these examples.
    pub(super) fn is_of(&self, examples: &Examples) -> bool {
        let (features, labels, _) = examples.on_device();
        self.features.id() == features.id() && self.labels.id() == labels.id()
    }
}

/// Where a tensor's values begin.
fn address(tensor: &Tensor) -> Result<Address> {
    let (storage, layout) = tensor.storage_and_layout();
    let first = layout.start_offset();
    match &*storage {
        Storage::Cpu(storage) => Ok(Address(match tensor.dtype() {
            DType::U8 => storage.as_slice::<u8>()?[first..].as_ptr() as u64,
            DType::U32 => storage.as_slice::<u32>()?[first..].as_ptr() as u64,
            _ => storage.as_slice::<f32>()?[first..].as_ptr() as u64,
        })),
        #[cfg(feature = "cuda")]
        Storage::Cuda(storage) => {
            use candle_core::cuda_backend::cudarc::driver::DevicePtr;
            let stream = storage.device.cuda_stream();
            let (base, size) = match tensor.dtype() {
                DType::U8 => (storage.as_cuda_slice::<u8>()?.device_ptr(&stream).0, 1),
                DType::U32 => (storage.as_cuda_slice::<u32>()?.device_ptr(&stream).0, 4),
                _ => (storage.as_cuda_slice::<f32>()?.device_ptr(&stream).0, 4),
            };
            Ok(Address(base + (first * size) as u64))
        }
        _ => candle_core::bail!("the fused step has no kernels for the device of these examples"),
    }
}
