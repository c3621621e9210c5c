//! What flows through the layers before and after training, a chart for each panel.

use super::panels::{Panel, Panels};
use crate::chart::{Chart, LineChart, Point, Scale, Series};
use crate::page::{Block, Section};
use crate::{LayerMeans, StudyCell};

type Measure = fn(&LayerMeans) -> f64;
type Moment = fn(&StudyCell) -> &[LayerMeans];

/// File name, title, axis, when, what.
const CHARTS: [(&str, &str, &str, Moment, Measure); 4] = [
    (
        "weight-gradients",
        "Gradient before training",
        "norm of dL/dW (logarithmic)",
        |cell| &cell.first_layers,
        |layer| layer.weight_gradient_norm,
    ),
    (
        "gradients",
        "Spread of gradients before training",
        "standard deviation of dL/dz (logarithmic)",
        |cell| &cell.first_layers,
        |layer| layer.gradient_sd,
    ),
    (
        "activations",
        "Spread of activations before training",
        "standard deviation (logarithmic)",
        |cell| &cell.first_layers,
        |layer| layer.activation_sd,
    ),
    (
        "weight-gradients-at-end",
        "Gradient after training",
        "norm of dL/dW (logarithmic)",
        |cell| &cell.last_layers,
        |layer| layer.weight_gradient_norm,
    ),
];

type Percentiles = fn(&LayerMeans) -> [f64; 7];

/// File name, title, axis, what; before training.
const BANDS: [(&str, &str, &str, Percentiles); 2] = [
    ("activation-bands", "Activations before training", "output: median, and 5th to 95th percentile", |layer| layer.activation_percentiles),
    ("gradient-bands", "Gradients before training", "dL/dz: median, and 5th to 95th percentile", |layer| layer.gradient_percentiles),
];
/// Bands that can be told apart where they lie over each other.
const MOST_BANDS: usize = 2;

pub(super) fn section(panels: &Panels<'_>) -> Section {
    let mut section = Section::new("Layers");
    if panels.0.iter().flat_map(|panel| &panel.lines).all(|line| line.cell.first_layers.is_empty()) {
        return section;
    }
    for (name, title, y_label, moment, measure) in CHARTS {
        for panel in &panels.0 {
            let series = panel.lines.iter().map(|line| {
                let points = moment(line.cell).iter().enumerate();
                let points = points.map(|(layer, means)| Point { x: layer as f64, y: measure(means), range: None });
                Series { name: line.name.clone(), style: line.style, points: points.collect() }
            });
            let series: Vec<Series> = series.filter(|series| !series.points.is_empty()).collect();
            let (name, title) = (panels.file_name(name, panel), panels.title(title, panel));
            let (x_label, y_label) = ("layer (0 is the first)".into(), y_label.into());
            section.chart(LineChart { name, title, x_label, y_label, scale: Scale::Log, series }.draw());
        }
    }
    for (name, title, y_label, percentiles) in BANDS {
        for panel in panels.0.iter().filter(|panel| panel.lines.len() <= MOST_BANDS) {
            section.chart(bands((&panels.file_name(name, panel), &panels.title(title, panel)), y_label, panel, percentiles));
        }
    }
    section.add(Block::Note(
        "Means over the seeds, measured on a fixed batch of train rows without dropout. What is exactly 0 has no place on a logarithmic axis."
            .into(),
    ));
    section
}

/// Where the values of each layer lie, as Glorot and Bengio (2010) drew them in their figures 6 and 7. The last layer is left out: its outputs
/// are logits.
fn bands((name, title): (&str, &str), y_label: &str, panel: &Panel<'_>, percentiles: Percentiles) -> Option<Chart> {
    let series = panel.lines.iter().map(|line| {
        let hidden = line.cell.first_layers.len().saturating_sub(1);
        let points = line.cell.first_layers[..hidden].iter().enumerate().map(|(layer, means)| {
            let [_, low, _, middle, _, high, _] = percentiles(means);
            Point { x: layer as f64, y: middle, range: Some((low, high)) }
        });
        Series { name: line.name.clone(), style: line.style, points: points.collect() }
    });
    let series: Vec<Series> = series.filter(|series| !series.points.is_empty()).collect();
    let x_label = "hidden layer (0 is the first)".into();
    LineChart { name: name.into(), title: title.into(), x_label, y_label: y_label.into(), scale: Scale::Linear, series }.draw()
}
