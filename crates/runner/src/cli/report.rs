//! The arguments of the commands that show runs: `report` and `watch`.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// `relumine report`.
#[derive(Debug, Args)]
pub struct ReportArguments {
    /// Run directories, folders that hold some, or one study's folder. Runs of one recipe with several seeds become one line with a band.
    #[arg(required = true, value_name = "DIR")]
    pub runs: Vec<PathBuf>,
    /// The file to write, or with svg and png the folder. Where absent, html goes into the run it is of, and everything else beside you.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// What to write: where absent, what the ending of --out says, html or md, and html without one.
    #[arg(long, value_enum)]
    pub format: Option<ReportFormat>,
    /// Replace a file that exists.
    #[arg(long)]
    pub force: bool,
}

/// What `relumine report` writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// One page that needs nothing but itself.
    Html,
    /// Markdown, with the charts as SVG files in a folder beside it.
    Md,
    /// A folder of charts, an SVG file each.
    Svg,
    /// A folder of charts, a PNG file each, at twice their size.
    Png,
}

/// `relumine watch`.
#[derive(Debug, Args)]
pub struct WatchArguments {
    /// The run directory.
    pub run: PathBuf,
    /// Show how the run stands now as plain text, and end.
    #[arg(long)]
    pub once: bool,
}
