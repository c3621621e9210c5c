//! One cycle: the course of the learning rate, and upside down of the momentum.

use super::check;
use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

/// How a value moves from a to b while p runs from 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Anneal {
    /// `b + (a - b) (1 + cos(pi p)) / 2`.
    #[default]
    Cos,
    /// `a + (b - a) p`.
    Linear,
}

impl Anneal {
    fn between(self, from: f64, to: f64, share: f64) -> f64 {
        match self {
            Self::Cos => to + (from - to) / 2.0 * (1.0 + libm::cos(PI * share)),
            Self::Linear => (to - from) * share + from,
        }
    }
}

/// From a start over a peak to an end, with the phases of `torch.optim.lr_scheduler.OneCycleLR`.
pub(super) struct Cycle {
    /// Units in the cycle; the last one that moves is `total - 1`.
    pub(super) total: u64,
    pub(super) pct_start: f64,
    pub(super) anneal: Anneal,
    pub(super) three_phase: bool,
}

impl Cycle {
    /// The value after `elapsed` units.
    pub(super) fn value(&self, elapsed: u64, start: f64, peak: f64, end: f64) -> f64 {
        let last = self.total.saturating_sub(1) as f64;
        let now = (elapsed as f64).min(last);
        let top = self.pct_start * self.total.max(1) as f64 - 1.0;
        let phases: &[_] = if self.three_phase {
            &[(top, start, peak), (2.0 * top, peak, start), (last, start, end)]
        } else {
            &[(top, start, peak), (last, peak, end)]
        };
        let mut since = 0.0;
        for &(until, from, to) in phases {
            if now <= until {
                // A phase of no length, where PyTorch divides by zero, is over at once.
                let share = if until > since { (now - since) / (until - since) } else { 1.0 };
                return self.anneal.between(from, to, share);
            }
            since = until;
        }
        end
    }
}

/// The parameters that the learning rate's cycle and the momentum's have in common.
pub(super) fn validate(total: Option<u64>, pct_start: f64, three_phase: bool) -> Result<(), String> {
    check::optional_length("total", total)?;
    check::share("pct_start", pct_start)?;
    if three_phase {
        let expected = "at most 0.5 with three_phase = true, where the way down from the peak takes as long as the way up";
        check::within("pct_start", pct_start, ..=0.5, expected)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_phases_meet_at_the_peak_and_three_pass_the_start_again() {
        let two = Cycle { total: 11, pct_start: 0.5, anneal: Anneal::Linear, three_phase: false };
        let values = |cycle: &Cycle, at: [u64; 5]| at.map(|elapsed| cycle.value(elapsed, 1.0, 10.0, 0.0));
        assert_eq!(values(&two, [0, 1, 10, 11, 999]), [1.0, 3.0, 0.0, 0.0, 0.0]);
        let three = Cycle { total: 20, pct_start: 0.25, three_phase: true, ..two };
        assert_eq!(values(&three, [0, 4, 6, 8, 19]), [1.0, 10.0, 5.5, 1.0, 0.0]);
    }

    #[test]
    fn a_cosine_is_half_way_in_the_middle() {
        assert_eq!([0.0, 0.5, 1.0].map(|share| Anneal::Cos.between(4.0, 2.0, share)), [4.0, 3.0, 2.0]);
    }

    #[test]
    fn a_cycle_too_short_for_its_phases_is_at_its_end() {
        for three_phase in [false, true] {
            for total in [0, 1] {
                let cycle = Cycle { total, pct_start: 0.3, anneal: Anneal::Cos, three_phase };
                assert_eq!(cycle.value(0, 0.1, 1.0, 0.01), 0.01, "{total} {three_phase}");
            }
        }
    }
}
