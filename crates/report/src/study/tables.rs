//! A study's results as tables.

use super::{Contrast, Estimate, Fit, Study, StudyCell};
use crate::{Align, Table};

impl Study {
    /// A row per cell: the measure that cells are compared by with its intervals, then [`columns`](Self::columns).
    #[must_use]
    pub fn cell_table(&self) -> Table {
        let measure = self.measure.as_str();
        let by_rows = if measure == "validation_accuracy" { "95 % by rows" } else { "" };
        let mut header = vec![("cell", Align::Left), ("seeds", Align::Right), (measure, Align::Right), ("sd", Align::Right)];
        header.extend([("95 % by seeds", Align::Right), (by_rows, Align::Right)]);
        header.extend(self.columns.iter().map(|column| (column.as_str(), Align::Right)));
        header.push(("", Align::Left));
        let mut table = Table::new(&header);
        for cell in &self.cells {
            let estimate = cell.measures.get(measure);
            let dash = || "-".to_owned();
            let mut row = vec![
                cell.name.clone(),
                cell.seeds.len().to_string(),
                estimate.map_or_else(dash, |estimate| measure_text(measure, estimate.mean)),
                estimate.map_or_else(dash, |estimate| sd_text(measure, estimate)),
                interval_text(measure, estimate.and_then(|estimate| estimate.interval)),
                if by_rows.is_empty() { String::new() } else { interval_text(measure, cell.validation_sampling) },
            ];
            let column = |name: &String| cell.measures.get(name).map_or_else(dash, |estimate| measure_text(name, estimate.mean));
            row.extend(self.columns.iter().map(column));
            row.push(self.remark(cell));
            table.row(row);
        }
        table
    }

    /// The cells whose test rows were read, beside what others published; empty where none were.
    #[must_use]
    pub fn test_table(&self) -> Table {
        let mut names: Vec<&str> = self.cells.iter().flat_map(|cell| cell.references.keys().map(String::as_str)).collect();
        names.sort_unstable();
        names.dedup();
        let mut header = vec![
            ("test rows", Align::Left),
            ("accuracy", Align::Right),
            ("sd", Align::Right),
            ("95 % by seeds", Align::Right),
            ("95 % by rows", Align::Right),
        ];
        header.extend(names.iter().map(|name| (*name, Align::Right)));
        let mut table = Table::new(&header);
        for cell in &self.cells {
            let Some(test) = &cell.test else { continue };
            let mut row = vec![
                cell.name.clone(),
                measure_text("accuracy", test.accuracy.mean),
                sd_text("accuracy", &test.accuracy),
                interval_text("accuracy", test.accuracy.interval),
                interval_text("accuracy", Some(test.sampling)),
            ];
            let reference = |name: &&str| cell.references.get(*name).map_or_else(|| "-".into(), |value| measure_text("accuracy", *value));
            row.extend(names.iter().map(reference));
            table.row(row);
        }
        table
    }

    /// The planned contrasts with their corrected p-values; empty where none were planned.
    #[must_use]
    pub fn contrast_table(&self) -> Table {
        let mut table = Table::new(&[
            ("planned contrast, paired by seed", Align::Left),
            ("measure", Align::Left),
            ("pairs", Align::Right),
            ("difference", Align::Right),
            ("95 % by seeds", Align::Right),
            ("p, Holm", Align::Right),
        ]);
        for Contrast { name, measure, cell, against, test, holm_p } in &self.contrasts {
            let label = format!("{name}: {cell} minus {against}");
            match (test, holm_p) {
                (Some(test), Some(p)) => table.row([
                    label,
                    measure.clone(),
                    test.pairs.to_string(),
                    Contrast::difference_text(measure, test.mean),
                    difference_interval_text(measure, shown_difference(measure, test.interval)),
                    format!("{p:.2e}"),
                ]),
                _ => table.row([label, measure.clone(), "-".into()]),
            }
        }
        table
    }

