//! A run as plain text.

use super::watched::Watched;
use relumine_report::chart::number;
use relumine_report::{Align, EpochRecord, ProbeRecord, Score, Table};
use std::time::Duration;

/// Epochs that are shown of how a run stands now.
const LATEST: usize = 10;

/// How the run stands now.
pub(super) fn now(watched: &Watched) -> String {
    let mut lines = vec![heading(watched)];
    let first = watched.epochs.len().saturating_sub(LATEST);
    if first > 0 {
        lines.push(format!("({first} earlier epochs)"));
    }
    lines.extend(watched.epochs[first..].iter().map(|record| epoch_line(record, watched.planned_epochs)));
    lines.push(state(watched));
    let layers = watched.probe.as_ref().map_or_else(String::new, |probe| format!("\n{}", layer_table(probe)));
    format!("{}\n{layers}", lines.join("\n"))
}

pub(super) fn heading(watched: &Watched) -> String {
    let epochs = watched.planned_epochs.map_or_else(String::new, |epochs| format!(", {epochs} epochs planned"));
    format!("{}{epochs}", watched.name())
}

pub(super) fn epoch_line(record: &EpochRecord, planned: Option<u64>) -> String {
    let score = |Score { loss, accuracy }: Score| format!("loss {loss:.4} accuracy {:.2} %", 100.0 * accuracy);
    let validation = record.validation.map_or_else(String::new, |validation| format!(" | validation {}", score(validation)));
    let of = planned.map_or_else(String::new, |planned| format!("/{planned}"));
    let best = if record.best { " *" } else { "" };
    format!("epoch {:>3}{of} | train {}{validation} | {:.2} s{best}", record.epoch, score(record.train), record.seconds)
}

/// Whether it runs, and how far it has come.
pub(super) fn state(watched: &Watched) -> String {
    let done = match (watched.epochs.last(), watched.planned_epochs) {
        (None, _) => "no epoch has ended yet".to_owned(),
        (Some(last), Some(planned)) => format!("epoch {} of {planned}", last.epoch),
        (Some(last), None) => format!("epoch {}", last.epoch),
    };
    if let Some(summary) = &watched.summary {
        let test = summary.test.map_or_else(String::new, |test| format!(", test accuracy {:.2} %", 100.0 * test.accuracy));
        return format!("{}: {done}{test}", summary.status);
    }
    if !watched.is_running() {
        return format!("stopped before its end: {done}; go on with relumine train --resume {}", watched.name());
    }
    let left = watched.time_left().map_or_else(String::new, |left| format!(", about {} of training left", duration(left)));
    format!("running: {done}{left}")
}

/// A row per layer.
pub(super) fn layer_table(probe: &ProbeRecord) -> Table {
    let mut table = Table::new(&[
        (&format!("layers at step {}", probe.step), Align::Left),
        ("gradient norm (dL/dz)", Align::Right),
        ("output sd", Align::Right),
        ("dead", Align::Right),
        ("saturated", Align::Right),
        ("update / weight", Align::Right),
    ]);
    let share = |share: Option<f64>| share.map_or_else(|| "-".into(), |share| format!("{:.1} %", 100.0 * share));
    for layer in &probe.layers {
        table.row([
            format!("{} {}", layer.layer, layer.activation),
            number(layer.gradients.norm),
            number(layer.activations.standard_deviation),
            share(layer.dead),
            share(layer.saturated),
            layer.update_ratio.map_or_else(|| "-".into(), number),
        ]);
    }
    table
}

/// The two largest units.
pub(super) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_two_units_at_most() {
        let told = [5, 65, 3600, 90_061].map(|seconds| duration(Duration::from_secs(seconds)));
        assert_eq!(told, ["5 s", "1 min 5 s", "1 h 0 min", "25 h 1 min"]);
    }
}
