//! The rows of one hub file as an MNIST-format set has them: images of one size in grey, and labels that are bytes.
//!
//! `candle-datasets` has such a loader too, but it panics on an image that does not decode and drops a row that it cannot read. Here the
//! file is read as any other Parquet file of images, and either is an error that names the row.

use super::reason::clean;
use crate::images::{DecodedImage, to_channels};
use crate::parquet_files::{OneFile, read_one};
use parquet::file::reader::FileReader;
use std::path::Path;

/// The images of one file, row-major `[rows, height, width]`, and their labels.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Images {
    pub(super) height: u32,
    pub(super) width: u32,
    pub(super) pixels: Vec<u8>,
    pub(super) labels: Vec<u8>,
}

/// Decodes every row of `file`, the `split` ("train" or "test") of its data set. Rows are counted from 0.
pub(super) fn decode(file: &dyn FileReader, split: &str) -> Result<Images, String> {
    let name = format!("the {split} file");
    let OneFile { shape: [height, width, channels], pixels, labels, values } =
        read_one(Path::new(&name), file).map_err(|error| clean(&error.problem()))?;
    if labels.is_empty() {
        return Err(format!("{name} has no rows"));
    }
    let byte = |(row, label): (usize, &u32)| {
        let value = &values[*label as usize];
        value.parse().map_err(|_| clean(&format!("{name} has the label {value} in row {row}, which is not one of 0..255")))
    };
    let labels = labels.iter().enumerate().map(byte).collect::<Result<Vec<u8>, String>>()?;
    // Images one below the other are one image, too.
    let all = DecodedImage { height: height * labels.len(), width, channels, pixels };
    Ok(Images { height: height as u32, width: width as u32, pixels: to_channels(all, 1).pixels, labels })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub_file::{self, SCHEMA, png};
    use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};
    use parquet::file::reader::SerializedFileReader;

    /// What decoding gives for a file of these rows, three to a row group, labelled from `first_label`.
    fn decoded(schema: &str, images: &[Option<Vec<u8>>], first_label: i64) -> Result<Images, String> {
        let path = tempfile::NamedTempFile::new().unwrap();
        hub_file::write(path.path(), schema, images, first_label);
        decode(&SerializedFileReader::new(path.into_file()).unwrap(), "train")
    }

    fn good(rows: u8) -> Vec<Option<Vec<u8>>> {
        (0..rows).map(|row| Some(png(2, 1, &[row, 255]))).collect()
    }

    /// The error where row 17 of 20 is this image.
    fn error_of(image: Option<Vec<u8>>) -> String {
        let mut images = good(20);
        images[17] = image;
        decoded(SCHEMA, &images, 0).unwrap_err()
    }

    #[test]
    fn every_row_is_decoded_in_order_over_row_groups() {
        let images = decoded(SCHEMA, &good(5), 0).unwrap();
        let pixels = vec![0, 255, 1, 255, 2, 255, 3, 255, 4, 255];
        assert_eq!(images, Images { height: 2, width: 1, pixels, labels: vec![0, 1, 2, 3, 4] });
    }

    /// More rows than are decoded at a time.
    #[test]
    fn rows_are_counted_over_batches() {
        let path = tempfile::NamedTempFile::new().unwrap();
        let images = [vec![good(1).remove(0); 300], vec![None], good(1)].concat();
        hub_file::write_groups(path.path(), SCHEMA, &[&images], 0);
        let message = decode(&SerializedFileReader::new(path.into_file()).unwrap(), "train").unwrap_err();
        assert_eq!(message, "the train file has a bad row 300: the image is missing");
    }

    /// As all of MNIST's images are.
    #[test]
    fn grey_images_keep_their_bytes() {
        let every: Vec<u8> = (0..=255).collect();
        let images = decoded(SCHEMA, &[Some(png(16, 16, &every))], 7).unwrap();
        assert_eq!(images, Images { height: 16, width: 16, pixels: every, labels: vec![7] });
    }

    /// Red is 76 in Rec. 601, and what is transparent lies on white paper.
    #[test]
    fn colour_becomes_the_grey_of_every_other_picture() {
        let mut bytes = Vec::new();
        let red_and_nothing = [255, 0, 0, 255, 0, 0, 0, 0];
        PngEncoder::new(&mut bytes).write_image(&red_and_nothing, 2, 1, ExtendedColorType::Rgba8).unwrap();
        let images = decoded(SCHEMA, &[Some(bytes.clone()), Some(bytes)], 0).unwrap();
        assert_eq!(images, Images { height: 1, width: 2, pixels: vec![76, 255, 76, 255], labels: vec![0, 1] });
    }

    #[test]
    fn required_columns_without_nulls_are_read_too() {
        let schema = "message schema { required group image { required binary bytes; } required int64 label; }";
        assert_eq!(decoded(schema, &good(4), 6).unwrap().labels, [6, 7, 8, 9]);
    }

    #[test]
    fn a_bad_image_is_named_with_its_row() {
        assert!(error_of(Some(b"GIF89a".to_vec())).starts_with("the train file has a bad row 17: the image is a GIF file"));
        let whole = png(2, 1, &[1, 2]);
        let message = error_of(Some(whole[..whole.len() / 2].to_vec()));
        assert!(message.starts_with("the train file has a bad row 17: the image does not decode: "), "{message}");
        assert_eq!(error_of(None), "the train file has a bad row 17: the image is missing");
    }

    #[test]
    fn an_image_of_another_size_is_named_with_its_row() {
        let message = error_of(Some(png(1, 2, &[1, 2])));
        let expected = "the train file has a bad row 17: the image has 1 x 2 pixels of 1 channel, and the first one 2 x 1";
        assert!(message.starts_with(expected), "{message}");
    }

    #[test]
    fn a_label_that_is_no_byte_is_named_with_its_row() {
        for (first, label, row) in [(296, 296, 0), (252, 256, 4), (-1, -1, 0)] {
            let expected = format!("the train file has the label {label} in row {row}, which is not one of 0..255");
            assert_eq!(decoded(SCHEMA, &good(5), first).unwrap_err(), expected);
        }
    }

    #[test]
    fn a_file_without_images_or_labels_is_named() {
        let message = |from: &str, to: &str| decoded(&SCHEMA.replace(from, to), &good(2), 0).unwrap_err();
        assert_eq!(message("optional int64 label; ", ""), "the train file has images and no column with their classes");
        assert!(message("binary bytes", "binary png").starts_with("the train file has no image column"));
    }

    #[test]
    fn a_file_without_rows_is_refused() {
        assert_eq!(decoded(SCHEMA, &[], 0).unwrap_err(), "the train file has no rows");
    }
}
