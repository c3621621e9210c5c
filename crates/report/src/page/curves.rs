//! Learning curves.

use super::families::Families;
use super::{Block, Section};
use crate::EpochRecord;
use crate::chart::{Chart, LineChart, Point, Scale, Series};

/// A measured number of an epoch.
type Measure = fn(&EpochRecord) -> Option<f64>;

/// What a chart shows: file name, title, axis, train, validation.
const MEASURES: [(&str, &str, &str, Measure, Measure); 2] = [
    ("loss", "Loss", "loss (nats)", |epoch| Some(epoch.train.loss), |epoch| epoch.validation.map(|score| score.loss)),
    (
        "accuracy",
        "Accuracy",
        "accuracy (%)",
        |epoch| Some(100.0 * epoch.train.accuracy),
        |epoch| epoch.validation.map(|score| 100.0 * score.accuracy),
    ),
];

pub(super) fn section(families: &Families) -> Section {
    let mut section = Section::new("Learning curves");
    if families.all.iter().all(|family| family.curve(|_| Some(0.0)).is_empty()) {
        section.missing("There are no curves: training did not come to the end of an epoch.");
        return section;
    }
    for (name, title, y_label, train, validation) in MEASURES {
        let of_all = families.all.iter().flat_map(|family| [family.curve(train), family.curve(validation)]);
        // Charts beside each other have one kind of axis.
        let scale = if name == "loss" { scale_of(&of_all.collect::<Vec<_>>().concat()) } else { Scale::Linear };
        match &families.all[..] {
            [family] => {
                let series = [("train", 0, train), ("validation", 1, validation)];
                let series = series.map(|(name, style, measure)| Series { name: name.into(), style, points: family.curve(measure) });
                section.chart(line_chart((name, title), y_label, scale, series.into()));
            }
            all => {
                for (rows, measure) in [("Train", train), ("Validation", validation)] {
                    let series = all.iter().enumerate().map(|(style, family)| Series {
                        name: family.name.clone(),
                        style,
                        points: family.curve(measure),
                    });
                    let (name, title) = (format!("{}-{name}", rows.to_lowercase()), format!("{rows} {}", title.to_lowercase()));
                    section.chart(line_chart((&name, &title), y_label, scale, series.collect()));
                }
            }
        }
    }
    section.chart(learning_rate(families));
    add_notes(&mut section, families);
    section
}

fn line_chart((name, title): (&str, &str), y_label: &str, scale: Scale, mut series: Vec<Series>) -> Option<Chart> {
    series.retain(|series| !series.points.is_empty());
    let y_label = if scale == Scale::Log { y_label.replace(')', ", logarithmic)") } else { y_label.to_owned() };
    LineChart { name: name.into(), title: title.into(), x_label: "epoch".into(), y_label, scale, series }.draw()
}

/// Losses that fall by more than this would lie on the axis for most of the training.
const LARGE_RATIO: f64 = 20.0;

fn scale_of(points: &[Point]) -> Scale {
    let values = || points.iter().filter(|point| point.y.is_finite());
    let low = values().map(|point| point.range.map_or(point.y, |(low, _)| low)).fold(f64::INFINITY, f64::min);
    let high = values().map(|point| point.y).fold(0.0, f64::max);
    if low > 0.0 && high / low > LARGE_RATIO { Scale::Log } else { Scale::Linear }
}

/// Only where it changes.
fn learning_rate(families: &Families) -> Option<Chart> {
    let series = families.all.iter().enumerate().map(|(style, family)| Series {
        name: family.name.clone(),
        style,
        points: family.curve(|epoch| Some(epoch.learning_rate)).into_iter().map(|point| Point { range: None, ..point }).collect(),
    });
    let series: Vec<Series> = series.collect();
    let changes = series.iter().any(|series| series.points.windows(2).any(|pair| pair[0].y != pair[1].y));
    let chart = LineChart {
        name: "learning-rate".into(),
        title: "Learning rate after each epoch".into(),
        x_label: "epoch".into(),
        y_label: "learning rate".into(),
        scale: Scale::Linear,
        series,
    };
    if changes { chart.draw() } else { None }
}

fn add_notes(section: &mut Section, families: &Families) {
    let mut note = String::from(
        "Train values are means over the epoch's training passes, while the weights changed and dropout acted; validation values are of the \
         weights at its end, without dropout.",
    );
    if families.has_bands() {
        note += " Lines are means over the seeds, bands reach from the lowest to the highest of them.";
    }
    if families.all.iter().any(super::families::Family::is_uneven) {
        note += " Where runs of one recipe ended after different numbers of epochs, the line ends with the shortest.";
    }
    section.add(Block::Note(note));
    if families.all.iter().all(|family| family.curve(|epoch| epoch.validation.map(|score| score.loss)).is_empty()) {
        section.missing("There is no validation curve: the recipe keeps no validation rows (set data.validation).");
    }
}
