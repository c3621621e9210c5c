//! Tables: numeric columns, and one column with the class; text or Parquet, one file or one for each part.

#[cfg(test)]
mod tests;
pub(crate) mod text;

use crate::classes::{ClassIndex, ListedClasses, no_classes};
use crate::parts::{Parts, ReadParts, Rows};
use crate::{DataError, Dataset, Features, ReadOptions, RowNumbers, Skipped, Source};
use std::collections::BTreeMap;
use std::path::Path;

/// The rows of one part so far: features row-major `[rows, columns]`, and the class numbers of the [`ClassIndex`].
#[derive(Debug, Default)]
pub(crate) struct TableRows {
    pub(crate) features: Vec<f32>,
    pub(crate) labels: Vec<u32>,
    pub(crate) row_numbers: RowNumbers,
}

impl Rows for TableRows {
    fn count(&self) -> usize {
        self.labels.len()
    }
}

/// Which column is the class, and what all are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Columns {
    pub(crate) names: Vec<String>,
    pub(crate) label: usize,
}

/// What is known of a table while its files are read.
pub(crate) struct TableReader<'a> {
    pub(crate) options: &'a ReadOptions,
    pub(crate) classes: ClassIndex,
    pub(crate) skipped: Skipped,
    pub(crate) listed: ListedClasses,
    columns: Option<Columns>,
    rows: usize,
}

/// Reads the files of `parts`, each with `read_file`, to one data set.
///
/// The classes are the label column's distinct values: in numeric order where all are whole numbers, in alphabetical order otherwise.
pub(crate) fn read(
    parts: &Parts,
    name: &str,
    options: &ReadOptions,
    read_file: impl Fn(&mut TableReader<'_>, &Path, &mut TableRows) -> Result<(), DataError>,
) -> Result<Source, DataError> {
    let (classes, skipped) = (ClassIndex::default(), Skipped::default());
    let mut reader = TableReader { options, classes, skipped, listed: ListedClasses::default(), columns: None, rows: 0 };
    let read: ReadParts<TableRows> = parts.read(|path, rows| read_file(&mut reader, path, rows))?;
    let TableReader { classes, skipped, listed, columns, rows, .. } = reader;
    let Some(columns) = columns else { return Err(DataError::unusable(name, "has no files", "give a table")) };
    let first = parts.train.first().map_or_else(|| Path::new(name), |path| path.as_path());
    let (classes, renumbered) = listed.or_met(classes, &columns.label_shown(), rows).map_err(|error| no_classes(first, error))?;
    let width = columns.names.len() - 1;
    let dataset = |rows: TableRows| {
        let labels = rows.labels.into_iter().map(|label| renumbered[label as usize]).collect();
        Dataset::new(Features::F32(rows.features), vec![width], labels).numbered(rows.row_numbers)
    };
    let feature_names = columns.feature_names();
    let (train, test) = (dataset(read.train), read.test.map(dataset));
    Source { own_validation: read.own_validation, feature_names, skipped, ..Source::new(name, classes, train, test) }.validated()
}

/// A table whose only column is called `name`.
pub(crate) fn one_column(path: &Path, name: &str) -> DataError {
    let remedy = match name {
        name if name.contains(';') => "semicolons seem to stand between its columns: save it with commas (in pandas sep=\",\")",
        name if name.contains('\t') => return of_tabs(path, "call it .tsv, or save it with commas"),
        _ => "give feature columns and a label column, separated by commas (by tabs in a file that ends in .tsv or .tab)",
    };
    DataError::malformed(path, ONE_COLUMN, remedy)
}

/// As [`one_column`], of a table whose columns are cut by tabs.
pub(crate) fn of_tabs(path: &Path, remedy: &str) -> DataError {
    DataError::malformed(path, ONE_COLUMN, format!("tabs seem to stand between its columns: {remedy}"))
}

const ONE_COLUMN: &str = "has one column only";

impl TableReader<'_> {
    /// Checks the columns of the file at `path`, the label being the one that was asked for or else column `default_label`, and that every
    /// file has the same.
    pub(crate) fn columns(&mut self, path: &Path, names: Vec<String>, default_label: usize) -> Result<Columns, DataError> {
        let columns = Columns::new(path, names, self.options.label.as_deref(), default_label)?;
        match &self.columns {
            None => self.columns = Some(columns.clone()),
            Some(first) if *first != columns => {
                let problem = format!("has the columns {}, and the files before it {}", columns.listed(), first.listed());
                return Err(DataError::malformed(path, problem, "give every file the same columns in the same order, the class included"));
            }
            Some(_) => {}
        }
        Ok(columns)
    }

    /// The number of a label's text. `rows` is how many rows of its file have been read, for the message.
    pub(crate) fn label(&mut self, path: &Path, columns: &Columns, text: &str) -> Result<u32, DataError> {
        self.rows += 1;
        let number = self.classes.number(text);
        number.ok_or_else(|| no_classes(path, self.classes.overfull(self.rows, &columns.label_shown())))
    }

    /// Deals with a row that cannot be used and would follow `rows`.
    pub(crate) fn skip(&mut self, error: DataError, rows: &mut TableRows) -> Result<(), DataError> {
        self.skipped.take(error, self.options)?;
        rows.row_numbers.leave_out(rows.labels.len());
        Ok(())
    }
}

impl Columns {
    fn new(path: &Path, names: Vec<String>, label: Option<&str>, default_label: usize) -> Result<Self, DataError> {
        if names.len() < 2 {
            return Err(one_column(path, names.first().map_or("", String::as_str)));
        }
        if let Some(column) = names.iter().position(String::is_empty) {
            let remedy = match column {
                0 => "is it pandas' index? write the table with index=False, or name the column",
                _ => "name it, or remove it (a line that ends in a comma has a column after it)",
            };
            return Err(DataError::malformed(path, format!("has no name for column {}", column + 1), remedy));
        }
        if let Some((first, again)) = repeated(&names) {
            let problem = format!("has two columns called `{}` (columns {} and {})", names[again], first + 1, again + 1);
            let remedy = "rename or remove one; a copy of the label among the features would give it away";
            return Err(DataError::malformed(path, problem, remedy));
        }
        let label = match label {
            None => default_label,
            Some(label) => names.iter().position(|column| column == label).ok_or_else(|| {
                let (problem, remedy) = (format!("is no column of {}", path.display()), format!("use one of {}", names.join(", ")));
                DataError::setting("data.label", format!("{label:?}"), problem, remedy)
            })?,
        };
        Ok(Self { names, label })
    }

    /// The names of all columns but the label.
    pub(crate) fn feature_names(&self) -> Vec<String> {
        self.names.iter().enumerate().filter(|(column, _)| *column != self.label).map(|(_, name)| name.clone()).collect()
    }

    /// The label column, as messages call it.
    pub(crate) fn label_shown(&self) -> String {
        format!("column `{}`", self.names[self.label])
    }

    /// The first few names.
    fn listed(&self) -> String {
        const SHOWN: usize = 8;
        let more = if self.names.len() > SHOWN { format!(" and {} more", self.names.len() - SHOWN) } else { String::new() };
        format!("{}{more}", self.names[..self.names.len().min(SHOWN)].join(", "))
    }
}

/// The first name that stands twice, by its two positions.
fn repeated(names: &[String]) -> Option<(usize, usize)> {
    let mut seen = BTreeMap::new();
    names.iter().enumerate().find_map(|(column, name)| seen.insert(name, column).map(|first| (first, column)))
}
