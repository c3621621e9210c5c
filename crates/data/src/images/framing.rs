//! Framing a digit as MNIST does.
//!
//! "The original black and white images from NIST were size normalized to fit in a 20x20 pixel box while preserving their aspect ratio. The
//! resulting images contain grey levels as a result of the anti-aliasing technique used by the normalization algorithm. The images were
//! centered in a 28x28 image by computing the center of mass of the pixels, and translating the image so as to position this point at the
//! center of the 28x28 field." (LeCun, Cortes and Burges, the MNIST database)

use super::DecodedImage;
use super::color::border;
use super::shaper::resized;

/// The box that ink is scaled to, and the field that it is centred in, as MNIST has them.
const BOX: usize = 20;
const FIELD: usize = 28;
/// Pixels that are fainter than an eighth of the darkest ink do not count when the box is drawn: a photograph's paper is never even.
const FAINT: u8 = 32;

/// Light ink on dark paper, one channel, to `height x width`: the paper (the border's median) becomes 0 and the strongest ink 255, the
/// ink's box is scaled to 20/28 of the field, and its centre of mass is moved to the field's centre (to the pixel).
///
/// # Errors
/// A predicate: a picture without ink.
pub(super) fn framed(image: &DecodedImage, height: usize, width: usize) -> Result<DecodedImage, String> {
    let image = with_contrast(image).ok_or("has no ink: nothing in it is lighter than its border (see --invert)")?;
    let ink = cropped(&image);
    let room = [height, width].map(|side| (side * BOX).div_ceil(FIELD));
    let scale = (room[0] as f64 / ink.height as f64).min(room[1] as f64 / ink.width as f64);
    let [inner_height, inner_width] =
        [(ink.height, room[0]), (ink.width, room[1])].map(|(side, most)| ((side as f64 * scale).round() as usize).clamp(1, most));
    let scaled = resized(&ink, inner_height, inner_width);
    // Thin strokes fade when they are scaled down; MNIST's are white at their core.
    let ink = with_contrast_from(&scaled, 0).unwrap_or(scaled);
    let [row, column] = centre_of_mass(&ink);
    let start = |field: usize, inner: usize, centre: f64| {
        let start = (field as f64 / 2.0 - centre).round().max(0.0) as usize;
        start.min(field - inner)
    };
    let (top, left) = (start(height, inner_height, row), start(width, inner_width, column));
    let mut pixels = vec![0; height * width];
    for (row, line) in ink.pixels.chunks_exact(inner_width).enumerate() {
        let start = (top + row) * width + left;
        pixels[start..start + inner_width].copy_from_slice(line);
    }
    Ok(DecodedImage { height, width, channels: 1, pixels })
}

/// The paper 0 and the strongest ink 255; `None` where nothing is lighter than the paper.
fn with_contrast(image: &DecodedImage) -> Option<DecodedImage> {
    with_contrast_from(image, border(image)[0])
}

fn with_contrast_from(image: &DecodedImage, paper: u8) -> Option<DecodedImage> {
    let range = image.pixels.iter().max()?.saturating_sub(paper);
    if range == 0 {
        return None;
    }
    let stretched = |value: &u8| (u32::from(value.saturating_sub(paper)) * 255 / u32::from(range)) as u8;
    Some(DecodedImage { pixels: image.pixels.iter().map(stretched).collect(), ..*image })
}

/// The smallest box around the ink; there is some.
fn cropped(image: &DecodedImage) -> DecodedImage {
    let DecodedImage { height, width, ref pixels, .. } = *image;
    let is_ink = |row: usize, column: usize| pixels[row * width + column] >= FAINT;
    let rows: Vec<usize> = (0..height).filter(|row| (0..width).any(|column| is_ink(*row, column))).collect();
    let columns: Vec<usize> = (0..width).filter(|column| (0..height).any(|row| is_ink(row, *column))).collect();
    let ends = |lines: &[usize]| (lines.first().copied().unwrap_or(0), lines.last().copied().unwrap_or(0));
    let ((top, bottom), (left, right)) = (ends(&rows), ends(&columns));
    let pixels = (top..=bottom).flat_map(|row| pixels[row * width + left..=row * width + right].iter().copied()).collect();
    DecodedImage { height: bottom - top + 1, width: right - left + 1, channels: 1, pixels }
}

