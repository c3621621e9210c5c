//! Learning curves, a chart for each panel.

use super::panels::{Line, Panels};
use crate::CurvePoint;
use crate::chart::{COLOURS, LineChart, Point, Scale, Series};
use crate::page::{Block, Section};

type Measure = fn(&CurvePoint) -> Option<f64>;

const CHARTS: [(&str, &str, &str, Scale, Measure, Measure); 2] = [
    ("loss", "Loss", "loss (nats, logarithmic)", Scale::Log, |point| Some(point.train_loss), |point| point.validation_loss),
    (
        "accuracy",
        "Accuracy",
        "accuracy (%)",
        Scale::Linear,
        |point| Some(100.0 * point.train_accuracy),
        |point| Some(100.0 * point.validation_accuracy?),
    ),
];

pub(super) fn section(panels: &Panels<'_>) -> Section {
    let mut section = Section::new("Learning curves");
    let epochs = panels.0.iter().flat_map(|panel| &panel.lines).map(|line| line.cell.curve.len()).max().unwrap_or(0);
    if epochs < 2 {
        section.missing("There are no learning curves: they begin with the second epoch.");
        return section;
    }
    for (name, title, y_label, scale, train, validation) in CHARTS {
        for panel in &panels.0 {
            let mut series: Vec<Series> = panel.lines.iter().map(|line| curve(line, "", line.style, validation)).collect();
            // With more lines than colours, those of the train rows would be taken for others.
            if panel.lines.iter().all(|line| line.style < COLOURS) {
                series.extend(panel.lines.iter().map(|line| curve(line, ", train", line.style + COLOURS, train)));
            }
            series.retain(|series| !series.points.is_empty());
            let (name, title) = (panels.file_name(name, panel), panels.title(title, panel));
            section.chart(LineChart { name, title, x_label: "epoch".into(), y_label: y_label.into(), scale, series }.draw());
        }
    }
    section.add(Block::Note(
        "Means over the seeds, over the epochs that all of them have. Validation values are of the weights at the epoch's end; train values \
         (dashed) are means over its passes, while the weights changed and dropout acted."
            .into(),
    ));
    section
}

fn curve(line: &Line<'_>, suffix: &str, style: usize, measure: Measure) -> Series {
    let point = |point: &CurvePoint| Some(Point { x: point.epoch as f64, y: measure(point)?, range: None });
    Series { name: format!("{}{suffix}", line.name), style, points: line.cell.curve.iter().filter_map(point).collect() }
}
