//! Products by cuBLASLt.

use super::{CudaGpu, Lane, WORKSPACE, cublas};
use crate::gpu::{Address, GpuError, Product, Values};
use cudarc::cublaslt::result as blas;
use cudarc::cublaslt::sys as blas_sys;
use std::ffi::c_void;

impl CudaGpu {
    /// cuBLASLt's matrices are column-major, so it multiplies the transposes: `out^T = right^T left^T`.
    pub(super) fn multiply(&self, lane: Lane, product: &Product) -> Result<(), GpuError> {
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
