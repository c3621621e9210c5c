//! A run on the terminal: as much as there is room for.

use super::plain;
use super::watched::Watched;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style, Stylize};
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis, Block, Chart, Dataset, Gauge, GraphType, Paragraph};
use relumine_report::chart::number;
use relumine_report::{EpochRecord, LayerProbe, ProbeRecord};

const TRAIN: Color = Color::Cyan;
const VALIDATION: Color = Color::Yellow;
/// Rows and columns under which charts would be a blur.
const LEAST_CHART: (u16, u16) = (8, 34);

/// Draws everything.
pub(super) fn draw(frame: &mut Frame<'_>, watched: &Watched) {
    let layers = watched.probe.as_ref().map_or(0, |probe| probe.layers.len() as u16 + 2);
    let area = frame.area();
    // Where there is no room for the layers, the charts go first.
    let layer_height = if area.height >= 5 + LEAST_CHART.0 + layers { layers } else { 0 };
    let rows = [Constraint::Length(4), Constraint::Min(0), Constraint::Length(layer_height), Constraint::Length(1)];
    let [head, charts, bottom, foot] = Layout::vertical(rows).areas(area);
    draw_head(frame, head, watched);
    draw_charts(frame, charts, watched);
    if let Some(probe) = watched.probe.as_ref().filter(|_| layer_height > 0) {
        draw_layers(frame, bottom, probe);
    }
    frame.render_widget(Line::from("q quits").dim(), foot);
}

fn draw_head(frame: &mut Frame<'_>, area: Rect, watched: &Watched) {
    let rows = [Constraint::Length(1); 4];
    let [name, bar, state, last] = Layout::vertical(rows).areas(area);
    frame.render_widget(Line::from(plain::heading(watched)).bold(), name);
    let done = watched.epochs.last().map_or(0, |record| record.epoch);
    let planned = watched.planned_epochs.unwrap_or(done).max(1);
    let gauge = Gauge::default().gauge_style(Style::new().fg(TRAIN)).ratio((done as f64 / planned as f64).clamp(0.0, 1.0));
    frame.render_widget(gauge.label(format!("epoch {done} of {planned}")), bar);
    frame.render_widget(Line::from(plain::state(watched)), state);
    let best = watched.best().and_then(|best| Some((best.epoch, best.validation?.accuracy)));
    let best = best.map_or_else(String::new, |(epoch, accuracy)| format!("best epoch {epoch} ({:.2} %)  ", 100.0 * accuracy));
    let pace = watched.epochs.last().map_or_else(String::new, |record| format!("{:.0} rows/s", record.samples_per_second));
    let legend = [Span::from("train ").fg(TRAIN), Span::from("validation ").fg(VALIDATION), Span::from(format!(" {best}{pace}"))];
    frame.render_widget(Line::from(legend.to_vec()), last);
}

fn draw_charts(frame: &mut Frame<'_>, area: Rect, watched: &Watched) {
    if watched.epochs.is_empty() || area.height < LEAST_CHART.0 || area.width < LEAST_CHART.1 {
        let words =
            if watched.epochs.is_empty() { "waiting for the end of the first epoch" } else { "make the terminal larger to see charts" };
        frame.render_widget(Paragraph::new(words).dim(), area);
        return;
    }
    let loss = |frame: &mut Frame<'_>, area| {
        draw_chart(frame, area, watched, "loss (nats)", |record| record.train.loss, |record| Some(record.validation?.loss));
    };
    let accuracy = |frame: &mut Frame<'_>, area| {
        let validation = |record: &EpochRecord| Some(100.0 * record.validation?.accuracy);
        draw_chart(frame, area, watched, "accuracy (%)", |record| 100.0 * record.train.accuracy, validation);
    };
    if area.width >= 2 * LEAST_CHART.1 {
        let [left, right] = Layout::horizontal([Constraint::Fill(1); 2]).areas(area);
        loss(frame, left);
        accuracy(frame, right);
    } else if area.height >= 2 * LEAST_CHART.0 {
        let [top, bottom] = Layout::vertical([Constraint::Fill(1); 2]).areas(area);
        loss(frame, top);
        accuracy(frame, bottom);
    } else {
        loss(frame, area);
    }
}

fn draw_chart(
    frame: &mut Frame<'_>,
    area: Rect,
    watched: &Watched,
    title: &'static str,
    train: impl Fn(&EpochRecord) -> f64,
    validation: impl Fn(&EpochRecord) -> Option<f64>,
) {
    let points = |value: &dyn Fn(&EpochRecord) -> Option<f64>| {
        let finite = |record: &EpochRecord| value(record).filter(|value| value.is_finite()).map(|value| (record.epoch as f64, value));
        watched.epochs.iter().filter_map(finite).collect::<Vec<_>>()
    };
    let (train, validation) = (points(&|record| Some(train(record))), points(&validation));
    let values = || train.iter().chain(&validation).map(|point| point.1);
    let (low, high) = values().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    let block = Block::bordered().title(title);
    if low > high {
        frame.render_widget(Paragraph::new("not finite").block(block), area);
        return;
    }
    let (low, high) = if high > low { (low, high) } else { (low - 0.5, high + 0.5) };
    let last = watched.epochs.last().map_or(1.0, |record| record.epoch as f64).max(2.0);
    let dataset =
        |points, colour| Dataset::default().marker(Marker::Braille).graph_type(GraphType::Line).style(Style::new().fg(colour)).data(points);
    let middle = f64::midpoint(low, high);
    let x = Axis::default().bounds([1.0, last]).labels(["1".to_owned(), format!("epoch {last}")]);
    let y = Axis::default().bounds([low, high]).labels([number(low), number(middle), number(high)]);
    let chart = Chart::new(vec![dataset(&train, TRAIN), dataset(&validation, VALIDATION)]);
    frame.render_widget(chart.block(block).x_axis(x).y_axis(y).legend_position(None), area);
}

/// A bar per layer: the norms of dL/dz, on a logarithmic scale from the smallest to the largest.
fn draw_layers(frame: &mut Frame<'_>, area: Rect, probe: &ProbeRecord) {
    let block = Block::bordered().title(format!("gradient norm by layer (dL/dz) at step {}", probe.step));
    let norm = |layer: &LayerProbe| layer.gradients.norm;
    let norms = || probe.layers.iter().map(norm).filter(|norm| norm.is_finite() && *norm > 0.0);
    let (low, high) = norms().fold((f64::INFINITY, 0.0_f64), |(low, high), norm| (low.min(norm), high.max(norm)));
    let room = f64::from(area.width.saturating_sub(34));
    let line = |(place, layer): (usize, &LayerProbe)| {
        let (norm, span) = (norm(layer), (high / low).ln());
        let share = if norm > 0.0 && span > 0.0 { 0.1 + 0.9 * (norm / low).ln() / span } else { f64::from(u8::from(norm > 0.0)) };
        let bar = "█".repeat((room * share.clamp(0.0, 1.0)).round() as usize);
        let dead = layer.dead.map_or_else(String::new, |dead| format!(" {:.0} % dead", 100.0 * dead));
        Line::from(vec![Span::from(format!("layer {place:<3}")), Span::from(bar).fg(TRAIN), Span::from(format!(" {}{dead}", number(norm)))])
    };
    let lines: Vec<Line<'_>> = probe.layers.iter().enumerate().map(line).collect();
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

#[cfg(test)]
mod tests;
