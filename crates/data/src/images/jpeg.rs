//! Whether a JPEG file is whole. The decoder fills up one that is cut short with grey, and says nothing.
//!
//! A file is a row of segments (ITU-T T.81, annex B): `FF`, a code, and for most codes two bytes of length, which count themselves.
//! Compressed data follows a start of scan, and in it a byte `FF` is followed by 0 or by a restart mark (`D0` to `D7`).

const START_OF_SCAN: u8 = 0xda;
const END_OF_IMAGE: u8 = 0xd9;

/// Whether the segments of `bytes`, a file that starts as JPEG, lead to an end of image.
pub(super) fn is_whole(bytes: &[u8]) -> bool {
    let mut position = 2;
    while let Some([0xff, code]) = bytes.get(position..position + 2) {
        match *code {
            END_OF_IMAGE => return true,
            // A mark may be preceded by any number of FF.
            0xff => position += 1,
            code => {
                let Some([high, low]) = bytes.get(position + 2..position + 4) else { return false };
                position += 2 + usize::from(u16::from_be_bytes([*high, *low])).max(2);
                if code == START_OF_SCAN {
                    position = end_of_scan(bytes, position);
                }
            }
        }
    }
    false
}

/// Where the mark stands that ends the compressed data at `position`, or the end of the file.
fn end_of_scan(bytes: &[u8], position: usize) -> usize {
    let data = bytes.get(position..).unwrap_or_default();
    let is_mark = |pair: &[u8]| pair[0] == 0xff && !matches!(pair[1], 0 | 0xd0..=0xd7 | 0xff);
    data.windows(2).position(is_mark).map_or(bytes.len(), |offset| position + offset)
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{ExtendedColorType, ImageEncoder, codecs::jpeg::JpegEncoder};

    #[test]
    fn a_file_is_whole_with_its_last_mark_and_not_before() {
        let mut file = Vec::new();
        let pixels: Vec<u8> = (0..4800_u32).map(|i| (i * i * 7 % 251) as u8).collect();
        JpegEncoder::new_with_quality(&mut file, 90).write_image(&pixels, 40, 40, ExtendedColorType::Rgb8).unwrap();
        assert!(is_whole(&file));
        assert!((2..file.len()).all(|length| !is_whole(&file[..length])));
        assert!(is_whole(&[&file[..], b"what a camera adds"].concat()));
    }

    #[test]
    fn a_thumbnail_s_end_is_not_the_picture_s() {
        let thumbnail = b"\xff\xd8\xff\xe1\x00\x06\xff\xd8\xff\xd9";
        assert!(!is_whole(&[&thumbnail[..], b"\xff\xda\x00\x02\x01\xff\x00\xff\xd0\x02"].concat()));
        assert!(is_whole(&[&thumbnail[..], b"\xff\xda\x00\x02\x01\xff\x00\xff\xd0\x02\xff\xff\xd9"].concat()));
        assert!(!is_whole(b"\xff\xd8\xff\xe1\xff\xff"));
    }
}
