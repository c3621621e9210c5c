//! A study's results for people.

use super::findings::short;
use relumine_report::{Align, Contrast, Estimate, Fit, Study, StudyCell, Table};

/// Tables of cells, contrasts and findings. `columns` are the measures to show beside the one that cells are compared by.
#[must_use]
pub fn study_text(study: &Study, columns: &[String]) -> String {
    let form = if study.quick { " (quick)" } else { "" };
    let mut text = format!("{}{form}: {}\n\n{}\n", study.name, study.title, cell_table(study, columns));
    if study.cells.iter().any(|cell| cell.test.is_some()) {
        text += &format!("{}\n", test_table(study));
    }
    if !study.contrasts.is_empty() {
        text += &format!("{}\n", contrast_table(&study.contrasts));
    }
    for finding in &study.findings {
        text += &format!("{} {}: {}\n", if finding.found { "found:    " } else { "NOT found:" }, finding.name, finding.statement);
        finding.evidence.iter().for_each(|line| text += &format!("           {line}\n"));
    }
    text
}

/// Accuracies, gaps between them and shares are shown in percent.
fn is_share(measure: &str) -> bool {
    measure.ends_with("accuracy") || measure.ends_with("accuracy_gap") || measure.starts_with("dead_") || measure.starts_with("saturated_")
}

/// A value with its unit.
pub(super) fn value_text(measure: &str, value: f64) -> String {
    if is_share(measure) { format!("{:.2} %", 100.0 * value) } else { short(value) }
}

fn interval_text(measure: &str, interval: Option<(f64, f64)>) -> String {
    interval.map_or_else(
        || "-".into(),
        |(low, high)| {
            if is_share(measure) {
                format!("{:.2} to {:.2} %", 100.0 * low, 100.0 * high)
            } else {
                format!("{} to {}", short(low), short(high))
            }
        },
    )
}

fn sd_text(measure: &str, estimate: &Estimate) -> String {
    estimate.sd.map_or_else(|| "-".into(), |sd| if is_share(measure) { format!("{:.2}", 100.0 * sd) } else { short(sd) })
}

fn cell_table(study: &Study, columns: &[String]) -> Table {
    let measure = study.measure.as_str();
    let by_rows = if measure == "validation_accuracy" { "95 % by rows" } else { "" };
    let mut header = vec![("cell", Align::Left), ("seeds", Align::Right), (measure, Align::Right), ("sd", Align::Right)];
    header.extend([("95 % by seeds", Align::Right), (by_rows, Align::Right)]);
    header.extend(columns.iter().map(|column| (column.as_str(), Align::Right)));
    header.push(("", Align::Left));
    let mut table = Table::new(&header);
    for cell in &study.cells {
        let estimate = cell.measures.get(measure);
        let dash = || "-".to_owned();
        let mut row = vec![
            cell.name.clone(),
            cell.seeds.len().to_string(),
            estimate.map_or_else(dash, |estimate| value_text(measure, estimate.mean)),
            estimate.map_or_else(dash, |estimate| sd_text(measure, estimate)),
            interval_text(measure, estimate.and_then(|estimate| estimate.interval)),
            if by_rows.is_empty() { String::new() } else { interval_text(measure, cell.validation_sampling) },
        ];
        row.extend(columns.iter().map(|column| cell.measures.get(column).map_or_else(dash, |estimate| value_text(column, estimate.mean))));
        row.push(remark(study, cell));
        table.row(row);
    }
    table
}

fn remark(study: &Study, cell: &StudyCell) -> String {
    let mut remarks: Vec<String> = Vec::new();
    if study.winner.as_ref() == Some(&cell.name) {
        remarks.push("winner".into());
    }
    if study.baseline == cell.name {
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

fn test_table(study: &Study) -> Table {
    let mut names: Vec<&str> = study.cells.iter().flat_map(|cell| cell.references.keys().map(String::as_str)).collect();
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
    for cell in &study.cells {
        let Some(test) = &cell.test else { continue };
        let mut row = vec![
            cell.name.clone(),
            value_text("accuracy", test.accuracy.mean),
            sd_text("accuracy", &test.accuracy),
            interval_text("accuracy", test.accuracy.interval),
            interval_text("accuracy", Some(test.sampling)),
        ];
        row.extend(names.iter().map(|name| cell.references.get(*name).map_or_else(|| "-".into(), |value| value_text("accuracy", *value))));
        table.row(row);
    }
    table
}

fn contrast_table(contrasts: &[Contrast]) -> Table {
    let mut table = Table::new(&[
        ("planned contrast, paired by seed", Align::Left),
        ("measure", Align::Left),
        ("pairs", Align::Right),
        ("difference", Align::Right),
        ("95 % by seeds", Align::Right),
        ("p, Holm", Align::Right),
    ]);
    for Contrast { name, measure, cell, against, test, holm_p } in contrasts {
        let label = format!("{name}: {cell} minus {against}");
        match (test, holm_p) {
            (Some(test), Some(p)) => table.row([
                label,
                measure.clone(),
                test.pairs.to_string(),
                value_text(measure, test.mean),
                interval_text(measure, Some(test.interval)),
                format!("{p:.2e}"),
            ]),
            _ => table.row([label, measure.clone(), "-".into()]),
        }
    }
    table
}
