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

/// Prints a value as JSON.
///
/// # Errors
/// As [`print()`].
pub fn print_json(value: &impl serde::Serialize) -> Result<(), Failure> {
    print(String::from_utf8_lossy(&crate::run_directory::json(value)?))
}

/// Writes a line that is no result: what is going on.
pub fn say(text: impl std::fmt::Display) {
    // Nothing can be done about a standard error that is closed.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Says why a command failed.
pub fn print_failure(failure: &Failure) {
    match failure {
        // The command that was interrupted has said what became of its work.
        Failure::BrokenPipe | Failure::Interrupted => {}
        failure => say(format_args!("error: {failure}")),
    }
}

/// Prints clap's help, version or complaint.
pub fn print_usage(message: &clap::Error) -> ExitCode {
    if !message.use_stderr() {
        let _ = message.print();
        return ExitCode::SUCCESS;
    }
    if message.kind() == clap::error::ErrorKind::InvalidUtf8 {
        say("error: an argument is not UTF-8 text, as names of data and settings must be: rename the file or folder, or give a link to it");
        return ExitCode::from(2);
    }
    // clap spreads a complaint over several lines; here every error is one.
    let text = message.render().to_string();
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    say(lines.join("; ").replace(":; ", ": "));
    ExitCode::from(2)
}