/// Row and column of the centre of mass, in pixels from the top left corner: a pixel's own centre is half a pixel in.
fn centre_of_mass(image: &DecodedImage) -> [f64; 2] {
    let mut sums = [0.0_f64; 3];
    for (index, value) in image.pixels.iter().enumerate() {
        let mass = f64::from(*value);
        sums[0] += mass * ((index / image.width) as f64 + 0.5);
        sums[1] += mass * ((index % image.width) as f64 + 0.5);
        sums[2] += mass;
    }
    if sums[2] > 0.0 { [sums[0] / sums[2], sums[1] / sums[2]] } else { [image.height as f64 / 2.0, image.width as f64 / 2.0] }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Paper of brightness `paper` with a filled box of `ink` in it.
    fn drawing(side: usize, [top, left, height, width]: [usize; 4], paper: u8, ink: u8) -> DecodedImage {
        let mut pixels = vec![paper; side * side];
        for row in top..top + height {
            pixels[row * side + left..row * side + left + width].fill(ink);
        }
        DecodedImage { height: side, width: side, channels: 1, pixels }
    }

    fn ink_box(image: &DecodedImage) -> [usize; 4] {
        let lit: Vec<usize> = (0..image.pixels.len()).filter(|index| image.pixels[*index] > 0).collect();
        let rows = lit.iter().map(|index| index / image.width);
        let columns = lit.iter().map(|index| index % image.width);
        let (top, left) = (rows.clone().min().unwrap(), columns.clone().min().unwrap());
        [top, left, rows.max().unwrap() + 1 - top, columns.max().unwrap() + 1 - left]
    }

    #[test]
    fn ink_fills_the_box_of_20_and_its_mass_is_centred() {
        for (at, expected) in [([3, 50, 40, 10], [4, 12, 20, 5]), ([60, 10, 20, 80], [12, 4, 5, 20]), ([10, 10, 1, 1], [4, 4, 20, 20])] {
            let framed = framed(&drawing(100, at, 30, 130), 28, 28).unwrap();
            assert_eq!(ink_box(&framed), expected, "{at:?}");
            assert_eq!(framed.pixels.iter().max(), Some(&255));
        }
    }

    /// An L: 20 rows of 2 columns and a foot of 10 more columns in the last 2 rows. By hand: mass 40 + 20, its centre at row
    /// (40 * 10 + 20 * 19) / 60 = 13 and column (40 * 1 + 20 * 7) / 60 = 3 of its box, so the box starts at row 1 and column 11.
    #[test]
    fn the_centre_of_mass_and_not_of_the_box_is_in_the_middle() {
        let mut ell = drawing(60, [5, 5, 20, 2], 0, 255);
        for row in 23..25 {
            ell.pixels[row * 60 + 7..row * 60 + 17].fill(255);
        }
        assert_eq!(ink_box(&framed(&ell, 28, 28).unwrap()), [1, 11, 20, 12]);
    }

    #[test]
    fn a_blank_sheet_is_refused() {
        assert!(framed(&drawing(10, [0, 0, 0, 0], 77, 0), 28, 28).unwrap_err().starts_with("has no ink"));
    }

    #[test]
    fn other_fields_get_a_box_in_proportion_and_faint_paper_is_no_ink() {
        let mut sheet = drawing(50, [20, 20, 10, 10], 100, 200);
        sheet.pixels[2 * 50 + 2] = 108;
        assert_eq!(ink_box(&framed(&sheet, 14, 14).unwrap()), [2, 2, 10, 10]);
    }
}
