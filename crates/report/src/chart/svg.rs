//! Elements of an SVG as text.

use super::escape;
use std::fmt::{Display, Write};

/// The inside of an SVG element.
#[derive(Default)]
pub(super) struct Svg {
    text: String,
}

/// Where text stands to its point.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

impl Svg {
    pub(super) fn into_body(self) -> String {
        self.text
    }

    /// One element, such as `line x1="0"`; with what to hover over, if there is something to tell.
    pub(super) fn element(&mut self, element: impl Display, hover: Option<&str>) {
        // Writing to a String cannot fail.
        let _ = match hover {
            None => writeln!(self.text, "<{element}/>"),
            Some(hover) => {
                let element = element.to_string();
                let name = element.split(' ').next().unwrap_or_default();
                writeln!(self.text, "<{element}><title>{}</title></{name}>", escape(hover))
            }
        };
    }

    pub(super) fn line(&mut self, class: impl Display, from: (f64, f64), to: (f64, f64)) {
        let ((x1, y1), (x2, y2)) = (from, to);
        self.element(format_args!("line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\""), None);
    }

    pub(super) fn text(&mut self, class: &str, anchor: Anchor, (x, y): (f64, f64), text: &str) {
        self.text_with(class, anchor, (x, y), text, "");
    }

    /// Text that reads upwards and ends or begins at its point.
    pub(super) fn upright_text(&mut self, class: &str, anchor: Anchor, (x, y): (f64, f64), text: &str) {
        self.text_with(class, anchor, (x, y), text, &format!(" transform=\"rotate(-90 {x:.1} {y:.1})\""));
    }

    fn text_with(&mut self, class: &str, anchor: Anchor, (x, y): (f64, f64), text: &str, more: &str) {
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
        let _ = writeln!(self.text, "<text{class}{anchor} x=\"{x:.1}\" y=\"{y:.1}\"{more}>{}</text>", escape(text));
    }
}

/// `M1,2 3,4 5,6` of these points.
pub(super) fn path(points: impl Iterator<Item = (f64, f64)>) -> String {
    let mut path = String::new();
    for (x, y) in points {
        let _ = write!(path, "{}{x:.1},{y:.1}", if path.is_empty() { "M" } else { " " });
    }
    path
}
