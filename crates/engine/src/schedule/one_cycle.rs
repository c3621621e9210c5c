use super::cycle::{self, Anneal, Cycle};
use super::{Horizon, ScheduleKind, Unit, check};
use serde::{Deserialize, Serialize};

/// Up to the learning rate and down to nearly nothing, once (Smith and Topin 2018):
///
/// ```text
/// factor:  1 / div_factor  ->  1  ->  1 / (div_factor final_div_factor)           the peak is at t = pct_start total - 1
/// or, with three_phase, through 1 / div_factor again at t = 2 (pct_start total - 1); the end is at t = total - 1
/// ```
///
/// As `torch.optim.lr_scheduler.OneCycleLR`, whose `max_lr` is the learning rate here. The momentum's half is
/// [`momentum::OneCycle`](super::momentum::OneCycle). PyTorch refuses to go on after `total`; here the last value stays.
///
/// ```
/// use relumine_engine::{Horizon, Schedule};
/// let json = r#"{ "name": "one_cycle", "pct_start": 0.5, "div_factor": 4, "final_div_factor": 2, "anneal": "linear" }"#;
/// let one_cycle: Schedule = serde_json::from_str(json)?;
/// let horizon = Horizon { steps_per_epoch: 10, total_steps: 10 };
/// assert_eq!([0, 2, 4, 9, 999].map(|steps| one_cycle.factor(steps, horizon)), [0.25, 0.625, 1.0, 0.125, 0.125]);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OneCycle {
    /// Units in the cycle, at least 1; the whole run where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// The share of the cycle that leads up to the peak, in [0, 1]; at most 0.5 with `three_phase`.
    pub pct_start: f64,
    /// The peak over the start, at least 1.
    pub div_factor: f64,
    /// The start over the end, at least 1.
    pub final_div_factor: f64,
    /// The shape of each phase.
    pub anneal: Anneal,
    /// Whether to come down as slowly as up before the last phase.
    pub three_phase: bool,
    /// What t and `total` count.
    pub unit: Unit,
}

impl Default for OneCycle {
    fn default() -> Self {
        Self {
            total: None,
            pct_start: 0.3,
            div_factor: 25.0,
            final_div_factor: 1e4,
            anneal: Anneal::Cos,
            three_phase: false,
            unit: Unit::Step,
        }
    }
}

impl ScheduleKind for OneCycle {
    fn factor(&self, steps_done: u64, horizon: Horizon) -> f64 {
        let Self { pct_start, anneal, three_phase, unit, .. } = *self;
        let total = self.total.unwrap_or_else(|| unit.whole_run(horizon));
        let start = 1.0 / self.div_factor;
        let cycle = Cycle { total, pct_start, anneal, three_phase };
        cycle.value(unit.elapsed(steps_done, horizon), start, 1.0, start / self.final_div_factor)
    }

    fn validate(&self) -> Result<(), String> {
        cycle::validate(self.total, self.pct_start, self.three_phase)?;
        let expected = "a finite number of at least 1, such as 25";
        check::within("div_factor", self.div_factor, 1.0..f64::INFINITY, expected)?;
        check::within("final_div_factor", self.final_div_factor, 1.0..f64::INFINITY, expected)
    }
}
