//! NumPy's arrays: a `.npz` archive, or `.npy` files side by side.
//!
//! Features are called `x`, `x_train`, `x_test` and `x_val`, labels `y`, `y_train`, ... (capitals count for nothing, and so do the forms
//! `X_valid` and `x_validation`), as in Keras' `mnist.npz`. Features have the shape `[N, F]`, `[N, H, W]` or `[N, H, W, C]`. Unsigned bytes
//! are pixels, of which 255 is white; everything else becomes 32-bit floats.

mod archive;
mod array;
mod header;
mod rows;
#[cfg(test)]
mod tests;

use crate::classes::{ClassIndex, no_classes};
use crate::parts::Part;
use crate::{DataError, Dataset, ReadOptions, Skipped, Source};
pub(crate) use archive::Archive;
use array::Array;
pub(crate) use array::{Numbers, number};
pub(crate) use header::{Header, Kind};
use rows::{Place, Rows};
use std::path::Path;

/// The arrays of one part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Pair {
    x: Option<String>,
    y: Option<String>,
}

struct Reader<'a> {
    archive: Archive<'a>,
    options: &'a ReadOptions,
    classes: ClassIndex,
    skipped: Skipped,
    rows: usize,
}

/// Whether `folder` holds a `.npy` file with the name of features.
pub(crate) fn is_array_folder(folder: &Path) -> bool {
    let files = std::fs::read_dir(folder).into_iter().flatten().filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    files.filter_map(|file| file.to_lowercase().strip_suffix(".npy").and_then(role)).any(|(is_x, _)| is_x)
}

/// Whether an array of this name holds features.
pub(crate) fn is_features(name: &str) -> bool {
    role(name).is_some_and(|(is_x, _)| is_x)
}

/// What an array of this name holds: features (or labels), and of which part.
fn role(name: &str) -> Option<(bool, Part)> {
    let name = name.to_lowercase();
    let (first, rest) = name.split_at_checked(1)?;
    let is_x = match first {
        "x" => true,
        "y" => false,
        _ => return None,
    };
    match rest {
        "" => Some((is_x, Part::Train)),
        rest => Some((is_x, Part::of_name(rest.strip_prefix('_').unwrap_or(rest)).filter(|_| rest.len() <= "_validation".len())?)),
    }
}

/// Reads the archive, the folder, or the `.npy` file of features with its neighbours at `path`.
pub(crate) fn read(path: &Path, name: &str, options: &ReadOptions) -> Result<Source, DataError> {
    let archive = Archive::open(path)?;
    let [train, validation, test] = pairs(path, &archive)?;
    let mut reader = Reader { archive, options, classes: ClassIndex::default(), skipped: Skipped::default(), rows: 0 };
    let mut train = reader.rows(&train)?;
    let mut own_validation = 0;
    if validation != Pair::default() {
        let rows = reader.rows(&validation)?;
        own_validation = rows.labels.len();
        train.append(rows).map_err(|problem| DataError::malformed(path, problem, "give arrays of the same set"))?;
    }
    let test = if test == Pair::default() { None } else { Some(reader.rows(&test)?) };
    if let Some(test) = &test
        && std::mem::discriminant(&test.features) != std::mem::discriminant(&train.features)
    {
        let problem = "has train features of another type than its test features: one are bytes, the other are not";
        return Err(DataError::malformed(path, problem, "give both in one type"));
    }
    let Reader { classes, skipped, rows, .. } = reader;
    let (classes, renumbered) = classes.ordered("its labels", rows).map_err(|error| no_classes(path, error))?;
    let dataset = |rows: Rows| {
        let labels = rows.labels.into_iter().map(|label| renumbered[label as usize]).collect();
        Dataset::new(rows.features, rows.shape, labels).numbered(rows.row_numbers)
    };
    let (train, test) = (dataset(train), test.map(dataset));
    Source { own_validation, skipped, ..Source::new(name, classes, train, test) }.validated()
}

/// The names of the arrays of the train, validation and test rows.
fn pairs(path: &Path, archive: &Archive<'_>) -> Result<[Pair; 3], DataError> {
    let mut pairs: [Pair; 3] = Default::default();
    for name in archive.names() {
        let Some((is_x, part)) = role(name) else { continue };
        let pair = &mut pairs[part as usize];
        let place = if is_x { &mut pair.x } else { &mut pair.y };
        if let Some(first) = place.replace(name.clone()) {
            let problem = format!("holds both `{first}` and `{name}`");
            return Err(DataError::malformed(path, problem, "leave one of them out; it is not clear which is meant"));
        }
    }
    let incomplete = pairs.iter().any(|pair| pair.x.is_some() != pair.y.is_some());
    if pairs[0] == Pair::default() || incomplete {
        let found: Vec<&str> = archive.names().map(String::as_str).take(8).collect();
        let found = if found.is_empty() { "none".into() } else { found.join(", ") };
        let problem = format!("does not hold features with their labels (its arrays: {found})");
        let remedy = "call them x and y, or x_train, y_train, x_test and y_test; files are called X.npy and y.npy, or likewise";
        return Err(DataError::malformed(path, problem, remedy));
    }
    Ok(pairs)
}

/// How many rows an array of features has, and the shape of one.
fn shape_of(x: &Array<'_>) -> Result<(usize, Vec<usize>), DataError> {
    match x.header.shape[..] {
        [count, features] if features > 0 => Ok((count, vec![features])),
        [count, height, width] if height > 0 && width > 0 => Ok((count, vec![height, width, 1])),
        [count, height, width, channels] if height > 0 && width > 0 && channels > 0 => Ok((count, vec![height, width, channels])),
        _ => {
            let shown = x.header.shape_shown();
            Err(x.error(&format!("has the shape {shown}, where [N, F], [N, H, W] or [N, H, W, C] was expected")))
        }
    }
}

impl Reader<'_> {
    fn rows(&mut self, pair: &Pair) -> Result<Rows, DataError> {
        let (x_name, y_name) = (pair.x.as_deref().unwrap_or_default(), pair.y.as_deref().unwrap_or_default());
        let (count, shape) = shape_of(&self.archive.array(x_name)?)?;
        let labels = self.labels(y_name)?;
        let x = self.archive.array(x_name)?;
        if count != labels.len() {
            let problem = format!("has {count} rows, but `{y_name}` has {}", labels.len());
            return Err(x.error(&problem));
        }
        let features = x.numbers()?;
        let place = Place { path: self.archive.path, array: x_name };
        Rows::checked(&place, shape, features, labels, (self.options, &mut self.skipped))
    }

    /// The class number of each row; `None` where it has no class.
    fn labels(&mut self, name: &str) -> Result<Vec<Option<u32>>, DataError> {
        let path = self.archive.path;
        let y = self.archive.array(name)?;
        if !matches!(y.header.shape[..], [_] | [_, 1]) {
            let shown = y.header.shape_shown();
            return Err(y.error(&format!("has the shape {shown}, where one class for each row was expected (one-hot rows: y.argmax(1))")));
        }
        let mut labels = Vec::new();
        let (classes, rows) = (&mut self.classes, &mut self.rows);
        y.class_names(|class| {
            *rows += 1;
            let number = class.map(|class| {
                let number = classes.number(class);
                number.ok_or_else(|| no_classes(path, classes.overfull(*rows, &format!("`{name}`"))))
            });
            labels.push(number.transpose()?);
            Ok(())
        })?;
        Ok(labels)
    }
}
