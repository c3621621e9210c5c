//! How the learning rate changes over a run: pure functions of the step.

use relumine_model::kinds;

kinds! {
    /// `optimizer.schedule`: a factor on the learning rate.
    Schedule: ScheduleKind { constant::Constant }
}

impl Schedule {
    /// The factor for the step after `steps_done` steps.
    #[must_use]
    pub fn factor(&self, steps_done: u64) -> f64 {
        self.behaviour().factor(steps_done)
    }
}

/// What a file in this folder provides.
trait ScheduleKind {
    /// The factor for the step after `steps_done` steps.
    fn factor(&self, steps_done: u64) -> f64;
}
