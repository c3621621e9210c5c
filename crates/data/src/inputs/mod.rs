//! Rows to give to a trained model: pictures, tables, IDX files and NumPy arrays, read in parts, so that memory does not grow with them.
//!
//! Nothing here is scaled: the rows have the units of the training data, and pictures the size and colours that the model knows.

mod archive;
mod array;
mod list;
mod pictures;
mod shape;
mod table;
#[cfg(test)]
mod tests;

use crate::images::{Fit, Invert};
use crate::{DataError, Features, ReadOptions, Skipped};
use list::{Found, Input, Kind, find};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// What a model takes, in the terms of the data that it was trained on.
#[derive(Clone, Debug)]
pub struct RowFormat {
    /// The shape of one example: `[28, 28, 1]` for a picture (height, width, channels), `[30]` for a table's row.
    pub example_shape: Vec<usize>,
    /// What white is in pixels: 255 for most images, 16 for `digits`. `None` for measurements.
    pub full_scale: Option<u8>,
    /// What a table's columns are called; they are looked for by these names. Empty where columns have no names.
    pub feature_names: Vec<String>,
    /// One name per class, for labels that come with the rows.
    pub classes: Vec<String>,
    /// How pictures of other sizes are fitted.
    pub fit: Fit,
    /// Whether pictures are inverted.
    pub invert: Invert,
    /// `label`: a table's column with the true classes, if there is one. `skip_bad_rows` and `progress` as in training.
    pub options: ReadOptions,
}

/// Where a row comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowOrigin {
    /// The file, as it was named.
    pub input: Rc<str>,
    /// Its number in the file, counted from 0.
    pub row: u64,
    /// Its class, where that is known: from a table's label column, or from the name of a picture's folder.
    pub label: Option<u32>,
}

/// Some rows.
#[derive(Clone, Debug, PartialEq)]
pub struct InputRows {
    /// `[rows, features]`, row-major.
    pub features: Features,
    /// Where each comes from.
    pub origins: Vec<RowOrigin>,
}

/// Files in folders that are no pictures by their names, and so were passed over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PassedOver {
    /// How many.
    pub files: u64,
    /// One of them.
    pub first: Option<PathBuf>,
}

/// What messages call standard input.
const STANDARD_INPUT: &str = "standard input";

/// The rows of some files, in order.
pub struct Inputs {
    format: RowFormat,
    left: VecDeque<Input>,
    passed_over: PassedOver,
    current: Option<(PathBuf, Box<dyn Reader>)>,
    /// Whether the current file had a row so far, used or skipped.
    has_rows: bool,
    skipped: Skipped,
}

/// A file, or a row of pictures, that is being read.
trait Reader {
    /// The next rows, `most` at the most; `None` at the end. What is skipped is counted in `skipped`.
    fn next(&mut self, most: usize, format: &RowFormat, skipped: &mut Skipped) -> Result<Option<InputRows>, DataError>;
}

impl RowFormat {
    /// Numbers per example.
    #[must_use]
    pub fn num_features(&self) -> usize {
        self.example_shape.iter().product()
    }

    /// The number of the class called `name`.
    fn class(&self, name: &str) -> Option<u32> {
        self.classes.iter().position(|class| class == name).map(|class| class as u32)
    }
}

impl Inputs {
    /// Finds the files: a folder stands for the pictures in it and in its folders, sorted by name; `-` is a table on standard input.
    ///
    /// # Errors
    /// A path that is not there, a folder without pictures, or a file of no known kind; nothing is decoded yet.
    pub fn find(paths: &[PathBuf], format: RowFormat) -> Result<Self, DataError> {
        let Found { inputs: left, passed_over } = find(paths, &format)?;
        Ok(Self { format, left, passed_over, current: None, has_rows: false, skipped: Skipped::default() })
    }

    /// What was passed over in folders.
    #[must_use]
    pub fn passed_over(&self) -> &PassedOver {
        &self.passed_over
    }

    /// Whether there is a table, which may have a column with the true classes, among what has not been read yet.
    #[must_use]
    pub fn has_table(&self) -> bool {
        self.left.iter().any(|input| matches!(input, Input::File(_, Kind::Table)))
    }

    /// How many pictures there are, where there is nothing else.
    #[must_use]
    pub fn pictures(&self) -> Option<u64> {
        let count = |input: &Input| match input {
            Input::Pictures(files) => Some(files.len() as u64),
            Input::File(..) => None,
        };
        self.left.iter().map(count).sum()
    }

    /// The rows that were left out so far.
    #[must_use]
    pub fn skipped(&self) -> &Skipped {
        &self.skipped
    }

    /// The next rows, `most` at the most and at least one; `None` when all have been read.
    ///
    /// # Errors
    /// A file or row that cannot be used, by its name and number.
    pub fn next(&mut self, most: usize) -> Result<Option<InputRows>, DataError> {
        loop {
            let Some((path, reader)) = &mut self.current else {
                let Some(input) = self.left.pop_front() else { return Ok(None) };
                self.current = Some(input.open(&self.format)?);
                self.has_rows = false;
                continue;
            };
            match reader.next(most, &self.format, &mut self.skipped)? {
                Some(rows) => {
                    self.has_rows = true;
                    if !rows.origins.is_empty() {
                        return Ok(Some(rows));
                    }
                }
                None if !self.has_rows => return Err(no_rows(path)),
                None => self.current = None,
            }
        }
    }
}

/// Whether a path stands for standard input.
#[must_use]
pub fn is_standard_input(path: &Path) -> bool {
    path.as_os_str() == "-"
}

fn no_rows(path: &Path) -> DataError {
    DataError::malformed(path, "has no rows", "give at least one row to predict")
}
