//! NVIDIA's GPUs: kernels by the driver, products by cuBLASLt, and every recording a CUDA graph.

mod product;

use super::{Address, DENSE_LIMIT, Gpu, GpuError, Launch, Operation, Precision, Recording, Stage, THREADS};
use cudarc::cublaslt::result::{self as blas, CublasError};
use cudarc::cublaslt::sys as blas_sys;
use cudarc::driver::result::{self as driver, DriverError};
use cudarc::driver::sys;
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::ffi::{CString, c_int};

/// The kernels as machine code for compute capabilities 8.0 and 9.0, and as PTX of 8.0 for all that came later.
static KERNELS: &Aligned<[u8]> = &Aligned(*include_bytes!(concat!(env!("OUT_DIR"), "/kernels.fatbin")));

#[repr(C, align(64))]
struct Aligned<T: ?Sized>(T);

/// The stream that everything is asked of, and the one for what goes on beside it.
const LANES: usize = 2;

/// Bytes that cuBLASLt may use for a product, as NVIDIA recommends for Hopper.
const WORKSPACE: usize = 32 << 20;

/// One of NVIDIA's GPUs, with streams of its own on the primary context, which Candle uses too.
#[derive(Debug)]
pub struct CudaGpu {
    device: sys::CUdevice,
    context: sys::CUcontext,
    module: sys::CUmodule,
    functions: RefCell<HashMap<&'static str, sys::CUfunction>>,
    lanes: [Lane; LANES],
    /// Where the second leaves the first, and where they meet.
    events: [sys::CUevent; LANES],
    blas: blas_sys::cublasLtHandle_t,
    compute: blas_sys::cublasComputeType_t,
    dense_limit: usize,
    allocations: RefCell<HashSet<u64>>,
    graphs: RefCell<Vec<Option<Graph>>>,
}

#[derive(Clone, Copy, Debug)]
struct Lane {
    stream: sys::CUstream,
    workspace: Address,
}

#[derive(Clone, Copy, Debug)]
struct Graph {
    graph: sys::CUgraph,
    executable: sys::CUgraphExec,
}

fn cuda<T>(attempt: &'static str, result: Result<T, DriverError>) -> Result<T, GpuError> {
    result.map_err(|error| GpuError::Failed { attempt, reason: format!("{error:?}") })
}

fn cublas<T>(attempt: &'static str, result: Result<T, CublasError>) -> Result<T, GpuError> {
    result.map_err(|error| GpuError::Failed { attempt, reason: format!("{error:?}") })
}

impl CudaGpu {
    /// The GPU of this number.
    ///
    /// # Errors
    /// No driver, no such GPU, one older than compute capability 8.0, or no room on it.
    pub fn new(ordinal: usize, precision: Precision) -> Result<Self, GpuError> {
        cuda("starting NVIDIA's driver", driver::init())?;
        let device = cuda("opening the GPU", driver::device::get(ordinal as c_int))?;
        // SAFETY: a device that the driver has just given.
        let context = cuda("opening the GPU", unsafe { driver::primary_ctx::retain(device) })?;
        // SAFETY: a context that the driver has just given.
        cuda("opening the GPU", unsafe { driver::ctx::set_current(context) })?;
        // SAFETY: the compiler's output, which is complete and stays.
        let module = cuda("loading the kernels", unsafe { driver::module::load_data(KERNELS.0.as_ptr().cast()) })?;
        let lane = || {
            let stream = cuda("making a stream", driver::stream::create(driver::stream::StreamKind::NonBlocking))?;
            Ok(Lane { stream, workspace: room(WORKSPACE)? })
        };
        let event = || cuda("making an event", driver::event::create(sys::CUevent_flags::CU_EVENT_DISABLE_TIMING));
        let compute = match precision {
            Precision::F32 => blas_sys::cublasComputeType_t::CUBLAS_COMPUTE_32F,
            Precision::Tf32 => blas_sys::cublasComputeType_t::CUBLAS_COMPUTE_32F_FAST_TF32,
            Precision::Bf16 => blas_sys::cublasComputeType_t::CUBLAS_COMPUTE_32F_FAST_16BF,
        };
        Ok(Self {
            device,
            context,
            module,
            functions: RefCell::default(),
            lanes: [lane()?, lane()?],
            events: [event()?, event()?],
            blas: cublas("starting cuBLASLt", blas::create_handle())?,
            compute,
            // The kernels take all digits of a factor.
            dense_limit: if precision == Precision::F32 { DENSE_LIMIT } else { 0 },
            allocations: RefCell::default(),
            graphs: RefCell::default(),
        })
    }

