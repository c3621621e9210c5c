//! Numbers in rows and columns, as shades.

use super::Chart;
use super::frame::{Style, TEXT, WIDTH};
use super::svg::{Anchor, Svg};
use super::text::{fit, width};

/// A table of shaded cells, such as a confusion matrix.
#[derive(Clone, Debug)]
pub struct HeatMap {
    /// Of its file.
    pub name: String,
    /// What it shows.
    pub title: String,
    /// What the columns are.
    pub x_label: String,
    /// What the rows are.
    pub y_label: String,
    /// Names of the columns.
    pub columns: Vec<String>,
    /// Names of the rows.
    pub rows: Vec<String>,
    /// `[rows][columns]`.
    pub cells: Vec<Vec<Cell>>,
    /// Under the map: what the shades mean; empty for nothing.
    pub key: String,
}

/// One cell.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// 0 is not shaded, 1 is full colour.
    pub shade: f64,
    /// Its colour.
    pub style: usize,
    /// Inside it, where it fits.
    pub text: String,
    /// To be hovered over.
    pub hover: String,
}

impl HeatMap {
    /// The chart; `None` where there is no cell.
    #[must_use]
    pub fn draw(&self) -> Option<Chart> {
        if self.columns.is_empty() || self.rows.is_empty() {
            return None;
        }
        let mut svg = Svg::default();
        svg.text("title", Anchor::Start, (4.0, 16.0), &fit(&self.title, 13.0 * 1.1, WIDTH - 8.0));
        let widest = |names: &[String]| names.iter().map(|name| width(name, TEXT)).fold(0.0, f64::max);
        let left = (widest(&self.rows) + 16.0).clamp(24.0, 0.3 * WIDTH);
        let cell = ((WIDTH - 6.0 - left) / self.columns.len() as f64).min(64.0);
        let height = cell.min(if self.rows.len() > 20 { cell } else { 30.0 });
        let is_upright = widest(&self.columns) + 4.0 > cell;
        let room = if is_upright { widest(&self.columns).min(90.0) } else { TEXT };
        let top = 52.0 + room + 4.0;
        svg.text("soft", Anchor::Start, (4.0, 34.0), &fit(&format!("down: {}; across: {}", self.y_label, self.x_label), TEXT, WIDTH - 8.0));
        self.draw_names(&mut svg, (left, top), (cell, height), is_upright, room);
        for (row, cells) in self.cells.iter().enumerate() {
            for (column, shaded) in cells.iter().enumerate() {
                let place = (left + column as f64 * cell, top + row as f64 * height);
                let name = format!("{} / {}: ", self.rows.get(row)?, self.columns.get(column)?);
                draw_cell(&mut svg, shaded, place, (cell, height), &name);
            }
        }
        let bottom = top + height * self.rows.len() as f64;
        if !self.key.is_empty() {
            svg.text("soft small", Anchor::Start, (4.0, bottom + 18.0), &fit(&self.key, 11.0, WIDTH - 8.0));
        }
        Some(Chart { name: self.name.clone(), title: self.title.clone(), width: WIDTH, height: bottom + 26.0, body: svg.into_body() })
    }

    fn draw_names(&self, svg: &mut Svg, (left, top): (f64, f64), (cell, height): (f64, f64), is_upright: bool, room: f64) {
        // Names of many thin cells would lie over one another: every so manieth is written.
        let every = |size: f64| ((TEXT + 1.0) / size).ceil().max(1.0) as usize;
        for (row, name) in self.rows.iter().enumerate().step_by(every(height)) {
            let y = top + (row as f64 + 0.5) * height + 4.0;
            svg.text("soft", Anchor::End, (left - 6.0, y), &fit(name, TEXT, left - 8.0));
        }
        for (column, name) in self.columns.iter().enumerate().step_by(if is_upright { every(cell) } else { 1 }) {
            let x = left + (column as f64 + 0.5) * cell;
            if is_upright {
                svg.upright_text("soft", Anchor::Start, (x + 4.0, top - 5.0), &fit(name, TEXT, room));
            } else {
                svg.text("soft", Anchor::Middle, (x, top - 6.0), name);
            }
        }
    }
}

fn draw_cell(svg: &mut Svg, cell: &Cell, (x, y): (f64, f64), (wide, high): (f64, f64), name: &str) {
    let gap = if wide > 12.0 { 1.5 } else { 0.0 };
    let shade = cell.shade.clamp(0.0, 1.0);
    let (width_, height) = (wide - gap, high - gap);
    // An empty cell can be hovered over, too.
    let colour = Style(cell.style).colour();
    let rect = format!(
        "rect class=\"f{colour}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width_:.1}\" height=\"{height:.1}\" fill-opacity=\"{:.3}\"",
        0.04 + 0.96 * shade
    );
    svg.element(rect, Some(&format!("{name}{}", cell.hover)));
    let class = if shade > 0.55 { "small on" } else { "small" };
    let sizes = [(11.0, class.to_owned()), (9.5, class.replace("small", "tiny"))];
    let fitting = sizes.into_iter().find(|(size, _)| width(&cell.text, *size) + 2.0 <= width_ && *size + 1.0 <= height);
    if let Some((size, class)) = fitting {
        svg.text(&class, Anchor::Middle, (x + width_ / 2.0, y + height / 2.0 + size / 2.8), &cell.text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(side: usize) -> HeatMap {
        let names: Vec<String> = (0..side).map(|class| format!("class {class}")).collect();
        let cell =
            |row: usize, column: usize| Cell { shade: 0.9, style: 0, text: format!("{}", row * side + column), hover: "seen".into() };
        let cells = (0..side).map(|row| (0..side).map(|column| cell(row, column)).collect()).collect();
        HeatMap {
            name: "n".into(),
            title: "t".into(),
            x_label: "predicted".into(),
            y_label: "true".into(),
            columns: names.clone(),
            rows: names,
            cells,
            key: String::new(),
        }
    }

    #[test]
    fn a_cell_has_its_number_where_it_fits_and_always_its_hover() {
        let small = map(3).draw().unwrap().to_html();
        assert_eq!((small.matches("<rect").count(), small.matches("small on").count()), (9, 9));
        let large = map(80).draw().unwrap().to_html();
        assert_eq!((large.matches("<rect").count(), large.matches("small on").count()), (6400, 0));
        assert!(large.contains("<title>class 3 / class 79: seen</title>"));
    }

    #[test]
    fn names_of_thin_cells_are_thinned_out() {
        let names = map(80).draw().unwrap().to_html().matches("rotate(-90").count();
        assert!((10..40).contains(&names), "{names}");
    }

    #[test]
    fn no_cells_are_no_map() {
        assert!(HeatMap { rows: Vec::new(), ..map(2) }.draw().is_none());
    }
}
