//! Train, validate, test.

mod best;
mod budget;
mod evaluation;
mod event;
mod job;
mod train;

pub use best::Best;
pub use evaluation::{Evaluation, evaluate, score_rows};
pub use event::{Event, Observer};
pub use job::{ChosenStep, Job, TrainRows};
pub use train::{Ending, Outcome, Stopped, train};
