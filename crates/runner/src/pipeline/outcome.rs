//! What training has come to: all that the loop remembers beside the step.

use super::{Best, Waited};
use crate::failure::Failure;
use relumine_report::{Score, StopReason};
use std::time::{Duration, Instant};

/// What training has come to, and where it goes on.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Epochs done; the last one may have been cut short by a limit.
    pub epochs: u64,
    /// Rows of the epoch after these that have been trained on, where training stopped within it.
    pub rows: u64,
    /// Why training has ended; `None` where it goes on.
    pub ended: Option<Ending>,
    /// The best weights on validation; `None` before the first epoch's end.
    pub best: Option<Best>,
    /// The validation score of the last epoch.
    pub last_validation: Option<Score>,
    /// The highest validation accuracy of any epoch.
    pub highest_accuracy: Option<f64>,
    /// The validation loss of each epoch, oldest first, where the schedule watches them.
    pub validation_losses: Vec<f64>,
    /// How long early stopping has waited, where the recipe has it.
    pub waited: Waited,
    /// Training time of each whole epoch.
    pub epoch_seconds: Vec<f64>,
    /// What other processes have used of `train.max_minutes`; in a run without it the training time of their epochs.
    pub earlier: Duration,
    /// When this process had done its first step.
    pub first_step: Option<Instant>,
}

/// Why training ended where it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// All epochs are done.
    Completed,
    /// Validation stopped improving.
    EarlyStopped,
    /// Validation reached the accuracy that was asked for.
    TargetReached,
    /// `train.max_steps` are done.
    StepLimit,
    /// `train.max_minutes` are over.
    TimeLimit,
    /// A signal came.
    Interrupted,
}

impl Ending {
    /// What the summary calls it; `None` for a run that did not finish.
    #[must_use]
    pub fn reason(self) -> Option<StopReason> {
        match self {
            Self::Completed => Some(StopReason::Epochs),
            Self::EarlyStopped => Some(StopReason::EarlyStopping),
            Self::TargetReached => Some(StopReason::TargetAccuracy),
            Self::StepLimit => Some(StopReason::MaxSteps),
            Self::TimeLimit => Some(StopReason::MaxMinutes),
            Self::Interrupted => None,
        }
    }
}

impl From<StopReason> for Ending {
    fn from(reason: StopReason) -> Self {
        match reason {
            StopReason::Epochs => Self::Completed,
            StopReason::EarlyStopping => Self::EarlyStopped,
            StopReason::TargetAccuracy => Self::TargetReached,
            StopReason::MaxSteps => Self::StepLimit,
            StopReason::MaxMinutes => Self::TimeLimit,
        }
    }
}

/// Training that has stopped: what it came to, and why it stopped or what failed.
pub type Stopped = (Outcome, Result<Ending, Failure>);
