//! One array of a `.npy` file or of a member of a `.npz` archive, read as a stream.

use super::header::{Header, Kind};
use crate::DataError;
use half::f16;
use std::io::Read;
use std::path::Path;

/// Bytes that are converted at a time.
const CHUNK_BYTES: usize = 1 << 16;

/// An array whose header has been read.
pub(crate) struct Array<'a> {
    /// The file, for messages.
    path: &'a Path,
    /// What messages call the array, such as "`x_train`".
    pub(crate) name: String,
    pub(crate) header: Header,
    reader: Box<dyn Read + 'a>,
}

/// The numbers of an array, in C order.
#[derive(Debug, PartialEq)]
pub(crate) enum Numbers {
    U8(Vec<u8>),
    F32(Vec<f32>),
}

/// A predicate of the array.
#[derive(Debug)]
struct Problem(String);

impl From<String> for Problem {
    fn from(problem: String) -> Self {
        Self(problem)
    }
}

impl<'a> Array<'a> {
    /// Reads the header. `most` bytes at the most can come out of `reader`, whatever the header promises.
    pub(crate) fn open(path: &'a Path, name: String, mut reader: Box<dyn Read + 'a>, most: u64) -> Result<Self, DataError> {
        let header = Header::read(|count| next(&mut *reader, count).map_err(Problem));
        let header = header.map_err(|Problem(problem)| malformed(path, &name, &problem))?;
        let array = Self { path, name, header, reader };
        let bytes = array.header.elements().and_then(|elements| elements.checked_mul(array.header.item as u64));
        if bytes.is_none_or(|bytes| bytes > most) {
            return Err(array.short("fewer"));
        }
        Ok(array)
    }

    /// What is wrong with it, as the file's error.
    pub(crate) fn error(&self, problem: &str) -> DataError {
        malformed(self.path, &self.name, problem)
    }

    fn short(&self, holds: &str) -> DataError {
        self.error(&format!("promises {} values in its header and holds {holds}", self.header.shape_shown()))
    }

    /// All values: bytes where the array has unsigned bytes, and else the nearest 32-bit floats.
    pub(crate) fn numbers(mut self) -> Result<Numbers, DataError> {
        let (kind, item, big_endian) = (self.header.kind, self.header.item, self.header.big_endian);
        if matches!(kind, Kind::Unicode | Kind::Bytes) {
            return Err(self.error("holds text, where numbers were expected"));
        }
        if (kind, item) == (Kind::Unsigned, 1) {
            return Ok(Numbers::U8(self.collect(|bytes| bytes[0])?));
        }
        Ok(Numbers::F32(self.collect(|bytes| number(kind, bytes, big_endian) as f32)?))
    }

    /// All values in C order, the last index fastest.
    fn collect<T: Copy + Default>(&mut self, convert: impl Fn(&[u8]) -> T) -> Result<Vec<T>, DataError> {
        let (item, shape) = (self.header.item, self.header.shape.clone());
        let mut values = Vec::new();
        if !self.header.fortran_order || shape.len() < 2 {
            self.each_chunk(|chunk| values.extend(chunk.chunks_exact(item).map(&convert)))?;
            return Ok(values);
        }
        // Zeros take no memory until they are written over, which only values that are there do.
        let count = self.header.elements().unwrap_or(0) as usize;
        if Vec::<T>::new().try_reserve_exact(count).is_err() {
            return Err(self.error("does not fit into this machine's memory"));
        }
        values = vec![T::default(); count];
        let mut places = FortranPlaces::new(&shape);
        self.each_chunk(|chunk| chunk.chunks_exact(item).for_each(|bytes| values[places.next()] = convert(bytes)))?;
        Ok(values)
    }

    /// All values as the names of classes; `None` for one that is no class, such as NaN.
    pub(crate) fn class_names(mut self, mut visit: impl FnMut(Option<&str>) -> Result<(), DataError>) -> Result<(), DataError> {
        let (kind, item, big_endian) = (self.header.kind, self.header.item, self.header.big_endian);
        let mut result = Ok(());
        self.each_chunk(|chunk| {
            for bytes in chunk.chunks_exact(item) {
                if result.is_ok() {
                    result = visit(class_name(kind, bytes, big_endian).as_deref());
                }
            }
        })?;
        result
    }

