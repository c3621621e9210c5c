//! `relumine predict`.

mod destination;
mod model;
mod output;

use super::saved_weights::SavedWeights;
use crate::cli::{FitChoice, InvertChoice, PredictArguments, PredictFormat};
use crate::device::DeviceRequest;
use crate::failure::Failure;
use crate::interrupt::{self, Interrupt};
use crate::recipe::{Origin, Recipe};
use crate::run_directory::RunDirectory;
use crate::terminal;
use anyhow::anyhow;
use destination::Destination;
use indicatif::{ProgressBar, ProgressStyle};
use model::Predictor;
use output::Output;
use relumine_data::images::{Fit, Invert};
use relumine_data::inputs::{Inputs, RowFormat, RowOrigin, is_standard_input};
use relumine_data::{ReadOptions, Reporter};
use relumine_report::Signature;
use std::io::IsTerminal;
use std::path::Path;

/// Rows that are read, computed and written at a time: a whole number of evaluation passes, and at most 64 MiB of features.
const MOST_ROWS: usize = 8192;
const MOST_FEATURES: usize = 1 << 24;

/// How many rows were predicted, and how many of those whose class was known rightly.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    rows: u64,
    labelled: u64,
    correct: u64,
}

/// Predicts the class of every input. No data set is opened.
pub(super) fn run(arguments: &PredictArguments) -> Result<(), Failure> {
    let device: DeviceRequest = arguments.device.parse().map_err(Failure::Usage)?;
    let format = format(arguments)?;
    if arguments.inputs.iter().filter(|path| is_standard_input(path)).count() > 1 {
        return Err(Failure::usage(anyhow!("- stands twice among the inputs, and standard input can be read only once: name it once")));
    }
    let run = RunDirectory::open(&arguments.run).map_err(Failure::Usage)?;
    let recipe = Recipe::load(&Origin::from_file(&run.file(RunDirectory::RECIPE))?, &[])?;
    SavedWeights::check_recipe(&run, &recipe)?;
    // A run that was killed has no summary, and may have weights all the same.
    let summary = run.file(RunDirectory::SUMMARY).is_file().then(|| run.summary()).transpose()?;
    let weights = SavedWeights::choose(&run, arguments.weights, summary.as_ref())?;
    let signature = Signature::read(&run.file(weights.signature))?;
    let inputs = Inputs::find(&arguments.inputs, row_format(arguments, &recipe, &signature))?;
    check_label(arguments, &inputs)?;
    let passed_over = inputs.passed_over();
    if let (files @ 1.., Some(first)) = (passed_over.files, &passed_over.first) {
        let what = if files == 1 { "file that is no picture" } else { "files that are no pictures" };
        terminal::say(format_args!("passed over {files} {what}, such as {}", first.display()));
    }
    let interrupt = Interrupt::listen()?;
    let destination = Destination::open(arguments.out.as_deref(), arguments.force)?;
    let predictor = Predictor::load(&run, &recipe, weights, signature, device.open()?)?;
    let output = Output::new(&predictor, format, arguments);
    predict(inputs, &predictor, output, destination, &interrupt, arguments.quiet)
}

/// Reads, computes and writes part by part.
fn predict(
    mut inputs: Inputs,
    predictor: &Predictor,
    mut output: Output<'_>,
    mut destination: Destination,
    interrupt: &Interrupt,
    is_quiet: bool,
) -> Result<(), Failure> {
    let most = (MOST_FEATURES / predictor.signature.num_features()).clamp(1, MOST_ROWS);
    let most = if most > 256 { most / 256 * 256 } else { most };
    let bar = bar(inputs.pictures(), is_quiet || destination.is_terminal())?;
    let mut tally = Tally::default();
    loop {
        let part = inputs.next(most);
        // First of all: the Ctrl-C that ends what feeds standard input comes here, too, and what was read then is not all there is.
        if interrupt.is_requested() {
            bar.finish_and_clear();
            terminal::say(format_args!("interrupted after {} rows{}", tally.rows, destination.fate()));
            return Err(Failure::Interrupted);
        }
        let Some(part) = part? else { break };
        let logits = predictor.logits(part.features, &part.origins)?;
        tally.add(&part.origins, &predictor.classes(&logits));
        destination.write(output.part(&part.origins, &logits)?)?;
        bar.set_position(tally.rows);
    }
    bar.finish_and_clear();
    let skipped = inputs.skipped();
    if let Some(first) = &skipped.first {
        let rows = if skipped.rows == 1 { "row" } else { "rows" };
        if tally.rows == 0 {
            return Err(Failure::Run(anyhow!("none of {} {rows} can be used; the first: {first}", skipped.rows)));
        }
        terminal::say(format_args!("left out {} {rows} that cannot be used; the first: {first}", skipped.rows));
    }
    destination.finish()?;
    match tally.accuracy() {
        Some(accuracy) if output.is_for_people() && !destination.is_file() => terminal::print(format_args!("{accuracy}\n")),
        Some(accuracy) => {
            terminal::say(accuracy);
            Ok(())
        }
        None => Ok(()),
    }
}

