//! A Parquet file of encoded images, as the data sets of the hub have them: a column that is a struct of `bytes` (PNG or JPEG) and `path`,
//! and a column with the class.

use super::columns::Column;
use super::described::Described;
use super::guard::guarded;
use super::picture_columns::{label_column, picture_column};
use super::{broken, check_rows, open};
use crate::classes::{ClassIndex, ListedClasses, no_classes};
use crate::images::{DecodedImage, decode};
use crate::parts::{Parts, ReadParts, Rows};
use crate::{DataError, Dataset, Features, ReadOptions, RowNumbers, Skipped, Source};
use parquet::data_type::ByteArray;
use parquet::file::reader::{FileReader, RowGroupReader};
use rayon::prelude::*;
use std::path::Path;

/// Images that are decoded at a time, spread over the cores.
const BATCH_IMAGES: usize = 256;

/// The images of one part so far, `[rows, height, width, channels]`, the class numbers, and which rows they are.
#[derive(Default)]
struct PictureRows {
    pixels: Vec<u8>,
    labels: Vec<u32>,
    row_numbers: RowNumbers,
}

impl Rows for PictureRows {
    fn count(&self) -> usize {
        self.labels.len()
    }
}

struct Reader<'a> {
    options: &'a ReadOptions,
    classes: ClassIndex,
    listed: ListedClasses,
    /// The first image's height, width and channels.
    shape: Option<[usize; 3]>,
    label_shown: String,
    skipped: Skipped,
    rows: usize,
}

/// Reads the files of `parts` to one data set. All images have the size of the first one.
pub(super) fn read(parts: &Parts, name: &str, options: &ReadOptions) -> Result<Source, DataError> {
    let mut reader = Reader::new(options);
    let read: ReadParts<PictureRows> = parts.read(|path, rows| guarded(path, || reader.read_file(path, &open(path)?, rows)))?;
    let Reader { classes, listed, shape, label_shown, skipped, rows, .. } = reader;
    let first = parts.train.first().map_or_else(|| Path::new(name), |path| path.as_path());
    let (classes, renumbered) = listed.or_met(classes, &label_shown, rows).map_err(|error| no_classes(first, error))?;
    let shape = shape.unwrap_or_default().to_vec();
    let dataset = |rows: PictureRows| {
        let labels = rows.labels.into_iter().map(|label| renumbered[label as usize]).collect();
        Dataset::new(Features::U8 { values: rows.pixels, full_scale: u8::MAX }, shape.clone(), labels).numbered(rows.row_numbers)
    };
    let (train, test) = (dataset(read.train), read.test.map(dataset));
    Source { own_validation: read.own_validation, skipped, ..Source::new(name, classes, train, test) }.validated()
}

/// One file by itself.
#[cfg(feature = "hub")]
pub(crate) struct OneFile {
    /// The images' height, width and channels.
    pub(crate) shape: [usize; 3],
    /// `[rows, height, width, channels]`
    pub(crate) pixels: Vec<u8>,
    /// For each row an index into `values`.
    pub(crate) labels: Vec<u32>,
    /// What stands in the class column.
    pub(crate) values: Vec<String>,
}

/// Reads one file of images, which messages call `path`, by the same rules.
#[cfg(feature = "hub")]
pub(crate) fn read_one(path: &Path, file: &dyn FileReader) -> Result<OneFile, DataError> {
    let options = ReadOptions::default();
    let (mut reader, mut rows) = (Reader::new(&options), PictureRows::default());
    reader.read_file(path, file, &mut rows)?;
    let Reader { classes, listed, shape, .. } = reader;
    let values = listed.names().map(|names| (0..names.len()).map(|number| number.to_string()).collect());
    let values = values.unwrap_or_else(|| classes.into_names());
    Ok(OneFile { shape: shape.unwrap_or_default(), pixels: rows.pixels, labels: rows.labels, values })
}

impl<'a> Reader<'a> {
    fn new(options: &'a ReadOptions) -> Self {
        let (classes, listed, skipped) = (ClassIndex::default(), ListedClasses::default(), Skipped::default());
        Self { options, classes, listed, shape: None, label_shown: String::new(), skipped, rows: 0 }
    }

