//! What charts of two axes have in common: title, legend, axes with their units, grid.

use super::axis::Axis;
use super::svg::{Anchor, Svg};
use super::text::{fit, width};
use super::{COLOURS, Chart, number};

/// Of every chart: as wide as a phone, so that its text is as large there as anywhere.
pub(super) const WIDTH: f64 = 420.0;
pub(super) const RIGHT: f64 = 14.0;
/// Sizes of text, as the style sheet has them.
pub(super) const TEXT: f64 = 12.0;
pub(super) const SMALL: f64 = 11.0;
/// Bold text is about a tenth wider.
const TITLE: f64 = 13.0 * 1.1;
const PLOT_HEIGHT: f64 = 180.0;
const LINE: f64 = 17.0;

/// What a line of the legend tells apart.
pub(super) struct LegendEntry<'a> {
    pub(super) name: &'a str,
    pub(super) style: Style,
}

/// Colour and dashes of a series: those of one number are the same in every chart of a report.
#[derive(Clone, Copy)]
pub(super) struct Style(pub(super) usize);

impl Style {
    pub(super) fn line(self) -> String {
        let dashes = ["", " d1", " d2"][self.0 / COLOURS % 3];
        format!("line l{}{dashes}", self.colour())
    }

    pub(super) fn colour(self) -> usize {
        self.0 % COLOURS
    }
}

/// A chart that is being drawn.
pub(super) struct Frame {
    pub(super) svg: Svg,
    x: Axis,
    y: Axis,
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
}

/// What stands beside the axes.
pub(super) struct Labels<'a> {
    pub(super) title: &'a str,
    pub(super) x: &'a str,
    pub(super) y: &'a str,
}

impl Frame {
    /// Draws everything but the data.
    pub(super) fn new(labels: &Labels<'_>, legend: &[LegendEntry<'_>], x: Axis, y: Axis) -> Self {
        let mut svg = Svg::default();
        svg.text("title", Anchor::Start, (4.0, 16.0), &fit(labels.title, TITLE, WIDTH - 8.0));
        let mut base = 16.0;
        if legend.len() > 1 {
            base = draw_legend(&mut svg, legend, base);
        }
        base += LINE;
        svg.text("soft", Anchor::Start, (4.0, base), &fit(labels.y, TEXT, WIDTH - 8.0));
        let top = base + 13.0;
        let bottom = top + PLOT_HEIGHT;
        let widest = y.ticks.iter().map(|tick| width(&y.label(*tick), TEXT)).fold(0.0, f64::max);
        let mut frame = Self { svg, x, y, left: widest + 14.0, top, bottom };
        frame.draw_axes(labels.x);
        frame
    }

    fn draw_axes(&mut self, x_label: &str) {
        for tick in self.y.ticks.clone() {
            let y = self.y_of(tick);
            self.svg.line("grid", (self.left, y), (WIDTH - RIGHT, y));
            self.svg.text("soft", Anchor::End, (self.left - 6.0, y + 4.0), &self.y.label(tick));
        }
        self.svg.line("axis", (self.left, self.bottom), (WIDTH - RIGHT, self.bottom));
        let mut free_from = f64::NEG_INFINITY;
        for tick in self.x.ticks.clone() {
            let (x, label) = (self.x_of(tick), self.x.label(tick));
            let half = width(&label, TEXT) / 2.0;
            self.svg.line("axis", (x, self.bottom), (x, self.bottom + 4.0));
            // A label keeps within the chart, and off the one before it.
            let at = x.min(WIDTH - 2.0 - half);
            if at - half >= free_from {
                self.svg.text("soft", Anchor::Middle, (at, self.bottom + LINE), &label);
                free_from = at + half + 5.0;
            }
        }
        let middle = f64::midpoint(self.left, WIDTH - RIGHT);
        self.svg.text("soft", Anchor::Middle, (middle, self.bottom + 2.0 * LINE), &fit(x_label, TEXT, WIDTH - self.left - RIGHT));
    }

    pub(super) fn x_of(&self, value: f64) -> f64 {
        self.left + self.x.share(value) * (WIDTH - RIGHT - self.left)
    }

    pub(super) fn y_of(&self, value: f64) -> f64 {
        self.bottom - self.y.share(value) * (self.bottom - self.top)
    }

    pub(super) fn finish(self, name: &str, title: &str) -> Chart {
        let height = self.bottom + 2.0 * LINE + 8.0;
        Chart { name: name.to_owned(), title: title.to_owned(), width: WIDTH, height, body: self.svg.into_body() }
    }
}

/// Draws the legend in as many rows as it takes, and returns the baseline of the last.
fn draw_legend(svg: &mut Svg, legend: &[LegendEntry<'_>], base: f64) -> f64 {
    const MARK: f64 = 18.0;
    const GAP: f64 = 14.0;
    let (mut x, mut base) = (4.0, base + LINE + 2.0);
    for entry in legend {
        let name = fit(entry.name, TEXT, WIDTH - 8.0 - MARK - 5.0);
        let needed = MARK + 5.0 + width(&name, TEXT);
        if x > 4.0 && x + needed > WIDTH - 4.0 {
            (x, base) = (4.0, base + LINE);
        }
        svg.line(entry.style.line(), (x, base - 4.0), (x + MARK, base - 4.0));
        svg.text("", Anchor::Start, (x + MARK + 5.0, base), &name);
        x += needed + GAP;
    }
    base
}

/// A value with its unit: `%` stands after the number, as other units do in the label of the axis.
pub(super) fn with_unit(value: f64, y_label: &str) -> String {
    if y_label.ends_with("(%)") { format!("{} %", number(value)) } else { number(value) }
}
