//! `relumine study`.

use crate::cli::StudyArguments;
use crate::device::DeviceRequest;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::reading;
use crate::study::{Means, Pool, Shelf, StudyFile, StudyFolder, StudyPlan, conduct, study_text};
use crate::terminal;
use crate::threads;
use anyhow::anyhow;
use relumine_report::Study;
use std::time::Instant;

/// More trials than this are taken for a slip of the hand.
const MOST_TRIALS: usize = 2000;

/// How many trials at a time; from now on each of them uses one thread. Must be called before any other thread exists.
pub(super) fn prepare(arguments: &StudyArguments) -> usize {
    let jobs = arguments.threads.map_or_else(threads::count, usize::from);
    threads::set(1);
    if arguments.quiet {
        reading::quieten();
    }
    jobs
}

/// Checks everything that can be checked without training, trains, and says what was found.
pub(super) fn run(arguments: &StudyArguments, jobs: usize, started: Instant) -> Result<(), Failure> {
    let device: DeviceRequest = arguments.device.parse().map_err(Failure::Usage)?;
    let (origin, file) = StudyFile::read(&arguments.file, arguments.quick, arguments.seeds)?;
    let plan = StudyPlan::new(&origin, file)?;
    let trials = plan.cells.len() * plan.seeds.len();
    if trials > MOST_TRIALS && !arguments.yes {
        return Err(Failure::usage(anyhow!(
            "{}: {} cells with {} seeds are {trials} trials, over {MOST_TRIALS}; take values or seeds away, or confirm with --yes",
            origin.shown,
            plan.cells.len(),
            plan.seeds.len()
        )));
    }
    let device = device.open()?;
    let shelf = Shelf::stock(&plan, &origin.shown, &device)?;
    let interrupt = Interrupt::listen()?;
    let out = plan.place(&origin, arguments.out.as_deref())?;
    let folder = StudyFolder::open(&out, &origin.text)?;
    let left_out = folder.left_out(&plan.trials()?)?;
    if left_out > 0 {
        terminal::say(format_args!(
            "warning: {left_out} of the trials that are done in {} are of cells or seeds that the study has not now: its results are \
             without them, and they stay",
            out.display()
        ));
    }
    let jobs = if device.device.is_cpu() { jobs } else { 1 };
    if !arguments.quiet {
        let (cells, seeds) = (plan.cells.len(), plan.seeds.len());
        let place = out.display();
        terminal::say(format_args!(
            "{}: {cells} cells with {seeds} seeds, {jobs} trials at a time on {}, in {place}",
            plan.name, device.name
        ));
    }
    let means = Means {
        folder: &folder,
        shelf: &shelf,
        device: &device,
        pool: Pool { jobs },
        interrupt: &interrupt,
        quick: arguments.quick,
        quiet: arguments.quiet,
        started,
    };
    let study = conduct(&plan, &means).inspect_err(|failure| {
        if matches!(failure, Failure::Interrupted) {
            terminal::say(format_args!("interrupted; the trials that are done are in {}: the same command goes on", out.display()));
        }
    })?;
    show(&study, arguments, &out.display().to_string())
}

/// Prints the results; in the small form a finding that does not appear is a failure then.
fn show(study: &Study, arguments: &StudyArguments, folder: &str) -> Result<(), Failure> {
    if arguments.json {
        terminal::print_json(study)?;
    } else {
        terminal::print(format_args!("{}study: {folder}\n", study_text(study)))?;
    }
    let missing: Vec<String> = study
        .findings
        .iter()
        .filter(|finding| !finding.found)
        .map(|finding| format!("{} ({}: {})", finding.name, finding.statement, finding.evidence.join("; ")))
        .collect();
    if missing.is_empty() || !study.quick {
        return Ok(());
    }
    Err(Failure::Run(anyhow!("an expected finding did not appear: {}", missing.join("; and "))))
}