    /// Feeds every element, whole elements at a time, and insists on as many as are promised and not one more.
    fn each_chunk(&mut self, mut take: impl FnMut(&[u8])) -> Result<(), DataError> {
        let item = self.header.item;
        let mut left = self.header.elements().unwrap_or(0) as usize * item;
        let most = CHUNK_BYTES / item * item;
        let promised = left / item;
        while left > 0 {
            let wanted = left.min(most);
            let chunk = next(&mut *self.reader, wanted).map_err(|problem| self.error(&problem))?;
            if chunk.len() < wanted {
                return Err(self.short(&format!("only {}", promised - (left - chunk.len()).div_ceil(item))));
            }
            take(&chunk);
            left -= wanted;
        }
        match next(&mut *self.reader, 1).map_err(|problem| self.error(&problem))?.len() {
            0 => Ok(()),
            _ => Err(self.short("more")),
        }
    }
}

/// Where, in C order, the values of an array in Fortran's order belong, one after the other.
struct FortranPlaces<'a> {
    shape: &'a [usize],
    /// How far apart neighbours along each axis are in C order.
    strides: Vec<usize>,
    index: Vec<usize>,
    position: usize,
}

impl<'a> FortranPlaces<'a> {
    fn new(shape: &'a [usize]) -> Self {
        let strides = (0..shape.len()).map(|axis| shape[axis + 1..].iter().product()).collect();
        Self { shape, strides, index: vec![0; shape.len()], position: 0 }
    }

    fn next(&mut self) -> usize {
        let place = self.position;
        for axis in 0..self.shape.len() {
            self.index[axis] += 1;
            self.position += self.strides[axis];
            if self.index[axis] < self.shape[axis] {
                break;
            }
            self.position -= self.strides[axis] * self.shape[axis];
            self.index[axis] = 0;
        }
        place
    }
}

fn malformed(path: &Path, name: &str, problem: &str) -> DataError {
    let subject = if name.is_empty() { String::new() } else { format!("has an array {name} that ") };
    DataError::malformed(path, format!("{subject}{problem}"), "save it again with numpy.save or numpy.savez")
}

/// The next `count` bytes, or as many as there are.
fn next(reader: &mut dyn Read, count: usize) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::with_capacity(count.min(CHUNK_BYTES));
    reader.take(count as u64).read_to_end(&mut bytes).map_err(|error| format!("cannot be read: {error}"))?;
    Ok(bytes)
}

/// One element as f64: exact but for integers of more than 53 bits.
pub(crate) fn number(kind: Kind, bytes: &[u8], big_endian: bool) -> f64 {
    let word = word(bytes, big_endian);
    match (kind, bytes.len()) {
        (Kind::Signed, _) => signed(word, bytes.len()) as f64,
        (Kind::Float, 2) => f64::from(f16::from_bits(word as u16)),
        (Kind::Float, 4) => f64::from(f32::from_bits(word as u32)),
        (Kind::Float, _) => f64::from_bits(word),
        (Kind::Bool, _) => f64::from(u8::from(word != 0)),
        _ => word as f64,
    }
}

/// One element as the name of a class.
fn class_name(kind: Kind, bytes: &[u8], big_endian: bool) -> Option<String> {
    let word = || word(bytes, big_endian);
    match kind {
        Kind::Bool => Some((word() != 0).to_string()),
        Kind::Signed => Some(signed(word(), bytes.len()).to_string()),
        Kind::Unsigned => Some(word().to_string()),
        Kind::Float => crate::classes::number_name(number(kind, bytes, big_endian)),
        Kind::Bytes => Some(str::from_utf8(bytes).ok()?.trim_end_matches('\0').to_owned()).filter(|name| !name.is_empty()),
        Kind::Unicode => {
            let code = |bytes: &[u8]| char::from_u32(self::word(bytes, big_endian) as u32);
            let name = bytes.chunks_exact(4).map(code).collect::<Option<String>>()?;
            Some(name.trim_end_matches('\0').to_owned()).filter(|name| !name.is_empty())
        }
    }
}

/// Up to eight bytes as a number without sign.
fn word(bytes: &[u8], big_endian: bool) -> u64 {
    let add = |word: u64, byte: &u8| word << 8 | u64::from(*byte);
    if big_endian { bytes.iter().fold(0, add) } else { bytes.iter().rev().fold(0, add) }
}

/// A number of `length` bytes in two's complement.
fn signed(word: u64, length: usize) -> i64 {
    let shift = 64 - 8 * length as u32;
    ((word << shift) as i64) >> shift
}
