//! `relumine test`.

use super::check_data_is_there;
use super::saved_weights::SavedWeights;
use super::summary::{interval, save};
use crate::checkpoint::read_tensors;
use crate::cli::TestArguments;
use crate::device::DeviceRequest;
use crate::failure::Failure;
use crate::pipeline::{Job, TrainRows, evaluate};
use crate::recipe::{Origin, Recipe};
use crate::run_directory::RunDirectory;
use crate::terminal;
use anyhow::anyhow;
use relumine_report::{ClassificationMetrics, TestedWeights};
use serde::Serialize;

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Report {
    run: String,
    weights: &'static str,
    rows: u64,
    loss: f64,
    accuracy: f64,
    test_evaluations: u64,
    metrics: Option<ClassificationMetrics>,
}

/// Reads the test rows once more, and records that it did.
pub(super) fn run(arguments: &TestArguments) -> Result<(), Failure> {
    let device: DeviceRequest = arguments.device.parse().map_err(Failure::Usage)?;
    let run = RunDirectory::open(&arguments.run).map_err(Failure::Usage)?;
    // Whoever has read the rows writes it down before anybody else reads them, so that every reading is counted. (A run without a summary
    // is not locked: it may be about to be locked by its training.)
    run.summary()?;
    let lock = run.lock_results()?;
    let mut summary = run.summary()?;
    let mut recipe = Recipe::load(&Origin::from_file(&run.file(RunDirectory::RECIPE))?, &[])?;
    SavedWeights::check_recipe(&run, &recipe)?;
    check_data_is_there(&recipe, "if it was moved, say where by data.name in the run's recipe.toml")?;
    let SavedWeights { name: weights, file, tested, .. } = SavedWeights::choose(&run, arguments.weights, Some(&summary))?;
    // Features are scaled as they were when these weights were trained.
    let rows = if tested == TestedWeights::Refit { TrainRows::Merged } else { TrainRows::Divided };
    let tensors = read_tensors(&run.file(file))?;
    recipe.train = recipe.train.for_evaluation();
    let job = Job::prepare(recipe, &summary.recipe, device.open()?, rows)?;
    if job.fingerprint != summary.data_fingerprint {
        let name = &job.recipe.data.name;
        return Err(Failure::Run(anyhow!(
            "the data `{name}` or its division has changed since the run (fingerprint {}, not {}): restore the data and the run's recipe",
            job.fingerprint,
            summary.data_fingerprint
        )));
    }
    let mut step = job.blank_step()?;
    step.load_parameters(&tensors)?;
    let test = evaluate(&job, &*step, job.test_examples(), &job.split.test)?.ok_or_else(|| {
        Failure::usage(anyhow!("{} has no test rows: its recipe says data.test = 0, or train.overfit_batches", run.path().display()))
    })?;

    summary.test_evaluations += 1;
    if tested == summary.weights {
        summary.test = Some(test.score);
        summary.test_metrics = test.metrics(&job.classes);
        test.save(&job, &run)?;
    }
    save(&summary, &run)?;
    drop(lock);
    let report = Report {
        run: run.path().display().to_string(),
        weights,
        rows: summary.test_rows,
        loss: test.score.loss,
        accuracy: test.score.accuracy,
        test_evaluations: summary.test_evaluations,
        metrics: test.metrics(&job.classes),
    };
    if arguments.json {
        return terminal::print_json(&report);
    }
    terminal::print(format_args!(
        "test of the {weights} weights on {} rows: loss {:.4}, accuracy {:.2} % ({}); these rows have now been read {}\n{}",
        report.rows,
        report.loss,
        100.0 * report.accuracy,
        interval(test.score, report.rows),
        if report.test_evaluations == 1 { "once".into() } else { format!("{} times", report.test_evaluations) },
        report.metrics.as_ref().map_or_else(String::new, tables)
    ))
}

fn tables(metrics: &ClassificationMetrics) -> String {
    let confusion = metrics.confusion_table().map_or_else(String::new, |table| format!("\n{table}"));
    format!("{}\n\n{}{confusion}", metrics.headline(), metrics.class_table())
}
