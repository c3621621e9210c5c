//! From bytes to a validated data set, its split and its scaling. This crate knows nothing of models or devices.
//!
//! ```text
//! bytes ──(idx | table | parquet | npy | images | digits | hub)──> Source ──(SplitSpec)──> Split ──> Scaler, fitted on the train rows
//! ```
//!
//! Everything that can be wrong with data is found here, once: later code may rely on every label being in range and every feature
//! being finite.

mod bytes;
mod catalog;
mod checksums;
mod classes;
mod dataset;
mod digits;
mod error;
mod fetch;
mod formats;
#[cfg(feature = "hub")]
mod hub;
mod hub_address;
#[cfg(test)]
#[cfg(feature = "parquet")]
#[path = "../tests/support/hub_file.rs"]
mod hub_file;
mod idx;
pub mod images;
pub mod inputs;
mod npy;
mod options;
#[cfg(feature = "parquet")]
mod parquet_files;
mod parts;
mod row_numbers;
mod scale;
mod split;
mod table;

pub use catalog::{Catalog, Entry};
pub use checksums::FileCheck;
pub use dataset::{Dataset, Features, Source};
pub use error::DataError;
pub use fetch::{Fetched, Verified};
pub use options::{Progress, ReadOptions, Reporter, Skipped};
pub use row_numbers::RowNumbers;
pub use scale::{Scale, Scaler};
pub use split::{Amount, Fold, Split, SplitSpec};
