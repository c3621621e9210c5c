//! How the learning rate and the momentum change over a run: pure functions of the steps done and the plan of the run.
//!
//! Nothing is remembered, so that a run that resumes finds the values of one that was never interrupted. t is the steps or whole epochs done
//! before a step: the first step of a run has t = 0. PyTorch's definitions are the truth here; Keras' are where PyTorch has none.

mod check;
mod cycle;
mod horizon;
pub mod momentum;

pub use cycle::Anneal;
pub use horizon::{Horizon, Unit};
pub use momentum::MomentumSchedule;
pub use reduce_on_plateau::ThresholdMode;

use relumine_model::{ConfigError, kinds};

kinds! {
    /// `optimizer.schedule`: a factor on the learning rate.
    Schedule: ScheduleKind {
        constant::Constant, step::StepDecay, exponential::Exponential, inverse_time::InverseTime, polynomial::Polynomial,
        cosine::Cosine, one_cycle::OneCycle, reduce_on_plateau::ReduceOnPlateau
    }
}

impl Schedule {
    /// The factor for the step after `steps_done` steps: finite and at least 0, at and beyond the end of the plan too.
    #[must_use]
    pub fn factor(&self, steps_done: u64, horizon: Horizon) -> f64 {
        self.behaviour().factor(steps_done, horizon)
    }

    /// Checks the parameters.
    ///
    /// # Errors
    /// One sentence that names the parameter and its range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.behaviour().validate().map_err(|remedy| ConfigError::new("optimizer.schedule", self.name(), remedy))
    }

    /// The schedule that looks at validation losses, if this is it: [`ReduceOnPlateau::factor_after`] them comes on top of
    /// [`factor`](Self::factor), which is 1.
    #[must_use]
    pub fn plateau(&self) -> Option<&ReduceOnPlateau> {
        match self {
            Self::ReduceOnPlateau(plateau) => Some(plateau),
            _ => None,
        }
    }
}

/// What a file in this folder provides.
trait ScheduleKind {
    /// The factor for the step after `steps_done` steps.
    fn factor(&self, steps_done: u64, horizon: Horizon) -> f64;

    /// Says which parameter is out of its range, if one is.
    fn validate(&self) -> Result<(), String> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Schedule {
        serde_json::from_str(json).unwrap()
    }

    /// At least one of every kind, with parameters at the edges of their ranges.
    fn examples() -> Vec<Schedule> {
        let examples: Vec<Schedule> = [
            r#""constant""#,
            r#"{"name": "step", "step_size": 7}"#,
            r#"{"name": "step", "step_size": 1, "gamma": 1e-300, "unit": "step"}"#,
            r#"{"name": "exponential", "gamma": 0.5, "unit": "step"}"#,
            r#"{"name": "exponential", "gamma": 1}"#,
            r#"{"name": "inverse_time", "decay_rate": 1e308}"#,
            r#"{"name": "inverse_time", "decay_rate": 0, "decay_steps": 3, "staircase": true, "unit": "epoch"}"#,
            r#""polynomial""#,
            r#"{"name": "polynomial", "total": 1, "power": 1e300, "end_factor": 1, "unit": "epoch"}"#,
            r#"{"name": "polynomial", "power": 1e-300}"#,
            r#""cosine""#,
            r#"{"name": "cosine", "warmup": 10000, "unit": "epoch"}"#,
            r#"{"name": "cosine", "warmup": 3, "period": 1, "restarts": true}"#,
            r#"{"name": "cosine", "period": 1, "restarts": true, "period_mult": 18446744073709551615}"#,
            r#""one_cycle""#,
            r#"{"name": "one_cycle", "total": 1, "pct_start": 1, "anneal": "linear", "div_factor": 1e308, "final_div_factor": 1e308}"#,
            r#"{"name": "one_cycle", "total": 2, "pct_start": 0.5, "three_phase": true, "unit": "epoch"}"#,
            r#"{"name": "one_cycle", "pct_start": 0}"#,
            r#""reduce_on_plateau""#,
        ]
        .map(read)
        .into();
        assert!(Schedule::NAMES.iter().all(|name| examples.iter().any(|schedule| schedule.name() == *name)));
        examples
    }

    #[test]
    fn every_factor_is_finite_and_at_least_0_on_any_plan() {
        for schedule in examples() {
            schedule.validate().unwrap();
            for (steps_per_epoch, total_steps) in
                [(0, 0), (0, 1), (1, 0), (1, 1), (7, 1), (3, 100), (1000, 999), (5, u64::MAX), (u64::MAX, 50)]
            {
                let horizon = Horizon { steps_per_epoch, total_steps };
                for steps_done in (0..5000).chain([u64::MAX - 1, u64::MAX]) {
                    let factor = schedule.factor(steps_done, horizon);
                    assert!(factor.is_finite() && factor >= 0.0, "{schedule:?}, {horizon:?}: {factor} after {steps_done} steps");
                }
            }
        }
    }

