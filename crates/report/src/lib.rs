//! The records that runs write and that people and reports read. This crate knows nothing of Candle: it reads files, never the runner.

pub mod classification;
mod cross_validation;
mod error;
mod history;
mod page;
mod records;
pub mod statistics;
mod svg;
mod table;

pub use classification::{ClassMetrics, ClassificationMetrics, MacroAverage};
pub use cross_validation::{CrossValidation, FoldResult};
pub use error::ReportError;
pub use history::{Group, Run, find_cross_validations, find_runs, group_by_recipe};
pub use page::run_page;
pub use records::{Confusion, EpochRecord, Refit, Score, Status, StopReason, Summary, TestedWeights};
pub use table::{Align, Table};
