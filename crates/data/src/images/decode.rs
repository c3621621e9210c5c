//! PNG and JPEG to bytes, without trusting what a header promises.

use super::color::over_white;
use super::jpeg::is_whole;
use crate::bytes::MOST_INFLATION;
use crate::error::in_one_line;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};
use std::io::Cursor;

/// A longer side is no picture that a perceptron will look at, and no camera's.
const MAX_SIDE: u32 = 1 << 15;
/// What the decoded picture may take, and the decoder besides: 89 megapixels of colour. A kilobyte of PNG can promise terabytes.
const MAX_BYTES: u64 = 1 << 28;

/// A picture in memory, 8 bits a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodedImage {
    /// Rows of pixels.
    pub height: usize,
    /// Pixels of a row.
    pub width: usize,
    /// 1 for grey, 3 for red, green and blue.
    pub channels: usize,
    /// `[height, width, channels]`, row-major; sRGB as it is stored.
    pub pixels: Vec<u8>,
}

/// Decodes a PNG or JPEG file, which its first bytes tell apart; its name does not count.
///
/// 16 bits are rounded to 8 (`v / 257`), palettes are looked up, and what is transparent lies on white paper. A camera's note of which way
/// is up (Exif orientation) is obeyed.
///
/// # Errors
/// A predicate of the file: `is a GIF file`, `promises 40000 x 40000 pixels`, `does not decode: ..`.
///
/// ```
/// let error = relumine_data::images::decode(b"GIF89a..").unwrap_err();
/// assert_eq!(error, "is a GIF file, not a PNG or JPEG one");
/// ```
pub fn decode(bytes: &[u8]) -> Result<DecodedImage, String> {
    let format = match image::guess_format(bytes) {
        Ok(format @ (ImageFormat::Png | ImageFormat::Jpeg)) => format,
        Ok(other) => return Err(format!("is a {} file, not a PNG or JPEG one", format!("{other:?}").to_uppercase())),
        Err(_) if bytes.is_empty() => return Err("is empty".into()),
        Err(_) => return Err("is neither a PNG nor a JPEG file".into()),
    };
    let broken = |error: image::ImageError| format!("does not decode: {}", in_one_line(error));
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_BYTES);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(broken)?;
    let (width, height) = decoder.dimensions();
    if width > MAX_SIDE || height > MAX_SIDE || decoder.total_bytes() > MAX_BYTES {
        return Err(format!("promises {height} x {width} pixels, more than this program decodes"));
    }
    if u64::from(width) * u64::from(height) > most_pixels(format, bytes) {
        return Err(format!("promises {height} x {width} pixels, more than its {} bytes can hold", bytes.len()));
    }
    let orientation = decoder.orientation().map_err(broken)?;
    if format == ImageFormat::Jpeg && !is_whole(bytes) {
        return Err("does not decode: it ends before the picture does".into());
    }
    let mut image = DynamicImage::from_decoder(decoder).map_err(broken)?;
    image.apply_orientation(orientation);
    Ok(flattened(image))
}

/// What a file of this length can hold, so that a short one does not take the memory of a large picture. PNG: deflate shrinks nothing
/// further than [`MOST_INFLATION`], and the header says how many bits a pixel has. JPEG: a block of 8 x 8 pixels takes a bit or more.
fn most_pixels(format: ImageFormat, bytes: &[u8]) -> u64 {
    let bits = 8 * bytes.len() as u64;
    if format == ImageFormat::Jpeg {
        return bits * 64;
    }
    // The header stands first: depth and kind of colour are at fixed places (PNG specification, 11.2.1).
    let (depth, samples) = match bytes.get(24..26) {
        Some([depth, color]) => (*depth, [1, 1, 3, 1, 2, 1, 4].get(usize::from(*color)).copied().unwrap_or(1)),
        _ => (1, 1),
    };
    bits.saturating_mul(MOST_INFLATION) / (u64::from(depth.max(1)) * samples)
}

