use super::{Horizon, MomentumKind};
use crate::schedule::cycle::{self, Anneal, Cycle};
use crate::schedule::{Unit, check};
use serde::{Deserialize, Serialize};

/// Down from `max_momentum` to `base_momentum` while the learning rate rises, and up again while it falls (Smith and Topin 2018). As the
/// momentum of `torch.optim.lr_scheduler.OneCycleLR`, which takes the place of the optimiser's own; the phases are those of
/// [`schedule::OneCycle`](crate::schedule::OneCycle) with the same parameters, and the last value stays.
///
/// ```
/// use relumine_engine::{Horizon, MomentumSchedule};
/// let json = r#"{ "name": "one_cycle", "base_momentum": 0.5, "max_momentum": 0.75, "pct_start": 0.5, "anneal": "linear" }"#;
/// let one_cycle: MomentumSchedule = serde_json::from_str(json)?;
/// let horizon = Horizon { steps_per_epoch: 10, total_steps: 10 };
/// assert_eq!([0, 2, 4, 9, 999].map(|steps| one_cycle.momentum(0.9, steps, horizon)), [0.75, 0.625, 0.5, 0.75, 0.75]);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OneCycle {
    /// Units in the cycle, at least 1; the whole run where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// The lowest momentum, in [0, 1).
    pub base_momentum: f64,
    /// The momentum at both ends, in [0, 1).
    pub max_momentum: f64,
    /// The share of the cycle that leads down, in [0, 1]; at most 0.5 with `three_phase`.
    pub pct_start: f64,
    /// The shape of each phase.
    pub anneal: Anneal,
    /// Whether to come back as slowly as down and then to stay.
    pub three_phase: bool,
    /// What t and `total` count.
    pub unit: Unit,
}

impl Default for OneCycle {
    fn default() -> Self {
        Self {
            total: None,
            base_momentum: 0.85,
            max_momentum: 0.95,
            pct_start: 0.3,
            anneal: Anneal::Cos,
            three_phase: false,
            unit: Unit::Step,
        }
    }
}

impl MomentumKind for OneCycle {
    fn momentum(&self, _full: f64, steps_done: u64, horizon: Horizon) -> f64 {
        let Self { base_momentum, max_momentum, pct_start, anneal, three_phase, unit, .. } = *self;
        let total = self.total.unwrap_or_else(|| unit.whole_run(horizon));
        let cycle = Cycle { total, pct_start, anneal, three_phase };
        cycle.value(unit.elapsed(steps_done, horizon), max_momentum, base_momentum, max_momentum)
    }

    fn validate(&self) -> Result<(), String> {
        cycle::validate(self.total, self.pct_start, self.three_phase)?;
        check::momentum("base_momentum", self.base_momentum)?;
        check::momentum("max_momentum", self.max_momentum)
    }
}