    #[test]
    fn every_schedule_reads_back_what_it_writes() {
        for schedule in examples() {
            let json = serde_json::to_string(&schedule).unwrap();
            assert_eq!(read(&json), schedule, "{json}");
        }
        let step = read(r#"{"name": "step", "step_size": 7}"#);
        assert_eq!(serde_json::to_string(&step).unwrap(), r#"{"name":"step","step_size":7,"gamma":0.1,"unit":"epoch"}"#);
        assert_eq!(serde_json::to_string(&read(r#""constant""#)).unwrap(), r#""constant""#);
    }

    #[test]
    fn a_parameter_out_of_its_range_is_named() {
        for (json, sentence) in [
            (r#"{"name": "step", "step_size": 0}"#, "step_size = 0 must be a whole number of at least 1, such as 10"),
            (r#"{"name": "step", "step_size": 2, "gamma": 0}"#, "gamma = 0 must be a number over 0 and at most 1, such as 0.5"),
            (r#"{"name": "exponential", "gamma": 1.01}"#, "gamma = 1.01 must be a number over 0 and at most 1, such as 0.5"),
            (r#"{"name": "inverse_time", "decay_rate": -1}"#, "decay_rate = -1 must be a finite number of at least 0, such as 0.5"),
            (r#"{"name": "inverse_time", "decay_rate": 1, "decay_steps": 0}"#, "decay_steps = 0 must be"),
            (r#"{"name": "polynomial", "total": 0}"#, "total = 0 must be"),
            (r#"{"name": "polynomial", "power": 0}"#, "power = 0 must be a finite number over 0, such as 1"),
            (r#"{"name": "polynomial", "end_factor": -0.1}"#, "end_factor = -0.1 must be a number from 0 to 1, such as 0.3"),
            (r#"{"name": "cosine", "warmup_start_factor": 2}"#, "warmup_start_factor = 2 must be"),
            (r#"{"name": "cosine", "min_factor": -1}"#, "min_factor = -1 must be"),
            (r#"{"name": "cosine", "period": 0}"#, "period = 0 must be"),
            (r#"{"name": "cosine", "period": 5, "restarts": true, "period_mult": 0}"#, "period_mult = 0 must be"),
            (r#"{"name": "cosine", "period": 5, "period_mult": 2}"#, "period_mult = 2 has no effect without restarts = true"),
            (r#"{"name": "cosine", "restarts": true}"#, "restarts = true needs a period, such as period = 10"),
            (r#"{"name": "one_cycle", "total": 0}"#, "total = 0 must be"),
            (r#"{"name": "one_cycle", "pct_start": 1.5}"#, "pct_start = 1.5 must be a number from 0 to 1"),
            (r#"{"name": "one_cycle", "pct_start": 0.6, "three_phase": true}"#, "pct_start = 0.6 must be at most 0.5 with three_phase"),
            (r#"{"name": "one_cycle", "div_factor": 0.5}"#, "div_factor = 0.5 must be a finite number of at least 1"),
            (r#"{"name": "one_cycle", "final_div_factor": 0}"#, "final_div_factor = 0 must be"),
            (r#"{"name": "reduce_on_plateau", "factor": 1}"#, "factor = 1 must be a number over 0 and under 1, such as 0.1"),
            (r#"{"name": "reduce_on_plateau", "threshold": 1}"#, "threshold = 1 must be a number of at least 0 and under 1"),
            (r#"{"name": "reduce_on_plateau", "threshold": -1, "threshold_mode": "abs"}"#, "threshold = -1 must be a finite number"),
            (r#"{"name": "reduce_on_plateau", "min_factor": 1.1}"#, "min_factor = 1.1 must be"),
        ] {
            let error = read(json).validate().unwrap_err();
            assert_eq!(error.key, "optimizer.schedule");
            assert!(error.remedy.starts_with(sentence), "{json}: {error}");
        }
        let not_a_number = Schedule::Exponential(Exponential { gamma: f64::NAN, unit: Unit::Step });
        assert!(
            not_a_number.validate().unwrap_err().to_string().starts_with("optimizer.schedule = exponential is not usable: gamma = NaN")
        );
    }

    #[test]
    fn what_cannot_be_guessed_must_be_given_and_what_is_unknown_is_refused() {
        for (json, complaint) in [
            (r#""step""#, "missing field `step_size`"),
            (r#""exponential""#, "missing field `gamma`"),
            (r#"{"name": "inverse_time"}"#, "missing field `decay_rate`"),
            (r#"{"name": "cosine", "warm_up": 3}"#, "unknown field `warm_up`, expected one of `warmup`"),
            (r#"{"name": "cosine", "unit": "batch"}"#, "unknown variant `batch`, expected `step` or `epoch`"),
            (r#"{"name": "step", "step_size": -3}"#, "invalid value: integer `-3`, expected u64"),
            (r#""cosin""#, "unknown variant `cosin`, expected one of `constant`, `step`"),
        ] {
            let error = serde_json::from_str::<Schedule>(json).unwrap_err().to_string();
            assert!(error.starts_with(complaint), "{json}: {error}");
        }
    }

    #[test]
    fn only_the_plateau_looks_at_losses() {
        for schedule in examples() {
            assert_eq!(schedule.plateau().is_some(), schedule.name() == "reduce_on_plateau");
        }
    }
}
