//! Ctrl-C and SIGTERM: the first one asks the work to stop at its next good place; one that comes later ends the process at once.

use crate::terminal;
use anyhow::Context;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant};

/// Whether a signal asked to stop.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicBool>);

/// Signals closer together than this are one request: `timeout`, for one, signals a program and then its whole group.
const ONE_REQUEST: Duration = Duration::from_secs(1);
/// What every [`Interrupt`] that listens looks at: signals are the process'.
static ASKED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);
/// Files with temporary names, which are not to be left behind.
static UNFINISHED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

impl Interrupt {
    /// Starts listening for SIGINT and SIGTERM (Ctrl-C on Windows). SIGHUP is left as it is, so that `nohup` works.
    ///
    /// # Errors
    /// A system that refuses the handler.
    pub fn listen() -> anyhow::Result<Self> {
        let interrupt = Self(asked());
        let first = Mutex::new(None::<Instant>);
        let on_signal = move || {
            ASKED.store(true, Ordering::Relaxed);
            let Ok(mut first) = first.lock() else { return };
            match *first {
                None => {
                    *first = Some(Instant::now());
                    terminal::say("stopping when this part is done; Ctrl-C again ends at once");
                }
                Some(first) if first.elapsed() >= ONE_REQUEST => end_at_once(),
                Some(_) => {}
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

/// What becomes true when a signal comes to a process that listens.
pub(crate) fn asked() -> Arc<AtomicBool> {
    Arc::clone(&ASKED)
}

/// What becomes true when a signal comes that would end the process, for those that have a terminal to give back first.
///
/// # Errors
/// A system that refuses the handler.
pub(crate) fn closing() -> anyhow::Result<Arc<AtomicBool>> {
    let closing = Arc::new(AtomicBool::new(false));
    #[cfg(unix)]
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM, signal_hook::consts::SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(&closing)).context("cannot listen for signals")?;
    }
    Ok(closing)
}

/// Has the file removed, if it still is there, where the process ends at once.
pub(crate) fn remove_at_exit(path: &Path) {
    if let (Ok(path), Ok(mut unfinished)) = (std::path::absolute(path), UNFINISHED.lock()) {
        unfinished.push(path);
    }
}

fn end_at_once() -> ! {
    // Under their own names they are no longer there under these.
    for path in UNFINISHED.lock().into_iter().flat_map(|mut unfinished| std::mem::take(&mut *unfinished)) {
        let _ = std::fs::remove_file(path);
    }
    std::process::exit(130)
}

#[cfg(unix)]
fn listen(on_signal: impl Fn() + Send + 'static) -> anyhow::Result<()> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM])?;
    // Set by the handler itself, so that whoever reads from a program that the same Ctrl-C ended knows of it in time.
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, asked())?;
    }
    std::thread::Builder::new().name("signals".into()).spawn(move || signals.forever().for_each(|_| on_signal()))?;
    Ok(())
}

#[cfg(not(unix))]
fn listen(on_signal: impl Fn() + Send + 'static) -> anyhow::Result<()> {
    Ok(ctrlc::set_handler(on_signal)?)
}
