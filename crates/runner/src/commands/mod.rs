//! One file per command.

mod augment;
mod compare;
mod compare_devices;
mod completions;
mod cross_validate;
mod data;
mod devices;
mod dry_run;
mod export;
mod gpu_check;
mod inspect;
mod man;
mod output_file;
mod predict;
mod refit;
mod report;
mod resume;
mod runs;
mod saved_weights;
mod session;
mod study;
pub(crate) mod summary;
mod test;
mod train;
mod watch;

use crate::cli::{Arguments, Command, TrainArguments};
use crate::failure::Failure;
use crate::instructions;
use crate::reading;
use crate::recipe::Recipe;
use crate::threads;
use anyhow::anyhow;
use std::fmt::Display;
use std::io::{self, IsTerminal};
use std::path::Path;
use std::time::Instant;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

/// Runs what the command line asks for. `started` is the start of the process.
///
/// # Errors
/// Why it could not be done; the failure knows its exit code.
pub fn run(arguments: Arguments, started: Instant) -> Result<(), Failure> {
    start_logging(&arguments.log)?;
    instructions::choose()?;
    if arguments.offline {
        reading::forbid_network();
    }
    let command =
        arguments.command.unwrap_or_else(|| Command::Train(TrainArguments { device: "auto".into(), ..TrainArguments::default() }));
    if let Command::Train(TrainArguments { threads: Some(threads), .. })
    | Command::Test(crate::cli::TestArguments { threads: Some(threads), .. })
    | Command::Predict(crate::cli::PredictArguments { threads: Some(threads), .. })
    | Command::CompareDevices(crate::cli::CompareDevicesArguments { threads: Some(threads), .. }) = &command
    {
        threads::set(*threads);
    }
    if let Command::Train(TrainArguments { quiet: true, .. }) = &command {
        reading::quieten();
    }
    let jobs = if let Command::Study(arguments) = &command { study::prepare(arguments) } else { 1 };
    match command {
        Command::Train(arguments) => train::run(&arguments, started),
        Command::Study(arguments) => study::run(&arguments, jobs, started),
        Command::Test(arguments) => test::run(&arguments),
        Command::Predict(arguments) => predict::run(&arguments),
        Command::Export(arguments) => export::run(&arguments),
        Command::Augment(arguments) => augment::run(&arguments),
        Command::Inspect(arguments) => inspect::run(&arguments),
        Command::Runs(arguments) => runs::run(&arguments),
        Command::Compare(arguments) => compare::run(&arguments),
        Command::Report(arguments) => report::run(&arguments),
        Command::Watch(arguments) => watch::run(&arguments),
        Command::Devices(arguments) => devices::run(&arguments),
        Command::CompareDevices(arguments) => compare_devices::run(&arguments),
        Command::GpuCheck(arguments) => gpu_check::run(&arguments),
        Command::Data(command) => data::run(&command),
        Command::Completions(arguments) => completions::run(&arguments),
        Command::Man(arguments) => man::run(&arguments),
    }
}

fn start_logging(filter: &str) -> Result<(), Failure> {
    let filter: Targets = filter.parse().map_err(|_| {
        Failure::usage(anyhow!("--log {filter} is no level: give error, warn, info, debug, trace, or a filter such as relumine=debug"))
    })?;
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr).with_ansi(io::stderr().is_terminal()).log_internal_errors(false);
    tracing_subscriber::registry().with(filter).with(lines).init();
    Ok(())
}

/// Refuses a run's recipe whose data is a file or folder that is gone; `remedy` says what to do where it was moved.
fn check_data_is_there(recipe: &Recipe, remedy: &str) -> Result<(), Failure> {
    let place = Path::new(&recipe.data.name);
    if place.is_absolute() && !place.exists() {
        return Err(Failure::usage(anyhow!("the run's data {} is not there: restore it, or, {remedy}", place.display())));
    }
    Ok(())
}

/// A failure with what was being done: one line, `what: why`.
fn within(failure: Failure, what: impl Display + Send + Sync + 'static) -> Failure {
    match failure {
        Failure::Usage(error) => Failure::Usage(error.context(what)),
        Failure::Run(error) => Failure::Run(error.context(what)),
        silent => silent,
    }
}
