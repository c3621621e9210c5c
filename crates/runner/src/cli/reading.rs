//! The commands that read: recipes, runs, and the command line itself.

use clap::Args;
use std::path::PathBuf;

/// `relumine inspect`.
#[derive(Debug, Args)]
pub struct InspectArguments {
    /// A recipe file, the name of an embedded recipe, or a run directory.
    pub target: PathBuf,
    /// Overrides a recipe key, as in --set model.dropout=0.3; --set KEY= leaves a key out; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub overrides: Vec<String>,
    /// The device that it would be trained on: auto, cpu, cuda, cuda:N, metal or metal:N.
    #[arg(long, default_value = "auto")]
    pub device: String,
    /// Print JSON instead of tables.
    #[arg(long)]
    pub json: bool,
}

/// `relumine runs`.
#[derive(Debug, Args)]
pub struct RunsArguments {
    /// The folder that holds run directories.
    #[arg(default_value = "runs")]
    pub folder: PathBuf,
    /// The order of the runs, the best or shortest first; those without the number come last.
    #[arg(long, value_enum, default_value_t = RunsOrder::Name)]
    pub sort: RunsOrder,
    /// Only runs of this recipe.
    #[arg(long, value_name = "NAME")]
    pub recipe: Option<String>,
    /// Only runs on this data, as digits or mnist.
    #[arg(long, value_name = "NAME")]
    pub data: Option<String>,
    /// Print one JSON object per run or cross-validation.
    #[arg(long)]
    pub json: bool,
}

/// What runs are listed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum RunsOrder {
    /// Folder names, their numbers as numbers.
    Name,
    /// Test accuracy.
    Test,
    /// Validation accuracy.
    Validation,
    /// Seconds of an epoch.
    Speed,
    /// Seconds of the whole run.
    Time,
}

/// `relumine compare`.
#[derive(Debug, Args)]
pub struct CompareArguments {
    /// Run directories, two or more.
    #[arg(required = true, num_args = 2.., value_name = "RUN")]
    pub runs: Vec<PathBuf>,
    /// Print JSON instead of tables.
    #[arg(long)]
    pub json: bool,
}

/// `relumine completions`.
#[derive(Debug, Args)]
pub struct CompletionsArguments {
    /// The shell: bash, zsh, fish, elvish or powershell.
    pub shell: clap_complete::Shell,
}

/// `relumine man`.
#[derive(Debug, Args)]
pub struct ManArguments {
    /// Write relumine.1 and a page for every command into this folder.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Replace pages that exist.
    #[arg(long, requires = "out")]
    pub force: bool,
}
