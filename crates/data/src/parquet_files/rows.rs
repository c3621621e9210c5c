//! A Parquet file as a table, like CSV.

use super::columns::{Column, Meaning};
use super::described::Described;
use super::guard::guarded;
use super::{broken, check_rows, open};
use crate::DataError;
use crate::classes::{ClassIndex, no_classes};
use crate::table::{Columns, TableReader, TableRows};
use parquet::file::reader::{FileReader, RowGroupReader};
use std::path::Path;

/// Adds the rows of the table at `path`.
pub(super) fn read_file(table: &mut TableReader<'_>, path: &Path, rows: &mut TableRows) -> Result<(), DataError> {
    guarded(path, || read_unguarded(table, path, rows))
}

fn read_unguarded(table: &mut TableReader<'_>, path: &Path, rows: &mut TableRows) -> Result<(), DataError> {
    let file = open(path)?;
    let described = Described::of(&file);
    let leaves = leaves(&file);
    if leaves.is_empty() {
        return Err(DataError::malformed(path, "has no columns", "give feature columns and a label column"));
    }
    let names: Vec<String> =
        leaves.iter().map(|index| file.metadata().file_metadata().schema_descr().column(*index).path().string()).collect();
    let default_label = default_label(table, path, &described, &names)?;
    let columns = table.columns(path, names, default_label)?;
    check_types(path, &file, &leaves, &columns)?;
    let label = &columns.names[columns.label];
    table.listed.note(path, label, described.class_names(label))?;
    let shown = path.display().to_string();
    let mut found = 0;
    for index in 0..file.num_row_groups() {
        let group = file.get_row_group(index).map_err(|error| broken(path, &error))?;
        found += Group { path, columns: &columns, leaves: &leaves, first_row: found }.read(&*group, table, rows)?;
        table.options.progress.report(&shown, index as u64 + 1, file.num_row_groups() as u64);
        table.options.progress.check()?;
    }
    check_rows(path, &file, found)
}

/// The columns of values, without the index that pandas keeps beside them.
fn leaves(file: &dyn FileReader) -> Vec<usize> {
    let columns = file.metadata().file_metadata().schema_descr().columns();
    (0..columns.len()).filter(|index| !columns[*index].path().string().starts_with("__index_level_")).collect()
}

fn default_label(table: &TableReader<'_>, path: &Path, described: &Described, names: &[String]) -> Result<usize, DataError> {
    let mut classes = described.columns().filter_map(|column| names.iter().position(|name| name == column));
    match (classes.next(), classes.next(), &table.options.label) {
        (Some(_), Some(_), None) => {
            let listed = described.columns().collect::<Vec<_>>().join(", ");
            Err(DataError::malformed(path, format!("has several class columns ({listed})"), "name the right one in data.label"))
        }
        (Some(only), ..) => Ok(only),
        _ => Ok(names.len() - 1),
    }
}

/// Refuses columns whose values are neither numbers nor, for the label, classes.
fn check_types(path: &Path, file: &dyn FileReader, leaves: &[usize], columns: &Columns) -> Result<(), DataError> {
    let schema = file.metadata().file_metadata().schema_descr();
    for (position, index) in leaves.iter().enumerate() {
        let held = match Meaning::of(&schema.column(*index)) {
            Ok(Meaning::Text) if position != columns.label => "text".to_owned(),
            Ok(Meaning::Half) if position == columns.label => "16-bit floats".to_owned(),
            Ok(_) => continue,
            Err(held) => held,
        };
        let (expected, remedy) = match position == columns.label {
            true => ("where classes were expected", "name the right column in data.label"),
            false => ("where numbers were expected", "encode or remove the column, or name the class column in data.label"),
        };
        return Err(DataError::malformed(path, format!("holds {held} in column `{}`, {expected}", columns.names[position]), remedy));
    }
    Ok(())
}

/// What stands in the label column of each row of a row group; `u32::MAX` where nothing does.
struct Labels {
    classes: ClassIndex,
    numbers: Vec<u32>,
}

/// A row's label, or what is wrong with the row and what to do.
type Labelled = Result<u32, (String, &'static str)>;

/// One row group.
struct Group<'a> {
    path: &'a Path,
    columns: &'a Columns,
    /// The Parquet column of each column.
    leaves: &'a [usize],
    /// How many rows the groups before it have.
    first_row: usize,
}

