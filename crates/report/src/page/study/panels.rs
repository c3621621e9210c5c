//! Which cells share a chart, and which line of it each is.

use crate::{Study, StudyCell};
use std::collections::BTreeMap;

/// Lines that can be told apart in one chart.
const MOST_LINES: usize = 8;

/// The cells of a study, sorted into charts: cells of one panel differ in one axis alone, that of its lines.
pub(super) struct Panels<'a>(pub(super) Vec<Panel<'a>>);

/// What one chart shows.
pub(super) struct Panel<'a> {
    /// Counted from 1.
    number: usize,
    /// What its cells have in common and others have not; of a single panel nothing shows it.
    pub(super) name: String,
    pub(super) lines: Vec<Line<'a>>,
}

/// A cell as a line.
pub(super) struct Line<'a> {
    /// What tells it from the others of its panel.
    pub(super) name: String,
    /// The same name looks the same in every panel.
    pub(super) style: usize,
    pub(super) cell: &'a StudyCell,
}

impl<'a> Panels<'a> {
    /// The lines are along the axis that gives the fewest panels; of equal ones the first.
    pub(super) fn of(study: &'a Study) -> Self {
        let choices = study.axes.iter().map(|axis| along(study, axis));
        let readable = choices.filter(|panels| panels.iter().all(|panel| panel.lines.len() <= MOST_LINES));
        Self(readable.min_by_key(Vec::len).unwrap_or_else(|| by_name(study)))
    }

    /// A name for a file: of the only panel as it is, of several with the panel's.
    pub(super) fn file_name(&self, chart: &str, panel: &Panel<'_>) -> String {
        if self.0.len() == 1 {
            return chart.to_owned();
        }
        let plain: String = panel.name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' }).collect();
        let words: Vec<&str> = plain.split('-').filter(|word| !word.is_empty()).collect();
        format!("{chart}-{}-{}", panel.number, words.join("-"))
    }

    /// A title: of the only panel as it is, of several with the panel's name.
    pub(super) fn title(&self, title: &str, panel: &Panel<'_>) -> String {
        if self.0.len() == 1 { title.to_owned() } else { format!("{title}: {}", panel.name) }
    }
}

/// A panel for each combination of the other axes, in the order of the study file.
fn along<'a>(study: &'a Study, axis: &str) -> Vec<Panel<'a>> {
    let label = |cell: &StudyCell| cell.labels.get(axis).cloned().unwrap_or_default();
    let mut styles = BTreeMap::new();
    let mut panels: Vec<Panel<'a>> = Vec::new();
    for cell in &study.cells {
        let count = styles.len();
        let style = *styles.entry(label(cell)).or_insert(count);
        let rest: Vec<&str> = cell.labels.iter().filter(|(key, _)| *key != axis).map(|(_, label)| label.as_str()).collect();
        let name = if rest.is_empty() { "the rest as in the base".to_owned() } else { rest.join(", ") };
        let place = panels.iter().position(|panel| panel.name == name).unwrap_or_else(|| {
            panels.push(Panel { number: panels.len() + 1, name, lines: Vec::new() });
            panels.len() - 1
        });
        let name = Some(label(cell)).filter(|label| !label.is_empty()).unwrap_or_else(|| cell.name.clone());
        panels[place].lines.push(Line { name, style, cell });
    }
    panels
}

/// Where no axis gives readable charts: cells as they come.
fn by_name(study: &Study) -> Vec<Panel<'_>> {
    let mut panels: Vec<Panel<'_>> = Vec::new();
    for (place, cells) in study.cells.chunks(MOST_LINES).enumerate() {
        let lines = cells.iter().enumerate().map(|(style, cell)| Line { name: cell.name.clone(), style, cell });
        let name = format!("{} to {}", cells[0].name, cells[cells.len() - 1].name);
        panels.push(Panel { number: place + 1, name, lines: lines.collect() });
    }
    panels
}
