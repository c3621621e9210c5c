//! Bringing a picture of any size and colour to the shape that a model takes.

use super::DecodedImage;
use super::color::{border, luma, to_channels};
use super::framing::framed;
use image::imageops::{self, FilterType};
use image::{ImageBuffer, Luma, Rgb};

/// How a picture of another size is fitted into the model's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// A picture of the model's size as it is; another one as MNIST frames its digits where `of_digits` says so, else as [`Fit::Pad`].
    Auto {
        /// Whether the model was trained on MNIST.
        of_digits: bool,
    },
    /// Both sides are scaled, whatever becomes of the proportions.
    Stretch,
    /// Scaled as a whole, centred, and the rest filled with the colour of the picture's border (the median of each channel).
    Pad,
    /// As MNIST frames its digits: cropped to the ink, scaled to 20 pixels of 28, its centre of mass in the middle.
    Mnist,
}

/// Whether dark and light change places (`255 - v`), before the picture is fitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invert {
    /// Where the border is light (the luma of its median is 128 or more): ink on paper, for models that know light strokes on black.
    LightBorder,
    /// Always.
    Yes,
    /// Never.
    No,
}

/// What is done with every picture that a model gets.
///
/// Sizes are changed with a triangle filter whose width grows as the picture shrinks, so that fine lines turn grey instead of vanishing:
/// what Pillow calls `BILINEAR`, to one step of 255.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shaper {
    /// Rows of pixels.
    pub height: usize,
    /// Pixels of a row.
    pub width: usize,
    /// 1 for grey (Rec. 601 luma), 3 for red, green and blue.
    pub channels: usize,
    /// How the size changes.
    pub fit: Fit,
    /// Whether light and dark change places.
    pub invert: Invert,
}

impl Shaper {
    /// Bytes per picture.
    #[must_use]
    pub fn len(&self) -> usize {
        self.height * self.width * self.channels
    }

    /// Whether there would be nothing to look at.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The picture's pixels, `[height, width, channels]`.
    ///
    /// # Errors
    /// A predicate: a picture without ink that is to be framed as a digit, or framing in colour.
    pub fn shape(&self, image: DecodedImage) -> Result<Vec<u8>, String> {
        let mut image = to_channels(image, self.channels);
        if self.inverts(&image) {
            image.pixels.iter_mut().for_each(|value| *value = 255 - *value);
        }
        let has_size = (image.height, image.width) == (self.height, self.width);
        let image = match self.fit {
            Fit::Auto { .. } | Fit::Pad | Fit::Stretch if has_size => image,
            Fit::Mnist | Fit::Auto { of_digits: true } if self.channels == 1 => framed(&image, self.height, self.width)?,
            Fit::Mnist => return Err("cannot be framed as MNIST's digits, which are grey, for a model of colour pictures".into()),
            Fit::Auto { .. } | Fit::Pad => padded(&image, self.height, self.width),
            Fit::Stretch => resized(&image, self.height, self.width),
        };
        Ok(image.pixels)
    }

    fn inverts(&self, image: &DecodedImage) -> bool {
        match self.invert {
            Invert::Yes => true,
            Invert::No => false,
            Invert::LightBorder => match *border(image) {
                [red, green, blue] => luma([red, green, blue]) >= 128,
                ref grey => grey.first().is_some_and(|grey| *grey >= 128),
            },
        }
    }
}

/// Scaled to fit inside, centred on the colour of its border. An odd pixel goes to the right or the bottom.
fn padded(image: &DecodedImage, height: usize, width: usize) -> DecodedImage {
    let scale = (height as f64 / image.height as f64).min(width as f64 / image.width as f64);
    let [inner_height, inner_width] =
        [(image.height, height), (image.width, width)].map(|(side, most)| ((side as f64 * scale).round() as usize).clamp(1, most));
    let inner = resized(image, inner_height, inner_width);
    let mut pixels = border(image).repeat(height * width);
    let (top, left) = ((height - inner_height) / 2, (width - inner_width) / 2);
    let line_bytes = inner_width * image.channels;
    for (row, line) in inner.pixels.chunks_exact(line_bytes).enumerate() {
        let start = ((top + row) * width + left) * image.channels;
        pixels[start..start + line_bytes].copy_from_slice(line);
    }
    DecodedImage { height, width, channels: image.channels, pixels }
}

