//! Train, validate, test.

mod best;
mod budget;
mod chosen_step;
mod evaluation;
mod event;
mod job;
mod plan;
mod train;

pub use best::Best;
pub use chosen_step::ChosenStep;
pub use evaluation::{Evaluation, evaluate, score_rows};
pub use event::{Event, Observer};
pub use job::Job;
pub use plan::{Plan, TrainRows, open};
pub use train::{Ending, Outcome, Stopped, judge, train};
