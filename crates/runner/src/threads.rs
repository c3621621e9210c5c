//! How many CPU threads Candle uses.

/// Sets the number of threads for the whole process. Candle and rayon read it from the environment when they start their pools.
///
/// Must be called before any other thread exists: commands do it before they open devices, data, or signal handlers.
#[expect(unsafe_code, reason = "the environment is the only way to tell Candle, and std calls setting it unsafe")]
pub fn set(threads: u16) {
    for variable in ["RAYON_NUM_THREADS", "CANDLE_NUM_THREADS"] {
        // SAFETY: no other thread has been started yet, so none can be reading the environment.
        unsafe { std::env::set_var(variable, threads.to_string()) };
    }
}

/// The number of threads that Candle will use.
#[must_use]
pub fn count() -> usize {
    candle_core::utils::get_num_threads()
}
