//! The rows of one hub file, decoded: grey images of one size, and their labels.
//!
//! `candle-datasets` has such a loader too, but it panics on an image that does not decode and drops a row that it cannot read. Here
//! either is an error that names the row. The columns are read as columns: parquet's row iterator panics where a column is shorter
//! than the file promises.

use super::reason::one_line;
use image::{GrayImage, ImageFormat, ImageReader, Limits};
use parquet::column::reader::ColumnReaderImpl;
use parquet::data_type::{ByteArrayType, DataType, Int64Type};
use parquet::file::reader::{FileReader, RowGroupReader};
use std::io::Cursor;

/// The hub's way to store an image: a struct of the encoded bytes and the original file's path.
const IMAGE_COLUMN: &str = "image.bytes";
const LABEL_COLUMN: &str = "label";
const BATCH_ROWS: usize = 256;
/// What one image may ask for before it is decoded: a kilobyte of PNG can promise gigabytes of pixels.
const MAX_SIDE: u32 = 4096;
const MAX_DECODER_BYTES: u64 = 1 << 26;
/// What all images of a file may take together; MNIST takes 45 MiB.
const MAX_PIXELS: usize = 1 << 30;

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
    let mut images = Images::default();
    for index in 0..file.num_row_groups() {
        let group = file.get_row_group(index).map_err(|error| format!("the {split} file cannot be read: {}", one_line(&error)))?;
        images.take_group(&*group, split)?;
    }
    let promised = file.metadata().file_metadata().num_rows();
    if usize::try_from(promised) != Ok(images.labels.len()) {
        return Err(format!("the {split} file promises {promised} rows and holds {}", images.labels.len()));
    }
    if images.labels.is_empty() {
        return Err(format!("the {split} file has no rows"));
    }
    Ok(images)
}

impl Images {
    fn take_group(&mut self, group: &dyn RowGroupReader, split: &str) -> Result<(), String> {
        let of_file = |problem| format!("the {split} file {problem}");
        let of_row = |(row, problem)| format!("row {row} of the {split} file: {problem}");
        let mut images = Column::<ByteArrayType>::open(group, IMAGE_COLUMN).map_err(of_file)?;
        let mut labels = Column::<Int64Type>::open(group, LABEL_COLUMN).map_err(of_file)?;
        let mut left = usize::try_from(group.metadata().num_rows()).map_err(|_| of_file("promises a negative number of rows".into()))?;
        while left > 0 {
            let (first, count) = (self.labels.len(), left.min(BATCH_ROWS));
            let in_file = |(offset, problem)| of_row((first + offset, problem));
            let (batch, classes) = (images.next(count).map_err(in_file)?, labels.next(count).map_err(in_file)?);
            for (offset, (bytes, class)) in batch.iter().zip(classes).enumerate() {
                self.take_row(bytes.data(), class).map_err(|problem| in_file((offset, problem)))?;
            }
            left -= count;
        }
        Ok(())
    }

    fn take_row(&mut self, bytes: &[u8], class: i64) -> Result<(), String> {
        let label = u8::try_from(class).map_err(|_| format!("the label {class} is not one of 0..255"))?;
        let image = decode_png(bytes)?;
        if self.labels.is_empty() {
            (self.height, self.width) = (image.height(), image.width());
        } else if (self.height, self.width) != (image.height(), image.width()) {
            let found = format!("{} x {} pixels", image.height(), image.width());
            return Err(format!("the image has {found}, and those before it {} x {}", self.height, self.width));
        }
        if self.pixels.len() + image.len() > MAX_PIXELS {
            return Err(format!("up to here the images take more than {MAX_PIXELS} bytes, which is too much for a set like MNIST"));
        }
        self.pixels.extend_from_slice(&image);
        self.labels.push(label);
        Ok(())
    }
}

/// PNG of any colour to 8-bit grey; a picture that is 8-bit grey, as all of MNIST's are, keeps its bytes.
fn decode_png(bytes: &[u8]) -> Result<GrayImage, String> {
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_DECODER_BYTES);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), ImageFormat::Png);
    reader.limits(limits);
    let image = reader.decode().map_err(|error| format!("the image does not decode: {}", one_line(&error)))?;
    Ok(image.into_luma8())
}

/// One column of a row group, read in order.
struct Column<T: DataType> {
    reader: ColumnReaderImpl<T>,
    name: &'static str,
    /// The definition level of a value that is there: a lower one means that it, or a struct around it, is null.
    present: i16,
}

