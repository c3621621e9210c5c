//! What a model says about the rows it is judged by: classes, confusions, calibration, mistakes.

use super::families::{Families, Trained};
use super::{Block, Section, percent};
use crate::chart::{CaptionedPicture, Cell, Chart, HeatMap, Histogram, HistogramSeries, PictureGrid, ReliabilityDiagram};
use crate::classification::calibration_bins;
use crate::{Confusion, ReportError};

/// Families of which confusions and calibration are shown: those of more would fill a page that nobody reads.
const MOST_FAMILIES: usize = 6;
/// Classes of a confusion matrix that can be read.
const MOST_CLASSES: usize = 60;

pub(super) fn sections(families: &Families) -> Result<Vec<Section>, ReportError> {
    if let [family] = &families.all[..] {
        return one_run(family.first(), family.runs.len() > 1);
    }
    let mut section = Section::new("Confusions and calibration");
    for (place, family) in families.all.iter().take(MOST_FAMILIES).enumerate() {
        let trained = family.first();
        let of = format!(": {}, seed {}", family.name, trained.run.summary.seed);
        let name = |name: &str| format!("{name}-{place}");
        if let Some((_, confusion)) = confusion(trained)?.filter(|(_, confusion)| confusion.classes.len() <= MOST_CLASSES) {
            section.chart(heat_map(&confusion, name("confusion"), format!("Confusion{of}")));
        }
        if let Some((diagram, _)) = calibration(trained, &name("calibration"), &format!("Calibration{of}"))? {
            section.chart(diagram.draw());
        }
    }
    if section.blocks.is_empty() {
        section.missing("There is no confusion matrix: no run was tested.");
    } else {
        section.add(Block::Note(
            "Of the first run of each recipe. Classes, weights and the wrong pictures are on the page of a single run.".into(),
        ));
    }
    Ok(vec![section])
}

fn one_run(trained: &Trained, is_one_of_several: bool) -> Result<Vec<Section>, ReportError> {
    let summary = &trained.run.summary;
    let mut sections = Vec::new();
    let judged = summary.judging_metrics().map(|(rows, metrics)| (rows.to_owned(), metrics));
    let rows = judged.as_ref().map_or("test", |(rows, _)| rows);
    let of = if is_one_of_several { format!(", seed {}", summary.seed) } else { String::new() };
    let mut classes = Section::new(format!("Classes of the {rows} rows{of}"));
    match judged {
        Some((_, metrics)) => {
            classes.add(Block::Text(metrics.headline() + "."));
            classes.add(Block::Table(metrics.class_table()));
            classes.add(Block::Note(
                "ECE: expected calibration error, the mean distance of confidence from accuracy in 15 bins. A dash: the class has no rows, \
                 or is never predicted; the averages leave it out."
                    .into(),
            ));
        }
        None => classes.missing("There are no numbers by class: the run was not tested."),
    }
    sections.push(classes);
    let mut confusions = Section::new(format!("Confusion and calibration{of}"));
    match confusion(trained)? {
        Some((rows, confusion)) if confusion.classes.len() <= MOST_CLASSES => {
            confusions.chart(heat_map(&confusion, "confusion".into(), format!("Confusion matrix of the {rows} rows")));
        }
        Some((_, confusion)) => confusions.missing(format!("{} classes are too many for a confusion matrix.", confusion.classes.len())),
        None => confusions.missing("There is no confusion matrix: the run was not tested."),
    }
    match calibration(trained, "calibration", "Calibration of the test rows")? {
        Some((diagram, histogram)) => {
            confusions.chart(diagram.draw());
            confusions.chart(histogram.draw());
            confusions.add(Block::Note(
                "Calibration: on the dashed line a model is right as often as it says. Each dot is a bin of confidence, the larger the more \
                 rows it has; lines are 95 % intervals (Wilson)."
                    .into(),
            ));
        }
        None => confusions.missing("There is no calibration curve: the run has no predictions of test rows."),
    }
    sections.push(confusions);
    sections.push(mistakes(trained, &of)?);
    Ok(sections)
}

/// Of the test rows, or of the validation rows in a run without them.
fn confusion(trained: &Trained) -> Result<Option<(&'static str, Confusion)>, ReportError> {
    if let Some(confusion) = trained.run.confusion()? {
        return Ok(Some(("test", confusion)));
    }
    let Some((rows, metrics)) = trained.run.summary.judging_metrics() else { return Ok(None) };
    let classes = metrics.per_class.iter().map(|class| class.class.clone()).collect();
    Ok(metrics.confusion.clone().map(|matrix| (rows, Confusion { classes, matrix })))
}

