//! `relumine compare-devices`: the same steps on several devices, and how far apart they end.

mod contender;
mod difference;
mod trace;

use crate::cli::CompareDevicesArguments;
use crate::failure::Failure;
use crate::recipe::{Origin, Recipe};
use crate::terminal;
use anyhow::anyhow;
use contender::Contender;
use difference::{Comparison, Line};
use relumine_report::{Align, Table};
use serde::Serialize;
use trace::Trace;

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Report {
    recipe: String,
    dataset: String,
    steps: u64,
    /// As a share of the largest value of a gradient or loss, and of the norm of a parameter.
    tolerance: f64,
    /// What the others are compared with.
    first: String,
    first_step: &'static str,
    comparisons: Vec<Comparison>,
    agrees: bool,
}

/// Trains a few steps on each device and compares losses, gradients and parameters by name. Nothing is written.
pub(super) fn run(arguments: &CompareDevicesArguments) -> Result<(), Failure> {
    let contenders = Contender::all(&arguments.devices).map_err(Failure::Usage)?;
    if !(arguments.tolerance > 0.0 && arguments.tolerance.is_finite()) {
        return Err(Failure::usage(anyhow!("--tolerance {} must be over 0, such as 1e-3", arguments.tolerance)));
    }
    let origin = Origin::find(arguments.recipe.as_deref())?;
    let mut overrides = arguments.overrides.clone();
    overrides.extend(arguments.data.as_ref().map(|data| format!("data.name={}", toml::Value::String(data.clone()))));
    let recipe = Recipe::load(&origin, &overrides)?;
    let take = |contender: &Contender| {
        let trace = Trace::take(&recipe, &origin.name, contender, arguments.steps);
        trace.map_err(|failure| super::within(failure, contender.name.clone()))
    };
    let first = take(&contenders[0])?;
    let mut comparisons = Vec::new();
    for contender in &contenders[1..] {
        comparisons.push(Comparison::of(&first, &take(contender)?, &contender.name, arguments.tolerance));
    }
    let agrees = comparisons.iter().all(|comparison| comparison.agrees);
    let report = Report {
        recipe: origin.name,
        dataset: first.dataset,
        steps: arguments.steps,
        tolerance: arguments.tolerance,
        first: contenders[0].name.clone(),
        first_step: first.step,
        comparisons,
        agrees,
    };
    if arguments.json {
        terminal::print_json(&report)?;
    } else {
        terminal::print(text(&report))?;
    }
    judge(&report)
}

fn text(report: &Report) -> String {
    let mut text = format!(
        "{} on {}, {} steps: each device beside {} ({} step); tolerance {:e}\n\
         (of a tensor's largest value, of its norm for parameters; initial weights that are drawn may not differ)\n",
        report.recipe, report.dataset, report.steps, report.first, report.first_step, report.tolerance
    );
    for comparison in &report.comparisons {
        let right = |name| (name, Align::Right);
        let columns =
            [("", Align::Left), ("", Align::Left), right("largest"), right("difference"), right("norm"), right("of the tolerance")];
        let mut table = Table::new(&columns);
        for line in &comparison.lines {
            let numbers = [
                format!("{:.3e}", line.largest),
                format!("{:.3e}", line.difference),
                format!("{:.3e}", line.relative_norm),
                judged_share(line),
            ];
            table.row([line.kind.to_owned(), line.name.clone()].into_iter().chain(numbers));
        }
        let verdict = if comparison.agrees { "agrees" } else { "does not agree" };
        text +=
            &format!("\n{} ({} step)\n{table}{} {verdict} with {}\n", comparison.device, comparison.step, comparison.device, report.first);
    }
    text
}

/// A line that is not judged says that it means nothing.
fn judged_share(line: &Line) -> String {
    if line.is_judged { share(line.share) } else { "no effect".into() }
}

fn share(share: f64) -> String {
    if share.is_finite() { format!("{:.2} %", 100.0 * share) } else { "beyond".into() }
}

/// Devices that do not agree fail the command.
fn judge(report: &Report) -> Result<(), Failure> {
    let Some(comparison) = report.comparisons.iter().find(|comparison| !comparison.agrees) else { return Ok(()) };
    let worst = comparison.worst().map_or_else(String::new, |line| {
        format!(": {} {} differs by {:.3e}, {} of the tolerance", line.kind, line.name, line.difference, share(line.share))
    });
    Err(Failure::Run(anyhow!("{} does not agree with {}{worst}", comparison.device, report.first)))
}