    fn read_file(&mut self, path: &Path, file: &dyn FileReader, rows: &mut PictureRows) -> Result<(), DataError> {
        let picture = picture_column(path, file)?;
        let described = Described::of(file);
        let (label, name) = label_column(path, file, &described, self.options.label.as_deref())?;
        self.label_shown = format!("column `{name}`");
        self.listed.note(path, &name, described.class_names(&name))?;
        let (mut found, groups) = (0, file.num_row_groups());
        let shown = path.display().to_string();
        for index in 0..groups {
            let group = file.get_row_group(index).map_err(|error| broken(path, &error))?;
            let damaged = |problem| DataError::malformed(path, format!("has a column that {problem}"), "download or copy the file again");
            let mut pictures = Column::open(&*group, picture).map_err(damaged)?;
            let mut classes = self.classes_of(path, &*group, label)?.into_iter();
            loop {
                let batch = pictures.bytes(BATCH_IMAGES).map_err(damaged)?;
                if batch.is_empty() {
                    break;
                }
                let count = batch.len();
                let labels: Vec<Option<String>> = classes.by_ref().take(count).collect();
                if labels.len() < count {
                    return Err(damaged(format!("ends before row {}: {}", found + labels.len(), self.label_shown)));
                }
                self.take_batch(path, found, &batch, labels, rows)?;
                found += count;
            }
            if classes.next().is_some() {
                return Err(damaged(format!("ends before row {found}: the image column")));
            }
            self.options.progress.report(&shown, index as u64 + 1, groups as u64);
            self.options.progress.check()?;
        }
        check_rows(path, file, found)
    }

    /// The class of every row of a row group.
    fn classes_of(&self, path: &Path, group: &dyn RowGroupReader, label: usize) -> Result<Vec<Option<String>>, DataError> {
        let damaged = |problem: String| {
            DataError::malformed(path, format!("has a {} that {problem}", self.label_shown), "download or copy the file again")
        };
        let mut column = Column::open(group, label).map_err(damaged)?;
        let mut classes = Vec::new();
        loop {
            let batch = column.class_names().map_err(damaged)?;
            if batch.is_empty() {
                return Ok(classes);
            }
            classes.extend(batch);
        }
    }

    /// Decodes images side by side, then takes them one after the other.
    fn take_batch(
        &mut self,
        path: &Path,
        first: usize,
        batch: &[Option<ByteArray>],
        labels: Vec<Option<String>>,
        rows: &mut PictureRows,
    ) -> Result<(), DataError> {
        let decoded: Vec<Result<DecodedImage, String>> =
            batch.par_iter().map(|bytes| decode(bytes.as_ref().ok_or("is missing")?.data())).collect();
        for (offset, (image, label)) in decoded.into_iter().zip(labels).enumerate() {
            let taken = match self.checked(image, label.as_deref()) {
                Ok(image) => self.number(path, label.as_deref().unwrap_or_default())?.map(|label| (image, label)),
                Err(problem) => Err(problem),
            };
            match taken {
                Ok((image, label)) => {
                    self.shape.get_or_insert([image.height, image.width, image.channels]);
                    rows.pixels.extend_from_slice(&image.pixels);
                    rows.labels.push(label);
                }
                Err(problem) => {
                    let problem = format!("has a bad row {}: {problem}", first + offset);
                    let remedy = "mend or remove the row (rows are counted from 0), or skip such rows with --skip-bad-rows";
                    self.skipped.take(DataError::malformed(path, problem, remedy), self.options)?;
                    rows.row_numbers.leave_out(rows.labels.len());
                }
            }
        }
        Ok(())
    }

    /// An image of the right size with a label. The error says what is wrong with the row.
    fn checked(&self, image: Result<DecodedImage, String>, label: Option<&str>) -> Result<DecodedImage, String> {
        let image = image.map_err(|problem| format!("the image {problem}"))?;
        let shape = [image.height, image.width, image.channels];
        if let Some(first) = self.shape
            && first != shape
        {
            return Err(format!("the image has {}, and the first one {}", shown(shape), shown(first)));
        }
        if shape.contains(&0) {
            return Err("the image has no pixels".into());
        }
        label.map(|_| image).ok_or_else(|| "it has no label".into())
    }

    /// The class number of a label, or what is wrong with it.
    fn number(&mut self, path: &Path, label: &str) -> Result<Result<u32, String>, DataError> {
        self.rows += 1;
        if let Some(number) = self.listed.number(label) {
            return Ok(number);
        }
        let number = self.classes.number(label);
        number.map(Ok).ok_or_else(|| no_classes(path, self.classes.overfull(self.rows, &self.label_shown)))
    }
}

fn shown([height, width, channels]: [usize; 3]) -> String {
    format!("{height} x {width} pixels of {channels} channel{}", if channels == 1 { "" } else { "s" })
}