impl<T: DataType> Column<T> {
    /// The error is a predicate about the file.
    fn open(group: &dyn RowGroupReader, name: &'static str) -> Result<Self, String> {
        let schema = group.metadata().schema_descr();
        let position = schema.columns().iter().position(|column| column.path().string() == name);
        let index = position.ok_or_else(|| format!("has no column `{name}`"))?;
        let column = schema.column(index);
        let reader = group.get_column_reader(index).map_err(|error| format!("cannot be read: {}", one_line(&error)))?;
        match T::get_column_reader(reader) {
            Some(reader) if column.max_rep_level() == 0 => Ok(Self { reader, name, present: column.max_def_level() }),
            Some(_) => Err(format!("holds lists in its column `{name}`")),
            None => Err(format!("holds {} in its column `{name}`, not {}", column.physical_type(), T::get_physical_type())),
        }
    }

    /// The next `count` values. The error comes with the offset of its row.
    fn next(&mut self, count: usize) -> Result<Vec<T::T>, (usize, String)> {
        let (mut levels, mut values) = (Vec::new(), Vec::new());
        let read = self.reader.read_records(count, Some(&mut levels), None, &mut values);
        read.map_err(|error| (0, format!("`{}` cannot be read from here: {}", self.name, one_line(&error))))?;
        if let Some(offset) = levels.iter().position(|level| *level < self.present) {
            return Err((offset, format!("`{}` is null", self.name)));
        }
        if values.len() < count {
            return Err((values.len(), format!("`{}` ends before this row", self.name)));
        }
        Ok(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub_file::{self, SCHEMA, png};
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

    #[test]
    fn rows_are_counted_over_batches() {
        let path = tempfile::NamedTempFile::new().unwrap();
        hub_file::write_groups(path.path(), SCHEMA, &[&vec![good(1); BATCH_ROWS + 1].concat()], 0);
        let message = decode(&SerializedFileReader::new(path.into_file()).unwrap(), "train").unwrap_err();
        assert_eq!(message, "row 256 of the train file: the label 256 is not one of 0..255");
    }

    #[test]
    fn required_columns_without_nulls_are_read_too() {
        let schema = "message schema { required group image { required binary bytes; } required int64 label; }";
        assert_eq!(decoded(schema, &good(4), 6).unwrap().labels, [6, 7, 8, 9]);
    }

    #[test]
    fn a_bad_image_is_named_with_its_row() {
        assert!(error_of(Some(b"GIF89a".to_vec())).starts_with("row 17 of the train file: the image does not decode: "));
        let whole = png(2, 1, &[1, 2]);
        assert!(error_of(Some(whole[..whole.len() / 2].to_vec())).starts_with("row 17 of the train file: the image does not decode"));
        assert_eq!(error_of(None), "row 17 of the train file: `image.bytes` is null");
    }

    #[test]
    fn an_image_of_another_size_is_named_with_its_row() {
        let message = error_of(Some(png(1, 2, &[1, 2])));
        assert_eq!(message, "row 17 of the train file: the image has 1 x 2 pixels, and those before it 2 x 1");
    }

    #[test]
    fn an_image_that_would_take_too_much_is_refused_before_it_is_decoded() {
        let side = MAX_SIDE as usize + 1;
        let message = error_of(Some(png(1, side, &vec![0; side])));
        assert!(message.starts_with("row 17 of the train file: the image does not decode") && message.contains("limit"), "{message}");
    }

    #[test]
    fn a_label_that_is_no_byte_is_named_with_its_row() {
        assert_eq!(decoded(SCHEMA, &good(5), 296).unwrap_err(), "row 0 of the train file: the label 296 is not one of 0..255");
        assert_eq!(decoded(SCHEMA, &good(5), 252).unwrap_err(), "row 4 of the train file: the label 256 is not one of 0..255");
        assert_eq!(decoded(SCHEMA, &good(5), -1).unwrap_err(), "row 0 of the train file: the label -1 is not one of 0..255");
    }

    #[test]
    fn columns_of_another_name_or_type_are_named() {
        let message = |from: &str, to: &str| decoded(&SCHEMA.replace(from, to), &good(2), 0).unwrap_err();
        assert_eq!(message("int64 label", "int64 class"), "the train file has no column `label`");
        assert_eq!(message("binary bytes", "binary png"), "the train file has no column `image.bytes`");
        assert_eq!(message("int64 label", "int32 label"), "the train file holds INT32 in its column `label`, not INT64");
    }

    #[test]
    fn a_file_without_rows_is_refused() {
        assert_eq!(decoded(SCHEMA, &[], 0).unwrap_err(), "the train file has no rows");
    }
}
