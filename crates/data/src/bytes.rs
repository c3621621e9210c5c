//! Reading files, compressed or not, without trusting what they promise.

use crate::DataError;
use flate2::read::MultiGzDecoder;
use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::path::Path;
use std::rc::Rc;

/// The first two bytes of every gzip file (RFC 1952).
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Deflate cannot shrink anything further than this (RFC 1951: 258 bytes in two bits), so a file cannot hold more than this many times
/// its size.
pub(crate) const MOST_INFLATION: u64 = 1032;

/// A file that is read from its start, inflated where it is gzip (by content, not by name).
pub(crate) struct Contents<'a> {
    path: &'a Path,
    reader: Box<dyn Read>,
    is_gzip: bool,
    consumed: Rc<Cell<u64>>,
    /// The file's size in bytes, as it lies on the disk.
    pub(crate) size: u64,
    /// More bytes than this cannot come out of it.
    pub(crate) most: u64,
}

impl<'a> Contents<'a> {
    pub(crate) fn open(path: &'a Path) -> Result<Self, DataError> {
        let unreadable = |error: io::Error| DataError::unreadable(path, error, "give a file that exists and that you may read");
        let file = File::open(path).map_err(unreadable)?;
        let size = file.metadata().map_err(unreadable)?.len();
        let consumed = Rc::new(Cell::new(0));
        let mut file = BufReader::with_capacity(1 << 16, Counted { reader: file, count: Rc::clone(&consumed) });
        let is_gzip = file.fill_buf().map_err(unreadable)?.starts_with(&GZIP_MAGIC);
        let reader: Box<dyn Read> = if is_gzip { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
        let most = if is_gzip { size.saturating_mul(MOST_INFLATION) } else { size };
        Ok(Self { path, reader, is_gzip, consumed, size, most })
    }

    /// The next `limit` bytes, or as many as there are.
    pub(crate) fn read(&mut self, limit: u64) -> Result<Vec<u8>, DataError> {
        let mut bytes = Vec::new();
        // In one piece where the limit is a reasonable one; it may be far from what there is, and then the memory is never touched.
        let _ = bytes.try_reserve_exact(limit.min(1 << 30) as usize);
        let read = self.reader.as_mut().take(limit).read_to_end(&mut bytes);
        read.map_err(|error| read_error(self.path, self.is_gzip, &error))?;
        Ok(bytes)
    }

    /// Whether the file is compressed.
    pub(crate) fn is_gzip(&self) -> bool {
        self.is_gzip
    }

    /// The reader itself, and whether it inflates.
    pub(crate) fn into_reader(self) -> (Box<dyn Read>, bool) {
        (self.reader, self.is_gzip)
    }

    /// Counts the bytes that have been read from the disk.
    pub(crate) fn consumed(&self) -> Rc<Cell<u64>> {
        Rc::clone(&self.consumed)
    }
}

/// What a failed read of an opened file means.
pub(crate) fn read_error(path: &Path, is_gzip: bool, error: &io::Error) -> DataError {
    match error.kind() {
        ErrorKind::OutOfMemory => DataError::unreadable(path, "it does not fit into this machine's memory", "give a smaller file"),
        _ if is_gzip => DataError::BrokenGzip { path: path.to_owned(), reason: error.to_string() },
        _ => DataError::unreadable(path, error, "copy it again"),
    }
}

struct Counted<R> {
    reader: R,
    count: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.count.set(self.count.get() + read as u64);
        Ok(read)
    }
}
