//! Parquet: tables with numeric columns and a class column, and images as the data sets of the Hugging Face hub have them.
//!
//! Read through Parquet's column readers, without Arrow. The class column is `data.label`, or else the only one that the file says is a
//! class (`ClassLabel`, as the `datasets` library writes it), or else the last one; beside images the one called `label`, or the only one
//! that there is.

mod columns;
mod described;
mod guard;
mod numbers;
mod picture_columns;
mod pictures;
mod rows;
#[cfg(test)]
mod tests;

#[cfg(feature = "hub")]
pub(crate) use guard::quietly;
#[cfg(feature = "hub")]
pub(crate) use pictures::{OneFile, read_one};

use crate::error::in_one_line;
use crate::parts::Parts;
use crate::{DataError, ReadOptions, Source, table};
use parquet::file::reader::{FileReader, SerializedFileReader};
use std::fs::File;
use std::path::Path;

/// Reads the files of `parts` to one data set: images where the first file has an image column, a table otherwise.
pub(crate) fn read(parts: &Parts, name: &str, options: &ReadOptions) -> Result<Source, DataError> {
    let first = parts.train.first().ok_or_else(|| DataError::unusable(name, "has no files", "give a Parquet file"))?;
    if guard::guarded(first, || Ok(picture_columns::has_pictures(&open(first)?)))? {
        return pictures::read(parts, name, options);
    }
    table::read(parts, name, options, rows::read_file)
}

/// Opens a file and reads its footer.
fn open(path: &Path) -> Result<SerializedFileReader<File>, DataError> {
    let file = File::open(path).map_err(|error| DataError::unreadable(path, error, "give a file that exists and that you may read"))?;
    SerializedFileReader::new(file).map_err(|error| broken(path, &error))
}

/// The library's complaint about a file.
fn broken(path: &Path, error: &parquet::errors::ParquetError) -> DataError {
    DataError::malformed(path, format!("is not a whole Parquet file ({})", in_one_line(error)), "download or copy it again")
}

/// Checks that a file held as many rows as its footer promises.
fn check_rows(path: &Path, file: &dyn FileReader, found: usize) -> Result<(), DataError> {
    let promised = file.metadata().file_metadata().num_rows();
    if usize::try_from(promised) == Ok(found) {
        return Ok(());
    }
    Err(DataError::malformed(path, format!("promises {promised} rows and holds {found}"), "download or copy it again"))
}