impl Group<'_> {
    /// Adds its rows, and gives how many it holds. Column by column: only one column's pages are in memory at a time.
    fn read(&self, group: &dyn RowGroupReader, table: &mut TableReader<'_>, rows: &mut TableRows) -> Result<usize, DataError> {
        let width = self.columns.names.len() - 1;
        let start = rows.features.len();
        let labels = self.labels(group, table.listed.index())?;
        // As many as the labels that were read, and not as the file promises.
        rows.features.resize(start + labels.numbers.len() * width, f32::NAN);
        let features = &mut rows.features[start..];
        for (position, column) in (0..=width).filter(|column| *column != self.columns.label).enumerate() {
            self.fill(group, column, features.iter_mut().skip(position).step_by(width))?;
        }
        self.keep_good(&labels, start, table, rows)
    }

    /// Fills `cells`, those of one column, from top to bottom.
    fn fill<'f>(&self, group: &dyn RowGroupReader, column: usize, mut cells: impl Iterator<Item = &'f mut f32>) -> Result<(), DataError> {
        let error = |problem: String| self.in_column(column, &problem);
        let mut reader = Column::open(group, self.leaves[column]).map_err(error)?;
        let mut row = self.first_row;
        loop {
            let values = reader.numbers().map_err(error)?;
            if values.is_empty() {
                break;
            }
            for value in values {
                *cells.next().ok_or_else(|| error("has more rows than the label".into()))? = value;
                row += 1;
            }
        }
        if cells.next().is_some() { Err(error(format!("ends before row {row}"))) } else { Ok(()) }
    }

    fn labels(&self, group: &dyn RowGroupReader, classes: ClassIndex) -> Result<Labels, DataError> {
        let error = |problem: String| self.in_column(self.columns.label, &problem);
        let mut reader = Column::open(group, self.leaves[self.columns.label]).map_err(error)?;
        let mut labels = Labels { classes, numbers: Vec::new() };
        loop {
            let names = reader.class_names().map_err(error)?;
            if names.is_empty() {
                return Ok(labels);
            }
            for name in names {
                let number = name.map_or(Some(u32::MAX), |name| labels.classes.number(&name));
                labels.numbers.push(number.ok_or_else(|| {
                    let rows = labels.numbers.len() + 1;
                    no_classes(self.path, labels.classes.overfull(rows, &self.columns.label_shown()))
                })?);
            }
        }
    }

    /// Checks every row of the group, of which the features are there from `start`, and leaves out bad ones where that is asked for.
    fn keep_good(&self, labels: &Labels, start: usize, table: &mut TableReader<'_>, rows: &mut TableRows) -> Result<usize, DataError> {
        let width = self.columns.names.len() - 1;
        let mut kept = start;
        for (row, number) in labels.numbers.iter().enumerate() {
            let from = start + row * width;
            let features = &rows.features[from..from + width];
            match self.label(table, features, labels.classes.name(*number), self.first_row + row)? {
                Ok(label) => {
                    rows.labels.push(label);
                    if from != kept {
                        rows.features.copy_within(from..from + width, kept);
                    }
                    kept += width;
                }
                Err((problem, remedy)) => {
                    let remedy = format!("{remedy} (rows are counted from 0), or skip such rows with --skip-bad-rows");
                    table.skip(DataError::malformed(self.path, problem, remedy), rows)?;
                }
            }
        }
        rows.features.truncate(kept);
        Ok(labels.numbers.len())
    }

    /// The label of a row, or what is wrong with the row and what to do.
    fn label(&self, table: &mut TableReader<'_>, features: &[f32], name: Option<&str>, row: usize) -> Result<Labelled, DataError> {
        if let Some(column) = features.iter().position(|value| !value.is_finite()) {
            let column = &self.columns.names[column + usize::from(column >= self.columns.label)];
            return Ok(Err((format!("has no finite number in row {row}, column `{column}`"), "fill in or remove what is not a number")));
        }
        let Some(name) = name else { return Ok(Err((format!("has no label in row {row}"), "fill in the class, or remove the row"))) };
        match table.listed.number(name) {
            Some(number) => Ok(number.map_err(|problem| (format!("has a bad row {row}: {problem}"), "give labelled rows"))),
            None => table.label(self.path, self.columns, name).map(Ok),
        }
    }

    fn in_column(&self, column: usize, problem: &str) -> DataError {
        let problem = format!("has a column `{}` that {problem}", self.columns.names[column]);
        DataError::malformed(self.path, problem, "download or copy the file again")
    }
}
