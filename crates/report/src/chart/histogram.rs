//! How many of something lie where.

use super::Chart;
use super::axis::Axis;
use super::frame::{Frame, Labels, LegendEntry, Style};
use super::number;
use super::svg::path;

/// Shares of one or more sets of values in common bins, as outlines over one another.
#[derive(Clone, Debug)]
pub struct Histogram {
    /// Of its file.
    pub name: String,
    /// What it shows.
    pub title: String,
    /// What is counted, with its unit.
    pub x_label: String,
    /// What the counts are shares of, such as `weights`.
    pub counted: String,
    /// The edges of the bins, rising; one more than there are bins.
    pub edges: Vec<f64>,
    /// The sets.
    pub series: Vec<HistogramSeries>,
}

/// One set of values.
#[derive(Clone, Debug)]
pub struct HistogramSeries {
    /// In the legend.
    pub name: String,
    /// Its colour.
    pub style: usize,
    /// How many values are in each bin.
    pub counts: Vec<u64>,
}

impl Histogram {
    /// `bins` equally wide bins over all finite values, and the counts of each set; `None` without a finite value.
    #[must_use]
    pub fn count(sets: &[&[f32]], bins: usize) -> Option<(Vec<f64>, Vec<Vec<u64>>)> {
        let finite = || sets.iter().flat_map(|set| set.iter()).copied().filter(|value| value.is_finite()).map(f64::from);
        let (low, high) = finite().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        if low > high || bins == 0 {
            return None;
        }
        // Equal values, such as zeros, get a bin around them.
        let (low, high) = if high > low { (low, high) } else { (low - 0.5, high + 0.5) };
        let edges: Vec<f64> = (0..=bins).map(|edge| low + (high - low) * edge as f64 / bins as f64).collect();
        let bin = |value: f64| (((value - low) / (high - low) * bins as f64) as usize).min(bins - 1);
        let counts = sets.iter().map(|set| {
            let mut counts = vec![0; bins];
            set.iter().filter(|value| value.is_finite()).for_each(|value| counts[bin(f64::from(*value))] += 1);
            counts
        });
        Some((edges, counts.collect()))
    }

    /// The chart; `None` where nothing was counted.
    #[must_use]
    pub fn draw(&self) -> Option<Chart> {
        let (first, last) = (*self.edges.first()?, *self.edges.last()?);
        let shares: Vec<Vec<f64>> = self.series.iter().map(|series| shares(&series.counts)).collect();
        let highest = shares.iter().flatten().copied().fold(0.0, f64::max);
        if highest == 0.0 || first >= last {
            return None;
        }
        let y_label = format!("share of the {} (%)", self.counted);
        let legend: Vec<_> = self.series.iter().map(|series| LegendEntry { name: &series.name, style: Style(series.style) }).collect();
        let labels = Labels { title: &self.title, x: &self.x_label, y: &y_label };
        let (x, y) = (Axis::linear(first, last, 5), Axis::linear(0.0, 1.05 * highest, 4));
        let mut frame = Frame::new(&labels, &legend, x, y);
        for (series, shares) in self.series.iter().zip(&shares) {
            self.draw_outline(&mut frame, series, shares);
        }
        self.draw_hovers(&mut frame, &shares);
        Some(frame.finish(&self.name, &self.title))
    }

    fn draw_outline(&self, frame: &mut Frame, series: &HistogramSeries, shares: &[f64]) {
        let steps = self.edges.windows(2).zip(shares).flat_map(|(edges, share)| [(edges[0], *share), (edges[1], *share)]);
        let points = steps.map(|(x, y)| (frame.x_of(x), frame.y_of(y)));
        let ends = [self.edges[0], self.edges[self.edges.len() - 1]].map(|x| (frame.x_of(x), frame.bottom));
        let outline = path([ends[0]].into_iter().chain(points).chain([ends[1]]));
        let style = Style(series.style);
        frame.svg.element(format_args!("path class=\"area f{}\" d=\"{outline}Z\"", style.colour()), None);
        frame.svg.element(format_args!("path class=\"{}\" d=\"{outline}\"", style.line()), None);
    }

    fn draw_hovers(&self, frame: &mut Frame, shares: &[Vec<f64>]) {
        for (bin, edges) in self.edges.windows(2).enumerate() {
            let told = self
                .series
                .iter()
                .zip(shares)
                .map(|(series, shares)| format!("{}: {} ({} %)", series.name, series.counts[bin], number(shares[bin])));
            let hover = format!("{} to {}: {}", number(edges[0]), number(edges[1]), told.collect::<Vec<_>>().join(", "));
            let (x, right, top) = (frame.x_of(edges[0]), frame.x_of(edges[1]), frame.top);
            let height = frame.bottom - top;
            let bar = format!("rect class=\"bin f0\" x=\"{x:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{height:.1}\"", right - x);
            frame.svg.element(bar, Some(&hover));
        }
    }
}

/// In percent of all.
fn shares(counts: &[u64]) -> Vec<f64> {
    let all = counts.iter().sum::<u64>().max(1) as f64;
    counts.iter().map(|count| 100.0 * *count as f64 / all).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_finite_value_is_in_one_bin_and_the_last_edge_in_the_last() {
        let (edges, counts) = Histogram::count(&[&[0.0, 0.5, 1.0, f32::NAN], &[1.0]], 2).unwrap();
        assert_eq!((edges, counts), (vec![0.0, 0.5, 1.0], vec![vec![1, 2], vec![0, 1]]));
        assert!(Histogram::count(&[&[f32::NAN]], 2).is_none());
        let (edges, counts) = Histogram::count(&[&[0.0; 3]], 2).unwrap();
        assert_eq!((edges, counts), (vec![-0.5, 0.0, 0.5], vec![vec![0, 3]]));
    }

    #[test]
    fn a_bin_tells_both_sets_and_nothing_counted_is_no_chart() {
        let series = |name: &str, counts| HistogramSeries { name: name.into(), style: 0, counts };
        let histogram = |counts: Vec<u64>| Histogram {
            name: "w".into(),
            title: "t".into(),
            x_label: "weight".into(),
            counted: "weights".into(),
            edges: vec![-1.0, 0.0, 1.0],
            series: vec![series("before", counts), series("after", vec![0, 0])],
        };
        let svg = histogram(vec![1, 3]).draw().unwrap().to_html();
        assert!(svg.contains("<title>0 to 1: before: 3 (75 %), after: 0 (0 %)</title>"), "{svg}");
        assert!(histogram(vec![0, 0]).draw().is_none());
    }
}
