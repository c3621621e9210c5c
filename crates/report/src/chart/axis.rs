//! Axes: from numbers to places, and the round numbers beside them.

use super::Scale;

/// A range of numbers along one side of a chart.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    low: f64,
    high: f64,
    scale: Scale,
    pub(super) ticks: Vec<f64>,
    /// Digits after the point of a tick's label; `None` on a logarithmic axis.
    decimals: Option<usize>,
}

impl Axis {
    /// An axis of this scale for finite `values` (over 0 on a logarithmic one), with at most `most_ticks` ticks; `None` of no values.
    pub(super) fn of(values: impl Iterator<Item = f64>, scale: Scale, most_ticks: usize) -> Option<Self> {
        let (low, high) = values.fold(None, |range: Option<(f64, f64)>, value| {
            Some(range.map_or((value, value), |(low, high)| (low.min(value), high.max(value))))
        })?;
        Some(match scale {
            Scale::Linear => {
                let margin = if high > low { 0.04 * (high - low) } else { 0.05 * high.abs() };
                // What is never negative has an axis that is not, either; and all zeros lie on its end.
                let low = if low >= 0.0 { (low - margin).max(0.0) } else { low - margin };
                Self::linear(low, if high + margin > low { high + margin } else { low + 1.0 }, most_ticks)
            }
            Scale::Log => Self::log(low / 1.15, high * 1.15, most_ticks),
        })
    }

    /// From `low` to `high` exactly.
    pub(super) fn linear(low: f64, high: f64, most_ticks: usize) -> Self {
        let step = round_step((high - low) / most_ticks.max(1) as f64);
        let decimals = (-step.log10().floor()).clamp(0.0, 12.0) as usize;
        Self { low, high, scale: Scale::Linear, ticks: multiples(step, low, high), decimals: Some(decimals) }
    }

    /// Counts from `low` to `high`, with whole numbers for ticks.
    pub(super) fn whole(low: f64, high: f64, most_ticks: usize) -> Self {
        let step = round_step((high - low) / most_ticks.max(1) as f64).max(1.0);
        let (low, high) = if high > low { (low, high) } else { (low - 0.5, high + 0.5) };
        let mut ticks = multiples(step, low, high);
        // Epochs and layers have a first one, and so has the axis, where there is room beside the next tick.
        if low.fract() == 0.0 && ticks.first().is_some_and(|first| first - low >= 0.6 * step) {
            ticks.insert(0, low);
        }
        Self { low, high, scale: Scale::Linear, ticks, decimals: Some(0) }
    }

    fn log(low: f64, high: f64, most_ticks: usize) -> Self {
        let (first, last) = (low.log10(), high.log10());
        let by_decades = |step: f64| multiples(step, first, last).into_iter().map(|exponent| 10_f64.powf(exponent)).collect::<Vec<f64>>();
        let by_factors = |factors: &[f64]| {
            let within = |exponent: i32| factors.iter().map(move |factor| factor * 10_f64.powi(exponent));
            let all = (first.floor() as i32..=last.ceil() as i32).flat_map(within);
            all.filter(|tick| (low..=high).contains(tick)).collect::<Vec<f64>>()
        };
        // Powers of ten, as many as there may be. Fewer than three are too few: then the fewest digits that give four ticks. A range of less
        // than a factor of two has the ticks of a linear axis.
        let decades = [1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 100.0].map(by_decades).into_iter().find(|ticks| ticks.len() <= most_ticks + 1);
        let factors: [&[f64]; 3] = [&[1.0, 3.0], &[1.0, 2.0, 5.0], &[1.0, 2.0, 3.0, 4.0, 6.0, 8.0]];
        let within_a_decade = || factors.into_iter().map(by_factors).find(|ticks| ticks.len() >= 4);
        let evenly = || Self::linear(low, high, most_ticks).ticks.into_iter().filter(|tick| *tick > 0.0).collect();
        let ticks = decades.filter(|ticks| ticks.len() >= 3).or_else(within_a_decade).unwrap_or_else(evenly);
        Self { low, high, scale: Scale::Log, ticks, decimals: None }
    }

    /// The low end.
    pub(super) fn low(&self) -> f64 {
        self.low
    }

    /// 0 at the low end, 1 at the high end.
    pub(super) fn share(&self, value: f64) -> f64 {
        match self.scale {
            Scale::Linear => (value - self.low) / (self.high - self.low),
            Scale::Log => (value / self.low).ln() / (self.high / self.low).ln(),
        }
    }

