//! Line charts as SVG text.

use std::fmt::Write;

/// One line of a chart: points in data coordinates.
pub(crate) struct Line<'a> {
    pub(crate) name: &'a str,
    /// A class of the page's style sheet, which gives the colour.
    pub(crate) class: &'a str,
    pub(crate) points: Vec<(f64, f64)>,
}

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 58.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 28.0;
const BOTTOM: f64 = 42.0;

/// A chart of `lines` over epochs, with labelled axes, a legend, and values to hover over. Points that are not finite are left out.
pub(crate) fn line_chart(title: &str, y_label: &str, lines: &[Line<'_>]) -> String {
    let finite: Vec<(f64, f64)> = lines.iter().flat_map(|line| &line.points).copied().filter(|(_, y)| y.is_finite()).collect();
    let Some((x_range, y_range)) = ranges(&finite) else { return String::new() };
    let x_of = |x: f64| LEFT + (x - x_range.0) / (x_range.1 - x_range.0) * (WIDTH - LEFT - RIGHT);
    let y_of = |y: f64| HEIGHT - BOTTOM - (y - y_range.0) / (y_range.1 - y_range.0) * (HEIGHT - TOP - BOTTOM);
    let mut svg = format!("<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{title}\">\n");
    // Writing to a String cannot fail.
    let _ = writeln!(svg, "<text class=\"title\" x=\"{LEFT}\" y=\"16\">{title}</text>");
    for tick in ticks(y_range) {
        let y = y_of(tick);
        let _ = writeln!(svg, "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>", WIDTH - RIGHT);
        let _ = writeln!(svg, "<text class=\"tick\" x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>", LEFT - 6.0, y + 4.0, number(tick));
    }
    for tick in ticks(x_range).into_iter().filter(|tick| tick.fract() == 0.0) {
        let (x, y) = (x_of(tick), HEIGHT - BOTTOM + 16.0);
        let _ = writeln!(svg, "<text class=\"tick\" x=\"{x:.1}\" y=\"{y}\" text-anchor=\"middle\">{tick}</text>");
    }
    let (middle, low) = ((LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 8.0);
    let _ = writeln!(svg, "<text class=\"tick\" x=\"{middle}\" y=\"{low}\" text-anchor=\"middle\">epoch</text>");
    let upright = (TOP + HEIGHT - BOTTOM) / 2.0;
    let turn = format!("rotate(-90 12 {upright})");
    let _ = writeln!(svg, "<text class=\"tick\" x=\"12\" y=\"{upright}\" text-anchor=\"middle\" transform=\"{turn}\">{y_label}</text>");
    for (position, line) in lines.iter().enumerate() {
        let points: Vec<_> = line.points.iter().filter(|(_, y)| y.is_finite()).collect();
        let path: Vec<String> = points.iter().map(|(x, y)| format!("{:.1},{:.1}", x_of(*x), y_of(*y))).collect();
        let _ = writeln!(svg, "<polyline class=\"line {}\" points=\"{}\"/>", line.class, path.join(" "));
        for (x, y) in points {
            let hover = format!("{}, epoch {x}: {}", line.name, number(*y));
            let (class, x, y) = (line.class, x_of(*x), y_of(*y));
            let _ = writeln!(svg, "<circle class=\"dot {class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\"><title>{hover}</title></circle>");
        }
        let x = WIDTH - RIGHT - 96.0 * (lines.len() - position) as f64;
        let _ = writeln!(svg, "<line class=\"line {}\" x1=\"{x}\" x2=\"{}\" y1=\"12\" y2=\"12\"/>", line.class, x + 18.0);
        let _ = writeln!(svg, "<text class=\"tick\" x=\"{}\" y=\"16\">{}</text>", x + 24.0, line.name);
    }
    svg + "</svg>\n"
}

type Range = (f64, f64);

/// The extent of the points, a little wider in y; never empty.
fn ranges(points: &[(f64, f64)]) -> Option<(Range, Range)> {
    let extent = |values: &mut dyn Iterator<Item = f64>| {
        values.fold(None, |range: Option<Range>, value| Some(range.map_or((value, value), |(low, high)| (low.min(value), high.max(value)))))
    };
    let (x_low, x_high) = extent(&mut points.iter().map(|point| point.0))?;
    let (y_low, y_high) = extent(&mut points.iter().map(|point| point.1))?;
    let margin = if y_high > y_low { 0.05 * (y_high - y_low) } else { 0.05 * y_high.abs().max(1e-3) };
    let x_high = if x_high > x_low { x_high } else { x_low + 1.0 };
    Some(((x_low, x_high), (y_low - margin, y_high + margin)))
}

/// Four to eight round numbers within a range.
fn ticks((low, high): Range) -> Vec<f64> {
    let rough = (high - low) / 5.0;
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|factor| factor * power).find(|step| *step >= rough).unwrap_or(rough);
    let first = (low / step).ceil() as i64;
    (first..).map(|index| index as f64 * step).take_while(|tick| *tick <= high + 1e-9 * step).collect()
}

/// Four significant digits at the most, without trailing zeros.
fn number(value: f64) -> String {
    let text = if value != 0.0 && value.abs() < 1e-3 { format!("{value:.2e}") } else { format!("{value:.4}") };
    if text.contains(['e', 'E']) { text } else { text.trim_end_matches('0').trim_end_matches('.').to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        assert_eq!(ticks((0.0, 1.0)), [0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0]);
        assert_eq!(ticks((1.0, 20.0)), [5.0, 10.0, 15.0, 20.0]);
    }

    #[test]
    fn a_chart_has_a_dot_for_each_finite_point_and_survives_one_point_or_none() {
        let chart = |points| line_chart("t", "y", &[Line { name: "a", class: "train", points }]);
        assert_eq!(chart(vec![(1.0, 0.5), (2.0, f64::NAN), (3.0, 0.2)]).matches("<circle").count(), 2);
        assert_eq!(chart(vec![(1.0, 0.5)]).matches("<circle").count(), 1);
        assert_eq!(chart(vec![]), "");
    }
}
