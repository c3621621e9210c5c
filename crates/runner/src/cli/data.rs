//! `relumine data`.

use clap::{Args, Subcommand};

/// `relumine data`.
#[derive(Debug, Subcommand)]
pub enum DataCommand {
    /// List the data sets that have a name: rows, size, licence, and where they are or how to get them.
    List(DataListArguments),
    /// Download a data set once, so that it can be opened without a network.
    Fetch(DataFetchArguments),
    /// Read data whole, check it, and compare its files with the checksums that are known; exit code 1 where something is wrong.
    Verify(DataVerifyArguments),
}

/// `relumine data list`.
#[derive(Debug, Args)]
pub struct DataListArguments {
    /// Print one JSON array instead of a table.
    #[arg(long)]
    pub json: bool,
}

/// `relumine data fetch`.
#[derive(Debug, Args)]
pub struct DataFetchArguments {
    /// digits, mnist, fashion-mnist, hf://OWNER/NAME, or hf://OWNER/NAME/CONFIG.
    #[arg(value_name = "NAME")]
    pub name: String,
}

/// `relumine data verify`.
#[derive(Debug, Args)]
pub struct DataVerifyArguments {
    /// A data set's name, hf://OWNER/NAME, a file or a folder; all named sets that are on this machine where absent.
    #[arg(value_name = "NAME|PATH")]
    pub name: Option<String>,
    /// The column with the class, in a table or Parquet file.
    #[arg(long, value_name = "COLUMN")]
    pub label: Option<String>,
    /// The height and width to bring an image folder's pictures to, as the recipe key data.image_size.
    #[arg(long, num_args = 2, value_names = ["HEIGHT", "WIDTH"], value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub image_size: Option<Vec<u16>>,
    /// 1 to read an image folder in grey, 3 in colour, as the recipe key data.channels.
    #[arg(long, value_parser = ["1", "3"])]
    pub channels: Option<String>,
    /// Count rows that cannot be used instead of stopping at the first.
    #[arg(long)]
    pub skip_bad_rows: bool,
    /// Print JSON instead of lines.
    #[arg(long)]
    pub json: bool,
}
