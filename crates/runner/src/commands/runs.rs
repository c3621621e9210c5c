//! `relumine runs`.

use crate::cli::{RunsArguments, RunsOrder};
use crate::failure::Failure;
use crate::run_directory::RunDirectory;
use crate::terminal;
use anyhow::anyhow;
use relumine_report::{
    Align, CrossValidation, Group, Run, Score, Status, Summary, Table, UnfinishedRun, find_cross_validations, find_runs,
    find_unfinished_runs, group_by_recipe,
};
use serde_json::json;
use std::path::{Path, PathBuf};

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
    let (mut runs, broken_runs) = find_runs(&arguments.folder)?;
    let (mut unfinished, broken_unfinished) = find_unfinished_runs(&arguments.folder)?;
    let (mut validations, broken_validations) = find_cross_validations(&arguments.folder)?;
    for error in broken_runs.into_iter().chain(broken_unfinished).chain(broken_validations) {
        terminal::say(format_args!("warning: {}", Failure::from(error)));
    }
    runs.retain(|run| is_asked_for(&run.summary.recipe, &run.summary.dataset));
    unfinished.retain(|run| is_asked_for(&run.recipe, &run.dataset));
    validations.retain(|(_, record)| is_asked_for(&record.recipe, &record.dataset));
    sort(&mut runs, arguments.sort);
    if arguments.json {
        let runs = runs.iter().map(|run| json!({ "run": run.folder, "status": status(run), "summary": run.summary }));
        let unfinished = unfinished.iter().map(|run| json!({ "run": run.folder, "status": without_end(&run.folder), "unfinished": run }));
        let validations = validations.iter().map(|(folder, record)| json!({ "run": folder, "cross_validation": record }));
        return terminal::print(runs.chain(unfinished).chain(validations).map(|line| line.to_string() + "\n").collect::<String>());
    }
    if runs.is_empty() && unfinished.is_empty() && validations.is_empty() {
        let which = if arguments.recipe.is_some() || arguments.data.is_some() { "no such runs" } else { "no runs" };
        return terminal::print(format_args!("{which} in {}\n", arguments.folder.display()));
    }
    let groups: Vec<Group> = group_by_recipe(&runs).into_iter().filter(|group| group.seeds > 1).collect();
    let tables = [run_table(&runs, &unfinished), group_table(&groups), cross_validation_table(&validations)];
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

/// How the run ended, or what it does.
fn status(run: &Run) -> String {
    if run.summary.status == Status::Running { without_end(&run.folder).into() } else { run.summary.status.to_string() }
}

/// What a run does that has not ended; one that was killed has stopped.
fn without_end(folder: &Path) -> &'static str {
    if RunDirectory::open(folder).is_ok_and(|run| run.is_held()) { "running" } else { "stopped" }
}

/// Those without results come last.
fn run_table(runs: &[Run], unfinished: &[UnfinishedRun]) -> Table {
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
    for run in runs {
        let Run { folder, summary, .. } = run;
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
            status(run),
        ]);
    }
    for UnfinishedRun { folder, recipe, dataset, device, seed, epochs_run } in unfinished {
        let known =
            [folder.display().to_string(), recipe.clone(), dataset.clone(), device.clone(), seed.to_string(), epochs_run.to_string()];
        let unknown = ["-"; 4].map(str::to_owned);
        table.row(known.into_iter().chain(unknown).chain([without_end(folder).to_owned()]));
    }
    table
}

fn group_table(groups: &[Group]) -> Table {
    let mut table = Table::new(&[
        ("runs", Align::Left),
        ("recipe", Align::Left),
        ("data", Align::Left),
        ("device", Align::Left),
        ("seeds", Align::Right),
        ("validation accuracy, mean", Align::Right),
        ("sd", Align::Right),
        ("test accuracy, mean", Align::Right),
        ("sd", Align::Right),
    ]);
    let shown = |accuracy: Option<(f64, f64)>| match accuracy {
        Some((mean, deviation)) => [format!("{:.2} %", 100.0 * mean), format!("{:.2}", 100.0 * deviation)],
        None => ["-", "-"].map(str::to_owned),
    };
    for group in groups {
        let cells = [group.name.clone(), group.recipe.clone(), group.dataset.clone(), group.device.clone(), group.seeds.to_string()];
        table.row(cells.into_iter().chain(shown(group.validation_accuracy())).chain(shown(group.test_accuracy())));
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
