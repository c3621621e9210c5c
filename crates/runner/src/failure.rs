//! How a command can end badly, and the exit code that says so.

use std::fmt;
use std::process::ExitCode;

/// A command that did not do what was asked.
#[derive(Debug)]
pub enum Failure {
    /// The command line or the recipe is wrong: exit code 2.
    Usage(anyhow::Error),
    /// The run failed: exit code 1.
    Run(anyhow::Error),
    /// A signal stopped it, after saving: exit code 130.
    Interrupted,
    /// Whoever read standard output has seen enough: no failure at all.
    BrokenPipe,
}

impl Failure {
    /// The process' exit code.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage(_) => ExitCode::from(2),
            Self::Run(_) => ExitCode::FAILURE,
            Self::Interrupted => ExitCode::from(130),
            Self::BrokenPipe => ExitCode::SUCCESS,
        }
    }

    /// A failure that is the fault of the command line or the recipe.
    pub fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self::Usage(error.into())
    }
}

/// One line, causes after colons: a line break in a path or a column's name becomes a space, and so does what would steer the terminal.
impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(error) | Self::Run(error) => {
                let line = crate::device::explained(format!("{error:#}"));
                formatter.write_str(&line.replace(char::is_control, " "))
            }
            Self::Interrupted => formatter.write_str("interrupted"),
            Self::BrokenPipe => formatter.write_str("standard output was closed"),
        }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Run(error)
    }
}

/// A data setting that does not fit the data is a mistake in the recipe, and a signal is no failure of the data; everything else about data is a failed run.
impl From<relumine_data::DataError> for Failure {
    fn from(error: relumine_data::DataError) -> Self {
        match error {
            relumine_data::DataError::Setting { .. } => Self::usage(error),
            relumine_data::DataError::Interrupted => Self::Interrupted,
            error => Self::Run(error.into()),
        }
    }
}

impl From<relumine_model::ConfigError> for Failure {
    fn from(error: relumine_model::ConfigError) -> Self {
        Self::usage(error)
    }
}

impl From<relumine_engine::StepError> for Failure {
    fn from(error: relumine_engine::StepError) -> Self {
        Self::Run(error.into())
    }
}

impl From<relumine_report::ReportError> for Failure {
    fn from(error: relumine_report::ReportError) -> Self {
        Self::Run(error.into())
    }
}