/// The picture at another size.
pub(super) fn resized(image: &DecodedImage, height: usize, width: usize) -> DecodedImage {
    let (from_height, from_width) = (image.height as u32, image.width as u32);
    let pixels = image.pixels.as_slice();
    let resized = if image.channels == 1 {
        ImageBuffer::<Luma<u8>, _>::from_raw(from_width, from_height, pixels)
            .map(|image| imageops::resize(&image, width as u32, height as u32, FilterType::Triangle).into_raw())
    } else {
        ImageBuffer::<Rgb<u8>, _>::from_raw(from_width, from_height, pixels)
            .map(|image| imageops::resize(&image, width as u32, height as u32, FilterType::Triangle).into_raw())
    };
    debug_assert!(resized.is_some(), "the buffer has as many bytes as its sizes say");
    DecodedImage { height, width, channels: image.channels, pixels: resized.unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grey(height: usize, width: usize, pixels: Vec<u8>) -> DecodedImage {
        DecodedImage { height, width, channels: 1, pixels }
    }

    fn shaper(height: usize, width: usize, fit: Fit, invert: Invert) -> Shaper {
        Shaper { height, width, channels: 1, fit, invert }
    }

    #[test]
    fn a_picture_of_the_right_shape_keeps_its_bytes_unless_it_is_to_be_framed() {
        let pixels: Vec<u8> = (0..6).collect();
        for fit in [Fit::Auto { of_digits: true }, Fit::Auto { of_digits: false }, Fit::Stretch, Fit::Pad] {
            assert_eq!(shaper(2, 3, fit, Invert::No).shape(grey(2, 3, pixels.clone())).unwrap(), pixels);
        }
        assert_ne!(shaper(2, 3, Fit::Mnist, Invert::No).shape(grey(2, 3, pixels.clone())).unwrap(), pixels);
    }

    /// Halving: the triangle is two pixels wide on either side, so its weights over four pixels are 1, 3, 3, 1 eighths; at the edges the
    /// missing one is left out: 3, 3, 1 sevenths. Row of 0, 0, 80, 80, 160, 160: (80 + 0) / 7, 80 / 2, .. by hand.
    #[test]
    fn shrinking_is_antialiased() {
        let row = vec![0, 0, 80, 80, 160, 160];
        assert_eq!(shaper(1, 3, Fit::Stretch, Invert::No).shape(grey(1, 6, row)).unwrap(), [11, 80, 149]);
    }

    #[test]
    fn padding_keeps_proportions_and_takes_the_colour_of_the_border() {
        let wide = grey(1, 4, vec![5, 5, 5, 90]);
        let padded = shaper(4, 4, Fit::Pad, Invert::No).shape(wide).unwrap();
        assert_eq!(padded, [5, 5, 5, 5, 5, 5, 5, 90, 5, 5, 5, 5, 5, 5, 5, 5]);
    }

    #[test]
    fn ink_on_light_paper_is_inverted_and_light_on_dark_is_not() {
        let on_paper = grey(3, 3, vec![250, 250, 250, 250, 10, 250, 250, 250, 250]);
        let on_black = grey(3, 3, vec![5, 5, 5, 5, 245, 5, 5, 5, 5]);
        let auto = shaper(3, 3, Fit::Pad, Invert::LightBorder);
        assert_eq!(auto.shape(on_paper.clone()).unwrap(), on_black.pixels);
        assert_eq!(auto.shape(on_black.clone()).unwrap(), on_black.pixels);
        assert_eq!(shaper(3, 3, Fit::Pad, Invert::No).shape(on_paper.clone()).unwrap(), on_paper.pixels);
        assert_eq!(shaper(3, 3, Fit::Pad, Invert::Yes).shape(on_black).unwrap(), on_paper.pixels);
    }

    #[test]
    fn colour_and_grey_become_each_other() {
        let color = DecodedImage { height: 1, width: 1, channels: 3, pixels: vec![255, 0, 0] };
        assert_eq!(shaper(1, 1, Fit::Pad, Invert::No).shape(color.clone()).unwrap(), [76]);
        let in_color = Shaper { channels: 3, ..shaper(1, 1, Fit::Pad, Invert::No) };
        assert_eq!(in_color.shape(grey(1, 1, vec![9])).unwrap(), [9, 9, 9]);
        assert!(Shaper { fit: Fit::Mnist, ..in_color }.shape(color).is_err());
    }
}
