//! Train, validate, test.

mod best;
mod budget;
mod chosen_step;
mod evaluation;
mod event;
mod job;
mod mistakes;
mod outcome;
mod plan;
mod probes;
mod shared_data;
mod summary;
mod train;

pub use best::Best;
pub use budget::Waited;
pub use chosen_step::ChosenStep;
pub use evaluation::{Evaluation, evaluate, score_rows};
pub use event::{Event, Observer};
pub use job::Job;
pub use outcome::{Ending, Outcome, Stopped};
pub use plan::{Plan, TrainRows, open};
pub use shared_data::SharedData;
pub(crate) use summary::{Times, summarise};
pub use train::{judge, train, train_on};
