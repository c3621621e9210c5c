//! Whether a model is right as often as it says.

use super::Chart;
use super::axis::Axis;
use super::frame::{Frame, Labels, LegendEntry, Style};
use super::number;
use crate::classification::CalibrationBin;
use crate::statistics::wilson_interval;

/// A reliability diagram: accuracy over confidence in bins, with 95 % intervals (Wilson), beside the diagonal of a calibrated model
/// (DeGroot and Fienberg 1983; Guo et al. 2017).
#[derive(Clone, Debug)]
pub struct ReliabilityDiagram {
    /// Of its file.
    pub name: String,
    /// What it shows.
    pub title: String,
    /// By rising confidence; empty ones are left out.
    pub bins: Vec<CalibrationBin>,
}

impl ReliabilityDiagram {
    /// The chart; `None` where every bin is empty.
    #[must_use]
    pub fn draw(&self) -> Option<Chart> {
        let bins: Vec<&CalibrationBin> = self.bins.iter().filter(|bin| bin.rows > 0).collect();
        let rows: u64 = bins.iter().map(|bin| bin.rows).sum();
        if rows == 0 {
            return None;
        }
        let labels = Labels { title: &self.title, x: "mean confidence of the bin (%)", y: "accuracy (%), with 95 % intervals" };
        let legend: [LegendEntry<'_>; 0] = [];
        let mut frame = Frame::new(&labels, &legend, Axis::linear(0.0, 100.0, 5), Axis::linear(0.0, 100.0, 5));
        let (from, to) = ((frame.x_of(0.0), frame.y_of(0.0)), (frame.x_of(100.0), frame.y_of(100.0)));
        frame.svg.line("guide", from, to);
        for bin in bins {
            let (accuracy, (low, high)) = (bin.right as f64 / bin.rows as f64, wilson_interval(bin.right, bin.rows));
            let x = frame.x_of(100.0 * bin.confidence);
            let (bottom, top) = (frame.y_of(100.0 * low), frame.y_of(100.0 * high));
            frame.svg.line(Style(0).line(), (x, bottom), (x, top));
            let hover = format!(
                "confidence {} to {} %: {} rows ({} % of all), mean confidence {} %, accuracy {} % ({} to {} %)",
                number(100.0 * bin.low),
                number(100.0 * bin.high),
                bin.rows,
                number(100.0 * bin.rows as f64 / rows as f64),
                number(100.0 * bin.confidence),
                number(100.0 * accuracy),
                number(100.0 * low),
                number(100.0 * high),
            );
            // A dot's area grows with the bin's share of the rows, as ECE weighs it.
            let radius = 3.0 + 5.0 * (bin.rows as f64 / rows as f64).sqrt();
            let y = frame.y_of(100.0 * accuracy);
            frame.svg.element(format_args!("circle class=\"dot f0\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius:.1}\""), Some(&hover));
        }
        Some(frame.finish(&self.name, &self.title))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_bins_have_no_dot() {
        let bin = |rows, right| CalibrationBin { low: 0.5, high: 0.75, rows, right, confidence: 0.6 };
        let diagram = |bins| ReliabilityDiagram { name: "n".into(), title: "t".into(), bins };
        let svg = diagram(vec![bin(4, 3), bin(0, 0)]).draw().unwrap().to_html();
        assert_eq!(svg.matches("<circle").count(), 1);
        assert!(
            svg.contains("confidence 50 to 75 %: 4 rows (100 % of all), mean confidence 60 %, accuracy 75 % (30.06 to 95.44 %)"),
            "{svg}"
        );
        assert!(diagram(vec![bin(0, 0)]).draw().is_none());
    }
}
