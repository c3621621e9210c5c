//! NVIDIA's GPUs: kernels by the driver, products by cuBLASLt, and every recording a CUDA graph.

use super::{Address, Gpu, GpuError, Launch, Operation, Precision, Product, Recording, Stage, THREADS, Values};
use cudarc::cublaslt::result::{self as blas, CublasError};
use cudarc::cublaslt::sys as blas_sys;
use cudarc::driver::result::{self as driver, DriverError};
use cudarc::driver::sys;
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::ffi::{CString, c_int, c_void};

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
            allocations: RefCell::default(),
            graphs: RefCell::default(),
        })
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

    /// cuBLASLt's matrices are column-major, so it multiplies the transposes: `out^T = right^T left^T`.
    fn multiply(&self, lane: Lane, product: &Product) -> Result<(), GpuError> {
        let Product { left, right, out, m, n, k, replicas, .. } = *product;
        let attempt = "multiplying matrices";
        let description = Description::new(self.compute, product)?;
        let layout = |values: Values, rows: usize, columns: usize| Layout::new(rows, columns, values, replicas);
        // Rows and columns as they lie: the second number of a row-major matrix comes first.
        let a = if product.right_is_transposed { layout(right, k, n)? } else { layout(right, n, k)? };
        let b = if product.left_is_transposed { layout(left, m, k)? } else { layout(left, k, m)? };
        let c = layout(out, n, m)?;
        let preference = Preference::new()?;
        // SAFETY: descriptions that live until the end of this function.
        let heuristic =
            cublas(attempt, unsafe { blas::get_matmul_algo_heuristic(self.blas, description.0, a.0, b.0, c.0, c.0, preference.0) })?;
        let (one, beta) = (1.0_f32, if product.adds { 1.0_f32 } else { 0.0 });
        let pointer = |address: Address| address.0 as *mut c_void;
        // SAFETY: as above; the addresses are the caller's promise.
        cublas(attempt, unsafe {
            blas::matmul(
                self.blas,
                description.0,
                std::ptr::from_ref(&one).cast(),
                std::ptr::from_ref(&beta).cast(),
                pointer(right.first),
                a.0,
                pointer(left.first),
                b.0,
                pointer(out.first),
                c.0,
                pointer(out.first),
                c.0,
                &raw const heuristic.algo,
                pointer(lane.workspace),
                WORKSPACE,
                lane.stream.cast(),
            )
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

/// What cuBLASLt is to compute.
struct Description(blas_sys::cublasLtMatmulDesc_t);

impl Description {
    fn new(compute: blas_sys::cublasComputeType_t, product: &Product) -> Result<Self, GpuError> {
        use blas_sys::{cublasLtEpilogue_t as Epilogue, cublasLtMatmulDescAttributes_t as Attribute};
        let attempt = "describing a product";
        let description = Self(cublas(attempt, blas::create_matmul_desc(compute, blas_sys::cudaDataType_t::CUDA_R_32F))?);
        // The transposes are multiplied: what is row-major and not transposed is so already.
        description.set(Attribute::CUBLASLT_MATMUL_DESC_TRANSA, &i32::from(product.right_is_transposed))?;
        description.set(Attribute::CUBLASLT_MATMUL_DESC_TRANSB, &i32::from(product.left_is_transposed))?;
        let has_bias = product.bias != Values::NONE;
        if has_bias {
            description.set(Attribute::CUBLASLT_MATMUL_DESC_BIAS_POINTER, &product.bias.first.0)?;
            description.set(Attribute::CUBLASLT_MATMUL_DESC_BIAS_BATCH_STRIDE, &(product.bias.stride as i64))?;
        }
        // Its ReLU is left alone: `max(x, 0)` may make zero of what is no number, and hide that training has failed.
        let epilogue = if has_bias { Epilogue::CUBLASLT_EPILOGUE_BIAS } else { Epilogue::CUBLASLT_EPILOGUE_DEFAULT };
        description.set(Attribute::CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue)?;
        Ok(description)
    }

    fn set<T>(&self, attribute: blas_sys::cublasLtMatmulDescAttributes_t, value: &T) -> Result<(), GpuError> {
        // SAFETY: the callers' values are of the types that the attributes have.
        cublas("describing a product", unsafe {
            blas::set_matmul_desc_attribute(self.0, attribute, std::ptr::from_ref(value).cast(), size_of::<T>())
        })
    }
}

impl Drop for Description {
    fn drop(&mut self) {
        // SAFETY: made by `new`, and nobody else's.
        let _ = unsafe { blas::destroy_matmul_desc(self.0) };
    }
}

/// How a column-major matrix lies, and its replicas after it.
struct Layout(blas_sys::cublasLtMatrixLayout_t);

impl Layout {
    fn new(rows: usize, columns: usize, values: Values, replicas: usize) -> Result<Self, GpuError> {
        use blas_sys::cublasLtMatrixLayoutAttribute_t as Attribute;
        let attempt = "describing a matrix";
        let kind = blas_sys::cudaDataType_t::CUDA_R_32F;
        let layout = Self(cublas(attempt, blas::create_matrix_layout(kind, rows as u64, columns as u64, rows as i64))?);
        layout.set(Attribute::CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &(replicas as i32))?;
        layout.set(Attribute::CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &(values.stride as i64))?;
        Ok(layout)
    }

    fn set<T>(&self, attribute: blas_sys::cublasLtMatrixLayoutAttribute_t, value: &T) -> Result<(), GpuError> {
        // SAFETY: the callers' values are of the types that the attributes have.
        cublas("describing a matrix", unsafe {
            blas::set_matrix_layout_attribute(self.0, attribute, std::ptr::from_ref(value).cast(), size_of::<T>())
        })
    }
}

impl Drop for Layout {
    fn drop(&mut self) {
        // SAFETY: made by `new`, and nobody else's.
        let _ = unsafe { blas::destroy_matrix_layout(self.0) };
    }
}

/// Which ways of multiplying may be chosen.
struct Preference(blas_sys::cublasLtMatmulPreference_t);

impl Preference {
    fn new() -> Result<Self, GpuError> {
        use blas_sys::cublasLtMatmulPreferenceAttributes_t as Attribute;
        let preference = Self(cublas("describing a product", blas::create_matmul_pref())?);
        preference.set(Attribute::CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &WORKSPACE)?;
        // Sums that are divided among blocks are added up in a fixed order, in f32.
        let scheme = blas_sys::cublasLtReductionScheme_t::CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE as u32;
        preference.set(Attribute::CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, &scheme)?;
        Ok(preference)
    }

    fn set<T>(&self, attribute: blas_sys::cublasLtMatmulPreferenceAttributes_t, value: &T) -> Result<(), GpuError> {
        // SAFETY: the callers' values are of the types that the attributes have.
        cublas("describing a product", unsafe {
            blas::set_matmul_pref_attribute(self.0, attribute, std::ptr::from_ref(value).cast(), size_of::<T>())
        })
    }
}

impl Drop for Preference {
    fn drop(&mut self) {
        // SAFETY: made by `new`, and nobody else's.
        let _ = unsafe { blas::destroy_matmul_pref(self.0) };
    }
}
