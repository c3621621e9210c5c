//! The numbers that a run comes to.

use super::families::{Families, Family};
use super::{Block, Section, capital, count, percent};
use crate::chart::{Effect, EffectPlot, Scale};
use crate::{Align, ComparedRun, Comparison, ReportError, Run, Score, Status, Summary, Table, statistics};
use std::path::Path;

pub(super) fn section(families: &Families, runs: &[Run]) -> Result<Section, ReportError> {
    let mut section = Section::new("Results");
    match &families.all[..] {
        [family] if family.runs.len() == 1 => one_run(&mut section, &family.first().run.summary),
        _ => several_runs(&mut section, families, runs)?,
    }
    section.blocks.extend(left_out(families, runs).map(Block::Text));
    Ok(section)
}

fn one_run(section: &mut Section, summary: &Summary) {
    let mut table = Table::new(&[("", Align::Left), ("rows", Align::Right), ("loss (nats)", Align::Right), ("accuracy", Align::Right)]);
    let mut row = |name: &str, rows: u64, score: Option<Score>| {
        if let Some(Score { loss, accuracy }) = score {
            table.row([name.to_owned(), rows.to_string(), format!("{loss:.4}"), percent(accuracy)]);
        }
    };
    row("train", summary.train_rows, summary.train);
    row("validation", summary.validation_rows, summary.validation);
    row("test", summary.test_rows, summary.test);
    if table.is_empty() {
        section.missing("There are no scores: training did not come to the end of an epoch.");
    } else {
        section.add(Block::Table(table));
    }
    if summary.status != Status::Finished {
        let why = summary.error.as_ref().map_or_else(String::new, |error| format!(": {error}"));
        section.add(Block::Text(format!("The run is {}{why}.", summary.status)));
    }
    if let Some(test) = summary.test {
        let (low, high) = test.accuracy_interval(summary.test_rows);
        section.add(Block::Text(format!(
            "Test accuracy {} (95 % interval {:.2} to {:.2} %, Wilson), by the {}; the test rows were read {}.",
            percent(test.accuracy),
            100.0 * low,
            100.0 * high,
            summary.tested_weights(),
            if summary.test_evaluations == 1 { "once".into() } else { format!("{} times", summary.test_evaluations) }
        )));
    } else {
        section.missing("The test rows were not read.");
    }
    section.add(Block::Note(circumstances(summary)));
}

fn circumstances(summary: &Summary) -> String {
    format!(
        "{} parameters; {} step on {}; CPU threads: {}; relumine {}.",
        summary.parameters, summary.step, summary.device, summary.threads, summary.version
    )
}

fn several_runs(section: &mut Section, families: &Families, runs: &[Run]) -> Result<(), ReportError> {
    let mut table = Table::new(&[
        ("recipe", Align::Left),
        ("seeds", Align::Right),
        ("parameters", Align::Right),
        ("validation accuracy", Align::Right),
        ("test accuracy", Align::Right),
        ("seconds per epoch", Align::Right),
    ]);
    for family in &families.all {
        let summary = &family.first().run.summary;
        table.row([
            family.name.clone(),
            family.runs.len().to_string(),
            summary.parameters.to_string(),
            spread(family, |summary| summary.validation),
            spread(family, |summary| summary.test),
            summary.epoch_seconds_median.map_or_else(|| "-".into(), |seconds| format!("{seconds:.3}")),
        ]);
    }
    section.add(Block::Table(table));
    let note =
        "Accuracies of several seeds are means with their sample standard deviation (n - 1); the seconds are those of the first run.";
    section.add(Block::Note(note.into()));
    let comparison = Comparison::of(runs)?;
    if families.all.len() > 1 {
        section.chart(accuracies(families));
        let differences = comparison.difference_table();
        if !differences.is_empty() {
            section.add(Block::Table(differences));
        }
    }
    if !comparison.remarks.is_empty() {
        section.add(Block::List(comparison.remarks.iter().map(|remark| sentence(remark, &comparison)).collect()));
    }
    Ok(())
}

/// The mean with its standard deviation; a dash where a run has no score.
fn spread(family: &Family, score: fn(&Summary) -> Option<Score>) -> String {
    let accuracies: Option<Vec<f64>> = family.runs.iter().map(|trained| Some(100.0 * score(&trained.run.summary)?.accuracy)).collect();
    match accuracies.as_deref() {
        None => "-".into(),
        Some([accuracy]) => format!("{accuracy:.2} %"),
        Some(several) => format!("{:.2} % (sd {:.2})", statistics::mean(several), statistics::standard_deviation(several)),
    }
}

/// The runs that are shown nowhere, because others have their recipe and seed.
fn left_out(families: &Families, runs: &[Run]) -> Option<String> {
    let shown: Vec<&Path> = families.all.iter().flat_map(|family| &family.runs).map(|trained| trained.run.folder.as_path()).collect();
    let left_out = runs.iter().filter(|run| !shown.contains(&run.folder.as_path())).map(|run| run.folder.display().to_string());
    let left_out: Vec<String> = left_out.collect();
    (!left_out.is_empty())
        .then(|| format!("Of runs with the same recipe and seed the last one is shown; left out: {}.", left_out.join(", ")))
}

/// A remark as a sentence. The folder of a run is written as it is.
fn sentence(remark: &str, comparison: &Comparison) -> String {
    let is_path = |run: &ComparedRun| remark.strip_prefix(run.run.as_str()).is_some_and(|rest| rest.starts_with([' ', ',']));
    let beginning = if comparison.runs.iter().any(is_path) { remark.to_owned() } else { capital(remark) };
    beginning + "."
}

/// Each run's accuracy with the interval that its rows leave.
fn accuracies(families: &Families) -> Option<crate::chart::Chart> {
    let summaries = || families.all.iter().flat_map(|family| family.runs.iter().map(|trained| &trained.run.summary));
    let are_tested = summaries().all(|summary| summary.test.is_some());
    let score = |summary: &Summary| {
        if are_tested { Some((summary.test?, summary.test_rows)) } else { Some((summary.validation?, summary.validation_rows)) }
    };
    let rows = if are_tested { "test" } else { "validation" };
    let effect = |(style, family): (usize, &Family)| {
        let of_run = |trained: &super::families::Trained| {
            let (score, count_) = score(&trained.run.summary)?;
            let (low, high) = score.accuracy_interval(count_);
            Some(Effect {
                group: family.name.clone(),
                label: format!("seed {}", trained.run.summary.seed),
                estimate: 100.0 * score.accuracy,
                interval: Some((100.0 * low, 100.0 * high)),
                style,
                remark: count(count_, "row"),
            })
        };
        family.runs.iter().filter_map(of_run).collect::<Vec<_>>()
    };
    EffectPlot {
        name: format!("{rows}-accuracy-by-run"),
        title: format!("{} accuracy of each run", capital(rows)),
        x_label: "accuracy (%), with the 95 % interval its rows leave".into(),
        reference: None,
        scale: Scale::Linear,
        effects: families.all.iter().enumerate().flat_map(effect).collect(),
    }
    .draw()
}
