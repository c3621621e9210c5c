//! Which files there are, and of which kind each is.

use super::array::{IdxRows, NpyRows};
use super::pictures::{PictureFile, PictureRows};
use super::table::TableRows;
use super::{Reader, RowFormat};
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
                };
                (path, reader)
            }
        })
    }
}

/// Adds what `path` stands for.
pub(super) fn list(path: &Path, format: &RowFormat, inputs: &mut VecDeque<Input>) -> Result<(), DataError> {
    if path.as_os_str() == "-" {
        inputs.push_back(Input::File(path.to_owned(), Kind::Table));
    } else if path.is_dir() {
        let mut files = Vec::new();
        list_folder(path, format, &mut files)?;
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

/// Everything in `folder` but hidden files; what is no picture is complained about when it is read.
fn list_folder(folder: &Path, format: &RowFormat, files: &mut Vec<PictureFile>) -> Result<(), DataError> {
    const DEEPEST: usize = 32;
    if folder.components().count() > DEEPEST {
        return Err(DataError::malformed(folder, "lies too deep", "give the folder that holds the pictures (a link may lead in circles)"));
    }
    for name in entries(folder)? {
        let path = folder.join(name);
        if path.is_dir() {
            list_folder(&path, format, files)?;
        } else {
            files.push(PictureFile { label: label_of(&path, format), path });
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
    if start.starts_with(b"\x89PNG") || start.starts_with(b"\xff\xd8\xff") {
        return Ok(None);
    }
    if is_text_table(path) {
        return Ok(Some(Kind::Table));
    }
    if start.starts_with(&[0, 0]) && start.len() >= 4 {
        return Ok(Some(Kind::Idx));
    }
    let remedy = "give .png or .jpg pictures, a folder of them, a .csv or .tsv table, an IDX file, or a .npy array";
    Err(DataError::malformed(path, "is of no kind that can be predicted", remedy))
}
