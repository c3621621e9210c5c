//! `relumine runs`.

use crate::cli::RunsArguments;
use crate::failure::Failure;
use crate::terminal;
use anyhow::anyhow;
use relumine_report::{Align, Group, Run, Score, Status, Table, find_runs, group_by_recipe};
use serde_json::json;

/// Lists the runs in a folder, and what several seeds of one recipe say together.
pub(super) fn run(arguments: &RunsArguments) -> Result<(), Failure> {
    if !arguments.folder.is_dir() {
        let folder = arguments.folder.display();
        return Err(Failure::usage(anyhow!("there is no folder {folder}: train something first, or name the folder that holds runs")));
    }
    let runs = find_runs(&arguments.folder)?;
    if arguments.json {
        let lines = runs.iter().map(|run| json!({ "run": run.folder, "summary": run.summary }).to_string() + "\n");
        return terminal::print(lines.collect::<String>());
    }
    if runs.is_empty() {
        return terminal::print(format_args!("no runs in {}\n", arguments.folder.display()));
    }
    let groups: Vec<Group> = group_by_recipe(&runs).into_iter().filter(|group| group.seeds > 1).collect();
    let summary = if groups.is_empty() { String::new() } else { format!("\n{}", group_table(&groups)) };
    terminal::print(format_args!("{}{summary}", run_table(&runs)))
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
            match summary.status {
                Status::Finished => "finished".into(),
                Status::Interrupted => "interrupted".into(),
                Status::Failed => "failed".into(),
            },
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
