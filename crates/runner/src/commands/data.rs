//! `relumine data`.

use crate::cli::{DataCommand, DataFetchArguments, DataVerifyArguments};
use crate::failure::Failure;
use crate::reading;
use crate::terminal;
use anyhow::anyhow;
use relumine_data::{Catalog, Entry, FileCheck, ReadOptions, Verified};
use relumine_report::{Align, Table};
use serde::Serialize;

/// Runs one of its commands.
pub(super) fn run(command: &DataCommand) -> Result<(), Failure> {
    match command {
        DataCommand::List(arguments) => list(arguments.json),
        DataCommand::Fetch(arguments) => fetch(arguments),
        DataCommand::Verify(arguments) => verify(arguments),
    }
}

/// A line of `list --json`.
#[derive(Debug, Serialize)]
struct Listed {
    name: &'static str,
    description: &'static str,
    licence: &'static str,
    train_rows: u64,
    test_rows: u64,
    bytes: u64,
    hub: Option<&'static str>,
    available: bool,
    folder: Option<String>,
}

fn list(as_json: bool) -> Result<(), Failure> {
    let catalog = Catalog::from_environment();
    if as_json {
        let listed: Vec<Listed> = catalog.entries().iter().map(|entry| listed(&catalog, entry)).collect();
        return terminal::print_json(&listed);
    }
    let columns = [("name", Align::Left), ("what", Align::Left), ("rows", Align::Right), ("MB", Align::Right)];
    let mut table = Table::new(&[&columns[..], &[("licence", Align::Left), ("where", Align::Left)]].concat());
    for entry in catalog.entries() {
        let place = match (catalog.folder(entry), catalog.is_available(entry)) {
            (None, true) => "inside relumine".into(),
            (Some(folder), true) => folder.display().to_string(),
            (Some(folder), false) => format!("relumine data fetch {} puts it into {}", entry.name, folder.display()),
            (None, false) => "no cache folder; set RELUMINE_CACHE".into(),
        };
        let [train, test] = entry.rows;
        let rows = if test > 0 { format!("{train} + {test}") } else { train.to_string() };
        table.row([entry.name, entry.description, &rows, &format!("{:.1}", entry.bytes as f64 / 1e6), entry.licence, &place]);
    }
    terminal::print(table)
}

fn listed(catalog: &Catalog, entry: &Entry) -> Listed {
    Listed {
        name: entry.name,
        description: entry.description,
        licence: entry.licence,
        train_rows: entry.rows[0],
        test_rows: entry.rows[1],
        bytes: entry.bytes,
        hub: entry.hub,
        available: catalog.is_available(entry),
        folder: catalog.folder(entry).map(|folder| folder.display().to_string()),
    }
}

fn fetch(arguments: &DataFetchArguments) -> Result<(), Failure> {
    let fetched = Catalog::from_environment().fetch(&arguments.name, &reading::with_process(ReadOptions::default()))?;
    let name = &arguments.name;
    terminal::print(match (fetched.folder.as_os_str().is_empty(), fetched.was_there) {
        (true, _) => format!("{name} is inside relumine\n"),
        (_, true) => format!("{name} is already in {}\n", fetched.folder.display()),
        (_, false) => format!("{name} was downloaded into {}\n", fetched.folder.display()),
    })
}

/// What `verify --json` prints for each set.
#[derive(Debug, Serialize)]
struct Report {
    data: String,
    train_rows: usize,
    validation_rows: usize,
    test_rows: usize,
    classes: Vec<String>,
    rows_of_class: Vec<u64>,
    example_shape: Vec<usize>,
    skipped_rows: u64,
    fingerprint: String,
    files: Vec<ReportedFile>,
    holds: bool,
}

/// One file of it.
#[derive(Debug, Serialize)]
struct ReportedFile {
    file: String,
    sha256: String,
    expected: Option<String>,
}

fn verify(arguments: &DataVerifyArguments) -> Result<(), Failure> {
    let catalog = Catalog::from_environment();
    let options = reading::with_process(ReadOptions {
        label: arguments.label.clone(),
        image_size: arguments.image_size.as_deref().and_then(|size| Some([usize::from(*size.first()?), usize::from(*size.get(1)?)])),
        channels: arguments.channels.as_deref().and_then(|channels| channels.parse().ok()),
        skip_bad_rows: arguments.skip_bad_rows,
        ..ReadOptions::default()
    });
    let names: Vec<String> = match &arguments.name {
        Some(name) => vec![name.clone()],
        None => catalog.entries().iter().filter(|entry| catalog.is_available(entry)).map(|entry| entry.name.to_owned()).collect(),
    };
    let mut reports = Vec::new();
    for name in names {
        let verified = catalog.verify(&name, &options)?;
        reading::say_skipped(&verified.source.skipped);
        if !arguments.json {
            terminal::print(lines(&name, &verified))?;
        }
        reports.push(report(name, &verified));
    }
    if arguments.json {
        terminal::print_json(&reports)?;
    }
    let broken: Vec<&str> = reports.iter().filter(|report| !report.holds).map(|report| report.data.as_str()).collect();
    if broken.is_empty() {
        return Ok(());
    }
    Err(Failure::Run(anyhow!("{}: a file is not what was published or fetched; remove it and fetch it again", broken.join(", "))))
}

fn report(data: String, Verified { source, files }: &Verified) -> Report {
    let mut rows_of_class = vec![0; source.classes.len()];
    for label in source.train.labels().iter().chain(source.test.iter().flat_map(relumine_data::Dataset::labels)) {
        rows_of_class[*label as usize] += 1;
    }
    let reported = |check: &FileCheck| ReportedFile {
        file: check.file.display().to_string(),
        sha256: check.sha256.clone(),
        expected: check.expected.clone(),
    };
    Report {
        data,
        train_rows: source.train.len() - source.own_validation,
        validation_rows: source.own_validation,
        test_rows: source.test.as_ref().map_or(0, relumine_data::Dataset::len),
        classes: source.classes.clone(),
        rows_of_class,
        example_shape: source.train.example_shape().to_vec(),
        skipped_rows: source.skipped.rows,
        fingerprint: source.fingerprint(),
        files: files.iter().map(reported).collect(),
        holds: files.iter().all(FileCheck::holds),
    }
}

fn lines(name: &str, verified: &Verified) -> String {
    let report = report(name.replace(char::is_control, " "), verified);
    let shape: Vec<String> = report.example_shape.iter().map(ToString::to_string).collect();
    let mut text = format!(
        "{}: {} train, {} validation, {} test rows of {}; {} classes; fingerprint {}\n",
        report.data,
        report.train_rows,
        report.validation_rows,
        report.test_rows,
        shape.join(" x "),
        report.classes.len(),
        report.fingerprint
    );
    for check in &verified.files {
        let verdict = match (&check.expected, check.holds()) {
            (None, _) => format!("sha256 {} (none is known to compare it with)", check.sha256),
            (Some(_), true) => format!("sha256 {} as it should be", check.sha256),
            (Some(expected), false) => format!("WRONG: sha256 {}, not {expected}", check.sha256),
        };
        text += &format!("  {}: {verdict}\n", check.file.display());
    }
    text
}
