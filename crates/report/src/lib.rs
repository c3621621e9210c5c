//! The records that runs write and that people and reports read. This crate knows nothing of Candle: it reads files, never the runner.

pub mod chart;
pub mod classification;
mod comparison;
mod comparison_groups;
mod cross_validation;
mod error;
mod history;
mod mistakes;
mod page;
mod probes;
mod products;
mod records;
mod run_files;
mod seed_groups;
mod settings;
mod signature;
pub mod statistics;
mod study;
mod table;
mod unfinished;

pub use classification::{ClassMetrics, ClassificationMetrics, MacroAverage};
pub use comparison::{ComparedRun, Comparison};
pub use comparison_groups::{ComparedGroup, PairedDifference, Spread};
pub use cross_validation::{CrossValidation, FoldResult};
pub use error::ReportError;
pub use history::{Found, Run, find_cross_validations, find_runs, read_epochs, read_probes};
pub use mistakes::{Mistake, Mistakes, shrink};
pub use page::{Page, run_page};
pub use probes::{Distribution, LayerProbe, PERCENTILES, ProbeRecord};
pub use products::{LayerZeros, Products, Zeros};
pub use records::{Confusion, EpochRecord, Refit, Score, Status, StopReason, Summary, TestedWeights};
pub use seed_groups::{Group, group_by_recipe};
pub use settings::Settings;
pub use signature::{OutputHead, Signature};
pub use study::{
    Contrast, CurvePoint, Estimate, Finding, Fit, FitRule, LayerMeans, Study, StudyCell, TestEstimate, TrialRecord, is_share, measure_text,
    short,
};
pub use table::{Align, Table};
pub use unfinished::{UnfinishedRun, find_unfinished_runs};
