//! Fuzz targets: the readers of `tests/hostile` under libFuzzer, one target a format.

#[path = "../../tests/hostile/data.rs"]
pub mod data;
#[path = "../../tests/hostile/memory.rs"]
pub mod memory;
#[cfg(feature = "runner")]
#[path = "../../tests/hostile/runs.rs"]
pub mod runs;
#[path = "../../tests/hostile/scratch.rs"]
pub mod scratch;

#[doc(hidden)]
pub use libfuzzer_sys;

#[global_allocator]
static ALLOCATOR: memory::Counted = memory::Counted;

/// Does what has to be done once: work that is spread over threads stays on this one, where coverage and time are counted.
pub fn prepare() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread();
    pool.build_global().expect("nothing has used the pool yet");
}

/// A fuzz target that gives its bytes to a reader.
#[macro_export]
macro_rules! target {
    ($reader:path) => {
        $crate::libfuzzer_sys::fuzz_target!(
            init: $crate::prepare(),
            |bytes: &[u8]| { let _ = $crate::memory::bounded(|| $reader(bytes)); }
        );
    };
}
