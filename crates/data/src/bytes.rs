//! Reading files whole, compressed or not, without trusting what they promise.

use crate::DataError;
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

/// The first two bytes of every gzip file (RFC 1952).
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// The file's bytes, inflated where they are gzip (by content, not by name).
pub(crate) fn read_maybe_gzip(path: &Path) -> Result<Vec<u8>, DataError> {
    let unreadable = |error: std::io::Error| DataError::unreadable(path, error, "give a file that exists and that you may read");
    let mut file = BufReader::with_capacity(1 << 16, File::open(path).map_err(unreadable)?);
    let mut start = Vec::new();
    (&mut file).take(2).read_to_end(&mut start).map_err(unreadable)?;
    let mut whole = start.as_slice().chain(file);
    let mut bytes = Vec::new();
    if start == GZIP_MAGIC {
        MultiGzDecoder::new(whole)
            .read_to_end(&mut bytes)
            .map_err(|error| DataError::BrokenGzip { path: path.to_owned(), reason: error.to_string() })?;
    } else {
        whole.read_to_end(&mut bytes).map_err(unreadable)?;
    }
    Ok(bytes)
}
