//! `relumine runs`.

use crate::cli::{RunsArguments, RunsOrder};
use crate::failure::Failure;
use crate::terminal;
use anyhow::anyhow;
use relumine_report::{Align, CrossValidation, Group, Run, Score, Summary, Table, find_cross_validations, find_runs, group_by_recipe};
use serde_json::json;
use std::path::PathBuf;

/// Lists the runs in a folder, what several seeds of one recipe say together, and the cross-validations.
pub(super) fn run(arguments: &RunsArguments) -> Result<(), Failure> {
    if !arguments.folder.is_dir() {
        let folder = arguments.folder.display();
        return Err(Failure::usage(anyhow!("there is no folder {folder}: train something first, or name the folder that holds runs")));
    }
    let is_asked_for = |recipe: &str, data: &str| {
        let is = |wanted: &Option<String>, found: &str| wanted.as_ref().is_none_or(|wanted| wanted == found);
        is(&arguments.recipe, recipe) && is(&arguments.data, data)
    };
    let (mut runs, mut validations) = (find_runs(&arguments.folder)?, find_cross_validations(&arguments.folder)?);
    runs.retain(|run| is_asked_for(&run.summary.recipe, &run.summary.dataset));
    validations.retain(|(_, record)| is_asked_for(&record.recipe, &record.dataset));
    sort(&mut runs, arguments.sort);
    if arguments.json {
        let runs = runs.iter().map(|run| json!({ "run": run.folder, "summary": run.summary }));
        let validations = validations.iter().map(|(folder, record)| json!({ "run": folder, "cross_validation": record }));
        return terminal::print(runs.chain(validations).map(|line| line.to_string() + "\n").collect::<String>());
    }
    if runs.is_empty() && validations.is_empty() {
        let which = if arguments.recipe.is_some() || arguments.data.is_some() { "no such runs" } else { "no runs" };
        return terminal::print(format_args!("{which} in {}\n", arguments.folder.display()));
    }
    let groups: Vec<Group> = group_by_recipe(&runs).into_iter().filter(|group| group.seeds > 1).collect();
    let tables = [run_table(&runs), group_table(&groups), cross_validation_table(&validations)];
    let shown: Vec<String> = tables.iter().filter(|table| !table.is_empty()).map(Table::to_string).collect();
    terminal::print(shown.join("\n"))
}

/// The best or shortest first; equal ones, and those without the number, stay by name.
fn sort(runs: &mut [Run], order: RunsOrder) {
    let number = |summary: &Summary| match order {
        RunsOrder::Name => Some(0.0),
        RunsOrder::Test => summary.test.map(|score| -score.accuracy),
        RunsOrder::Validation => summary.validation.map(|score| -score.accuracy),
        RunsOrder::Speed => summary.epoch_seconds_median,
        RunsOrder::Time => Some(summary.wall_seconds),
    };
    runs.sort_by(|one, other| {
        let [one, other] = [one, other].map(|run| number(&run.summary).unwrap_or(f64::INFINITY));
        one.total_cmp(&other)
    });
}

fn run_table(runs: &[Run]) -> Table {
    let mut table = Table::new(&[
        ("run", Align::Left),
        ("recipe", Align::Left),
        ("data", Align::Left),
        ("device", Align::Left),
        ("seed", Align::Right),
        ("epochs", Align::Right),
        ("validation", Align::Right),
        ("test", Align::Right),
        ("s/epoch", Align::Right),
        ("s in all", Align::Right),
        ("status", Align::Left),
    ]);
    let percent = |score: Option<Score>| score.map_or_else(|| "-".into(), |score| format!("{:.2} %", 100.0 * score.accuracy));
    for Run { folder, summary, .. } in runs {
        table.row([
            folder.display().to_string(),
            summary.recipe.clone(),
            summary.dataset.clone(),
            summary.device.clone(),
            summary.seed.to_string(),
            summary.epochs_run.to_string(),
            percent(summary.validation),
            percent(summary.test),
            summary.epoch_seconds_median.map_or_else(|| "-".into(), |seconds| format!("{seconds:.3}")),
            format!("{:.1}", summary.wall_seconds),
            summary.status.to_string(),
        ]);
    }
    table
}

fn group_table(groups: &[Group]) -> Table {
    let mut table = Table::new(&[
        ("recipe", Align::Left),
        ("data", Align::Left),
        ("device", Align::Left),
        ("seeds", Align::Right),
        ("test accuracy, mean", Align::Right),
        ("sd", Align::Right),
    ]);
    for group in groups {
        let (mean, deviation) = group.test_accuracy();
        let cells = [group.recipe.clone(), group.dataset.clone(), group.device.clone(), group.seeds.to_string()];
        table.row(cells.into_iter().chain([format!("{:.2} %", 100.0 * mean), format!("{:.2}", 100.0 * deviation)]));
    }
    table
}

fn cross_validation_table(validations: &[(PathBuf, CrossValidation)]) -> Table {
    let mut table = Table::new(&[
        ("cross-validation", Align::Left),
        ("recipe", Align::Left),
        ("data", Align::Left),
        ("folds", Align::Right),
        ("validation accuracy, mean", Align::Right),
        ("sd", Align::Right),
        ("status", Align::Left),
    ]);
    let number = |value: f64, unit: &str| if value.is_finite() { format!("{:.2}{unit}", 100.0 * value) } else { "-".into() };
    for (folder, record) in validations {
        table.row([
            folder.display().to_string(),
            record.recipe.clone(),
            record.dataset.clone(),
            format!("{} of {}", record.folds.len(), record.planned_folds),
            number(record.validation_accuracy_mean, " %"),
            number(record.validation_accuracy_sd, ""),
            record.status.to_string(),
        ]);
    }
    table
}