    /// With another [`Gpu::dense_limit`].
    #[must_use]
    pub fn with_dense_limit(mut self, dense_limit: usize) -> Self {
        self.dense_limit = dense_limit;
        self
    }

    /// Makes this GPU the calling thread's.
    fn bind(&self) -> Result<(), GpuError> {
        // SAFETY: a context that is kept until this is dropped.
        cuda("turning to the GPU", unsafe { driver::ctx::set_current(self.context) })
    }

    fn stream(&self) -> sys::CUstream {
        self.lanes[0].stream
    }

    fn synchronize(&self) -> Result<(), GpuError> {
        self.bind()?;
        // SAFETY: a stream that is kept until this is dropped.
        cuda("waiting for the GPU", unsafe { driver::stream::synchronize(self.stream()) })
    }

    fn function(&self, name: &'static str) -> Result<sys::CUfunction, GpuError> {
        if let Some(function) = self.functions.borrow().get(name) {
            return Ok(*function);
        }
        let c_name = CString::new(name).map_err(|error| GpuError::Failed { attempt: "naming a kernel", reason: error.to_string() })?;
        // SAFETY: a module that is kept until this is dropped.
        let function = cuda("finding a kernel", unsafe { driver::module::get_function(self.module, c_name) })?;
        self.functions.borrow_mut().insert(name, function);
        Ok(function)
    }

    fn launch(&self, lane: Lane, launch: &Launch, blocks: usize, replicas: usize) -> Result<(), GpuError> {
        let function = self.function(launch.name())?;
        let arguments = launch.arguments();
        let grid = (blocks as u32, replicas as u32, 1);
        // SAFETY: the kernel takes one structure, which the driver copies now; the addresses in it are the caller's promise.
        cuda("launching a kernel", unsafe {
            driver::launch_kernel(function, grid, (THREADS as u32, 1, 1), 0, lane.stream, &mut [arguments.cast_mut()])
        })
    }

    fn run(&self, lane: Lane, operation: &Operation) -> Result<(), GpuError> {
        match operation {
            Operation::Launch { launch, blocks, replicas } => self.launch(lane, launch, *blocks, *replicas),
            Operation::Product(product) => self.multiply(lane, product),
        }
    }

    fn run_stage(&self, stage: &Stage) -> Result<(), GpuError> {
        let ([main, beside], [leave, meet]) = (self.lanes, self.events);
        match stage {
            Stage::Run(operation) => self.run(main, operation),
            Stage::Beside(operation) => {
                join(main, leave, beside)?;
                self.run(beside, operation)
            }
            Stage::Join => join(beside, meet, main),
        }
    }

    /// Notes what the lanes are asked for, instead of doing it.
    fn capture(&self, stages: &[Stage]) -> Result<sys::CUgraph, GpuError> {
        let mode = sys::CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_RELAXED;
        // SAFETY: a stream that is kept until this is dropped.
        cuda("recording a step", unsafe { driver::stream::begin_capture(self.stream(), mode) })?;
        let asked = stages.iter().try_for_each(|stage| self.run_stage(stage));
        // SAFETY: as above. It ends the recording whether or not it went well.
        let graph = cuda("recording a step", unsafe { driver::stream::end_capture(self.stream()) });
        match (asked, graph) {
            (Ok(()), graph) => graph,
            (Err(error), Ok(graph)) => {
                // SAFETY: a graph that was just recorded, and nobody else's.
                let _ = unsafe { driver::graph::destroy(graph) };
                Err(error)
            }
            (Err(error), Err(_)) => Err(error),
        }
    }
}

/// What `to` is asked for from now on comes after what `from` has been asked for.
fn join(from: Lane, event: sys::CUevent, to: Lane) -> Result<(), GpuError> {
    // SAFETY: streams and events that are kept until the GPU is dropped.
    cuda("joining two streams", unsafe {
        driver::event::record(event, from.stream)
            .and_then(|()| driver::stream::wait_event(to.stream, event, sys::CUevent_wait_flags::CU_EVENT_WAIT_DEFAULT))
    })
}

/// Room for so many bytes, whatever they are.
fn room(bytes: usize) -> Result<Address, GpuError> {
    // SAFETY: the thread has a context.
    let address = unsafe { driver::malloc_sync(bytes) }.map_err(|error| match error.0 {
        sys::CUresult::CUDA_ERROR_OUT_OF_MEMORY => GpuError::OutOfMemory { bytes, reason: format!("{error:?}") },
        _ => GpuError::Failed { attempt: "making room on the GPU", reason: format!("{error:?}") },
    })?;
    Ok(Address(address))
}

