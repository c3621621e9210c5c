//! Studies: many trials of one question, and what they say together with error bars.
//!
//! ```text
//! study file ──> StudyPlan (cells x seeds) ──> trials, one core each ──> trials.jsonl, trials/ ──> analysis ──> study.json
//! ```
//!
//! Each trial is a step of one thread on data that all of them share, with the bits of a single run of its recipe.

mod analysis;
mod conduct;
mod contrasts;
mod done;
mod file;
mod findings;
mod folder;
mod halving;
mod layers;
mod ledger;
mod measures;
mod mistake;
mod naming;
mod pause;
mod place;
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

pub use conduct::{Means, conduct};
pub use file::{ContrastSpec, OneOrMany, ReferenceSpec, Seeds, StudyFile, TestRows};
pub use findings::FindingSpec;
pub use folder::{StudyFolder, study_page};
pub use halving::Halving;
pub use measures::{MEASURES, Measure};
pub use plan::{CellPlan, StudyPlan, TrialPlan};
pub use pool::Pool;
pub use progress::Meter;
pub use random::Random;
pub use shelf::Shelf;
pub use text::study_text;
