//! A limit on the size of files (`ulimit -f`) is told like a full disk.

/// By default the system ends a process that writes over such a limit, with SIGXFSZ; with a handler the write fails instead, and says why.
#[cfg(unix)]
pub fn make_it_an_error() {
    // The flag is not looked at: the handler is there so that the default is not. Without it the process ends as it would have anyway.
    let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, std::sync::Arc::default());
}

/// Other systems have no such signal.
#[cfg(not(unix))]
pub fn make_it_an_error() {}
