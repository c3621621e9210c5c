//! Tables as rows: CSV and TSV, from files or standard input, their columns found by name.

use super::{InputRows, Reader, RowFormat, RowOrigin, STANDARD_INPUT, is_standard_input};
use crate::bytes::Contents;
use crate::table::text::{TextTable, delimiter, shortened};
use crate::table::{of_tabs, one_column};
use crate::{DataError, Features, Skipped};
use csv::ByteRecord;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// Columns that a message lists.
const SHOWN_COLUMNS: usize = 6;

/// A table of which the header has been read.
pub(super) struct TableRows {
    path: PathBuf,
    shown: Rc<str>,
    is_stdin: bool,
    text: TextTable,
    header: Vec<String>,
    /// Where each feature stands in a row.
    features: Vec<usize>,
    label: Option<usize>,
    record: ByteRecord,
    row: u64,
}

impl TableRows {
    pub(super) fn open(path: &Path, format: &RowFormat) -> Result<Self, DataError> {
        let is_stdin = is_standard_input(path);
        let (reader, is_gzip): (Box<dyn Read>, bool) =
            if is_stdin { (Box::new(std::io::stdin()), false) } else { Contents::open(path)?.into_reader() };
        let delimiter = delimiter(path);
        let path = if is_stdin { PathBuf::from(STANDARD_INPUT) } else { path.to_owned() };
        let shown = path.display().to_string().into();
        let text = TextTable::new(&path, delimiter, reader, is_gzip);
        let mut table =
            Self { path, shown, is_stdin, text, header: Vec::new(), features: Vec::new(), label: None, record: ByteRecord::new(), row: 0 };
        table.read_header(format)?;
        Ok(table)
    }

    fn read_header(&mut self, format: &RowFormat) -> Result<(), DataError> {
        self.header = self.text.header()?;
        if let ([only], true) = (&self.header[..], format.num_features() > 1) {
            return Err(match self.is_stdin && only.contains('\t') {
                true => of_tabs(&self.path, "save it with commas, or as a file whose name ends in .tsv, and give that"),
                false => one_column(&self.path, only),
            });
        }
        self.label = format.options.label.as_deref().map(|label| self.column(label, "--label")).transpose()?;
        self.features = if format.feature_names.is_empty() { self.columns_in_order(format)? } else { self.named_columns(format)? };
        Ok(())
    }

    /// The place of the one column called `name`.
    fn column(&self, name: &str, what: &str) -> Result<usize, DataError> {
        let mut places = (0..self.header.len()).filter(|place| self.header[*place] == name);
        match (places.next(), places.next()) {
            (Some(place), None) => Ok(place),
            (Some(_), Some(_)) => Err(self.malformed(format!("has two columns called `{name}`"), "rename or remove one")),
            (None, _) => Err(self.malformed(format!("has no column `{name}` ({what})"), format!("it has {}", listed(&self.header)))),
        }
    }

    fn named_columns(&self, format: &RowFormat) -> Result<Vec<usize>, DataError> {
        let missing: Vec<&String> = format.feature_names.iter().filter(|name| !self.header.contains(name)).collect();
        if let [first, others @ ..] = missing.as_slice() {
            let others = match others.len() {
                0 => String::new(),
                1 => ", nor 1 other".into(),
                several => format!(", nor {several} others"),
            };
            let names = listed(&format.feature_names);
            let problem = format!("has no column `{first}`{others}");
            return Err(self.malformed(problem, format!("the model takes {} columns: {names}", format.feature_names.len())));
        }
        format.feature_names.iter().map(|name| self.column(name, "a feature")).collect()
    }

    /// All columns but the label's, for models whose features have no names.
    fn columns_in_order(&self, format: &RowFormat) -> Result<Vec<usize>, DataError> {
        if self.header.iter().all(|cell| cell.parse::<f64>().is_ok()) {
            return Err(self.malformed("has numbers in its first line, where the column names belong", "add a header line"));
        }
        let columns: Vec<usize> = (0..self.header.len()).filter(|place| Some(*place) != self.label).collect();
        if columns.len() != format.num_features() {
            let problem = format!("has {} columns with features, and the model takes {}", columns.len(), format.num_features());
            return Err(self.malformed(problem, "give one column for each feature, and name one with true classes in --label"));
        }
        Ok(columns)
    }

    /// Adds a row's numbers to `values` and gives its label.
    fn parse(&self, format: &RowFormat, values: &mut Vec<f32>) -> Result<Option<u32>, DataError> {
        let line = self.record.position().map_or(0, csv::Position::line);
        let skippable = |problem: String| self.malformed(problem, "mend the line, or leave such rows out with --skip-bad-rows");
        if self.record.len() != self.header.len() {
            let problem = format!("has {} columns in line {line} and {} in its header", self.record.len(), self.header.len());
            return Err(skippable(problem));
        }
        for column in &self.features {
            let cell = String::from_utf8_lossy(&self.record[*column]);
            let value = cell.parse::<f32>().ok().filter(|value| value.is_finite()).ok_or_else(|| {
                let (cell, name) = (shortened(&cell), &self.header[*column]);
                skippable(format!("has {cell:?} in line {line}, column `{name}`, which is not a finite number"))
            })?;
            values.push(value);
        }
        let Some(column) = self.label else { return Ok(None) };
        let cell = String::from_utf8_lossy(&self.record[column]);
        let class = format.class(&cell).ok_or_else(|| {
            let classes = listed(&format.classes);
            skippable(format!("has the class {:?} in line {line}, and the model knows {classes}", shortened(&cell)))
        })?;
        Ok(Some(class))
    }

    fn malformed(&self, problem: impl Into<String>, remedy: impl Into<String>) -> DataError {
        DataError::malformed(&self.path, problem, remedy)
    }
}

impl Reader for TableRows {
    fn next(&mut self, most: usize, format: &RowFormat, skipped: &mut Skipped) -> Result<Option<InputRows>, DataError> {
        let (mut values, mut origins) = (Vec::new(), Vec::new());
        let first = self.row;
        while origins.len() < most {
            if !self.text.next(&mut self.record)? {
                break;
            }
            let start = values.len();
            match self.parse(format, &mut values) {
                Ok(label) => origins.push(RowOrigin { input: Rc::clone(&self.shown), row: self.row, label }),
                Err(error) => {
                    values.truncate(start);
                    skipped.take(error, &format.options)?;
                }
            }
            self.row += 1;
        }
        let is_over = self.row == first;
        Ok((!is_over).then_some(InputRows { features: Features::F32(values), origins }))
    }
}

/// The first names of a list.
fn listed(names: &[String]) -> String {
    let shown = names.iter().take(SHOWN_COLUMNS).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN_COLUMNS { format!("{shown}, ..") } else { shown }
}
