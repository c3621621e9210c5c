//! `relumine report`: what runs or a study say, as a page or as charts.

mod destination;

use super::output_file::OutputFile;
use crate::cli::{ReportArguments, ReportFormat};
use crate::failure::Failure;
use crate::run_directory::RunDirectory;
use crate::study::study_page;
use crate::terminal;
use anyhow::{Context, anyhow};
use destination::Destination;
use relumine_report::chart::Chart;
use relumine_report::{CrossValidation, Page, Run, Study, find_runs};
use std::path::{Path, PathBuf};

/// PNG pixels per unit of a chart, so that it is sharp on a screen of twice the usual density.
const PNG_SCALE: f32 = 2.0;

/// Reads them and writes what they say.
pub(super) fn run(arguments: &ReportArguments) -> Result<(), Failure> {
    let subject = Subject::read(&arguments.runs)?;
    let format = destination::format(arguments)?;
    let destination = Destination::choose(arguments, format, subject.folder())?;
    let page = subject.page()?;
    let charts: Vec<&Chart> = page.charts().collect();
    let out = destination.path().display().to_string();
    let what = match format {
        ReportFormat::Html => {
            OutputFile::write_all(destination.path(), true, page.to_html().as_bytes())?;
            format!("{out}: {}", count(charts.len(), "chart"))
        }
        ReportFormat::Md => {
            let folder = destination.chart_folder();
            OutputFile::write_all(destination.path(), true, page.to_markdown(&destination.chart_folder_name()).as_bytes())?;
            write_charts(&charts, &folder, "svg", |chart| Ok(chart.to_svg().into_bytes()))?;
            format!("{out}: {} in {}", count(charts.len(), "chart"), folder.display())
        }
        ReportFormat::Svg => {
            write_charts(&charts, destination.path(), "svg", |chart| Ok(chart.to_svg().into_bytes()))?;
            format!("{out}: {}", count(charts.len(), "SVG file"))
        }
        ReportFormat::Png => {
            let png = |chart: &Chart| chart.to_png(PNG_SCALE).with_context(|| format!("the chart {} cannot become a PNG file", chart.name));
            write_charts(&charts, destination.path(), "png", png)?;
            format!("{out}: {}", count(charts.len(), "PNG file"))
        }
    };
    terminal::print(format_args!("{what} of {}\n", subject.name()))
}

/// What a report is of.
enum Subject {
    Runs(Vec<Run>),
    Study(PathBuf, Box<Study>),
}

impl Subject {
    fn read(paths: &[PathBuf]) -> Result<Self, Failure> {
        let is_study = |path: &PathBuf| path.join(Study::FILE).is_file();
        match paths {
            [path] if is_study(path) => return Ok(Self::Study(path.clone(), Box::new(Study::open(path)?))),
            _ => {}
        }
        if let Some(path) = paths.iter().find(|path| is_study(path)) {
            let problem = "is a study, which has a page of its own: report it alone, or give the runs in its trials folder";
            return Err(Failure::usage(anyhow!("{} {problem}", path.display())));
        }
        let mut runs = Vec::new();
        for path in paths {
            runs.extend(runs_at(path)?);
        }
        Ok(Self::Runs(runs))
    }

    /// Where its page lies, if it is one thing that has a folder.
    fn folder(&self) -> Option<&Path> {
        match self {
            Self::Runs(runs) => {
                if let [run] = &runs[..] {
                    Some(&run.folder)
                } else {
                    None
                }
            }
            Self::Study(folder, _) => Some(folder),
        }
    }

    fn page(&self) -> Result<Page, Failure> {
        match self {
            Self::Runs(runs) => Ok(Page::of(runs)?),
            Self::Study(folder, study) => Ok(study_page(folder, study)),
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Runs(runs) => count(runs.len(), "run"),
            Self::Study(_, study) => format!("the study {}", study.name),
        }
    }
}

fn count(number: usize, thing: &str) -> String {
    if number == 1 { format!("1 {thing}") } else { format!("{number} {thing}s") }
}

/// The run at `path`, or the runs in it: a folder of runs, or a cross-validation with its folds.
fn runs_at(path: &Path) -> Result<Vec<Run>, Failure> {
    let is_one = path.join(RunDirectory::RECIPE).is_file() && !path.join(CrossValidation::FILE).is_file();
    if is_one {
        return Ok(vec![Run::open(path)?]);
    }
    if !path.is_dir() {
        return Err(Failure::usage(anyhow!("there is no folder {}: give a run directory, or a folder that holds some", path.display())));
    }
    let (found, mut errors) = find_runs(path)?;
    let mut runs = Vec::new();
    for run in found {
        // What cannot be told of one run is no reason to tell nothing of the others.
        match Page::of(std::slice::from_ref(&run)) {
            Ok(_) => runs.push(run),
            Err(error) => errors.push(error),
        }
    }
    if runs.is_empty() && !errors.is_empty() {
        return Err(errors.remove(0).into());
    }
    for error in errors {
        terminal::say(format_args!("warning: {}", Failure::from(error)));
    }
    if runs.is_empty() {
        let problem = "is no run directory, and holds none that has a summary.json";
        return Err(Failure::usage(anyhow!("{} {problem}: give the folder of a run, such as runs/quickstart-1", path.display())));
    }
    Ok(runs)
}

fn write_charts(charts: &[&Chart], folder: &Path, suffix: &str, bytes: impl Fn(&Chart) -> anyhow::Result<Vec<u8>>) -> Result<(), Failure> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}: choose another with --out", folder.display()))?;
    for chart in charts {
        OutputFile::write_all(&folder.join(format!("{}.{suffix}", chart.name)), true, &bytes(chart)?)?;
    }
    Ok(())
}
