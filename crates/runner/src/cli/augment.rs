//! The arguments of `relumine augment`.

use clap::Args;
use std::path::PathBuf;

/// `relumine augment`.
#[derive(Debug, Args)]
pub struct AugmentArguments {
    /// A recipe file with an `augment` section, the name of an embedded recipe, or a run directory.
    pub target: PathBuf,
    /// The PNG file to write.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Overrides a recipe key, as in --set augment.shift=2; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub overrides: Vec<String>,
    /// Replace a file that exists.
    #[arg(long)]
    pub force: bool,
}
