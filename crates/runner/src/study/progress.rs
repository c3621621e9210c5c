//! One display of a whole study on standard error: a bar on a terminal, plain lines in a log.

use crate::terminal;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How far a study is. Work is counted in parameters times rows, so that the time that is left can be told although trials differ in size.
#[derive(Debug)]
pub struct Meter {
    display: Display,
    trials: u64,
    done: AtomicU64,
    failed: AtomicU64,
}

#[derive(Debug)]
enum Display {
    Quiet,
    Lines(Mutex<Instant>),
    Bar(ProgressBar),
}

/// Between lines of a log.
const LINE_INTERVAL: Duration = Duration::from_secs(10);

impl Meter {
    /// A display of so many trials, of which `done` are done and `failed` of these failed, with so much work to come.
    #[must_use]
    pub fn new(quiet: bool, trials: u64, (done, failed): (u64, u64), work: u64) -> Self {
        let display = match (quiet, std::io::stderr().is_terminal()) {
            (true, _) => Display::Quiet,
            (false, false) => Display::Lines(Mutex::new(Instant::now())),
            (false, true) => {
                let style = ProgressStyle::with_template("[{bar:30}] {percent:>3} % {msg}  {elapsed} of about {duration}");
                let bar = ProgressBar::new(work);
                if let Ok(style) = style {
                    bar.set_style(style.progress_chars("=> "));
                }
                bar.enable_steady_tick(Duration::from_millis(500));
                Display::Bar(bar)
            }
        };
        let meter = Self { display, trials, done: AtomicU64::new(done), failed: AtomicU64::new(failed) };
        meter.refresh(None);
        meter
    }

    /// Counts work.
    pub fn advance(&self, work: u64) {
        if let Display::Bar(bar) = &self.display {
            bar.inc(work);
        }
    }

    /// Counts a trial and says what it came to.
    pub fn trial_done(&self, failed: bool, line: &str) {
        self.done.fetch_add(1, Ordering::Relaxed);
        self.failed.fetch_add(u64::from(failed), Ordering::Relaxed);
        self.refresh(Some(line));
    }

    /// Says something without disturbing the bar.
    pub fn say(&self, line: &str) {
        match &self.display {
            Display::Quiet => {}
            Display::Lines(_) => terminal::say(line),
            Display::Bar(bar) => bar.println(line),
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        if let Display::Bar(bar) = &self.display {
            bar.finish_and_clear();
        }
    }

    fn refresh(&self, line: Option<&str>) {
        let (done, failed) = (self.done.load(Ordering::Relaxed), self.failed.load(Ordering::Relaxed));
        let failures = if failed > 0 { format!(", {failed} failed") } else { String::new() };
        let counts = format!("{done}/{} trials{failures}", self.trials);
        match (&self.display, line) {
            (Display::Bar(bar), _) => bar.set_message(counts),
            (Display::Lines(last), Some(line)) => {
                let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
                if done == self.trials || last.elapsed() >= LINE_INTERVAL {
                    terminal::say(format_args!("{counts} | {line}"));
                    *last = Instant::now();
                }
            }
            _ => {}
        }
    }
}
