//! IDX files and NumPy arrays as rows, read a part at a time.

use super::shape::{expected, rows_of};
use super::{InputRows, Reader, RowFormat, RowOrigin};
use crate::bytes::{Contents, read_error};
use crate::idx::{LONG, UNSIGNED_BYTE};
use crate::npy::{Header, Kind, number};
use crate::{DataError, Features, Skipped};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// The bytes of some rows, and where each row comes from.
type Bytes = (Vec<u8>, Vec<RowOrigin>);

/// Rows of bytes that come out of a file one after the other.
struct Stream {
    path: PathBuf,
    shown: Rc<str>,
    reader: Box<dyn Read>,
    is_gzip: bool,
    /// Bytes of a row.
    row_bytes: u64,
    rows: u64,
    position: u64,
}

impl Stream {
    /// After the header. What the header promises is checked against what can come out of the file.
    fn new(path: &Path, contents: Contents<'_>, rows: usize, row_bytes: usize) -> Result<Self, DataError> {
        let most = contents.most;
        let (reader, is_gzip) = contents.into_reader();
        let stream = Self {
            path: path.to_owned(),
            shown: path.display().to_string().into(),
            row_bytes: row_bytes as u64,
            rows: rows as u64,
            position: 0,
            reader,
            is_gzip,
        };
        match stream.rows.checked_mul(stream.row_bytes) {
            Some(bytes) if bytes <= most => Ok(stream),
            _ => Err(stream.short("fewer")),
        }
    }

    fn short(&self, holds: &str) -> DataError {
        self.broken(holds, "it is cut short or damaged; copy it again")
    }

    fn broken(&self, holds: &str, remedy: &str) -> DataError {
        DataError::malformed(&self.path, format!("promises {} rows in its header and holds {holds}", self.rows), remedy)
    }

    /// The bytes of the next rows, and where those come from; `None` at the end, where nothing may follow.
    fn next(&mut self, most: usize) -> Result<Option<Bytes>, DataError> {
        let count = (self.rows - self.position).min(most as u64);
        let mut bytes = Vec::new();
        let read = self.reader.as_mut().take(if count == 0 { 1 } else { count * self.row_bytes }).read_to_end(&mut bytes);
        read.map_err(|error| read_error(&self.path, self.is_gzip, &error))?;
        match (count, bytes.len() as u64) {
            (0, 0) => return Ok(None),
            (0, _) => return Err(self.broken("more", LONG)),
            (count, length) if length < count * self.row_bytes => {
                return Err(self.short(&format!("only {}", self.position + length / self.row_bytes)));
            }
            _ => {}
        }
        let origin = |row| RowOrigin { input: Rc::clone(&self.shown), row, label: None };
        let origins = (self.position..self.position + count).map(origin).collect();
        self.position += count;
        Ok(Some((bytes, origins)))
    }
}

pub(super) fn misfit(path: &Path, shape: &[usize], format: &RowFormat) -> DataError {
    let problem = format!("holds an array of shape {shape:?}, and the model takes {}", expected(&format.example_shape));
    DataError::malformed(path, problem, "give rows as the model was trained on")
}

/// An IDX file of unsigned bytes.
pub(super) struct IdxRows(Stream);

impl IdxRows {
    pub(super) fn open(path: &Path, format: &RowFormat) -> Result<Self, DataError> {
        let mut contents = Contents::open(path)?;
        let start = contents.read(4)?;
        let &[0, 0, UNSIGNED_BYTE, dimensions] = start.as_slice() else {
            let problem = format!("starts with {start:02x?}, not as an IDX file of unsigned bytes");
            return Err(DataError::malformed(path, problem, "give images as MNIST's files have them"));
        };
        let sizes = contents.read(4 * u64::from(dimensions))?;
        let shape: Vec<usize> = sizes.as_chunks().0.iter().map(|size| u32::from_be_bytes(*size) as usize).collect();
        let rows = rows_of(&shape, &format.example_shape).filter(|_| shape.len() == usize::from(dimensions));
        let rows = rows.ok_or_else(|| misfit(path, &shape, format))?;
        Ok(Self(Stream::new(path, contents, rows, format.num_features())?))
    }
}

