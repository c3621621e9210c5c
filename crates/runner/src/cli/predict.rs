//! The arguments of `relumine predict`.

use super::Weights;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// `relumine predict`.
#[derive(Debug, Args)]
pub struct PredictArguments {
    /// The run directory, or a folder like it that ships with the project, such as models/mnist.
    pub run: PathBuf,
    /// PNG or JPEG pictures, folders of them, CSV or TSV tables, IDX files, .npy arrays, x of .npz files; - for a CSV table on standard input.
    #[arg(required = true)]
    pub inputs: Vec<PathBuf>,
    /// Which weights to use; those that the run tested where absent.
    #[arg(long, value_enum)]
    pub weights: Option<Weights>,
    /// How many of the most probable classes to tell; where absent, three in a table and all in the other formats.
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..))]
    pub top: Option<u32>,
    /// How to tell; where absent, as the ending of --out says, or a table.
    #[arg(long, value_enum)]
    pub format: Option<PredictFormat>,
    /// Tell the logits, too (json and csv).
    #[arg(long)]
    pub logits: bool,
    /// The file to write; standard output where absent.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Replace a file that exists.
    #[arg(long)]
    pub force: bool,
    /// How a picture of another size becomes one of the model's.
    #[arg(long, value_enum, default_value_t = FitChoice::Auto)]
    pub fit: FitChoice,
    /// Whether dark and light change places in pictures.
    #[arg(long, value_enum, default_value_t = InvertChoice::Auto)]
    pub invert: InvertChoice,
    /// A table's column with the true classes; the accuracy is told where there is one.
    #[arg(long, value_name = "COLUMN")]
    pub label: Option<String>,
    /// Leave out rows and pictures that cannot be used, and say how many.
    #[arg(long)]
    pub skip_bad_rows: bool,
    /// auto, cpu, cuda, cuda:N, metal or metal:N.
    #[arg(long, default_value = "auto")]
    pub device: String,
    /// CPU threads; all cores where absent. The results do not depend on it.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// No progress on standard error.
    #[arg(long)]
    pub quiet: bool,
}

/// What `relumine predict` writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PredictFormat {
    /// For people.
    Table,
    /// One object a line.
    Json,
    /// A header line, then a row a line.
    Csv,
}

/// How a picture of another size becomes one of the model's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FitChoice {
    /// One of the model's size stays as it is; another is framed as mnist where the model was trained on that, else as pad.
    Auto,
    /// Scale both sides, whatever becomes of the proportions.
    Stretch,
    /// Scale as a whole, centre, and fill up with the colour of the border.
    Pad,
    /// Crop to the ink, scale that to 20 of 28 pixels, and centre its mass, as the makers of MNIST did.
    Mnist,
}

/// Whether dark and light change places in pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum InvertChoice {
    /// Where the border is light and the model was trained on mnist or digits, which are light on dark.
    Auto,
    /// Always.
    Yes,
    /// Never.
    No,
}
