//! The command line as it is typed.

mod augment;
mod data;
mod devices;
mod export;
mod predict;
mod reading;
mod report;
mod study;

pub use augment::AugmentArguments;
use clap::{Args, Parser, Subcommand};
pub use data::{DataCommand, DataFetchArguments, DataListArguments, DataVerifyArguments};
pub use devices::{CompareDevicesArguments, GpuCheckArguments};
pub use export::{ExportArguments, ExportFormat};
pub use predict::{FitChoice, InvertChoice, PredictArguments, PredictFormat};
pub use reading::{CompareArguments, CompletionsArguments, InspectArguments, ManArguments, RunsArguments, RunsOrder};
pub use report::{ReportArguments, ReportFormat, WatchArguments};
use std::path::PathBuf;
pub use study::StudyArguments;

/// Trains multilayer perceptrons on CPU, CUDA or Metal, and shows why they train.
///
/// Without a command it trains the quickstart recipe on the digits inside the binary.
#[derive(Debug, Parser)]
#[command(name = "relumine", version, propagate_version = true)]
pub struct Arguments {
    /// What to do; `train` where absent.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// What to log on standard error: error, warn, info, debug, trace, or a filter such as relumine=debug.
    #[arg(long, global = true, default_value = "warn,hf_hub=off", env = "RELUMINE_LOG", value_name = "LEVEL")]
    pub log: String,
    /// Never use the network: data that would have to be downloaded is an error that says where to put it.
    #[arg(long, global = true, env = "RELUMINE_OFFLINE", value_parser = clap::builder::FalseyValueParser::new())]
    pub offline: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Train, validate and test a recipe; everything lands in a new run directory.
    Train(TrainArguments),
    /// Train many cells with many seeds, and say with error bars what they show.
    Study(StudyArguments),
    /// Read the test rows of a run once more.
    Test(TestArguments),
    /// Predict the classes of pictures, tables and arrays with a run's weights.
    Predict(PredictArguments),
    /// Write a run's model to a file that other programs read: ONNX, safetensors or NumPy.
    Export(ExportArguments),
    /// Draw a picture of what a recipe's `augment` section makes of its training images.
    Augment(AugmentArguments),
    /// Show what a recipe or run computes: rows, classes, layers, weights, steps, settings.
    Inspect(InspectArguments),
    /// List runs and cross-validations with their results, and mean and standard deviation over seeds.
    Runs(RunsArguments),
    /// Show runs side by side: the recipe keys that differ, and the results.
    Compare(CompareArguments),
    /// Write what runs say as a page of charts and sentences: HTML, Markdown, SVG or PNG.
    Report(ReportArguments),
    /// Follow a run in the terminal while it trains: loss, accuracy, gradients, time left.
    Watch(WatchArguments),
    /// List the devices of this machine, and why the others are not available.
    Devices(DevicesArguments),
    /// Take the same steps on several devices and show how far apart they end: losses, gradients, parameters.
    CompareDevices(CompareDevicesArguments),
    /// Check every kernel of a CUDA device beside the CPU, and time replicas side by side.
    GpuCheck(GpuCheckArguments),
    /// List data sets, fetch them, and verify files.
    #[command(subcommand)]
    Data(DataCommand),
    /// Print the completion script of a shell.
    Completions(CompletionsArguments),
    /// Print the manual page, or write one for every command.
    Man(ManArguments),
}

/// `relumine train`.
#[derive(Debug, Default, Args)]
pub struct TrainArguments {
    /// A recipe file, or the name of an embedded one: quickstart (the default), seed-relu, seed-relu-dropout.
    pub recipe: Option<PathBuf>,
    /// The data: digits, mnist, fashion-mnist, hf://OWNER/NAME, or a CSV, TSV, Parquet, .npy or .npz file, or a folder of these, of IDX files,
    /// or of images (sets data.name).
    #[arg(long, value_name = "NAME|PATH")]
    pub data: Option<String>,
    /// Leave out rows that cannot be used, count them, and name the first (sets data.skip_bad_rows).
    #[arg(long)]
    pub skip_bad_rows: bool,
    /// auto, cpu, cuda, cuda:N, metal or metal:N.
    #[arg(long, default_value = "auto")]
    pub device: String,
    /// Seed of weights, row order and dropout (sets train.seed).
    #[arg(long, value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    pub seed: Option<u64>,
    /// How often to go through the train rows (sets train.epochs).
    #[arg(long, value_parser = clap::value_parser!(u64).range(..=u64::from(u32::MAX)))]
    pub epochs: Option<u64>,
    /// Stop after so many optimiser steps (sets train.max_steps).
    #[arg(long, value_name = "N")]
    pub max_steps: Option<u64>,
    /// Stop after so many minutes (sets train.max_minutes).
    #[arg(long, value_name = "MINUTES")]
    pub max_minutes: Option<f64>,
    /// Stop at this validation accuracy, such as 0.98; exit code 1 if it is never reached (sets train.target_accuracy).
    #[arg(long, value_name = "SHARE")]
    pub target_accuracy: Option<f64>,
    /// Train and validate on the first so many batches alone; nothing is tested (sets train.overfit_batches).
    #[arg(long, value_name = "N")]
    pub overfit_batches: Option<u64>,
    /// Cross-validate: train so many times, each fold of the rows being the validation rows once; nothing is tested.
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u64).range(2..=1000), conflicts_with = "dry_run")]
    pub folds: Option<u64>,
    /// Check everything, take one step, and write nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// CPU threads; all cores where absent. The results do not depend on it.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// auto, fused or reference (sets train.step).
    #[arg(long)]
    pub step: Option<String>,
    /// Start with the weights of a safetensors file, of this program or PyTorch (sets train.init_from).
    #[arg(long, value_name = "FILE")]
    pub init_from: Option<String>,
    /// Overrides a recipe key, as in --set model.dropout=0.3; --set KEY= leaves a key out; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub overrides: Vec<String>,
    /// Go on with a run (or cross-validation) that was stopped, by its own recipe, with the results of one that never was; --epochs may be more.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["out", "dry_run"])]
    pub resume: Option<PathBuf>,
    /// The run directory, which must not exist yet; runs/RECIPE-N where absent.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Write an event file that TensorBoard reads into the run directory (sets train.tensorboard).
    #[arg(long)]
    pub tensorboard: bool,
    /// Look at activations, gradients and updates of each layer after every so many steps, into probes.jsonl (sets probes.every).
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    pub probe_every: Option<u64>,
    /// Print JSON instead of the table: summary.json, cross-validation.json, or what a dry run finds.
    #[arg(long)]
    pub json: bool,
    /// No progress on standard error.
    #[arg(long)]
    pub quiet: bool,
}

/// Which weights of a run to load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Weights {
    /// The best on validation.
    Best,
    /// Those of the last epoch.
    Last,
    /// Those trained on train and validation rows, where the recipe says train.refit.
    Refit,
}

/// `relumine test`.
#[derive(Debug, Args)]
pub struct TestArguments {
    /// The run directory.
    pub run: PathBuf,
    /// Which weights to test; those that the run tested where absent.
    #[arg(long, value_enum)]
    pub weights: Option<Weights>,
    /// auto, cpu, cuda, cuda:N, metal or metal:N.
    #[arg(long, default_value = "auto")]
    pub device: String,
    /// CPU threads; all cores where absent.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// Print JSON instead of a table.
    #[arg(long)]
    pub json: bool,
}

/// `relumine devices`.
#[derive(Debug, Args)]
pub struct DevicesArguments {
    /// Print JSON instead of a table.
    #[arg(long)]
    pub json: bool,
}
