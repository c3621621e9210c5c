//! The arguments of `relumine export`.

use super::Weights;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// `relumine export`.
#[derive(Debug, Args)]
pub struct ExportArguments {
    /// The run directory.
    pub run: PathBuf,
    /// What to write.
    #[arg(long, value_enum)]
    pub format: ExportFormat,
    /// The file to write.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Which weights to write; those that the run tested where absent.
    #[arg(long, value_enum)]
    pub weights: Option<Weights>,
    /// ONNX: take pixels or measurements as they are, and scale them inside the graph.
    #[arg(long)]
    pub raw_input: bool,
    /// ONNX: give one probability per class instead of logits.
    #[arg(long)]
    pub probabilities: bool,
    /// Replace a file that exists.
    #[arg(long)]
    pub force: bool,
}

/// What `relumine export` writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// A graph that inference runtimes compute.
    Onnx,
    /// The weights, as PyTorch, JAX, Keras and Candle read them.
    Safetensors,
    /// The weights, as numpy.load reads them.
    Npz,
}
