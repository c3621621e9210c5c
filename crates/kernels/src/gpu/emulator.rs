//! The kernels on the host, to test them: see `emulator.h`.

use super::{Address, DENSE_LIMIT, Gpu, GpuError, Operation, Product, Recording, Stage, Values};
use libloading::{Library, Symbol};
use std::cell::RefCell;
use std::ffi::{CString, c_char, c_int, c_void};
use std::process::Command;
use std::sync::OnceLock;

/// In which order the emulator goes through blocks and threads. What kernels compute may not depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// First to last.
    Forward,
    /// Last to first.
    Backward,
}

/// Runs the CUDA kernels as C++ on the host.
#[derive(Debug)]
pub struct Emulator {
    library: &'static Library,
    order: Order,
    dense_limit: usize,
    inner: RefCell<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    allocations: Vec<Vec<u128>>,
    recordings: Vec<Option<Vec<Stage>>>,
}

type Launch = unsafe extern "C" fn(*const c_char, *const c_void, u32, u32, c_int) -> c_int;
type Multiply = unsafe extern "C" fn(Values, Values, Values, Values, *const u64, c_int, c_int, c_int);
type Size = unsafe extern "C" fn(*const c_char) -> u32;

/// Every file of this folder that the compiler reads.
const SOURCES: [(&str, &str); 15] = [
    ("common.cuh", include_str!("common.cuh")),
    ("random.cuh", include_str!("random.cuh")),
    ("activation.cuh", include_str!("activation.cuh")),
    ("strip.cuh", include_str!("strip.cuh")),
    ("tile.cuh", include_str!("tile.cuh")),
    ("activate.cu", include_str!("activate.cu")),
    ("dense.cu", include_str!("dense.cu")),
    ("gather.cu", include_str!("gather.cu")),
    ("loss.cu", include_str!("loss.cu")),
    ("maxout.cu", include_str!("maxout.cu")),
    ("norm.cu", include_str!("norm.cu")),
    ("update.cu", include_str!("update.cu")),
    ("kernels.cu", include_str!("kernels.cu")),
    ("emulator.h", include_str!("emulator.h")),
    ("emulator.cpp", include_str!("emulator.cpp")),
];

fn failed(attempt: &'static str, reason: impl std::fmt::Display) -> GpuError {
    GpuError::Failed { attempt, reason: reason.to_string() }
}

/// Compiles and loads the kernels, once in a process.
fn library() -> Result<&'static Library, GpuError> {
    static LIBRARY: OnceLock<Result<Library, GpuError>> = OnceLock::new();
    LIBRARY.get_or_init(compile).as_ref().map_err(Clone::clone)
}

fn compile() -> Result<Library, GpuError> {
    let folder = tempfile::tempdir().map_err(|error| failed("making a folder for the kernels", error))?;
    for (name, text) in SOURCES {
        std::fs::write(folder.path().join(name), text).map_err(|error| failed("writing the kernels", error))?;
    }
    let file = folder.path().join("kernels.so");
    let compiler = std::env::var("CXX").unwrap_or_else(|_| "c++".into());
    // Without contraction, sums are those of IEEE 754 on every host.
    let flags = ["-O2", "-std=c++17", "-Wall", "-Wextra", "-Werror", "-Wno-unused-function", "-ffp-contract=off", "-fPIC", "-shared"];
    let output = Command::new(&compiler).args(flags).arg("-o").arg(&file).arg(folder.path().join("emulator.cpp")).output();
    let output = output.map_err(|error| failed("compiling the kernels", format!("{compiler}: {error}")))?;
    if !output.status.success() {
        return Err(failed("compiling the kernels", String::from_utf8_lossy(&output.stderr)));
    }
    // SAFETY: a library that was just made and does nothing when it is loaded. Its file may go then.
    unsafe { Library::new(&file) }.map_err(|error| failed("loading the kernels", error))
}

impl Emulator {
    /// A GPU without memory or recordings.
    ///
    /// # Errors
    /// A machine other than x86-64 Linux, or one without a C++ compiler.
    pub fn new(order: Order) -> Result<Self, GpuError> {
        if !cfg!(all(target_arch = "x86_64", target_os = "linux")) {
            return Err(failed("emulating a GPU", "the emulator runs on x86-64 Linux alone"));
        }
        Ok(Self { library: library()?, order, dense_limit: DENSE_LIMIT, inner: RefCell::default() })
    }

    /// With another [`Gpu::dense_limit`].
    #[must_use]
    pub fn with_dense_limit(self, dense_limit: usize) -> Self {
        Self { dense_limit, ..self }
    }

