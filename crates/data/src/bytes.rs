//! Reading files whole, compressed or not, without trusting what they promise.

use crate::DataError;
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{BufReader, Cursor, ErrorKind, Read};
use std::path::Path;

/// The first two bytes of every gzip file (RFC 1952).
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Deflate cannot shrink anything further than this (RFC 1951: 258 bytes in two bits), so a file cannot hold more than this many times
/// its size.
const MOST_INFLATION: u64 = 1032;

/// A file that is read from its start, inflated where it is gzip (by content, not by name).
pub(crate) struct Contents<'a> {
    path: &'a Path,
    reader: Box<dyn Read>,
    is_gzip: bool,
    /// More bytes than this cannot come out of it.
    pub(crate) most: u64,
}

impl<'a> Contents<'a> {
    pub(crate) fn open(path: &'a Path) -> Result<Self, DataError> {
        let unreadable = |error: std::io::Error| DataError::unreadable(path, error, "give a file that exists and that you may read");
        let file = File::open(path).map_err(unreadable)?;
        let size = file.metadata().map_err(unreadable)?.len();
        let mut file = BufReader::with_capacity(1 << 16, file);
        let mut start = Vec::new();
        (&mut file).take(2).read_to_end(&mut start).map_err(unreadable)?;
        let is_gzip = start == GZIP_MAGIC;
        let whole = Cursor::new(start).chain(file);
        let reader: Box<dyn Read> = if is_gzip { Box::new(MultiGzDecoder::new(whole)) } else { Box::new(whole) };
        let most = if is_gzip { size.saturating_mul(MOST_INFLATION) } else { size };
        Ok(Self { path, reader, is_gzip, most })
    }

    /// The next `limit` bytes, or as many as there are.
    pub(crate) fn read(&mut self, limit: u64) -> Result<Vec<u8>, DataError> {
        let mut bytes = Vec::new();
        self.reader.as_mut().take(limit).read_to_end(&mut bytes).map_err(|error| match error.kind() {
            ErrorKind::OutOfMemory => DataError::unreadable(self.path, "it does not fit into this machine's memory", "give a smaller file"),
            _ if self.is_gzip => DataError::BrokenGzip { path: self.path.to_owned(), reason: error.to_string() },
            _ => DataError::unreadable(self.path, error, "copy it again"),
        })?;
        Ok(bytes)
    }
}
