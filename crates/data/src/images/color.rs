//! Transparency, grey and colour. A pixel is `channels` bytes: one of grey, or red, green and blue (sRGB as it is stored).

use super::DecodedImage;

/// A pixel over white paper: `v * a + 255 * (1 - a)`, rounded to the nearest; `alpha` 255 is opaque.
pub(super) fn over_white(value: u8, alpha: u8) -> u8 {
    let (value, alpha) = (u32::from(value), u32::from(alpha));
    ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8
}

/// Rec. 601 luma, `0.299 R + 0.587 G + 0.114 B` in 16-bit fixed point: the bytes of Pillow's `convert("L")`.
pub(super) fn luma([red, green, blue]: [u8; 3]) -> u8 {
    ((u32::from(red) * 19_595 + u32::from(green) * 38_470 + u32::from(blue) * 7_471 + 0x8000) >> 16) as u8
}

/// The picture in grey (1 channel) or in colour (3). Grey made colourful is three times the same byte, and grey again it is unchanged.
pub(crate) fn to_channels(image: DecodedImage, channels: usize) -> DecodedImage {
    let pixels = match (image.channels, channels) {
        (3, 1) => image.pixels.as_chunks().0.iter().map(|pixel| luma(*pixel)).collect(),
        (1, 3) => image.pixels.iter().flat_map(|value| [*value; 3]).collect(),
        _ => return image,
    };
    DecodedImage { channels, pixels, ..image }
}

/// The median of a picture's border in each channel: the paper. It takes more than half of the border to be ink to be wrong.
pub(super) fn border(image: &DecodedImage) -> Vec<u8> {
    let DecodedImage { height, width, channels, ref pixels } = *image;
    let is_border = |pixel: &usize| {
        let (row, column) = (pixel / width, pixel % width);
        row == 0 || column == 0 || row + 1 == height || column + 1 == width
    };
    let border: Vec<usize> = (0..height * width).filter(is_border).collect();
    (0..channels)
        .map(|channel| {
            let mut values: Vec<u8> = border.iter().map(|pixel| pixels[pixel * channels + channel]).collect();
            let middle = values.len() / 2;
            *values.select_nth_unstable(middle).1
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `PIL.Image.new("RGB", (1, 1), color).convert("L").getpixel((0, 0))`, Pillow 12.
    #[test]
    fn luma_is_pillow_s() {
        for (color, expected) in [([255, 0, 0], 76), ([0, 255, 0], 150), ([0, 0, 255], 29), ([12, 200, 77], 130), ([255, 254, 253], 254)] {
            assert_eq!(luma(color), expected, "{color:?}");
        }
        assert!((0..=255).all(|grey| luma([grey; 3]) == grey), "grey stays what it is");
    }

    #[test]
    fn what_is_transparent_is_white_paper() {
        assert_eq!([over_white(0, 0), over_white(200, 255), over_white(0, 128), over_white(255, 7)], [255, 200, 127, 255]);
    }

    #[test]
    fn the_border_is_the_paper_even_where_ink_touches_it() {
        let pixels = vec![9, 9, 9, 200, 200, 9, 9, 200, 9, 9, 9, 9];
        assert_eq!(border(&DecodedImage { height: 4, width: 3, channels: 1, pixels }), [9]);
        assert_eq!(border(&DecodedImage { height: 1, width: 1, channels: 3, pixels: vec![1, 2, 3] }), [1, 2, 3]);
    }
}