    fn symbol<T>(&self, name: &str) -> Result<Symbol<'_, T>, GpuError> {
        // SAFETY: the callers name functions with the types that `emulator.cpp` gives them.
        unsafe { self.library.get(name) }.map_err(|error| failed("finding a function of the emulator", error))
    }

    /// Bytes of a kernel's arguments, or of a record such as `Progress`; 0 for what there is not.
    ///
    /// # Errors
    /// A name with a zero byte.
    pub fn size_of(&self, name: &str) -> Result<usize, GpuError> {
        let name = CString::new(name).map_err(|error| failed("naming a kernel", error))?;
        let size = self.symbol::<Size>("relumine_size")?;
        // SAFETY: a function that reads a name.
        Ok(unsafe { size(name.as_ptr()) } as usize)
    }

    fn run(&self, operation: &Operation) -> Result<(), GpuError> {
        match operation {
            Operation::Product(product) => self.multiply(product),
            Operation::Launch { launch, blocks, replicas } => {
                let name = CString::new(launch.name()).map_err(|error| failed("naming a kernel", error))?;
                let run = self.symbol::<Launch>("relumine_launch")?;
                let arguments = launch.arguments();
                let is_backward = c_int::from(self.order == Order::Backward);
                // SAFETY: the arguments are of the kernel's type; the addresses in them are the caller's promise.
                match unsafe { run(name.as_ptr(), arguments, *blocks as u32, *replicas as u32, is_backward) } {
                    0 => Ok(()),
                    1 => Err(failed("launching a kernel", format!("there is no kernel {}", launch.name()))),
                    _ => Err(failed("running a kernel", format!("threads of {} wait for each other for good", launch.name()))),
                }
            }
        }
    }

    fn multiply(&self, product: &Product) -> Result<(), GpuError> {
        let Product { left, right, out, bias, m, n, k, replicas, .. } = *product;
        let sizes = [m, n, k, replicas].map(|size| size as u64);
        let [left_is_transposed, right_is_transposed, adds] =
            [product.left_is_transposed, product.right_is_transposed, product.adds].map(c_int::from);
        let multiply = self.symbol::<Multiply>("relumine_product")?;
        // SAFETY: the addresses are the caller's promise.
        unsafe { multiply(left, right, out, bias, sizes.as_ptr(), left_is_transposed, right_is_transposed, adds) };
        Ok(())
    }
}

impl Gpu for Emulator {
    fn dense_limit(&self) -> usize {
        self.dense_limit
    }

    fn allocate(&self, bytes: usize) -> Result<Address, GpuError> {
        let allocation = vec![0_u128; bytes.div_ceil(size_of::<u128>()).max(1)];
        let address = Address(allocation.as_ptr() as u64);
        self.inner.borrow_mut().allocations.push(allocation);
        Ok(address)
    }

    fn free(&self, address: Address) -> Result<(), GpuError> {
        self.inner.borrow_mut().allocations.retain(|allocation| allocation.as_ptr() as u64 != address.0);
        Ok(())
    }

    fn write(&self, to: Address, bytes: &[u8]) -> Result<(), GpuError> {
        // SAFETY: the address is the caller's promise.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), to.0 as *mut u8, bytes.len()) };
        Ok(())
    }

    fn read(&self, from: Address, bytes: &mut [u8]) -> Result<(), GpuError> {
        // SAFETY: the address is the caller's promise.
        unsafe { std::ptr::copy_nonoverlapping(from.0 as *const u8, bytes.as_mut_ptr(), bytes.len()) };
        Ok(())
    }

    fn record(&self, stages: &[Stage]) -> Result<Recording, GpuError> {
        let recordings = &mut self.inner.borrow_mut().recordings;
        recordings.push(Some(stages.to_vec()));
        Ok(Recording(recordings.len() - 1))
    }

    fn replay(&self, recording: Recording) -> Result<(), GpuError> {
        let stages = self.inner.borrow().recordings[recording.0].clone();
        // What goes on beside others may be done at once, or as late as it is joined.
        let mut waiting = Vec::new();
        for stage in stages.into_iter().flatten() {
            match (stage, self.order) {
                (Stage::Run(operation), _) | (Stage::Beside(operation), Order::Forward) => self.run(&operation)?,
                (Stage::Beside(operation), Order::Backward) => waiting.push(operation),
                (Stage::Join, _) => waiting.drain(..).try_for_each(|operation| self.run(&operation))?,
            }
        }
        Ok(())
    }

    fn forget(&self, recording: Recording) -> Result<(), GpuError> {
        self.inner.borrow_mut().recordings[recording.0] = None;
        Ok(())
    }
}