impl Tally {
    fn add(&mut self, origins: &[RowOrigin], predicted: &[u32]) {
        self.rows += origins.len() as u64;
        for (label, predicted) in origins.iter().map(|origin| origin.label).zip(predicted) {
            self.labelled += u64::from(label.is_some());
            self.correct += u64::from(label == Some(*predicted));
        }
    }

    fn accuracy(&self) -> Option<String> {
        let share = 100.0 * self.correct as f64 / self.labelled as f64;
        (self.labelled > 0).then(|| format!("accuracy {share:.2} %: {} of the {} rows whose class is known", self.correct, self.labelled))
    }
}

/// Refuses `--label` where there is no table to have such a column.
fn check_label(arguments: &PredictArguments, inputs: &Inputs) -> Result<(), Failure> {
    match &arguments.label {
        Some(label) if !inputs.has_table() => {
            let problem = "names a table's column, and there is no table among the inputs";
            Err(Failure::usage(anyhow!("--label {label} {problem}: remove it (a picture's class is the name of its folder)")))
        }
        _ => Ok(()),
    }
}

/// `--format`, or what the ending of `--out` says.
fn format(arguments: &PredictArguments) -> Result<PredictFormat, Failure> {
    let ending = arguments.out.as_deref().and_then(Path::extension).map(|ending| ending.to_string_lossy().to_lowercase());
    let format = arguments.format.unwrap_or(match ending.as_deref() {
        Some("csv") => PredictFormat::Csv,
        Some("json" | "jsonl") => PredictFormat::Json,
        _ => PredictFormat::Table,
    });
    if format == PredictFormat::Table && arguments.logits {
        return Err(Failure::usage(anyhow!("--logits is for machines: add --format csv or --format json")));
    }
    Ok(format)
}

fn row_format(arguments: &PredictArguments, recipe: &Recipe, signature: &Signature) -> RowFormat {
    let is_mnist = recipe.data.name == "mnist";
    let is_light_on_dark = is_mnist || recipe.data.name == "digits";
    RowFormat {
        example_shape: signature.example_shape.clone(),
        full_scale: signature.full_scale,
        feature_names: signature.feature_names.clone(),
        classes: signature.classes.clone(),
        fit: match arguments.fit {
            FitChoice::Auto => Fit::Auto { of_digits: is_mnist },
            FitChoice::Stretch => Fit::Stretch,
            FitChoice::Pad => Fit::Pad,
            FitChoice::Mnist => Fit::Mnist,
        },
        invert: match arguments.invert {
            InvertChoice::Auto if is_light_on_dark => Invert::LightBorder,
            InvertChoice::Yes => Invert::Yes,
            InvertChoice::Auto | InvertChoice::No => Invert::No,
        },
        options: ReadOptions {
            label: arguments.label.clone(),
            skip_bad_rows: arguments.skip_bad_rows,
            progress: Reporter::default().stopped_by(interrupt::asked()),
            ..ReadOptions::default()
        },
    }
}

/// A bar on a terminal that shows nothing else; a count where it is not known how many rows there are.
fn bar(total: Option<u64>, is_hidden: bool) -> Result<ProgressBar, Failure> {
    if is_hidden || !std::io::stderr().is_terminal() {
        return Ok(ProgressBar::hidden());
    }
    let template = if total.is_some() { "[{bar:30}] {pos} of {len} pictures, {per_sec}, {eta} left" } else { "{pos} rows, {per_sec}" };
    let style = ProgressStyle::with_template(template).map_err(anyhow::Error::new)?;
    let bar = total.map_or_else(ProgressBar::no_length, ProgressBar::new);
    Ok(bar.with_style(style.progress_chars("=> ")))
}
