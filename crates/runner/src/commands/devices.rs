//! `relumine devices`.

use crate::cli::DevicesArguments;
use crate::device::{self, NvidiaDriver, Unavailable};
use crate::environment::{cores, cpu_name, memory_bytes, simd};
use crate::failure::Failure;
use crate::terminal;
use candle_core::Device;
use relumine_report::{Align, Table};
use serde::Serialize;

/// A line of the list.
#[derive(Debug, Default, Serialize)]
struct Line {
    device: String,
    available: bool,
    /// What it is, or why it is not there.
    detail: String,
    /// What to do where it is not there.
    remedy: Option<String>,
    /// What the hardware is called.
    name: Option<String>,
    /// Logical cores that this process may use; of the CPU.
    cores: Option<usize>,
    /// The vector instructions that matter to matrix products; of the CPU.
    simd: Option<Vec<&'static str>>,
    /// Of a CUDA device, such as `9.0`.
    compute_capability: Option<String>,
    /// All its memory, in MiB.
    memory_mb: Option<u64>,
    /// The memory that nobody holds, in MiB; of a CUDA device.
    free_memory_mb: Option<u64>,
    /// The version of NVIDIA's driver.
    driver: Option<String>,
}

/// Lists what can be trained on here, and why the rest cannot be.
pub(super) fn run(arguments: &DevicesArguments) -> Result<(), Failure> {
    let mut lines = vec![cpu()];
    lines.extend(cuda());
    lines.extend(metal());
    if arguments.json {
        let text = serde_json::to_string_pretty(&lines).map_err(anyhow::Error::new)?;
        return terminal::print(text + "\n");
    }
    let mut table = Table::new(&[("device", Align::Left), ("available", Align::Left), ("", Align::Left)]);
    for line in lines {
        let detail = line.remedy.map_or_else(|| line.detail.clone(), |remedy| format!("{}; {remedy}", line.detail));
        table.row([line.device, if line.available { "yes" } else { "no" }.to_owned(), detail]);
    }
    terminal::print(table)
}

fn cpu() -> Line {
    let (name, cores, simd) = (cpu_name(), cores(), simd());
    Line {
        device: "cpu".into(),
        available: true,
        detail: format!("{name}, {cores} cores, {}", simd.join(" ")),
        name: Some(name),
        cores: Some(cores),
        simd: Some(simd),
        memory_mb: memory_bytes().map(|bytes| bytes >> 20),
        ..Line::default()
    }
}

/// Each CUDA device that the driver shows, one that cannot be used among them, or the reason that there is none.
fn cuda() -> Vec<Line> {
    let driver = NvidiaDriver::find().map(|driver| driver.version);
    let count = device::cuda_count();
    (0..count.max(1))
        .map(|number| match device::cuda(number) {
            Ok(device) => cuda_line(number, &device, driver.clone()),
            Err(unavailable) => {
                let name = if count == 0 { "cuda".to_owned() } else { format!("cuda:{number}") };
                Line { driver: driver.clone(), ..unavailable_line(name, unavailable) }
            }
        })
        .collect()
}

fn cuda_line(number: usize, device: &Device, driver: Option<String>) -> Line {
    let mut line = Line { device: format!("cuda:{number}"), available: true, detail: "ready".into(), driver, ..Line::default() };
    if let Some(details) = device::cuda_details(device) {
        line.detail = format!(
            "{}, compute capability {}, {} of {} MiB free, driver {}",
            details.name,
            details.compute_capability,
            details.free_memory_mb,
            details.memory_mb,
            line.driver.as_deref().unwrap_or("unknown")
        );
        line.name = Some(details.name);
        line.compute_capability = Some(details.compute_capability);
        line.memory_mb = Some(details.memory_mb);
        line.free_memory_mb = Some(details.free_memory_mb);
    }
    line
}

/// The Metal devices in order, or the reason that there is none.
fn metal() -> Vec<Line> {
    let mut lines = Vec::new();
    for number in 0.. {
        match device::metal(number) {
            Ok(_) => lines.push(Line { device: format!("metal:{number}"), available: true, detail: "ready".into(), ..Line::default() }),
            Err(unavailable) if number == 0 => {
                lines.push(unavailable_line("metal".into(), unavailable));
                break;
            }
            Err(_) => break,
        }
    }
    lines
}

fn unavailable_line(device: String, Unavailable { reason, remedy }: Unavailable) -> Line {
    Line { device, detail: reason, remedy: Some(remedy), ..Line::default() }
}
