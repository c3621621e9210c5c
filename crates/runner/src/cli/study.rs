//! The arguments of `relumine study`.

use clap::Args;
use std::path::PathBuf;

/// `relumine study`.
#[derive(Debug, Args)]
pub struct StudyArguments {
    /// The study file, such as models/studies/dropout.toml.
    pub file: PathBuf,
    /// Run its small form, on embedded data; exit code 1 where an expected finding does not appear.
    #[arg(long)]
    pub quick: bool,
    /// Train every cell with so many seeds, from 0 (in the place of the file's seeds).
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub seeds: Option<u32>,
    /// The study's folder, in which it goes on where it was stopped; runs/study-NAME where absent, with -quick for the small form.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// auto, cpu, cuda, cuda:N, metal or metal:N.
    #[arg(long, default_value = "auto")]
    pub device: String,
    /// How many trials at a time, each on one CPU thread; all cores where absent, and 1 on other devices. The results do not depend on it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// Train even more than 2,000 trials.
    #[arg(long)]
    pub yes: bool,
    /// Print study.json instead of tables.
    #[arg(long)]
    pub json: bool,
    /// No progress on standard error.
    #[arg(long)]
    pub quiet: bool,
}
