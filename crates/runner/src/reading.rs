//! How this process reads data: whether it may use the network, a bar where reading takes long, and an end where a signal asks for it.

use crate::interrupt;
use crate::recipe::DataSection;
use crate::terminal;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use relumine_data::{DataError, Progress, ReadOptions, Reporter, Skipped};
use std::io::IsTerminal;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Set once by the command line, before anything is opened.
static OFFLINE: AtomicBool = AtomicBool::new(false);
/// Whether no progress is to be shown; set likewise.
static QUIET: AtomicBool = AtomicBool::new(false);
/// Data that is read sooner needs no bar.
const PATIENCE: Duration = Duration::from_millis(700);

/// Forbids the network.
pub fn forbid_network() {
    OFFLINE.store(true, Ordering::Relaxed);
}

/// Shows no bars.
pub fn quieten() {
    QUIET.store(true, Ordering::Relaxed);
}

/// How a recipe's data is read by this process.
#[must_use]
pub fn options(data: &DataSection) -> ReadOptions {
    with_process(data.read_options())
}

/// Adds what is the process' to what is the data's.
#[must_use]
pub fn with_process(options: ReadOptions) -> ReadOptions {
    ReadOptions { offline: OFFLINE.load(Ordering::Relaxed), progress: bar().stopped_by(interrupt::asked()), ..options }
}

/// Says that rows were left out; nothing where there were none.
pub fn say_skipped(skipped: &Skipped) {
    if let Skipped { rows: rows @ 1.., first: Some(first) } = skipped {
        terminal::say(format_args!("left out {rows} row{} that cannot be used; the first: {first}", if *rows == 1 { "" } else { "s" }));
    }
}

/// Says that reading was broken off, where that is what went wrong.
pub fn say_interrupted(error: &DataError) {
    if matches!(error, DataError::Interrupted) {
        terminal::say("interrupted while the data was read, before anything came of it");
    }
}

/// A bar on standard error, where that is a terminal, that shows up when reading takes long and goes away at its end.
fn bar() -> Reporter {
    if QUIET.load(Ordering::Relaxed) || !std::io::stderr().is_terminal() {
        return Reporter::default();
    }
    let started = Instant::now();
    let bar: OnceLock<ProgressBar> = OnceLock::new();
    Reporter::new(move |Progress { what, done, total }: Progress<'_>| {
        if started.elapsed() < PATIENCE {
            return;
        }
        let bar = bar.get_or_init(|| {
            let style = ProgressStyle::with_template("reading {msg} [{bar:30}] {percent:>3} %  {elapsed}");
            let style = style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> ");
            ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr()).with_style(style)
        });
        // Another file begins.
        if bar.is_finished() {
            bar.reset();
        }
        bar.set_length(total);
        bar.set_message(what.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect::<String>());
        bar.set_position(done);
        if done >= total {
            bar.finish_and_clear();
        }
    })
}