    pub(super) fn label(&self, tick: f64) -> String {
        match self.decimals {
            Some(decimals) if tick.abs() < 1e6 && decimals < 5 => format!("{tick:.decimals$}"),
            _ => number(tick),
        }
    }
}

/// The round step at or over `rough`: 1, 2 or 5 times a power of ten.
fn round_step(rough: f64) -> f64 {
    let power = 10_f64.powf(rough.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power);
    steps.into_iter().find(|step| *step >= rough * (1.0 - 1e-9)).unwrap_or(rough)
}

fn multiples(step: f64, low: f64, high: f64) -> Vec<f64> {
    let (first, last) = ((low / step - 1e-9).ceil(), (high / step + 1e-9).floor());
    let count = (last - first).clamp(-1.0, 100.0) as i64;
    (0..=count).map(|index| (first + index as f64) * step).filter(|tick| tick.is_finite()).collect()
}

/// A number for people: at most four significant digits, no trailing zeros; as `1.6e-6` where it is very small or large.
///
/// ```
/// use relumine_report::chart::number;
/// assert_eq!([0.0, 12.0, 0.012345, 1.6e-6, 98765432.0].map(number), ["0", "12", "0.01235", "1.6e-6", "9.877e7"]);
/// ```
#[must_use]
pub fn number(value: f64) -> String {
    let trimmed =
        |text: &str| if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text.to_owned() };
    if value == 0.0 || !value.is_finite() {
        return if value == 0.0 { "0".into() } else { format!("{value}") };
    }
    let size = value.abs();
    if (1e-3..1e6).contains(&size) {
        let decimals = (3.0 - size.log10().floor()).clamp(0.0, 8.0) as usize;
        return trimmed(&format!("{value:.decimals$}"));
    }
    let text = format!("{value:.3e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    format!("{}e{exponent}", trimmed(digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<String> {
        axis.ticks.iter().map(|tick| axis.label(*tick)).collect()
    }

    #[test]
    fn ticks_are_round_inside_and_no_more_than_asked() {
        assert_eq!(labels(&Axis::linear(0.0, 1.0, 5)), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels(&Axis::linear(97.3, 99.9, 5)), ["98", "99"]);
        assert_eq!(labels(&Axis::linear(-0.02, 0.021, 5)), ["-0.02", "-0.01", "0.00", "0.01", "0.02"]);
        assert_eq!(labels(&Axis::whole(1.0, 20.0, 5)), ["1", "5", "10", "15", "20"]);
        assert_eq!(labels(&Axis::whole(0.0, 3.0, 6)), ["0", "1", "2", "3"]);
        assert_eq!(labels(&Axis::whole(1.0, 1.0, 6)), ["1"]);
        assert_eq!(labels(&Axis::whole(1.0, 1000.0, 5)), ["1", "200", "400", "600", "800", "1000"]);
    }

    #[test]
    fn logarithmic_axes_count_in_decades_or_in_ones_twos_and_fives() {
        assert_eq!(labels(&Axis::log(1e-7, 2.0, 5)), ["1e-6", "1e-4", "0.01", "1"]);
        assert_eq!(labels(&Axis::log(6e-11, 3.0, 5)), ["1e-10", "1e-8", "1e-6", "1e-4", "0.01", "1"]);
        assert_eq!(labels(&Axis::log(3e-5, 5e9, 4)), ["0.001", "1", "1000", "1e6", "1e9"], "never dozens");
        assert_eq!(labels(&Axis::log(0.08, 1.5, 5)), ["0.1", "0.2", "0.5", "1"]);
        assert!(Axis::log(2.1, 2.3, 5).ticks.len() >= 2);
        let axis = Axis::log(0.01, 100.0, 5);
        assert!((axis.share(1.0) - 0.5).abs() < 1e-12);
    }

    #[test]
    fn one_value_still_has_an_axis_around_it() {
        for scale in [Scale::Linear, Scale::Log] {
            let axis = Axis::of([0.25].into_iter(), scale, 5).unwrap();
            assert!((0.2..0.8).contains(&axis.share(0.25)) && !axis.ticks.is_empty(), "{axis:?}");
        }
        assert!(Axis::of(std::iter::empty(), Scale::Linear, 5).is_none());
        assert_eq!(labels(&Axis::of([0.0].into_iter(), Scale::Linear, 5).unwrap()), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(Axis::of([0.01, 1.0].into_iter(), Scale::Linear, 5).unwrap().low(), 0.0, "what is never negative");
    }
}
