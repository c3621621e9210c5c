//! CSV and TSV: a header line, then a row a line. Read as a stream, so that what is in memory is the numbers and not the text.

use super::{Columns, TableReader, TableRows};
use crate::DataError;
use crate::bytes::{Contents, read_error};
use csv::ByteRecord;
use rayon::prelude::*;
use std::cell::Cell;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// Rows that are parsed at a time, spread over the cores.
const BATCH_ROWS: usize = 4096;
/// A row of more text than this is no row: a quotation mark that is never closed, or a gzip file that was made to fill the memory.
const MOST_ROW_BYTES: u64 = 1 << 26;

/// Whether a file called `path` is text with columns, by its ending without a `.gz`.
pub(crate) fn is_text_table(path: &Path) -> bool {
    matches!(ending(path).as_str(), "csv" | "tsv" | "tab" | "txt")
}

/// Tabs in files that end in `.tsv` or `.tab` (or that and `.gz`), commas in all others.
pub(crate) fn delimiter(path: &Path) -> u8 {
    if matches!(ending(path).as_str(), "tsv" | "tab") { b'\t' } else { b',' }
}

fn ending(path: &Path) -> String {
    let lower = |path: &Path| path.extension().map_or_else(String::new, |ending| ending.to_string_lossy().to_lowercase());
    match lower(path).as_str() {
        "gz" => lower(Path::new(path.file_stem().unwrap_or_default())),
        ending => ending.to_owned(),
    }
}

/// Adds the rows of the text table at `path` (plain or gzip).
pub(crate) fn read_file(table: &mut TableReader<'_>, path: &Path, rows: &mut TableRows) -> Result<(), DataError> {
    let contents = Contents::open(path)?;
    let (size, consumed) = (contents.size, contents.consumed());
    let (reader, is_gzip) = contents.into_reader();
    let mut text = TextTable::new(path, delimiter(path), reader, is_gzip);
    let names = text.header()?;
    if names.iter().all(|cell| cell.parse::<f64>().is_ok()) {
        return Err(DataError::malformed(path, "has numbers in its first line, where the column names belong", "add a header line"));
    }
    let last = names.len() - 1;
    let columns = table.columns(path, names, last)?;
    let mut batch: Vec<ByteRecord> = Vec::new();
    let shown = path.display().to_string();
    loop {
        let mut filled = 0;
        while filled < BATCH_ROWS {
            if filled == batch.len() {
                batch.push(ByteRecord::new());
            }
            if !text.next(&mut batch[filled])? {
                break;
            }
            filled += 1;
        }
        take_batch(table, path, &columns, &batch[..filled], rows)?;
        table.options.progress.report(&shown, consumed.get(), size);
        table.options.progress.check()?;
        if filled < BATCH_ROWS {
            return Ok(());
        }
    }
}

/// A text table that is being read, to train on or to predict from.
pub(crate) struct TextTable {
    path: PathBuf,
    reader: csv::Reader<Limited<Box<dyn Read>>>,
    /// Text that the next row may have.
    budget: Rc<Cell<u64>>,
    is_gzip: bool,
}

impl TextTable {
    /// The table that comes out of `reader`; messages call it `path`.
    pub(crate) fn new(path: &Path, delimiter: u8, reader: Box<dyn Read>, is_gzip: bool) -> Self {
        let budget = Rc::new(Cell::new(MOST_ROW_BYTES));
        let reader = Limited { reader, budget: Rc::clone(&budget) };
        let reader =
            csv::ReaderBuilder::new().delimiter(delimiter).trim(csv::Trim::All).flexible(true).buffer_capacity(1 << 16).from_reader(reader);
        Self { path: path.to_owned(), reader, budget, is_gzip }
    }

    /// The names of the columns, of which there is one at least.
    pub(crate) fn header(&mut self) -> Result<Vec<String>, DataError> {
        let header = match self.reader.byte_headers() {
            Ok(header) => header.clone(),
            Err(error) => return Err(self.broken(error)),
        };
        if header.is_empty() {
            return Err(DataError::malformed(&self.path, "is empty", "give a header line, then a row a line"));
        }
        let text = |cell: &[u8]| {
            let name = str::from_utf8(cell).map(str::to_owned);
            name.map_err(|_| DataError::malformed(&self.path, "is not UTF-8 text in line 1", "save it as UTF-8 text"))
        };
        let mut names = header.iter().map(text).collect::<Result<Vec<_>, _>>()?;
        // The parser drops a byte order mark only where all of it comes in its first read.
        if let Some(name) = names[0].strip_prefix('\u{feff}') {
            names[0] = name.to_owned();
        }
        Ok(names)
    }

