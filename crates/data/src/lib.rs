//! From bytes to a validated data set, its split and its scaling. This crate knows nothing of models or devices.
//!
//! ```text
//! bytes ──(idx | csv | digits | hub)──> Source ──(SplitSpec)──> Split ──> Scaler, fitted on the train rows
//! ```
//!
//! Everything that can be wrong with data is found here, once: later code may rely on every label being in range and every feature
//! being finite.

mod bytes;
mod catalog;
mod csv;
mod dataset;
mod digits;
mod error;
#[cfg(feature = "hub")]
mod hub;
mod idx;
mod scale;
mod split;

pub use catalog::{Catalog, Entry};
pub use dataset::{Dataset, Features, Source};
pub use error::DataError;
pub use scale::{Scale, Scaler};
pub use split::{Amount, Fold, Split, SplitSpec};
