//! What flows through the layers, from the probes.

use super::families::{Families, Family, point_of};
use super::{Block, Section};
use crate::chart::{Chart, Effect, EffectPlot, LineChart, Point, Scale, Series};
use crate::{LayerProbe, ProbeRecord};

pub(super) fn section(families: &Families) -> Section {
    let mut section = Section::new("Layers");
    let probed: Vec<(usize, &Family)> = families.all.iter().enumerate().filter(|(_, family)| !family.first().probes.is_empty()).collect();
    match (&probed[..], families.all.len()) {
        ([], _) => {
            section.missing("There are no plots of activations and gradients: no probes were written (set probes.every).");
            return section;
        }
        ([(_, family)], 1) => one_family(&mut section, family),
        (several, _) => several_families(&mut section, several),
    }
    if probed.len() < families.all.len() {
        section.missing("Recipes that are not in these plots wrote no probes (set probes.every).");
    }
    section.add(Block::Note(
        "Measured on a fixed batch of train rows, without dropout, noise and augmentation. Layer 0 is the first; z is what a layer's affine \
         map gives, before its activation; norms are Euclidean."
            .into(),
    ));
    section
}

/// A measured number of a layer.
type Measure = fn(&LayerProbe) -> Option<f64>;

/// Over the steps, a line per layer: file name, title, axis, scale, number.
const OVER_STEPS: [(&str, &str, &str, Scale, Measure); 5] = [
    ("gradient-norms", "Gradient by layer over training", "norm of dL/dz (logarithmic)", Scale::Log, |layer| Some(layer.gradients.norm)),
    ("activation-spread", "Activations by layer over training", "standard deviation of the outputs", Scale::Linear, |layer| {
        Some(layer.activations.standard_deviation)
    }),
    ("update-ratios", "Update of the weights by layer", "norm of update / norm of weight (logarithmic)", Scale::Log, |layer| {
        layer.update_ratio
    }),
    ("saturated", "Saturated outputs by layer", "share of the outputs (%)", Scale::Linear, |layer| {
        layer.saturated.map(|share| 100.0 * share)
    }),
    ("dead", "Dead units by layer", "share of the units (%)", Scale::Linear, |layer| layer.dead.map(|share| 100.0 * share)),
];

fn one_family(section: &mut Section, family: &Family) {
    let layers = family.first().probes[0].layers.len();
    section.chart(by_layer(&[(0, family)], "gradient-by-layer", "Gradient by layer", "norm of dL/dz (logarithmic)", |layer| {
        Some(layer.gradients.norm)
    }));
    section.chart(activations(family));
    for (name, title, y_label, scale, measure) in OVER_STEPS {
        let series = (0..layers).map(|layer| Series {
            name: format!("layer {layer}"),
            style: layer,
            points: family.probe_curve(|probe| measure(probe.layers.get(layer)?)),
        });
        let series: Vec<Series> = series.filter(|series| !series.points.is_empty()).collect();
        let (x_label, y_label) = ("step".into(), y_label.into());
        section.chart(LineChart { name: name.into(), title: title.into(), x_label, y_label, scale, series }.draw());
    }
    if family.runs.len() > 1 {
        section.add(Block::Note("Lines are means over the seeds, bands reach from the lowest to the highest of them.".into()));
    }
}

fn several_families(section: &mut Section, families: &[(usize, &Family)]) {
    section.chart(by_layer(families, "gradient-by-layer", "Gradient by layer", "norm of dL/dz (logarithmic)", |layer| {
        Some(layer.gradients.norm)
    }));
    section.chart(by_layer(families, "activation-by-layer", "Activations by layer", "standard deviation of the outputs", |layer| {
        Some(layer.activations.standard_deviation)
    }));
    section.chart(by_layer(families, "saturated-by-layer", "Saturated outputs by layer", "share of the outputs (%)", |layer| {
        layer.saturated.map(|share| 100.0 * share)
    }));
    section.chart(by_layer(families, "dead-by-layer", "Dead units by layer", "share of the units (%)", |layer| {
        layer.dead.map(|share| 100.0 * share)
    }));
}

/// A number over the layers: for one family at its first and its last probe, for several at the first alone, which no training has changed.
fn by_layer(families: &[(usize, &Family)], name: &str, title: &str, y_label: &str, measure: Measure) -> Option<Chart> {
    let mut series = Vec::new();
    for (style, family) in families {
        let (first, last) = (&family.first().probes[0], family.first().probes.last()?);
        if families.len() > 1 {
            series.push(Series { name: family.name.clone(), style: *style, points: profile(family, first.step, measure) });
            continue;
        }
        series.push(Series { name: moment(first), style: 0, points: profile(family, first.step, measure) });
        if last.step > first.step {
            series.push(Series { name: moment(last), style: 1, points: profile(family, last.step, measure) });
        }
    }
    series.retain(|series| !series.points.is_empty());
    let when = families.first().filter(|_| families.len() > 1).map(|(_, family)| format!(", {}", moment(&family.first().probes[0])));
    let scale = if y_label.contains("logarithmic") { Scale::Log } else { Scale::Linear };
    LineChart {
        name: name.into(),
        title: title.to_owned() + &when.unwrap_or_default(),
        x_label: "layer (0 is the first)".into(),
        y_label: y_label.into(),
        scale,
        series,
    }
    .draw()
}

fn moment(probe: &ProbeRecord) -> String {
    if probe.step == 0 { "before training".into() } else { format!("after step {}", probe.step) }
}

/// The layers at one step: means over the runs.
fn profile(family: &Family, step: u64, measure: Measure) -> Vec<Point> {
    let at_step = |probes: &[ProbeRecord]| probes.iter().find(|probe| probe.step == step).map(|probe| probe.layers.clone());
    let Some(runs) = family.runs.iter().map(|trained| at_step(&trained.probes)).collect::<Option<Vec<_>>>() else { return Vec::new() };
    let layers = runs.iter().map(Vec::len).min().unwrap_or(0);
    let point = |layer: usize| {
        let values: Option<Vec<f64>> = runs.iter().map(|layers| measure(&layers[layer])).collect();
        Some(point_of(layer as f64, &values?))
    };
    (0..layers).filter_map(point).collect()
}

/// Where the outputs of each layer lie, of the first run.
fn activations(family: &Family) -> Option<Chart> {
    let (first, last) = (family.first().probes.first()?, family.first().probes.last()?);
    let mut probes = vec![(first, 0)];
    if last.step > first.step {
        probes.push((last, 1));
    }
    let effects = probes.into_iter().flat_map(|(probe, style)| {
        probe.layers.iter().enumerate().map(move |(place, layer)| {
            let [_, low, lower, middle, upper, high, _] = layer.activations.percentiles;
            Effect {
                group: moment(probe),
                label: format!("layer {place}, {}", layer.activation),
                estimate: middle,
                interval: Some((low, high)),
                style,
                remark: format!("half of the outputs are between {} and {}", crate::chart::number(lower), crate::chart::number(upper)),
            }
        })
    });
    EffectPlot {
        name: "activations".into(),
        title: format!("Outputs of each layer, seed {}", family.first().run.summary.seed),
        x_label: "output: median, and 5th to 95th percentile".into(),
        reference: Some(0.0),
        scale: Scale::Linear,
        effects: effects.collect(),
    }
    .draw()
}
