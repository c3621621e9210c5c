//! Charts as SVG, in one visual language: the same sizes, colours, axes and legends on the page, in files and in print.
//!
//! A chart that has nothing to show is `None`: whoever asked for it says why. Numbers that are not finite are never drawn.

mod axis;
mod effect;
mod frame;
mod heat_map;
mod histogram;
mod line;
mod picture;
mod raster;
mod reliability;
mod svg;
mod text;

pub use axis::number;
pub use effect::{Effect, EffectPlot};
pub use heat_map::{Cell, HeatMap};
pub use histogram::{Histogram, HistogramSeries};
pub use line::{LineChart, Point, Scale, Series};
pub use picture::{CaptionedPicture, Picture, PictureGrid};
pub use reliability::ReliabilityDiagram;
pub(crate) use text::escape;

/// The colours by name, light ones first: see [`light`].
pub(crate) const PALETTE: &str = include_str!("palette.css");
/// What charts look like, in terms of the palette.
pub(crate) const STYLE: &str = include_str!("chart.css");
/// Colours of lines and groups (Okabe and Ito 2008, told apart with every common colour vision; yellow and black left out).
pub(crate) const COLOURS: usize = 6;

/// A drawn chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    /// Of its file, such as `accuracy`.
    pub name: String,
    /// What it shows, for those who hear it read.
    pub title: String,
    /// In user units, which are CSS pixels at full size.
    width: f64,
    height: f64,
    body: String,
}

impl Chart {
    /// An element for a page that holds the palette and the style.
    #[must_use]
    pub fn to_html(&self) -> String {
        let Self { width, height, body, .. } = self;
        let label = escape(&self.title);
        format!(
            "<svg class=\"chart\" viewBox=\"0 0 {width} {height:.0}\" style=\"max-width:{width}px\" role=\"img\" \
             aria-label=\"{label}\">\n{body}</svg>\n"
        )
    }

    /// A file of its own, in light colours on white: variables and dark modes are not for every program that shows SVG.
    #[must_use]
    pub fn to_svg(&self) -> String {
        let Self { width, height, body, .. } = self;
        let style = light(STYLE);
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"chart\" width=\"{width}\" \
             height=\"{height:.0}\" viewBox=\"0 0 {width} {height:.0}\">\n<style>\n{style}</style>\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n{body}</svg>\n"
        )
    }
}

/// A style sheet with each `var(--name)` replaced by the palette's light colour.
fn light(style: &str) -> String {
    let block = PALETTE.split('}').next().unwrap_or_default();
    let declarations = block.split_once('{').map_or("", |(_, declarations)| declarations);
    let pairs = declarations.split(';').filter_map(|declaration| declaration.split_once(':'));
    pairs.fold(style.to_owned(), |style, (name, colour)| style.replace(&format!("var({})", name.trim()), colour.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_its_own_has_no_variables_left() {
        let chart = Chart { name: "a".into(), title: "b".into(), width: 10.0, height: 5.0, body: String::new() };
        let svg = chart.to_svg();
        assert!(!svg.contains("var(") && svg.contains("fill: #1b1b1b"), "{svg}");
    }

    #[test]
    fn every_colour_is_in_both_palettes() {
        for colour in 0..COLOURS {
            assert_eq!(PALETTE.matches(&format!("--s{colour}:")).count(), 3, "light, dark and print");
            assert!(STYLE.contains(&format!(".f{colour}")) && STYLE.contains(&format!(".l{colour}")));
        }
    }
}