impl Gpu for CudaGpu {
    fn dense_limit(&self) -> usize {
        self.dense_limit
    }

    fn allocate(&self, bytes: usize) -> Result<Address, GpuError> {
        self.bind()?;
        let bytes = bytes.max(1);
        let address = room(bytes)?;
        self.allocations.borrow_mut().insert(address.0);
        // On our own stream: the default one's work would come after writes that nothing holds back.
        // SAFETY: so many bytes have just been given.
        cuda("clearing memory", unsafe { driver::memset_d8_async(address.0, 0, bytes, self.stream()) })?;
        Ok(address)
    }

    fn free(&self, address: Address) -> Result<(), GpuError> {
        self.synchronize()?;
        if self.allocations.borrow_mut().remove(&address.0) {
            // SAFETY: it was given by `allocate`, and nothing that was asked for is still to come.
            cuda("giving memory back", unsafe { driver::free_sync(address.0) })?;
        }
        Ok(())
    }

    fn write(&self, to: Address, bytes: &[u8]) -> Result<(), GpuError> {
        self.bind()?;
        if bytes.is_empty() {
            return Ok(());
        }
        // SAFETY: the address is the caller's promise. Pageable memory has been copied when the call returns.
        cuda("copying to the GPU", unsafe { driver::memcpy_htod_async(to.0, bytes, self.stream()) })
    }

    fn read(&self, from: Address, bytes: &mut [u8]) -> Result<(), GpuError> {
        self.bind()?;
        if !bytes.is_empty() {
            // SAFETY: the address is the caller's promise, and the bytes are not touched until the stream is done.
            cuda("copying from the GPU", unsafe { driver::memcpy_dtoh_async(bytes, from.0, self.stream()) })?;
        }
        self.synchronize()
    }

    fn record(&self, stages: &[Stage]) -> Result<Recording, GpuError> {
        self.bind()?;
        // Libraries load their code at the first call, which cannot be recorded. Products write nothing that outlives a batch.
        for operation in stages.iter().filter_map(Stage::operation) {
            match operation {
                Operation::Product(product) => self.multiply(self.lanes[0], product)?,
                Operation::Launch { launch, .. } => drop(self.function(launch.name())?),
            }
        }
        self.synchronize()?;
        let graph = self.capture(stages)?;
        // SAFETY: a graph that was just recorded.
        let executable = cuda("preparing a step", unsafe { driver::graph::instantiate(graph, sys::CUgraphInstantiate_flags(0)) })?;
        // SAFETY: both were just made.
        cuda("preparing a step", unsafe { driver::graph::upload(executable, self.stream()) })?;
        let graphs = &mut self.graphs.borrow_mut();
        graphs.push(Some(Graph { graph, executable }));
        Ok(Recording(graphs.len() - 1))
    }

    fn replay(&self, recording: Recording) -> Result<(), GpuError> {
        self.bind()?;
        let Some(graph) = self.graphs.borrow().get(recording.0).copied().flatten() else { return Ok(()) };
        // SAFETY: a graph that has not been forgotten, on a stream that is kept.
        cuda("running a step", unsafe { driver::graph::launch(graph.executable, self.stream()) })
    }

    fn forget(&self, recording: Recording) -> Result<(), GpuError> {
        self.synchronize()?;
        let graph = self.graphs.borrow_mut().get_mut(recording.0).and_then(Option::take);
        graph.map_or(Ok(()), destroy)
    }
}

fn destroy(Graph { graph, executable }: Graph) -> Result<(), GpuError> {
    // SAFETY: nobody else knows them, and the stream is done.
    cuda("forgetting a step", unsafe { driver::graph::exec_destroy(executable).and(driver::graph::destroy(graph)) })
}

impl Drop for CudaGpu {
    /// What fails here has failed before, and been reported then.
    fn drop(&mut self) {
        let _ = self.synchronize();
        self.graphs.borrow_mut().drain(..).flatten().for_each(|graph| drop(destroy(graph)));
        let workspaces = self.lanes.map(|lane| lane.workspace.0);
        // SAFETY: all of these were made by this GPU, and nothing that was asked for is still to come.
        unsafe {
            for address in self.allocations.borrow_mut().drain().chain(workspaces) {
                let _ = driver::free_sync(address);
            }
            for event in self.events {
                let _ = driver::event::destroy(event);
            }
            for lane in self.lanes {
                let _ = driver::stream::destroy(lane.stream);
            }
            let _ = blas::destroy_handle(self.blas);
            let _ = driver::module::unload(self.module);
            let _ = driver::primary_ctx::release(self.device);
        }
    }
}