    fn remark(&self, cell: &StudyCell) -> String {
        let mut remarks: Vec<String> = Vec::new();
        if self.winner.as_ref() == Some(&cell.name) {
            remarks.push("winner".into());
        }
        if self.baseline == cell.name {
            remarks.push("baseline".into());
        }
        remarks.extend(cell.fit.map(|fit| match fit {
            Fit::Under => "under-fitted".into(),
            Fit::Well => "well-fitted".into(),
            Fit::Over => "over-fitted".into(),
        }));
        remarks.extend(cell.halted_after.map(|epochs| format!("dropped after epoch {epochs}")));
        if cell.failed > 0 {
            remarks.push(format!("{} failed", cell.failed));
        }
        remarks.join(", ")
    }
}

impl Contrast {
    /// A difference of two values of a measure with its unit.
    ///
    /// ```
    /// use relumine_report::Contrast;
    /// assert_eq!(Contrast::difference_text("validation_accuracy", 0.7273), "72.73 points");
    /// assert_eq!(Contrast::difference_text("loss_rise", -0.25), "-0.2500");
    /// ```
    #[must_use]
    pub fn difference_text(measure: &str, value: f64) -> String {
        if is_share(measure) { format!("{:.2} points", 100.0 * value) } else { short(value) }
    }
}

/// Whether a measure is a share, which people read in percent, or a difference of two: accuracies, gaps between them, saturated outputs, dead units.
#[must_use]
pub fn is_share(measure: &str) -> bool {
    measure.ends_with("accuracy") || measure.ends_with("accuracy_gap") || measure.starts_with("dead_") || measure.starts_with("saturated_")
}

/// A measure's value with its unit.
///
/// ```
/// use relumine_report::measure_text;
/// assert_eq!(measure_text("validation_accuracy", 0.98765), "98.77 %");
/// assert_eq!(measure_text("accuracy_gap", 0.0125), "1.25 points");
/// assert_eq!(measure_text("loss_rise", 1.25), "1.2500");
/// ```
#[must_use]
pub fn measure_text(measure: &str, value: f64) -> String {
    if is_share(measure) && !is_gap(measure) { format!("{:.2} %", 100.0 * value) } else { Contrast::difference_text(measure, value) }
}

/// Whether a measure is a difference of two accuracies.
fn is_gap(measure: &str) -> bool {
    measure.ends_with("accuracy_gap")
}

/// The part of an interval of a measure that its values can lie in, from 0 to 1 for a share: Student's t of few seeds reaches under 0 and over
/// 100 %, where no accuracy is. What `study.json` says is not clipped.
pub(crate) fn shown_interval(measure: &str, interval: (f64, f64)) -> (f64, f64) {
    match (is_share(measure), is_gap(measure)) {
        (true, false) => (interval.0.clamp(0.0, 1.0), interval.1.clamp(0.0, 1.0)),
        _ => shown_difference(measure, interval),
    }
}

/// The same of a difference of two values of a measure, from -1 to 1 for shares.
pub(crate) fn shown_difference(measure: &str, (low, high): (f64, f64)) -> (f64, f64) {
    if is_share(measure) { (low.clamp(-1.0, 1.0), high.clamp(-1.0, 1.0)) } else { (low, high) }
}

/// Four digits after the point, in powers of ten where that is shorter.
#[must_use]
pub fn short(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 || (1e-3..1e6).contains(&size) { format!("{value:.4}") } else { format!("{value:.3e}") }
}

fn interval_text(measure: &str, interval: Option<(f64, f64)>) -> String {
    interval.map_or_else(
        || "-".into(),
        |interval| {
            let (low, high) = shown_interval(measure, interval);
            if is_share(measure) && !is_gap(measure) {
                format!("{:.2} to {:.2} %", 100.0 * low, 100.0 * high)
            } else {
                difference_interval_text(measure, (low, high))
            }
        },
    )
}

fn difference_interval_text(measure: &str, (low, high): (f64, f64)) -> String {
    if is_share(measure) {
        format!("{:.2} to {:.2} points", 100.0 * low, 100.0 * high)
    } else {
        format!("{} to {}", short(low), short(high))
    }
}

fn sd_text(measure: &str, estimate: &Estimate) -> String {
    estimate.sd.map_or_else(|| "-".into(), |sd| if is_share(measure) { format!("{:.2}", 100.0 * sd) } else { short(sd) })
}