/// 8 bits a channel, on white paper.
fn flattened(image: DynamicImage) -> DecodedImage {
    let (height, width) = (image.height() as usize, image.width() as usize);
    let (channels, pixels) = match (image.color().has_color(), image.color().has_alpha()) {
        (false, false) => (1, image.into_luma8().into_raw()),
        (false, true) => {
            (1, image.into_luma_alpha8().into_raw().as_chunks().0.iter().map(|[grey, alpha]| over_white(*grey, *alpha)).collect())
        }
        (true, false) => (3, image.into_rgb8().into_raw()),
        (true, true) => {
            let pixels = image.into_rgba8().into_raw();
            let over_paper = |[r, g, b, alpha]: &[u8; 4]| [*r, *g, *b].map(|value| over_white(value, *alpha));
            (3, pixels.as_chunks().0.iter().flat_map(over_paper).collect())
        }
    };
    DecodedImage { height, width, channels, pixels }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};

    fn png(height: u32, width: u32, color: ExtendedColorType, bytes: &[u8]) -> Vec<u8> {
        let mut file = Vec::new();
        PngEncoder::new(&mut file).write_image(bytes, width, height, color).unwrap();
        file
    }

    #[test]
    fn grey_colour_alpha_and_16_bits_become_bytes() {
        let cases: [(ExtendedColorType, &[u8], &[u8]); 5] = [
            (ExtendedColorType::L8, &[0, 7, 255], &[0, 7, 255]),
            (ExtendedColorType::Rgb8, &[1, 2, 3, 4, 5, 6, 7, 8, 9], &[1, 2, 3, 4, 5, 6, 7, 8, 9]),
            (ExtendedColorType::La8, &[9, 255, 9, 0, 100, 128], &[9, 255, 177]),
            (ExtendedColorType::Rgba8, &[1, 2, 3, 255, 1, 2, 3, 0, 0, 0, 0, 51], &[1, 2, 3, 255, 255, 255, 204, 204, 204]),
            // 16 bits in the machine's order: 0, 128 of 65535 (0.498 of 255) and 65535.
            (ExtendedColorType::L16, &[0_u16, 128, 65535].map(u16::to_ne_bytes).concat(), &[0, 0, 255]),
        ];
        for (color, bytes, expected) in cases {
            let image = decode(&png(1, 3, color, bytes)).unwrap();
            assert_eq!((image.height, image.width, image.pixels.as_slice()), (1, 3, expected), "{color:?}");
        }
    }

    #[test]
    fn what_is_no_picture_is_named() {
        for (bytes, expected) in [
            (b"".as_slice(), "is empty"),
            (b"label,pixel\n1,2\n", "is neither a PNG nor a JPEG file"),
            (b"RIFF\0\0\0\0WEBPVP8 ", "is a WEBP file, not a PNG or JPEG one"),
        ] {
            assert_eq!(decode(bytes).unwrap_err(), expected);
        }
    }

    #[test]
    fn a_png_that_is_cut_short_or_damaged_anywhere_is_an_error_and_never_a_panic() {
        let whole = png(9, 9, ExtendedColorType::L8, &(0..81).map(|i| i * 3).collect::<Vec<u8>>());
        // The last 12 bytes are the end mark, which nothing needs.
        for length in 0..whole.len() - 12 {
            assert!(decode(&whole[..length]).is_err(), "{length} of {} bytes", whole.len());
        }
        for position in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[position] ^= 0x5a;
            if let Ok(image) = decode(&damaged) {
                assert_eq!(image.pixels.len(), image.height * image.width * image.channels);
            }
        }
    }

    /// A header of 33 bytes with a right checksum that promises 4 billion by 4 billion pixels.
    #[test]
    fn a_header_that_promises_more_than_there_is_memory_costs_nothing() {
        for (width, height) in [(u32::MAX >> 1, u32::MAX >> 1), (1 << 15, 1 << 15), (1 << 20, 1)] {
            let mut header = b"IHDR".to_vec();
            header.extend(width.to_be_bytes().into_iter().chain(height.to_be_bytes()).chain([8, 2, 0, 0, 0]));
            let mut file = b"\x89PNG\r\n\x1a\n\0\0\0\x0d".to_vec();
            file.extend(&header);
            file.extend(crc32fast::hash(&header).to_be_bytes());
            file.extend(b"\0\0\0\0IDAT\x35\xaf\x06\x1e");
            let message = decode(&file).unwrap_err();
            assert!(message.contains("limit") || message.contains("more than"), "{message}");
        }
    }

    #[test]
    fn a_short_file_cannot_promise_a_large_picture_and_a_blank_one_is_no_lie() {
        let blank = png(2000, 2000, ExtendedColorType::L8, &vec![0; 4_000_000]);
        assert_eq!(decode(&blank).unwrap().pixels.len(), 4_000_000, "{} bytes", blank.len());
        let mut header = blank[12..29].to_vec();
        header[6..8].copy_from_slice(&32_000_u16.to_be_bytes());
        let crc = crc32fast::hash(&header).to_be_bytes();
        let message = decode(&[&blank[..12], &header, &crc, &blank[33..]].concat()).unwrap_err();
        assert!(message.starts_with("promises 2000 x 32000 pixels, more than its "), "{message}");
    }
}
