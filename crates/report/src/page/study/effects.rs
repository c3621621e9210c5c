//! Points with intervals: every setting, every planned contrast.

use super::panels::{Line, Panels};
use crate::chart::{Chart, Effect, EffectPlot, Scale};
use crate::page::{capital, count};
use crate::study::{shown_difference, shown_interval};
use crate::{Contrast, Estimate, Study, StudyCell, is_share};

/// Values that lie further apart than this would be one point on a linear axis.
const LARGE_RATIO: f64 = 8.0;

/// A measure of every cell that has it; `None` where none has. Of an accuracy its error is drawn, so that 99.0 and 99.5 % are as far apart as
/// they are to whom it matters.
pub(super) fn by_setting(panels: &Panels<'_>, measure: &str) -> Option<Chart> {
    let unit = Unit::of(measure);
    let effect = |group: &str, line: &Line<'_>| {
        let estimate = line.cell.measures.get(measure)?;
        Some(Effect {
            group: group.to_owned(),
            label: line.name.clone(),
            estimate: unit.shown(estimate.mean),
            interval: estimate.interval.map(|interval| unit.interval(shown_interval(measure, interval))),
            style: line.style,
            remark: remark(estimate),
        })
    };
    let effects: Vec<Effect> =
        panels.0.iter().flat_map(|panel| panel.lines.iter().filter_map(|line| effect(&panel.name, line)).collect::<Vec<_>>()).collect();
    let values = || effects.iter().map(|effect| effect.estimate);
    let (low, high) = values().fold((f64::INFINITY, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
    let scale = if low > 0.0 && high / low > LARGE_RATIO { Scale::Log } else { Scale::Linear };
    let logarithmic = if scale == Scale::Log { ", log scale" } else { "" };
    EffectPlot {
        name: format!("by-setting-{}", unit.name.replace([' ', '_'], "-")),
        title: capital(&unit.name),
        x_label: format!("{}, mean and 95 % by seeds{logarithmic}", unit.label()),
        reference: None,
        scale,
        effects,
    }
    .draw()
}

/// The differences of the planned contrasts, a chart for each measure.
pub(super) fn of_contrasts(study: &Study) -> Vec<Chart> {
    let mut measures: Vec<&str> = Vec::new();
    for contrast in &study.contrasts {
        if !measures.contains(&contrast.measure.as_str()) {
            measures.push(&contrast.measure);
        }
    }
    let chart = |measure: &str| {
        let (factor, unit) = if is_share(measure) { (100.0, "points") } else { (1.0, "difference") };
        let effect = |contrast: &Contrast| {
            let test = contrast.test?;
            let (common, difference) = parts(study, contrast);
            let (low, high) = shown_difference(measure, test.interval);
            Some(Effect {
                group: format!("{}: {difference}", contrast.name),
                label: common.unwrap_or_else(|| Contrast::difference_text(measure, test.mean)),
                estimate: factor * test.mean,
                interval: Some((factor * low, factor * high)),
                style: 0,
                remark: contrast.holm_p.map_or_else(String::new, |p| format!("{}, p {p:.2e}", count(test.pairs as u64, "pair"))),
            })
        };
        EffectPlot {
            name: format!("contrasts-{}", measure.replace('_', "-")),
            title: format!("Planned contrasts: {}", measure.replace('_', " ")),
            x_label: format!("{unit}, mean and 95 % by pairs of one seed"),
            reference: Some(0.0),
            scale: Scale::Linear,
            effects: study.contrasts.iter().filter(|contrast| contrast.measure == measure).filter_map(effect).collect(),
        }
        .draw()
    };
    measures.into_iter().filter_map(chart).collect()
}

/// What the two cells have in common, if anything, and what is compared.
fn parts(study: &Study, contrast: &Contrast) -> (Option<String>, String) {
    let whole = || (None, format!("{} minus {}", contrast.cell, contrast.against));
    let (Some(cell), Some(against)) = (study.cell(&contrast.cell), study.cell(&contrast.against)) else { return whole() };
    let said = |of: &StudyCell, other: &StudyCell, common: bool| {
        let labels = of.labels.iter().filter(|(axis, label)| (other.labels.get(*axis) == Some(*label)) == common);
        labels.map(|(_, label)| label.as_str()).collect::<Vec<_>>().join(", ")
    };
    let differences = [said(cell, against, false), said(against, cell, false)];
    if differences.iter().any(String::is_empty) {
        return whole();
    }
    (Some(said(cell, against, true)).filter(|common| !common.is_empty()), differences.join(" minus "))
}

fn remark(estimate: &Estimate) -> String {
    count(estimate.values.len() as u64, "seed")
}

/// How a measure is drawn.
struct Unit {
    name: String,
    is_share: bool,
    is_error: bool,
}

impl Unit {
    fn of(measure: &str) -> Self {
        let is_error = measure.ends_with("accuracy");
        let name = if is_error { measure.replace("accuracy", "error") } else { measure.to_owned() };
        Self { name: name.replace('_', " "), is_share: is_share(measure), is_error }
    }

    fn shown(&self, value: f64) -> f64 {
        match (self.is_error, self.is_share) {
            (true, _) => 100.0 * (1.0 - value),
            (_, true) => 100.0 * value,
            _ => value,
        }
    }

    fn interval(&self, (low, high): (f64, f64)) -> (f64, f64) {
        let ends = (self.shown(low), self.shown(high));
        if self.is_error { (ends.1, ends.0) } else { ends }
    }

    fn label(&self) -> String {
        match self.is_share {
            true if self.name.ends_with("gap") => format!("{} (points)", self.name),
            true => format!("{} (%)", self.name),
            false => self.name.clone(),
        }
    }
}
