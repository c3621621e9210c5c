//! Lines over epochs, steps or layers, with bands over seeds.

use super::Chart;
use super::axis::Axis;
use super::frame::{Frame, Labels, LegendEntry, Style, with_unit};
use super::svg::path;

/// How numbers become lengths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Equal differences are equally long.
    Linear,
    /// Equal ratios are equally long; numbers that are not over 0 are left out.
    Log,
}

/// Lines over something that is counted.
#[derive(Clone, Debug)]
pub struct LineChart {
    /// Of its file.
    pub name: String,
    /// What it shows.
    pub title: String,
    /// What is counted, such as `epoch`.
    pub x_label: String,
    /// What is measured, with its unit, such as `loss (nats)`.
    pub y_label: String,
    /// Of the measured numbers.
    pub scale: Scale,
    /// In the order of the legend.
    pub series: Vec<Series>,
}

/// One line.
#[derive(Clone, Debug)]
pub struct Series {
    /// In the legend.
    pub name: String,
    /// Its colour and dashes: the same number looks the same in every chart.
    pub style: usize,
    /// By rising `x`.
    pub points: Vec<Point>,
}

/// One measurement, or the mean of several.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// What is counted.
    pub x: f64,
    /// What was measured; one that is not finite breaks the line.
    pub y: f64,
    /// Where several were measured: the lowest and the highest of them.
    pub range: Option<(f64, f64)>,
}

/// Points that can be hovered over, in one line; more could not be told apart.
const MOST_DOTS: usize = 120;
/// Buckets of a line with more points: of each its lowest and its highest are drawn, which looks the same.
const BUCKETS: usize = 400;

impl LineChart {
    /// The chart; `None` where there is no number to show.
    #[must_use]
    pub fn draw(&self) -> Option<Chart> {
        let shown = |value: f64| value.is_finite() && (self.scale == Scale::Linear || value > 0.0);
        let points = || self.series.iter().flat_map(|series| &series.points).filter(|point| shown(point.y) && point.x.is_finite());
        let values = points().flat_map(|point| [Some(point.y), point.range.map(|range| range.0), point.range.map(|range| range.1)]);
        let y = Axis::of(values.flatten().filter(|value| shown(*value)), self.scale, 5)?;
        let (low, high) = points().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), point| (low.min(point.x), high.max(point.x)));
        let legend: Vec<_> = self.series.iter().map(|series| LegendEntry { name: &series.name, style: Style(series.style) }).collect();
        let labels = Labels { title: &self.title, x: &self.x_label, y: &self.y_label };
        let mut frame = Frame::new(&labels, &legend, Axis::whole(low, high, 6), y);
        for series in &self.series {
            let parts: Vec<&[Point]> = series.points.split(|point| !shown(point.y)).filter(|part| !part.is_empty()).collect();
            parts.iter().for_each(|part| self.draw_band(&mut frame, series, part, shown));
        }
        for series in &self.series {
            let parts: Vec<&[Point]> = series.points.split(|point| !shown(point.y)).filter(|part| !part.is_empty()).collect();
            parts.iter().for_each(|part| draw_line(&mut frame, series, part));
            self.draw_dots(&mut frame, series, &parts.concat());
        }
        Some(frame.finish(&self.name, &self.title))
    }

    fn draw_band(&self, frame: &mut Frame, series: &Series, part: &[Point], shown: impl Fn(f64) -> bool) {
        let kept: Vec<Point> = thin(part);
        let edge = |high: bool| {
            let value = move |point: &Point| point.range.map_or(point.y, |(low, top)| if high { top } else { low });
            kept.iter().map(move |point| (point.x, value(point)))
        };
        if part.iter().all(|point| point.range.is_none()) || !edge(false).all(|(_, y)| shown(y)) {
            return;
        }
        let outline = edge(true).chain(edge(false).collect::<Vec<_>>().into_iter().rev());
        let outline = path(outline.map(|(x, y)| (frame.x_of(x), frame.y_of(y))));
        frame.svg.element(format_args!("path class=\"band f{}\" d=\"{outline}Z\"", Style(series.style).colour()), None);
    }

    fn draw_dots(&self, frame: &mut Frame, series: &Series, points: &[Point]) {
        let every = points.len().div_ceil(MOST_DOTS).max(1);
        // A few points are seen, more only when the pointer is near.
        let is_sparse = points.len() <= 12;
        let (kind, radius) = if is_sparse { ("dot", 3.0) } else { ("hit", 5.0) };
        let last = points.len().saturating_sub(1);
        for (place, point) in points.iter().enumerate().filter(|(place, _)| place % every == 0 || *place == last) {
            let range = point.range.map_or_else(String::new, |(low, high)| {
                format!(" ({} to {})", with_unit(low, &self.y_label), with_unit(high, &self.y_label))
            });
            debug_assert!(place <= last);
            let hover = format!("{}, {} {}: {}{range}", series.name, counted(&self.x_label), point.x, with_unit(point.y, &self.y_label));
            let (x, y, colour) = (frame.x_of(point.x), frame.y_of(point.y), Style(series.style).colour());
            let circle = format!("circle class=\"{kind} f{colour}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\"");
            frame.svg.element(circle, Some(&hover));
        }
    }
}

