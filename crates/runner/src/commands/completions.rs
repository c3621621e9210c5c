//! `relumine completions`.

use crate::cli::{Arguments, CompletionsArguments};
use crate::failure::Failure;
use crate::terminal;
use clap::CommandFactory;

/// Prints the completion script of a shell.
pub(super) fn run(arguments: &CompletionsArguments) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "relumine", &mut script);
    terminal::print(String::from_utf8_lossy(&script))
}
