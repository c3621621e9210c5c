//! Charts as pixels.

use super::Chart;
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree};

/// The letters that charts are written in, so that a PNG is the same on every machine: see `assets/font`. Others appear as empty boxes.
const FONT: &[u8] = include_bytes!("../../assets/font/charts.ttf");

impl Chart {
    /// The chart as a PNG file of `scale` pixels per unit, in light colours; `None` where it is too large to be drawn.
    #[must_use]
    pub fn to_png(&self, scale: f32) -> Option<Vec<u8>> {
        let mut options = Options { font_family: "DejaVu Sans".into(), ..Options::default() };
        options.fontdb_mut().load_font_data(FONT.to_vec());
        options.fontdb_mut().set_sans_serif_family("DejaVu Sans");
        let tree = Tree::from_str(&self.to_svg(), &options).ok()?;
        let size = tree.size();
        let mut pixels = Pixmap::new((size.width() * scale).ceil() as u32, (size.height() * scale).ceil() as u32)?;
        resvg::render(&tree, Transform::from_scale(scale, scale), &mut pixels.as_mut());
        pixels.encode_png().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{CaptionedPicture, LineChart, Picture, PictureGrid, Point, Scale, Series};

    #[test]
    fn a_chart_becomes_pixels_of_its_colours_with_text() {
        let points = vec![Point { x: 1.0, y: 0.0, range: None }, Point { x: 2.0, y: 1.0, range: None }];
        let series = vec![Series { name: "a".into(), style: 1, points }];
        let (title, x_label, y_label) = ("MMMM".into(), String::new(), String::new());
        let chart = LineChart { name: "n".into(), title, x_label, y_label, scale: Scale::Linear, series }.draw().unwrap();
        let bytes = chart.to_png(2.0).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let (width, height) = {
            let info = reader.next_frame(&mut pixels).unwrap();
            (info.width, info.height)
        };
        assert_eq!((width, height), (840, (2.0 * chart.height).ceil() as u32));
        let of = |colour: [u8; 3]| pixels.chunks_exact(4).filter(|pixel| pixel[..3] == colour).count();
        assert!(of([0xd5, 0x5e, 0x00]) > 500, "the line");
        let title_rows = &pixels[..(840 * 4 * 40)];
        assert!(title_rows.chunks_exact(4).filter(|pixel| pixel[..3] == [0x1b; 3]).count() > 100, "the letters of the title");
    }

    #[test]
    fn pictures_inside_a_chart_have_hard_edges() {
        let picture = Picture::new(1, 2, 3, vec![255, 0, 0, 0, 0, 255]).unwrap();
        let pictures = vec![CaptionedPicture { picture, captions: Vec::new(), hover: String::new() }];
        let grid = PictureGrid { name: "n".into(), title: String::new(), least_width: 400.0, pictures };
        let bytes = grid.draw().unwrap().to_png(1.0).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        let of = |colour: [u8; 3]| pixels.chunks_exact(4).filter(|pixel| pixel[..3] == colour).count();
        // Each is a square of 206 pixels, less its edges.
        let (red, blue) = (of([255, 0, 0]), of([0, 0, 255]));
        assert!(red > 200 * 200 && blue > 200 * 200, "{red} and {blue}");
    }
}
