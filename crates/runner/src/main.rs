//! The `relumine` command.

use clap::Parser;
use relumine::{cli::Arguments, commands, file_limit, terminal};
use relumine_kernels::LargePages;
use std::process::ExitCode;
use std::time::Instant;

#[global_allocator]
static ALLOCATOR: LargePages = LargePages;

fn main() -> ExitCode {
    let started = Instant::now();
    file_limit::make_it_an_error();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(message) => return terminal::print_usage(&message),
    };
    match commands::run(arguments, started) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            terminal::print_failure(&failure);
            failure.exit_code()
        }
    }
}
