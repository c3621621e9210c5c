//! The only place that writes to the terminal: results on standard output, everything else on standard error.

use crate::failure::Failure;
use std::io::{self, Write};
use std::process::ExitCode;

/// Writes a result. A reader that went away (`relumine runs | head -1`) is no failure.
///
/// # Errors
/// [`Failure::BrokenPipe`], or a full disk where standard output is a file.
pub fn print(text: impl std::fmt::Display) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match write!(stdout, "{text}").and_then(|()| stdout.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Failure::BrokenPipe),
        Err(error) => Err(Failure::Run(anyhow::Error::new(error).context("cannot write to standard output"))),
    }
}

/// Writes a line that is no result: what is going on.
pub fn say(text: impl std::fmt::Display) {
    // Nothing can be done about a standard error that is closed.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Says why a command failed.
pub fn print_failure(failure: &Failure) {
    match failure {
        Failure::BrokenPipe => {}
        Failure::Interrupted => say("interrupted"),
        failure => say(format_args!("error: {failure}")),
    }
}

/// Prints clap's help, version or complaint.
pub fn print_usage(message: &clap::Error) -> ExitCode {
    let _ = message.print();
    if message.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS }
}