impl Reader for IdxRows {
    fn next(&mut self, most: usize, format: &RowFormat, _: &mut Skipped) -> Result<Option<InputRows>, DataError> {
        let full_scale = format.full_scale.unwrap_or(u8::MAX);
        let rows = self.0.next(most)?;
        Ok(rows.map(|(values, origins)| InputRows { features: Features::U8 { values, full_scale }, origins }))
    }
}

/// A `.npy` file of numbers, plain or gzip.
pub(super) struct NpyRows {
    stream: Stream,
    header: Header,
}

/// What the header's reader passes on: the file's error, or a predicate of it.
enum Trouble {
    Read(DataError),
    Header(String),
}

impl From<String> for Trouble {
    fn from(problem: String) -> Self {
        Self::Header(problem)
    }
}

impl NpyRows {
    pub(super) fn open(path: &Path, format: &RowFormat) -> Result<Self, DataError> {
        let unusable = |problem: String| DataError::malformed(path, problem, "save it again with numpy.save");
        let mut contents = Contents::open(path)?;
        let header = Header::read(|count| contents.read(count as u64).map_err(Trouble::Read)).map_err(|trouble| match trouble {
            Trouble::Read(error) => error,
            Trouble::Header(problem) => unusable(problem),
        })?;
        if matches!(header.kind, Kind::Unicode | Kind::Bytes) {
            return Err(unusable("holds text, where numbers were expected".into()));
        }
        if header.fortran_order && header.shape.len() > 1 {
            return Err(unusable("lies column by column (Fortran's order); use numpy.ascontiguousarray".into()));
        }
        let rows = rows_of(&header.shape, &format.example_shape).ok_or_else(|| misfit(path, &header.shape, format))?;
        let row_bytes = header.item.checked_mul(format.num_features()).ok_or_else(|| misfit(path, &header.shape, format))?;
        Ok(Self { stream: Stream::new(path, contents, rows, row_bytes)?, header })
    }

    /// The nearest 32-bit floats.
    fn floats(&self, bytes: &[u8]) -> Vec<f32> {
        let Header { kind, item, big_endian, .. } = self.header;
        bytes.chunks_exact(item).map(|bytes| number(kind, bytes, big_endian) as f32).collect()
    }
}

/// `rows` from `origins`; those with other than finite numbers are errors, or left out.
pub(super) fn finite<'a>(
    path: &Path,
    rows: impl Iterator<Item = &'a [f32]>,
    origins: Vec<RowOrigin>,
    format: &RowFormat,
    skipped: &mut Skipped,
) -> Result<InputRows, DataError> {
    let (mut values, mut kept) = (Vec::new(), Vec::with_capacity(origins.len()));
    for (row, origin) in rows.zip(origins) {
        let Some(column) = row.iter().position(|value| !value.is_finite()) else {
            values.extend_from_slice(row);
            kept.push(origin);
            continue;
        };
        let problem = format!("has {} in row {} (counted from 0), at feature {column}", row[column], origin.row);
        let remedy = "give finite numbers, or leave such rows out with --skip-bad-rows";
        skipped.take(DataError::malformed(path, problem, remedy), &format.options)?;
    }
    Ok(InputRows { features: Features::F32(values), origins: kept })
}

impl Reader for NpyRows {
    fn next(&mut self, most: usize, format: &RowFormat, skipped: &mut Skipped) -> Result<Option<InputRows>, DataError> {
        let Some((bytes, origins)) = self.stream.next(most)? else { return Ok(None) };
        if (self.header.kind, self.header.item) == (Kind::Unsigned, 1) {
            let full_scale = format.full_scale.unwrap_or(u8::MAX);
            return Ok(Some(InputRows { features: Features::U8 { values: bytes, full_scale }, origins }));
        }
        let values = self.floats(&bytes);
        finite(&self.stream.path, values.chunks_exact(format.num_features()), origins, format, skipped).map(Some)
    }
}
