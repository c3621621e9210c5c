//! Pictures made of pixels, in rows, with what is to be said about each.

use super::frame::WIDTH;
use super::svg::{Anchor, Svg};
use super::text::fit;
use super::{Chart, escape};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    width: usize,
    height: usize,
    /// 1 (grey) or 3 (red, green, blue).
    channels: usize,
    /// `[height, width, channels]`.
    pixels: Vec<u8>,
}

impl Picture {
    /// `None` where there are not `height * width * channels` pixels, no pixels, or neither 1 nor 3 channels.
    #[must_use]
    pub fn new(height: usize, width: usize, channels: usize, pixels: Vec<u8>) -> Option<Self> {
        let fits = height.checked_mul(width)?.checked_mul(channels)? == pixels.len() && !pixels.is_empty();
        (fits && matches!(channels, 1 | 3)).then_some(Self { width, height, channels, pixels })
    }

    /// The picture as a PNG file; `None` where the encoder refuses it.
    #[must_use]
    pub fn to_png(&self) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, u32::try_from(self.width).ok()?, u32::try_from(self.height).ok()?);
        encoder.set_color(if self.channels == 1 { png::ColorType::Grayscale } else { png::ColorType::Rgb });
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header().ok()?;
        writer.write_image_data(&self.pixels).ok()?;
        writer.finish().ok()?;
        Some(bytes)
    }
}

/// Pictures in rows, each with up to two lines under it.
#[derive(Clone, Debug)]
pub struct PictureGrid {
    /// Of its file.
    pub name: String,
    /// What it shows.
    pub title: String,
    /// How wide a picture is at the least; as many as fit stand in a row.
    pub least_width: f64,
    /// In order.
    pub pictures: Vec<CaptionedPicture>,
}

/// A picture and what is said about it.
#[derive(Clone, Debug)]
pub struct CaptionedPicture {
    /// The picture.
    pub picture: Picture,
    /// Under it, cut where they are too long.
    pub captions: Vec<String>,
    /// To be hovered over: the captions and more.
    pub hover: String,
}

const GAP: f64 = 8.0;
const CAPTION: f64 = 13.0;

impl PictureGrid {
    /// The chart; `None` without pictures.
    #[must_use]
    pub fn draw(&self) -> Option<Chart> {
        let first = &self.pictures.first()?.picture;
        let columns = ((WIDTH - 8.0 + GAP) / (self.least_width + GAP)).floor().max(1.0);
        let width = (WIDTH - 8.0 + GAP) / columns - GAP;
        let height = width * first.height as f64 / first.width as f64;
        let lines = self.pictures.iter().map(|picture| picture.captions.len()).max().unwrap_or(0) as f64;
        let row_height = height + CAPTION * lines + GAP + 2.0;
        let mut svg = Svg::default();
        svg.text("title", Anchor::Start, (4.0, 16.0), &fit(&self.title, 13.0 * 1.1, WIDTH - 8.0));
        for (place, picture) in self.pictures.iter().enumerate() {
            let (row, column) = (place / columns as usize, place % columns as usize);
            let (x, y) = (4.0 + column as f64 * (width + GAP), 28.0 + row as f64 * row_height);
            let data = STANDARD.encode(picture.picture.to_png()?);
            svg.element(
                format_args!(
                    "image class=\"pixels\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" \
                     image-rendering=\"optimizeSpeed\" aria-label=\"{}\" href=\"data:image/png;base64,{data}\"",
                    escape(&picture.hover)
                ),
                Some(&picture.hover),
            );
            for (line, caption) in picture.captions.iter().enumerate() {
                let at = (x + width / 2.0, y + height + CAPTION * (line + 1) as f64 - 1.0);
                svg.text(if line == 0 { "small" } else { "small soft" }, Anchor::Middle, at, &fit(caption, 11.0, width));
            }
        }
        let rows = self.pictures.len().div_ceil(columns as usize);
        let height = 28.0 + rows as f64 * row_height;
        Some(Chart { name: self.name.clone(), title: self.title.clone(), width: WIDTH, height, body: svg.into_body() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_has_all_its_pixels_and_survives_png() {
        assert!(Picture::new(2, 2, 1, vec![0; 3]).is_none());
        assert!(Picture::new(1, 1, 2, vec![0; 2]).is_none());
        assert!(Picture::new(0, 1, 1, vec![]).is_none());
        let picture = Picture::new(1, 2, 3, vec![255, 0, 0, 0, 0, 255]).unwrap();
        let bytes = picture.to_png().unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        assert_eq!(pixels, picture.pixels);
    }

    #[test]
    fn names_with_markup_stay_text() {
        let picture = Picture::new(1, 1, 1, vec![7]).unwrap();
        let captioned = CaptionedPicture { picture, captions: vec!["<b>".into()], hover: "is <b>".into() };
        let grid = PictureGrid { name: "n".into(), title: "t".into(), least_width: 60.0, pictures: vec![captioned] };
        let svg = grid.draw().unwrap().to_html();
        assert!(svg.contains("<title>is &lt;b&gt;</title>") && !svg.contains("<b>"), "{svg}");
    }
}
