//! Dense products by a library, in place of our own loops: BLAS, oneDNN or Apple's Accelerate, as the features of these names ask for.
//!
//! A library adds up a sum in an order of its own, so that a product that skips zeros no longer has the bits of one that does not, and runs
//! repeat to the bit on one machine with one library alone. Each task calls it for its own tile and from its own thread: the library itself
//! is told to use one.

use super::dense::Dense;
#[cfg(feature = "onednn")]
use std::ffi::c_char;
use std::ffi::c_int;

unsafe extern "C" {
    #[cfg(not(feature = "onednn"))]
    fn cblas_sgemm(
        order: c_int,
        transposes_a: c_int,
        transposes_b: c_int,
        m: c_int,
        n: c_int,
        k: c_int,
        alpha: f32,
        a: *const f32,
        a_row: c_int,
        b: *const f32,
        b_row: c_int,
        beta: f32,
        c: *mut f32,
        c_row: c_int,
    );
    #[cfg(feature = "onednn")]
    fn dnnl_sgemm(
        transposes_a: c_char,
        transposes_b: c_char,
        m: i64,
        n: i64,
        k: i64,
        alpha: f32,
        a: *const f32,
        a_row: i64,
        b: *const f32,
        b_row: i64,
        beta: f32,
        c: *mut f32,
        c_row: i64,
    ) -> c_int;
}

/// `c += a b`, row-major; `a` is stored the other way round where it is transposed.
struct Call {
    sizes: [usize; 3],
    a: *const f32,
    a_row: usize,
    is_transposed: bool,
    b: *const f32,
    c: *mut f32,
}

/// What [`dense`](super::dense::dense) does: one call for each run of terms.
///
/// # Safety
/// Everything that `product` points at is there, and `c` is written by nobody else.
pub(super) unsafe fn dense(product: &Dense) {
    use_one_thread();
    let Dense { a, a_row, a_k, a_run, a_run_step, b, from, from_row, c, width, rows, terms } = *product;
    debug_assert!(a_row == 1 || a_k == 1, "one of the two is contiguous");
    if !std::ptr::eq(from, c) {
        for row in 0..rows {
            // SAFETY: the caller's promise.
            unsafe { std::ptr::copy_nonoverlapping(from.add(row * from_row), c.add(row * width), width) };
        }
    }
    let mut done = 0;
    while done < terms {
        let count = a_run.min(terms - done);
        let is_transposed = a_k != 1;
        let call = Call {
            sizes: [rows, width, count],
            a: a.wrapping_add(done / a_run * a_run_step),
            a_row: if is_transposed { a_k } else { a_row },
            is_transposed,
            b: b.wrapping_add(done * width),
            c,
        };
        // SAFETY: the caller's promise.
        unsafe { multiply(&call) };
        done += count;
    }
}

#[cfg(not(feature = "onednn"))]
unsafe fn multiply(call: &Call) {
    const ROW_MAJOR: c_int = 101;
    const AS_IS: c_int = 111;
    const TRANSPOSED: c_int = 112;
    let [m, n, k] = call.sizes.map(|size| size as c_int);
    let transposes = if call.is_transposed { TRANSPOSED } else { AS_IS };
    // SAFETY: the caller's promise.
    unsafe { cblas_sgemm(ROW_MAJOR, transposes, AS_IS, m, n, k, 1.0, call.a, call.a_row as c_int, call.b, n, 1.0, call.c, n) };
}

#[cfg(feature = "onednn")]
unsafe fn multiply(call: &Call) {
    let [m, n, k] = call.sizes.map(|size| size as i64);
    let transposes = if call.is_transposed { b'T' } else { b'N' } as c_char;
    // SAFETY: the caller's promise.
    let status = unsafe { dnnl_sgemm(transposes, b'N' as c_char, m, n, k, 1.0, call.a, call.a_row as i64, call.b, n, 1.0, call.c, n) };
    assert_eq!(status, 0, "oneDNN refuses a product of {m} x {k} x {n}");
}

/// Tells the library that this thread works alone. What does not know the function has no threads of its own, or reads
/// `OMP_NUM_THREADS` and its kin when it starts.
fn use_one_thread() {
    thread_local! {
        static IS_TOLD: () = tell();
    }
    IS_TOLD.with(|()| ());
}

fn tell() {
    #[cfg(unix)]
    for name in ["openblas_set_num_threads", "omp_set_num_threads", "MKL_Set_Num_Threads_Local"] {
        // SAFETY: the program's own symbols; each of these takes a number of threads.
        unsafe {
            if let Ok(set) = libloading::os::unix::Library::this().get::<unsafe extern "C" fn(c_int)>(name) {
                set(1);
            }
        }
    }
}