    /// Reads the next row; `false` at the end.
    pub(crate) fn next(&mut self, record: &mut ByteRecord) -> Result<bool, DataError> {
        self.budget.set(MOST_ROW_BYTES);
        self.reader.read_byte_record(record).map_err(|error| self.broken(error))
    }

    fn broken(&self, error: csv::Error) -> DataError {
        match error.into_kind() {
            csv::ErrorKind::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => {
                let problem = format!("has a row of more than {} MiB", MOST_ROW_BYTES >> 20);
                DataError::malformed(&self.path, problem, "look for a quotation mark that is never closed")
            }
            csv::ErrorKind::Io(error) => read_error(&self.path, self.is_gzip, &error),
            kind => DataError::malformed(&self.path, format!("is not a CSV table ({kind:?})"), "give a header line, then a row a line"),
        }
    }
}

/// Parses rows side by side, then takes them one after the other.
fn take_batch(
    table: &mut TableReader<'_>,
    path: &Path,
    columns: &Columns,
    batch: &[ByteRecord],
    rows: &mut TableRows,
) -> Result<(), DataError> {
    let width = columns.names.len() - 1;
    let start = rows.features.len();
    rows.features.resize(start + batch.len() * width, 0.0);
    let parsed: Vec<Result<&str, Bad>> =
        rows.features[start..].par_chunks_mut(width).zip(batch).map(|(features, record)| parse(record, columns, features)).collect();
    let mut kept = start;
    for (offset, (result, record)) in parsed.into_iter().zip(batch).enumerate() {
        match result {
            Ok(label) => {
                rows.labels.push(table.label(path, columns, label)?);
                let from = start + offset * width;
                if from != kept {
                    rows.features.copy_within(from..from + width, kept);
                }
                kept += width;
            }
            Err(bad) => {
                let line = record.position().map_or(0, csv::Position::line);
                table.skip(bad.in_line(path, columns, line), rows)?;
            }
        }
    }
    rows.features.truncate(kept);
    Ok(())
}

/// What is wrong with a row.
enum Bad {
    Length(usize),
    NotUtf8,
    NoLabel,
    NotFinite { column: usize, cell: String },
}

/// Writes a row's numbers to `features` and gives its label.
fn parse<'a>(record: &'a ByteRecord, columns: &Columns, features: &mut [f32]) -> Result<&'a str, Bad> {
    if record.len() != columns.names.len() {
        return Err(Bad::Length(record.len()));
    }
    let mut features = features.iter_mut();
    let mut label = "";
    for (column, cell) in record.iter().enumerate() {
        let cell = str::from_utf8(cell).map_err(|_| Bad::NotUtf8)?;
        if column == columns.label {
            if cell.is_empty() {
                return Err(Bad::NoLabel);
            }
            label = cell;
        } else if let (Ok(value), Some(feature)) = (cell.parse::<f32>(), features.next())
            && value.is_finite()
        {
            *feature = value;
        } else {
            return Err(Bad::NotFinite { column, cell: shortened(cell) });
        }
    }
    Ok(label)
}

/// A cell can be a whole book.
pub(crate) fn shortened(cell: &str) -> String {
    const SHOWN: usize = 40;
    match cell.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", &cell[..end]),
        None => cell.to_owned(),
    }
}

impl Bad {
    fn in_line(self, path: &Path, columns: &Columns, line: u64) -> DataError {
        let (problem, remedy) = match self {
            Self::Length(found) => {
                let problem = format!("has {found} columns in line {line} and {} in its header", columns.names.len());
                (problem, "give every line the header's number of columns")
            }
            Self::NotUtf8 => (format!("is not UTF-8 text in line {line}"), "save it as UTF-8 text"),
            Self::NoLabel => (format!("has no label in line {line}"), "fill in the class, or remove the line"),
            Self::NotFinite { column, cell } => {
                let name = &columns.names[column];
                let problem = format!("has {cell:?} in line {line}, column `{name}`, which is not a finite number");
                (problem, "encode or remove what is not a number")
            }
        };
        DataError::malformed(path, problem, format!("{remedy}, or skip such rows with --skip-bad-rows"))
    }
}

/// A reader that gives no more than its budget until that is renewed.
struct Limited<R> {
    reader: R,
    budget: Rc<Cell<u64>>,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        let left = self.budget.get().checked_sub(read as u64).ok_or(io::ErrorKind::FileTooLarge)?;
        self.budget.set(left);
        Ok(read)
    }
}
