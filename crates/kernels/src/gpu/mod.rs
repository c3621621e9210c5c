//! The fused step's operations on a GPU: what a kernel is given, and what runs it.
//!
//! A step is a list of [`Operation`]s, which a [`Gpu`] records once and replays for every batch. Kernels are CUDA's (`*.cu`, beside the Rust
//! descriptions of their arguments here); products are left to a library. The same kernels compile as C++ for the emulator, so that what
//! they compute is tested where there is no GPU.
//!
//! One operation serves any number of replicas, which train side by side: every array has its replicas one after the other.

mod arguments;
mod check;
#[cfg(feature = "cuda")]
mod cuda;
mod dense;
#[cfg(feature = "emulator")]
mod emulator;
mod operation;
mod plain;
mod update;

pub use arguments::*;
pub use check::{KernelCheck, KernelFault, check_kernels};
#[cfg(feature = "cuda")]
pub use cuda::CudaGpu;
pub use dense::{DENSE_LIMIT, DenseSize, dense_rounds};
#[cfg(feature = "emulator")]
pub use emulator::{Emulator, Order};
pub use operation::{Launch, Operation, Product, ROWS_PER_CHUNK, STRIP, Stage};
pub use plain::{bytes_of, bytes_of_mut};
pub use update::UpdateConstants;

/// Threads of every block.
pub const THREADS: usize = 256;
/// Parameters that a block of [`UpdateArguments`] takes: every tensor begins at a multiple of this.
pub const PARAMETERS_PER_BLOCK: usize = 4 * THREADS;

/// What a [`Gpu`] could not do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GpuError {
    /// An allocation that did not fit.
    #[error("the GPU has no room for {bytes} more bytes ({reason}): free some of its memory, or lower train.batch_size or model.hidden")]
    OutOfMemory {
        /// What was asked for.
        bytes: usize,
        /// What the driver said.
        reason: String,
    },
    /// Anything else.
    #[error("{attempt} failed: {reason}")]
    Failed {
        /// What was tried, as a noun phrase.
        attempt: &'static str,
        /// What the driver or library said.
        reason: String,
    },
}

/// What numbers products are made of. Weights, sums and everything else are f32 in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// All 24 bits of an f32.
    #[default]
    F32,
    /// Factors are rounded to 11 bits.
    Tf32,
    /// Factors are rounded to 8 bits.
    Bf16,
}

impl Precision {
    /// As a recipe spells it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Tf32 => "tf32",
            Self::Bf16 => "bf16",
        }
    }
}

/// Something that runs [`Operation`]s in the order they are given to it, maybe after the call.
pub trait Gpu: std::fmt::Debug {
    /// [Rounds](dense_rounds) of a layer's products up to which the kernels of `dense.cu` are to make them.
    fn dense_limit(&self) -> usize;

    /// Room for so many bytes, all zero, aligned for any vector. It stays until it is freed or the GPU is dropped.
    ///
    /// # Errors
    /// No room.
    fn allocate(&self, bytes: usize) -> Result<Address, GpuError>;

    /// Gives room back, after all that was asked for before.
    ///
    /// # Errors
    /// A device that fails.
    fn free(&self, address: Address) -> Result<(), GpuError>;

    /// Copies bytes to the device after all that was asked for before.
    ///
    /// # Errors
    /// A device that fails, now or in what was asked for before.
    fn write(&self, to: Address, bytes: &[u8]) -> Result<(), GpuError>;

    /// Copies bytes from the device, after all that was asked for before. Waits.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    fn read(&self, from: Address, bytes: &mut [u8]) -> Result<(), GpuError>;

    /// Notes stages, to be replayed one after the other, but for those that go on beside others until they are joined.
    ///
    /// # Errors
    /// An operation that the device cannot do.
    fn record(&self, stages: &[Stage]) -> Result<Recording, GpuError>;

    /// Runs what was noted, maybe after the call. What has been forgotten does nothing.
    ///
    /// # Errors
    /// A device that fails.
    fn replay(&self, recording: Recording) -> Result<(), GpuError>;

    /// Forgets what was noted, after all that was asked for before.
    ///
    /// # Errors
    /// A device that fails.
    fn forget(&self, recording: Recording) -> Result<(), GpuError>;
}

/// The number of something a [`Gpu`] has recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recording(usize);
