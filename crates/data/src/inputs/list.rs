//! Which files there are, and of which kind each is.

use super::archive::NpzRows;
use super::array::{IdxRows, NpyRows};
use super::pictures::{PictureFile, PictureRows};
use super::table::TableRows;
use super::{PassedOver, Reader, RowFormat, STANDARD_INPUT, is_standard_input};
use crate::DataError;
use crate::bytes::Contents;
use crate::images::{entries, is_picture};
use crate::table::text::is_text_table;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};

/// What is to be read next.
pub(super) enum Input {
    /// Pictures that follow one another, which are decoded side by side.
    Pictures(Vec<PictureFile>),
    File(PathBuf, Kind),
}

/// The kinds of files with many rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Table,
    Idx,
    Npy,
    Npz,
}

/// What some paths stand for.
#[derive(Default)]
pub(super) struct Found {
    pub(super) inputs: VecDeque<Input>,
    pub(super) passed_over: PassedOver,
}

impl Input {
    /// Opens it; its path is for messages.
    pub(super) fn open(self, format: &RowFormat) -> Result<(PathBuf, Box<dyn Reader>), DataError> {
        Ok(match self {
            Self::Pictures(files) => (files.first().map(|file| file.path.clone()).unwrap_or_default(), Box::new(PictureRows::new(files))),
            Self::File(path, kind) => {
                let reader: Box<dyn Reader> = match kind {
                    Kind::Table => Box::new(TableRows::open(&path, format)?),
                    Kind::Idx => Box::new(IdxRows::open(&path, format)?),
                    Kind::Npy => Box::new(NpyRows::open(&path, format)?),
                    Kind::Npz => Box::new(NpzRows::open(&path, format)?),
                };
                (if is_standard_input(&path) { STANDARD_INPUT.into() } else { path }, reader)
            }
        })
    }
}

/// What `paths` stand for, in their order.
pub(super) fn find(paths: &[PathBuf], format: &RowFormat) -> Result<Found, DataError> {
    let mut found = Found::default();
    paths.iter().try_for_each(|path| list(path, format, &mut found))?;
    Ok(found)
}

/// Adds what `path` stands for.
fn list(path: &Path, format: &RowFormat, Found { inputs, passed_over }: &mut Found) -> Result<(), DataError> {
    if is_standard_input(path) {
        inputs.push_back(Input::File(path.to_owned(), Kind::Table));
    } else if path.is_dir() {
        let mut files = Vec::new();
        list_folder(path, 0, format, &mut files, passed_over)?;
        if files.is_empty() {
            return Err(DataError::malformed(path, "has no pictures", "give a folder with PNG or JPEG files, or the files themselves"));
        }
        add_pictures(files, inputs);
    } else if path.is_file() && path.file_name().is_some_and(is_picture) {
        add_pictures(vec![PictureFile { path: path.to_owned(), label: label_of(path, format) }], inputs);
    } else {
        match kind_of(path)? {
            Some(kind) => inputs.push_back(Input::File(path.to_owned(), kind)),
            None => add_pictures(vec![PictureFile { path: path.to_owned(), label: label_of(path, format) }], inputs),
        }
    }
    Ok(())
}

fn add_pictures(files: Vec<PictureFile>, inputs: &mut VecDeque<Input>) {
    match inputs.back_mut() {
        Some(Input::Pictures(before)) => before.extend(files),
        _ => inputs.push_back(Input::Pictures(files)),
    }
}

/// The pictures in `folder`, which lies `depth` folders below the one that was named. Hidden files are not even counted as passed over.
fn list_folder(
    folder: &Path,
    depth: usize,
    format: &RowFormat,
    files: &mut Vec<PictureFile>,
    passed_over: &mut PassedOver,
) -> Result<(), DataError> {
    const DEEPEST: usize = 32;
    if depth > DEEPEST {
        return Err(DataError::malformed(folder, "lies too deep", "give the folder that holds the pictures (a link may lead in circles)"));
    }
    for name in entries(folder)? {
        let path = folder.join(name);
        if path.is_dir() {
            list_folder(&path, depth + 1, format, files, passed_over)?;
        } else if path.file_name().is_some_and(is_picture) {
            files.push(PictureFile { label: label_of(&path, format), path });
        } else {
            passed_over.files += 1;
            passed_over.first.get_or_insert(path);
        }
    }
    Ok(())
}

/// The class that a picture's folder is named after.
fn label_of(path: &Path, format: &RowFormat) -> Option<u32> {
    format.class(path.parent()?.file_name()?.to_str()?)
}

/// By the first bytes, and where they say nothing by the name's ending. `None` for a picture.
fn kind_of(path: &Path) -> Result<Option<Kind>, DataError> {
    let start = Contents::open(path)?.read(8)?;
    if start.starts_with(b"\x93NUMPY") {
        return Ok(Some(Kind::Npy));
    }
    if start.starts_with(b"PK\x03\x04") {
        return Ok(Some(Kind::Npz));
    }
    if start.starts_with(b"PAR1") {
        let remedy = "save its rows as a .csv table or a .npy array; training reads Parquet, and predicting does not yet";
        return Err(DataError::malformed(path, "is a Parquet file", remedy));
    }
    if start.starts_with(b"\x89PNG") || start.starts_with(b"\xff\xd8\xff") {
        return Ok(None);
    }
    if is_text_table(path) {
        return Ok(Some(Kind::Table));
    }
    if start.starts_with(&[0, 0]) && start.len() >= 4 {
        return Ok(Some(Kind::Idx));
    }
    let remedy = "give .png or .jpg pictures, a folder of them, a .csv or .tsv table, an IDX file, or a .npy or .npz file";
    Err(DataError::malformed(path, "is of no kind that can be predicted", remedy))
}
