//! `relumine gpu-check`: every kernel of a CUDA device beside the CPU, and how fast replicas train side by side.

mod replicas;

use crate::cli::GpuCheckArguments;
use crate::device::DeviceRequest;
use crate::failure::Failure;
use crate::terminal;
use anyhow::{Context, anyhow};
use candle_core::Device;
use relumine_kernels::gpu::{KernelCheck, check_kernels};
use relumine_report::{Align, Table};
use replicas::Throughput;
use serde::Serialize;

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Report {
    device: String,
    kernels: Vec<KernelCheck>,
    /// What the device failed at; null where it did not.
    failed: Option<String>,
    /// Whether steps that are replayed together have the bits of steps one by one; null where a kernel is wrong.
    together_as_one_by_one: Option<bool>,
    /// How many replicas' parameters are not those of single runs up to rounding; null where something before is wrong.
    replicas_that_differ: Option<usize>,
    throughput: Vec<Throughput>,
}

/// Checks first, and times nothing that is wrong.
pub(super) fn run(arguments: &GpuCheckArguments) -> Result<(), Failure> {
    let request: DeviceRequest = arguments.device.parse().map_err(Failure::Usage)?;
    if !matches!(request, DeviceRequest::Cuda(_)) {
        return Err(Failure::usage(anyhow!("gpu-check checks the kernels of a CUDA device: give --device cuda or cuda:N")));
    }
    let chosen = request.open().map_err(Failure::Usage)?;
    let open = |dense_limit| relumine_engine::open_gpu(&chosen.device, dense_limit);
    let gpu = open(None).context("opening the GPU for its kernels").map_err(Failure::Run)?;
    let (kernels, failed) = match check_kernels(gpu.as_ref()) {
        Ok(kernels) => (kernels, None),
        // What was checked before is told too.
        Err(fault) => (fault.checks.clone(), Some(fault.to_string())),
    };
    drop(gpu);
    let mut report =
        Report { device: chosen.name, kernels, failed, together_as_one_by_one: None, replicas_that_differ: None, throughput: Vec::new() };
    if report.failed.is_none() && report.kernels.iter().all(KernelCheck::is_right) {
        let trained = train(&mut report, &open, &chosen.device, &arguments.replicas);
        // What was found before is told too.
        report.failed = trained.err().map(|error| format!("{error:#}"));
    }
    if arguments.json {
        terminal::print_json(&report)?;
    } else {
        terminal::print(text(&report))?;
    }
    judge(&report)
}

/// Trains the seed job's network in several ways, and times them where all come to the same.
fn train(report: &mut Report, open: Open<'_>, place: Place<'_>, counts: &[u16]) -> anyhow::Result<()> {
    /// More than are handed over at a time, twice.
    const STEPS: usize = 80;
    let is_same = replicas::is_one_by_one_the_same(open, place, STEPS)?;
    report.together_as_one_by_one = Some(is_same);
    if !is_same {
        return Ok(());
    }
    let differing = replicas::differing(open, place)?;
    report.replicas_that_differ = Some(differing);
    if differing == 0 {
        report.throughput = replicas::throughput(open, place, counts, replicas::STEPS)?;
    }
    Ok(())
}

fn text(report: &Report) -> String {
    let right = |name| (name, Align::Right);
    let mut table =
        Table::new(&[("kernel", Align::Left), right("checks"), right("values"), right("worst, of its tolerance"), ("", Align::Left)]);
    for checks in report.kernels.chunk_by(|one, next| one.kernel == next.kernel) {
        let values: usize = checks.iter().map(|check| check.values).sum();
        let worst = checks.iter().map(share).fold(0.0, f64::max);
        let worst = if worst.is_finite() { format!("{:.1} %", 100.0 * worst) } else { "beyond".into() };
        let verdict = if checks.iter().all(KernelCheck::is_right) { "right" } else { "WRONG" };
        table.row([checks[0].kernel.to_owned(), checks.len().to_string(), values.to_string(), worst, verdict.to_owned()]);
    }
    let mut text = format!("{}: each kernel on random inputs, beside the CPU\n{table}", report.device);
    if !report.throughput.is_empty() {
        let columns =
            [right("replicas"), ("products by", Align::Left), right("ms a step of all"), right("rows a second"), right("of the first's")];
        let mut table = Table::new(&columns);
        for line in &report.throughput {
            let numbers = [
                line.products.to_owned(),
                format!("{:.3}", line.milliseconds),
                format!("{:.0}", line.rows_per_second),
                format!("{:.2}", line.of_one),
            ];
            table.row([line.replicas.to_string()].into_iter().chain(numbers));
        }
        text += &format!("\nThe seed job's network side by side, in batches of {}\n{table}", replicas::BATCH);
    }
    text
}

/// The difference as a share of what it may be; what must be the same bits, or is no number, is right or beyond.
fn share(check: &KernelCheck) -> f64 {
    match check.is_right() {
        true if check.difference == 0.0 => 0.0,
        false if check.difference.is_nan() => f64::INFINITY,
        _ => check.difference / check.tolerance,
    }
}

fn judge(report: &Report) -> Result<(), Failure> {
    if let Some(failed) = &report.failed {
        return Err(Failure::Run(anyhow!("{failed}: train with --step reference, and report this with the output of --json")));
    }
    let wrong: Vec<&KernelCheck> = report.kernels.iter().filter(|check| !check.is_right()).collect();
    if let Some(first) = wrong.first() {
        let KernelCheck { kernel, case, difference, tolerance, .. } = first;
        let what = format!("{kernel} ({case}) is off by {difference:.1e} of its largest value, where {tolerance:.0e} is allowed");
        return Err(Failure::Run(anyhow!(
            "{} of {} kernel checks failed on {}, the first: {what}; train with --step reference, and report this with the output of --json",
            wrong.len(),
            report.kernels.len(),
            report.device
        )));
    }
    if report.together_as_one_by_one == Some(false) {
        return Err(Failure::Run(anyhow!(
            "steps that are replayed together on {} do not end where steps one by one do; report this with the output of --json",
            report.device
        )));
    }
    match report.replicas_that_differ {
        None | Some(0) => Ok(()),
        Some(differing) => Err(Failure::Run(anyhow!(
            "{differing} replicas on {} do not end where single runs do; report this with the output of --json",
            report.device
        ))),
    }
}

/// Opens the GPU's kernels, with another limit of those for dense layers than its own.
type Open<'a> = &'a dyn Fn(Option<usize>) -> Result<Box<dyn relumine_kernels::gpu::Gpu>, relumine_engine::StepError>;

/// Where examples are put.
type Place<'a> = &'a Device;