/// `layer (0 is the first)` is about a layer.
fn counted(label: &str) -> &str {
    label.split(" (").next().unwrap_or(label)
}

fn draw_line(frame: &mut Frame, series: &Series, part: &[Point]) {
    let points = path(thin(part).into_iter().map(|point| (frame.x_of(point.x), frame.y_of(point.y))));
    frame.svg.element(format_args!("path class=\"{}\" d=\"{points}\"", Style(series.style).line()), None);
}

/// The points, or of many the lowest and the highest of each bucket.
fn thin(points: &[Point]) -> Vec<Point> {
    if points.len() <= 2 * BUCKETS {
        return points.to_vec();
    }
    let ends = |bucket: &[Point]| {
        let by_height = |one: &Point, other: &Point| one.y.total_cmp(&other.y);
        let (low, high) = (bucket.iter().copied().min_by(by_height), bucket.iter().copied().max_by(by_height));
        let mut ends: Vec<Point> = low.into_iter().chain(high).collect();
        ends.sort_by(|one, other| one.x.total_cmp(&other.x));
        ends
    };
    points.chunks(points.len().div_ceil(BUCKETS)).flat_map(ends).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(scale: Scale, points: Vec<Point>) -> Option<Chart> {
        let series = vec![Series { name: "a".into(), style: 0, points }];
        LineChart { name: "n".into(), title: "t".into(), x_label: "epoch".into(), y_label: "loss".into(), scale, series }.draw()
    }

    fn point(x: f64, y: f64) -> Point {
        Point { x, y, range: None }
    }

    #[test]
    fn a_value_that_is_not_finite_breaks_the_line_and_has_no_dot() {
        let points = vec![point(1.0, 0.5), point(2.0, 0.4), point(3.0, f64::NAN), point(4.0, 0.2)];
        let svg = chart(Scale::Linear, points).unwrap().to_html();
        assert_eq!((svg.matches("<path class=\"line l0\"").count(), svg.matches("<circle").count()), (2, 3));
        assert!(svg.contains("<title>a, epoch 4: 0.2</title>"), "{svg}");
    }

    #[test]
    fn nothing_to_show_is_no_chart() {
        assert!(chart(Scale::Linear, vec![]).is_none());
        assert!(chart(Scale::Linear, vec![point(1.0, f64::INFINITY)]).is_none());
        assert!(chart(Scale::Log, vec![point(1.0, 0.0)]).is_none());
        assert!(chart(Scale::Log, vec![point(1.0, 1e-6)]).is_some());
    }

    #[test]
    fn a_band_tells_its_range() {
        let banded = vec![Point { x: 1.0, y: 2.0, range: Some((1.0, 3.0)) }, Point { x: 2.0, y: 1.0, range: Some((0.5, 1.5)) }];
        let svg = chart(Scale::Linear, banded).unwrap().to_html();
        assert!(svg.contains("class=\"band f0\"") && svg.contains("a, epoch 1: 2 (1 to 3)"), "{svg}");
    }

    #[test]
    fn ten_thousand_epochs_keep_their_peaks_and_stay_small() {
        let mut points: Vec<Point> = (0..10_000).map(|x| point(f64::from(x), 1.0)).collect();
        points[7_777].y = 5.0;
        assert!(thin(&points).iter().any(|point| point.y == 5.0));
        assert!(chart(Scale::Linear, points).unwrap().to_html().len() < 40_000);
    }
}
