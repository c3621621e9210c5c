//! Which format a file or folder has, and who reads it.

use crate::bytes::Contents;
use crate::parts::Parts;
use crate::table::{self, text};
use crate::{DataError, ReadOptions, Source, idx, images, npy};
use std::path::Path;

/// What messages list where nothing else can be said.
pub(crate) const KNOWN: &str = "a CSV, TSV, Parquet, .npy or .npz file, a folder of such files, an MNIST-format folder, or a folder with \
                                one folder of images for each class";

/// What a file or folder holds.
enum Format {
    Idx,
    Images,
    Arrays,
    Text(Parts),
    Parquet(Parts),
}

/// Reads the file or folder at `path`, which exists.
pub(crate) fn open(path: &Path, name: &str, options: &ReadOptions) -> Result<Source, DataError> {
    let format = if path.is_dir() { of_folder(path)? } else { of_file(path)? };
    let is_table = matches!(format, Format::Text(_) | Format::Parquet(_));
    check_settings(name, options, is_table, matches!(format, Format::Idx))?;
    if !matches!(format, Format::Images) {
        images::check_settings(name, options)?;
    }
    match format {
        Format::Idx => idx::read_folder(path, name, options.num_classes),
        Format::Images => images::read_image_folder(path, name, options),
        Format::Arrays => npy::read(path, name, options),
        Format::Text(parts) => table::read(&parts, name, options, text::read_file),
        Format::Parquet(parts) => read_parquet(&parts, name, options),
    }
}

/// Refuses settings that are for other formats.
pub(crate) fn check_settings(name: &str, options: &ReadOptions, takes_label: bool, takes_classes: bool) -> Result<(), DataError> {
    if let (false, Some(label)) = (takes_label, &options.label) {
        let problem = format!("is for tables and Parquet files, not for {name}");
        return Err(DataError::setting("data.label", format!("{label:?}"), problem, "remove it"));
    }
    if let (false, Some(classes)) = (takes_classes, options.num_classes) {
        let problem = format!("is for MNIST-format folders, not for {name}");
        return Err(DataError::setting("data.num_classes", classes, problem, "remove it"));
    }
    Ok(())
}

/// By the first bytes (of a gzip file, of what is in it), and where they say nothing by the name's ending; what is left is text.
fn of_file(path: &Path) -> Result<Format, DataError> {
    let mut contents = Contents::open(path)?;
    let start = contents.read(8)?;
    let ending = path.extension().map_or_else(String::new, |ending| ending.to_string_lossy().to_lowercase());
    if start.starts_with(b"\x93NUMPY") || start.starts_with(b"PK\x03\x04") || matches!(ending.as_str(), "npy" | "npz") {
        if contents.is_gzip() {
            return Err(DataError::malformed(path, "is a compressed NumPy file", "unpack it first, as with gunzip"));
        }
        return Ok(Format::Arrays);
    }
    if start.starts_with(b"PAR1") || is_parquet(path) {
        return Ok(Format::Parquet(Parts::of_file(path)));
    }
    if [b"\x89PNG".as_slice(), b"\xff\xd8\xff", b"\0\0\x08"].iter().any(|magic| start.starts_with(magic)) {
        let problem = "is one image or one IDX file, which is no data set";
        return Err(DataError::malformed(path, problem, format!("give the folder that it belongs to; {KNOWN} can be read")));
    }
    Ok(Format::Text(Parts::of_file(path)))
}

fn of_folder(path: &Path) -> Result<Format, DataError> {
    if idx::is_idx_folder(path) {
        return Ok(Format::Idx);
    }
    if npy::is_array_folder(path) {
        return Ok(Format::Arrays);
    }
    if let Some(parts) = Parts::find(path, is_parquet)? {
        return Ok(Format::Parquet(parts));
    }
    if images::is_image_folder(path) {
        return Ok(Format::Images);
    }
    // A folder's .txt files are notes more often than tables.
    let is_table = |path: &Path| text::is_text_table(path) && path.extension().is_none_or(|ending| !ending.eq_ignore_ascii_case("txt"));
    match Parts::find(path, is_table)? {
        Some(parts) => Ok(Format::Text(parts)),
        None => Err(DataError::malformed(path, "holds no data that this program reads", format!("give {KNOWN}"))),
    }
}

fn is_parquet(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("parquet") || ending.eq_ignore_ascii_case("pq"))
}

#[cfg(feature = "parquet")]
fn read_parquet(parts: &Parts, name: &str, options: &ReadOptions) -> Result<Source, DataError> {
    crate::parquet_files::read(parts, name, options)
}

#[cfg(not(feature = "parquet"))]
fn read_parquet(_: &Parts, name: &str, _: &ReadOptions) -> Result<Source, DataError> {
    let remedy = "build relumine with it, or give the rows as a CSV or .npz file";
    Err(DataError::unusable(name, "is a Parquet file, and this relumine was built without the `parquet` feature", remedy))
}
