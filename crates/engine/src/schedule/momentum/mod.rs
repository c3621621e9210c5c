//! How the momentum changes over a run.

use super::Horizon;
use relumine_model::{ConfigError, kinds};

kinds! {
    /// `optimizer.momentum_schedule`: the momentum of each step, or Adam's first beta.
    MomentumSchedule: MomentumKind { linear::Linear, sutskever::Sutskever, one_cycle::OneCycle }
}

impl MomentumSchedule {
    /// The momentum of the step after `steps_done` steps, in [0, 1) at and beyond the end of the plan too. `full` is the optimiser's own, in
    /// [0, 1).
    #[must_use]
    pub fn momentum(&self, full: f64, steps_done: u64, horizon: Horizon) -> f64 {
        self.behaviour().momentum(full, steps_done, horizon)
    }

    /// Checks the parameters.
    ///
    /// # Errors
    /// One sentence that names the parameter and its range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.behaviour().validate().map_err(|remedy| ConfigError::new("optimizer.momentum_schedule", self.name(), remedy))
    }
}

/// What a file in this folder provides.
trait MomentumKind {
    /// The momentum of the step after `steps_done` steps.
    fn momentum(&self, full: f64, steps_done: u64, horizon: Horizon) -> f64;

    /// Says which parameter is out of its range, if one is.
    fn validate(&self) -> Result<(), String>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> MomentumSchedule {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn every_momentum_lies_between_0_and_1_on_any_plan() {
        for json in [
            r#"{"name": "linear", "duration": 1}"#,
            r#"{"name": "linear", "duration": 300, "start": 0, "unit": "step"}"#,
            r#""sutskever""#,
            r#"{"name": "sutskever", "period": 1}"#,
            r#""one_cycle""#,
            r#"{"name": "one_cycle", "total": 2, "pct_start": 0.5, "base_momentum": 0, "max_momentum": 0.999, "three_phase": true}"#,
        ] {
            let schedule = read(json);
            schedule.validate().unwrap();
            assert_eq!(read(&serde_json::to_string(&schedule).unwrap()), schedule);
            for (steps_per_epoch, total_steps) in [(0, 0), (0, 1), (1, 0), (7, 1), (3, 100), (5, u64::MAX)] {
                let horizon = Horizon { steps_per_epoch, total_steps };
                for steps_done in (0..5000).chain([u64::MAX]) {
                    let momentum = schedule.momentum(0.999, steps_done, horizon);
                    assert!((0.0..1.0).contains(&momentum), "{json}, {horizon:?}: {momentum} after {steps_done} steps");
                }
            }
        }
    }

    #[test]
    fn equation_5_has_the_closed_form_that_is_used() {
        let horizon = Horizon { steps_per_epoch: 1, total_steps: 1 };
        for steps in 0..5000 {
            let equation = 1.0 - 2_f64.powf(-1.0 - ((steps / 250) as f64 + 1.0).log2());
            let ours = read(r#""sutskever""#).momentum(0.95, steps, horizon);
            assert!((ours - equation.min(0.95)).abs() < 1e-15, "{ours} after {steps} steps");
        }
    }

    #[test]
    fn a_parameter_out_of_its_range_is_named() {
        for (json, sentence) in [
            (r#"{"name": "linear", "duration": 0}"#, "duration = 0 must be a whole number of at least 1, such as 10"),
            (r#"{"name": "linear", "duration": 5, "start": 1}"#, "start = 1 must be a number of at least 0 and under 1, such as 0.9"),
            (r#"{"name": "sutskever", "period": 0}"#, "period = 0 must be"),
            (r#"{"name": "one_cycle", "total": 0}"#, "total = 0 must be"),
            (r#"{"name": "one_cycle", "pct_start": -1}"#, "pct_start = -1 must be"),
            (r#"{"name": "one_cycle", "base_momentum": 1}"#, "base_momentum = 1 must be"),
            (r#"{"name": "one_cycle", "max_momentum": -0.1}"#, "max_momentum = -0.1 must be"),
        ] {
            let error = read(json).validate().unwrap_err();
            assert_eq!(error.key, "optimizer.momentum_schedule");
            assert!(error.remedy.starts_with(sentence), "{json}: {error}");
        }
        let missing = serde_json::from_str::<MomentumSchedule>(r#""linear""#).unwrap_err().to_string();
        assert!(missing.starts_with("missing field `duration`"), "{missing}");
    }
}