fn heat_map(confusion: &Confusion, name: String, title: String) -> Option<Chart> {
    let cells = confusion.matrix.iter().enumerate().map(|(truth, counts)| {
        let all = counts.iter().sum::<u64>();
        let cell = |(predicted, count): (usize, &u64)| {
            let share = if all == 0 { 0.0 } else { *count as f64 / all as f64 };
            // Mistakes are few: their shades are spread by the square root, so that one of a hundred rows is seen.
            let shade = if truth == predicted { share } else { share.sqrt() };
            Cell {
                shade: if *count == 0 { 0.0 } else { 0.08 + 0.92 * shade },
                style: usize::from(truth != predicted),
                text: if *count == 0 { String::new() } else { count.to_string() },
                hover: format!("{count} of {all} rows ({})", percent(share)),
            }
        };
        counts.iter().enumerate().map(cell).collect()
    });
    HeatMap {
        name,
        title,
        x_label: "predicted class".into(),
        y_label: "true class".into(),
        columns: confusion.classes.clone(),
        rows: confusion.classes.clone(),
        cells: cells.collect(),
        key: "blue: right; orange: wrong, the darker the larger the share of its row".into(),
    }
    .draw()
}

fn calibration(trained: &Trained, name: &str, title: &str) -> Result<Option<(ReliabilityDiagram, Histogram)>, ReportError> {
    let predictions = trained.run.predictions()?;
    if predictions.is_empty() || predictions.iter().any(|prediction| !prediction.confidence.is_finite()) {
        return Ok(None);
    }
    let right: Vec<bool> = predictions.iter().map(|prediction| prediction.is_right).collect();
    let confidences: Vec<f64> = predictions.iter().map(|prediction| prediction.confidence).collect();
    let bins = calibration_bins(&right, &confidences);
    let histogram = Histogram {
        name: format!("{name}-rows"),
        title: "Test rows by confidence".into(),
        x_label: "probability of the predicted class (%)".into(),
        counted: "rows".into(),
        edges: bins.iter().map(|bin| 100.0 * bin.low).chain([100.0]).collect(),
        series: vec![HistogramSeries { name: "rows".into(), style: 0, counts: bins.iter().map(|bin| bin.rows).collect() }],
    };
    let error = trained.run.summary.test_metrics.as_ref().map(|metrics| metrics.expected_calibration_error);
    let title =
        error.filter(|error| error.is_finite()).map_or_else(|| title.to_owned(), |error| format!("{title}: ECE {}", percent(error)));
    Ok(Some((ReliabilityDiagram { name: name.into(), title, bins }, histogram)))
}

fn mistakes(trained: &Trained, of: &str) -> Result<Section, ReportError> {
    let mut section = Section::new(format!("The most confident mistakes{of}"));
    let Some(mistakes) = trained.run.mistakes()? else {
        section.missing("There are no pictures of mistakes: the data are no images, or the run was not tested.");
        return Ok(section);
    };
    if mistakes.wrong == 0 {
        section.missing("There are no mistakes: every test row was predicted right.");
        return Ok(section);
    }
    let pictures = mistakes.rows.iter().filter_map(|mistake| {
        let sure = percent(mistake.probability);
        Some(CaptionedPicture {
            picture: mistakes.picture(mistake)?,
            captions: vec![format!("{}, not {}", mistake.label, mistake.predicted), sure.clone()],
            hover: format!(
                "test row {}: {}, predicted as {} with {sure}; {} of the true class",
                mistake.row,
                mistake.label,
                mistake.predicted,
                percent(mistake.label_probability)
            ),
        })
    });
    let title = format!("{} of {} wrong test rows", mistakes.rows.len(), mistakes.wrong);
    let grid = PictureGrid { name: "mistakes".into(), title, least_width: 60.0, pictures: pictures.collect() };
    if section.chart(grid.draw()) {
        section.add(Block::Note(
            "The test pictures that the model was most sure of and wrong about. Under each: what it is, what it was taken for, and the \
             probability of that."
                .into(),
        ));
    } else {
        section.missing("There are no pictures of mistakes: test/mistakes.json holds no pixels that can be shown.");
    }
    Ok(section)
}
