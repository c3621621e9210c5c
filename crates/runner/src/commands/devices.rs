//! `relumine devices`.

use crate::cli::DevicesArguments;
use crate::device::{self, Unavailable};
use crate::environment::{cores, cpu_name, simd};
use crate::failure::Failure;
use crate::terminal;
use candle_core::Device;
use relumine_report::{Align, Table};
use serde::Serialize;

/// A line of the list.
#[derive(Debug, Serialize)]
struct Line {
    device: String,
    available: bool,
    /// What it is, or why it is not there.
    detail: String,
    /// What to do where it is not there.
    remedy: Option<String>,
}

/// Lists what can be trained on here, and why the rest cannot be.
pub(super) fn run(arguments: &DevicesArguments) -> Result<(), Failure> {
    let mut lines = vec![Line {
        device: "cpu".into(),
        available: true,
        detail: format!("{}, {} cores, {}", cpu_name(), cores(), simd().join(" ")),
        remedy: None,
    }];
    lines.extend(backend("cuda", device::cuda));
    lines.extend(backend("metal", device::metal));
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

/// A backend's devices in order, or the reason that there is none.
fn backend(kind: &str, open: fn(usize) -> Result<Device, Unavailable>) -> Vec<Line> {
    let mut lines = Vec::new();
    for number in 0.. {
        match open(number) {
            Ok(_) => lines.push(Line { device: format!("{kind}:{number}"), available: true, detail: "ready".into(), remedy: None }),
            Err(Unavailable { reason, remedy }) if number == 0 => {
                lines.push(Line { device: kind.into(), available: false, detail: reason, remedy: Some(remedy) });
                break;
            }
            Err(_) => break,
        }
    }
    lines
}
