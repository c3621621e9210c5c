//! `relumine compare`.

use crate::cli::CompareArguments;
use crate::failure::Failure;
use crate::run_directory::RunDirectory;
use crate::terminal;
use relumine_report::{Comparison, Run, Table};

/// Shows runs side by side: where their recipes differ, their results, and what several seeds say together.
pub(super) fn run(arguments: &CompareArguments) -> Result<(), Failure> {
    let mut runs = Vec::new();
    for path in &arguments.runs {
        let run = RunDirectory::open(path).map_err(Failure::Usage)?;
        runs.push(Run::open(run.path())?);
    }
    let comparison = Comparison::of(&runs)?;
    if arguments.json {
        return terminal::print_json(&comparison);
    }
    let tables = [comparison.table(), comparison.group_table(), comparison.difference_table()];
    let mut parts: Vec<String> = tables.iter().filter(|table| !table.is_empty()).map(Table::to_string).collect();
    if comparison.differences.is_empty() {
        parts.insert(0, "the recipes do not differ\n".into());
    }
    if !comparison.remarks.is_empty() {
        parts.push(comparison.remarks.iter().map(|remark| format!("note: {remark}\n")).collect());
    }
    terminal::print(parts.join("\n"))
}
