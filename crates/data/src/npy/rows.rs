//! The rows of one part, checked.

use super::array::Numbers;
use crate::{DataError, Features, ReadOptions, RowNumbers, Skipped};
use std::path::Path;

/// One part as read: features, example shape, class numbers, and which rows they are.
pub(super) struct Rows {
    pub(super) features: Features,
    pub(super) shape: Vec<usize>,
    pub(super) labels: Vec<u32>,
    pub(super) row_numbers: RowNumbers,
}

/// What messages call an array of features.
pub(super) struct Place<'a> {
    pub(super) path: &'a Path,
    pub(super) array: &'a str,
}

impl Rows {
    /// Checks every row, and leaves out bad ones where that is asked for.
    pub(super) fn checked(
        place: &Place<'_>,
        shape: Vec<usize>,
        numbers: Numbers,
        labels: Vec<Option<u32>>,
        (options, skipped): (&ReadOptions, &mut Skipped),
    ) -> Result<Self, DataError> {
        let width: usize = shape.iter().product();
        let mut bad = vec![false; labels.len()];
        for (row, label) in labels.iter().enumerate() {
            let problem = match (&numbers, label) {
                (_, None) => format!("has no label in row {row}"),
                (Numbers::F32(values), _) => {
                    let values = &values[row * width..(row + 1) * width];
                    let Some(column) = values.iter().position(|value| !value.is_finite()) else { continue };
                    format!("has {} in row {row} of `{}`, at feature {column}, which is not a finite number", values[column], place.array)
                }
                (Numbers::U8(_), _) => continue,
            };
            bad[row] = true;
            let remedy = "mend or remove the row (rows are counted from 0), or skip such rows with --skip-bad-rows";
            skipped.take(DataError::malformed(place.path, problem, remedy), options)?;
        }
        let features = match numbers {
            Numbers::U8(values) => Features::U8 { values: without(values, width, &bad), full_scale: u8::MAX },
            Numbers::F32(values) => Features::F32(without(values, width, &bad)),
        };
        let labels = labels.into_iter().zip(&bad).filter(|(_, is_bad)| !**is_bad).filter_map(|(label, _)| label).collect();
        let row_numbers = RowNumbers::without((0..bad.len()).filter(|row| bad[*row]));
        Ok(Self { features, shape, labels, row_numbers })
    }

    /// Adds the rows of another part. The error is a predicate.
    pub(super) fn append(&mut self, other: Self) -> Result<(), String> {
        if self.shape != other.shape {
            return Err(format!("has validation examples of shape {:?} and train examples of {:?}", other.shape, self.shape));
        }
        match (&mut self.features, other.features) {
            (Features::U8 { values, .. }, Features::U8 { values: more, .. }) => values.extend(more),
            (Features::F32(values), Features::F32(more)) => values.extend(more),
            _ => return Err("has validation features of another type than its train features".into()),
        }
        self.row_numbers.append(&other.row_numbers, self.labels.len());
        self.labels.extend(other.labels);
        Ok(())
    }
}

/// The rows of `width` values that are not bad.
fn without<T: Copy>(mut values: Vec<T>, width: usize, bad: &[bool]) -> Vec<T> {
    if bad.contains(&true) {
        let mut kept = 0;
        for row in (0..bad.len()).filter(|row| !bad[*row]) {
            values.copy_within(row * width..(row + 1) * width, kept);
            kept += width;
        }
        values.truncate(kept);
    }
    values
}
