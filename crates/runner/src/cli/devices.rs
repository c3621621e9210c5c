//! Arguments about devices.

use clap::Args;
use std::path::PathBuf;

/// `relumine compare-devices`.
#[derive(Debug, Args)]
pub struct CompareDevicesArguments {
    /// A recipe file, or the name of an embedded recipe; the quickstart where absent.
    pub recipe: Option<PathBuf>,
    /// What to compare, the first with each other: cpu, cuda, cuda:N, metal or metal:N, with :fused or :reference for one of the steps, as
    /// in cpu,cuda:0:reference; the CPU and every GPU where absent, and the two steps of the CPU where there is no GPU.
    #[arg(long, value_delimiter = ',', value_name = "DEVICE[:STEP],..")]
    pub devices: Vec<String>,
    /// Optimiser steps to take.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub steps: u64,
    /// How much losses and gradients may differ, as a share of the largest value, and parameters, as a share of their norm.
    #[arg(long, default_value_t = 1e-3, value_name = "SHARE")]
    pub tolerance: f64,
    /// The data, as in relumine train (sets data.name).
    #[arg(long, value_name = "NAME|PATH")]
    pub data: Option<String>,
    /// Overrides a recipe key, as in --set model.dropout=0.3; --set KEY= leaves a key out; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub overrides: Vec<String>,
    /// CPU threads; all cores where absent.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// Print JSON instead of tables.
    #[arg(long)]
    pub json: bool,
}

/// `relumine gpu-check`.
#[derive(Debug, Args)]
pub struct GpuCheckArguments {
    /// cuda or cuda:N.
    #[arg(long, default_value = "cuda")]
    pub device: String,
    /// How many runs to train side by side, and to time in turn; the first is what the others are compared with.
    #[arg(long, value_delimiter = ',', default_value = "1,2,4,8,64", value_name = "N,..",
          value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub replicas: Vec<u16>,
    /// Print JSON instead of tables.
    #[arg(long)]
    pub json: bool,
}
