//! Studies: many trials of one question, and what they say together with error bars.
//!
//! ```text
//! study file ──> StudyPlan (cells x seeds) ──> trials, one core each ──> trials.jsonl, trials/ ──> analysis ──> study.json
//! ```
//!
//! Each trial is a step of one thread on data that all of them share, with the bits of a single run of its recipe.

mod analysis;
mod contrasts;
mod file;
mod findings;
mod folder;
mod halving;
mod layers;
mod measures;
mod mistake;
mod naming;
mod pause;
mod plan;
mod pool;
mod progress;
mod random;
mod recorder;
mod selector;
mod shelf;
mod testing;
mod text;
mod trial;
mod values;

pub use analysis::{Circumstances, analyse};
pub use file::{StudyFile, TestRows};
pub use folder::StudyFolder;
pub use halving::{Halving, train_all};
pub use measures::MEASURES;
pub use plan::{CellPlan, StudyPlan, TrialPlan};
pub use pool::Pool;
pub use progress::Meter;
pub use shelf::Shelf;
pub use testing::read_test_rows;
pub use text::study_text;
