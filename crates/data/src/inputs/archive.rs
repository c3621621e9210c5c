//! The features of a `.npz` archive as rows. The array is held whole: an archive cannot be read in parts.

use super::array::{finite, misfit};
use super::shape::rows_of;
use super::{InputRows, Reader, RowFormat, RowOrigin};
use crate::npy::{Archive, Numbers, is_features};
use crate::{DataError, Features, Skipped};
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// Rows of the one array of features in an archive.
pub(super) struct NpzRows {
    path: PathBuf,
    shown: Rc<str>,
    numbers: Numbers,
    rows: usize,
    position: usize,
}

impl NpzRows {
    pub(super) fn open(path: &Path, format: &RowFormat) -> Result<Self, DataError> {
        let mut archive = Archive::open(path)?;
        let name = features_of(path, &archive)?;
        let array = archive.array(&name)?;
        let shape = array.header.shape.clone();
        let rows = rows_of(&shape, &format.example_shape).ok_or_else(|| misfit(path, &shape, format))?;
        let (path, shown) = (path.to_owned(), path.display().to_string().into());
        Ok(Self { path, shown, numbers: array.numbers()?, rows, position: 0 })
    }
}

/// The name of the array to predict.
fn features_of(path: &Path, archive: &Archive<'_>) -> Result<String, DataError> {
    let features: Vec<&String> = archive.names().filter(|name| is_features(name)).collect();
    match features[..] {
        [only] => Ok(only.clone()),
        [] => {
            let names: Vec<&str> = archive.names().map(String::as_str).take(8).collect();
            let found = if names.is_empty() { "none".into() } else { names.join(", ") };
            let problem = format!("holds no array called x (its arrays: {found})");
            Err(DataError::malformed(path, problem, "call the rows to predict x, or save them alone with numpy.save"))
        }
        [first, second, ..] => {
            let problem = format!("holds both `{first}` and `{second}`");
            Err(DataError::malformed(path, problem, "save the rows to predict alone, with numpy.save"))
        }
    }
}

impl Reader for NpzRows {
    fn next(&mut self, most: usize, format: &RowFormat, skipped: &mut Skipped) -> Result<Option<InputRows>, DataError> {
        let end = self.rows.min(self.position.saturating_add(most));
        let rows = self.position..end;
        if rows.is_empty() {
            return Ok(None);
        }
        self.position = end;
        let origins = rows.clone().map(|row| RowOrigin { input: Rc::clone(&self.shown), row: row as u64, label: None }).collect();
        let width = format.num_features();
        let values = rows.start * width..rows.end * width;
        match &self.numbers {
            Numbers::U8(bytes) => {
                let (values, full_scale) = (bytes[values].to_vec(), format.full_scale.unwrap_or(u8::MAX));
                Ok(Some(InputRows { features: Features::U8 { values, full_scale }, origins }))
            }
            Numbers::F32(numbers) => finite(&self.path, numbers[values].chunks_exact(width), origins, format, skipped).map(Some),
        }
    }
}
