//! Progress on standard error: a bar on a terminal, plain lines in a log.

use crate::pipeline::{Event, Observer};
use crate::terminal;
use indicatif::{ProgressBar, ProgressStyle};
use relumine_report::EpochRecord;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// Shows how training goes.
#[derive(Debug)]
pub struct Progress {
    display: Display,
    epochs: u64,
    /// Train rows of an epoch.
    rows: u64,
    last_line: Option<Instant>,
}

#[derive(Debug)]
enum Display {
    Quiet,
    Lines,
    Bar(ProgressBar),
}

/// A log gets a line for the first and last epoch, and otherwise one every so often.
const LINE_INTERVAL: Duration = Duration::from_secs(2);

impl Progress {
    /// A bar where standard error is a terminal, lines where it is not, nothing where `quiet`.
    #[must_use]
    pub fn new(quiet: bool) -> Self {
        let display = match (quiet, std::io::stderr().is_terminal()) {
            (true, _) => Display::Quiet,
            (false, true) => Display::Bar(ProgressBar::hidden()),
            (false, false) => Display::Lines,
        };
        Self { display, epochs: 0, rows: 0, last_line: None }
    }

    fn epoch_done(&mut self, record: &EpochRecord, is_last: bool) {
        if let Display::Bar(bar) = &self.display {
            bar.set_position(record.epoch.saturating_mul(self.rows));
        }
        let is_due = is_last || self.last_line.is_none_or(|last| last.elapsed() >= LINE_INTERVAL);
        if is_due {
            match &self.display {
                Display::Quiet => {}
                Display::Lines => terminal::say(self.epoch_line(record)),
                Display::Bar(bar) => bar.println(self.epoch_line(record)),
            }
            self.last_line = Some(Instant::now());
        }
    }

    fn epoch_line(&self, record: &EpochRecord) -> String {
        let validation = record
            .validation
            .map_or_else(String::new, |score| format!(" | validation loss {:.4} accuracy {:.2} %", score.loss, 100.0 * score.accuracy));
        format!(
            "epoch {:>3}/{} | train loss {:.4} accuracy {:.2} %{validation} | {:.2} s, {:.0} rows/s{}",
            record.epoch,
            self.epochs,
            record.train.loss,
            100.0 * record.train.accuracy,
            record.seconds,
            record.samples_per_second,
            if record.best { " *" } else { "" }
        )
    }
}

impl Observer for Progress {
    fn observe(&mut self, event: Event<'_>) -> anyhow::Result<()> {
        match (event, &self.display) {
            (Event::Started { job }, display) => {
                self.epochs = job.recipe.train.epochs;
                self.rows = job.split.train.len() as u64;
                if !matches!(display, Display::Quiet) {
                    terminal::say(format_args!(
                        "{} on {}: {} train, {} validation, {} test rows; {} parameters; {}; device {} ({})",
                        job.recipe_name,
                        job.dataset,
                        self.rows,
                        job.split.validation.len(),
                        job.split.test.len(),
                        job.architecture.num_parameters(),
                        job.step,
                        job.device.name,
                        job.device.reason
                    ));
                }
                if matches!(display, Display::Bar(_)) {
                    let style = ProgressStyle::with_template("{prefix} [{bar:30}] {percent:>3} % {msg}  {elapsed} of about {duration}")?;
                    self.display =
                        Display::Bar(ProgressBar::new(self.rows.saturating_mul(self.epochs)).with_style(style.progress_chars("=> ")));
                }
            }
            (Event::Steps { epoch, rows, totals }, Display::Bar(bar)) => {
                bar.set_prefix(format!("epoch {epoch}/{}", self.epochs));
                bar.set_position((epoch - 1).saturating_mul(self.rows).saturating_add(rows));
                let rate = bar.per_sec();
                bar.set_message(format!("loss {:.4} accuracy {:.2} % {rate:.0} rows/s", totals.mean_loss(), 100.0 * totals.accuracy()));
            }
            (Event::Epoch { record, outcome, .. }, _) => self.epoch_done(record, outcome.ended.is_some()),
            (Event::Stopped { .. }, Display::Bar(bar)) => bar.finish_and_clear(),
            _ => {}
        }
        Ok(())
    }

    fn wants_steps(&self) -> bool {
        matches!(self.display, Display::Bar(_))
    }
}
