//! Ctrl-C and SIGTERM: the first one asks the training loop to stop after its step; one that comes later ends the process at once.

use anyhow::Context;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Whether a signal asked to stop.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicBool>);

/// Signals closer together than this are one request: `timeout`, for one, signals a program and then its whole group.
const ONE_REQUEST: Duration = Duration::from_secs(1);

impl Interrupt {
    /// Starts listening for SIGINT and SIGTERM (Ctrl-C on Windows). SIGHUP is left as it is, so that `nohup` works.
    ///
    /// # Errors
    /// A system that refuses the handler.
    pub fn listen() -> anyhow::Result<Self> {
        let interrupt = Self::default();
        let asked = Arc::clone(&interrupt.0);
        let first = Mutex::new(None::<Instant>);
        let on_signal = move || {
            asked.store(true, Ordering::Relaxed);
            let Ok(mut first) = first.lock() else { return };
            if first.get_or_insert_with(Instant::now).elapsed() >= ONE_REQUEST {
                std::process::exit(130);
            }
        };
        listen(on_signal).context("cannot listen for Ctrl-C")?;
        Ok(interrupt)
    }

    /// Whether a signal has come.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

#[cfg(unix)]
fn listen(on_signal: impl Fn() + Send + 'static) -> anyhow::Result<()> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM])?;
    std::thread::Builder::new().name("signals".into()).spawn(move || signals.forever().for_each(|_| on_signal()))?;
    Ok(())
}

#[cfg(not(unix))]
fn listen(on_signal: impl Fn() + Send + 'static) -> anyhow::Result<()> {
    Ok(ctrlc::set_handler(on_signal)?)
}
