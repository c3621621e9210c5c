//! The framing of event files: TFRecord, a length and two checksums around each record.

/// Bytes around a record: its length and the length's checksum before it, its checksum after it.
const HEADER: usize = 12;
const FOOTER: usize = 4;

/// Appends a record to `file`: length (u64, little-endian), masked CRC-32C of the length, the bytes, masked CRC-32C of the bytes.
pub(super) fn append(file: &mut Vec<u8>, bytes: &[u8]) {
    let length = (bytes.len() as u64).to_le_bytes();
    file.extend(length);
    file.extend(masked_crc(&length).to_le_bytes());
    file.extend(bytes);
    file.extend(masked_crc(bytes).to_le_bytes());
}

/// The record that begins at `offset` and the place where it ends; `None` at the end, and where a record is cut off or damaged.
pub(super) fn read(file: &[u8], offset: usize) -> Option<(&[u8], usize)> {
    let header = file.get(offset..offset.checked_add(HEADER)?)?;
    let length = usize::try_from(u64::from_le_bytes(header[..8].try_into().ok()?)).ok()?;
    let start = offset + HEADER;
    let end = start.checked_add(length)?;
    let footer = file.get(end..end.checked_add(FOOTER)?)?;
    let bytes = &file[start..end];
    let is_whole = header[8..] == masked_crc(&header[..8]).to_le_bytes() && footer == masked_crc(bytes).to_le_bytes();
    is_whole.then_some((bytes, end + FOOTER))
}

/// A checksum of data that holds checksums is masked, so that it is not one that is easily met by chance.
fn masked_crc(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `TFRecordWriter` of TensorFlow, or `tensorboard.summary.writer.record_writer.RecordWriter(file).write(b"hello")`.
    #[test]
    fn a_record_has_the_bytes_that_tensorboard_s_own_writer_gives_it() {
        let mut file = Vec::new();
        append(&mut file, b"hello");
        assert_eq!(file, EXPECTED);
    }

    const EXPECTED: &[u8] = b"\x05\x00\x00\x00\x00\x00\x00\x00\xea\xb2\x04\x3e\x68\x65\x6c\x6c\x6f\xbb\x1f\x1c\x19";

    #[test]
    fn records_are_read_back_up_to_the_one_that_is_cut_or_damaged() {
        let mut file = Vec::new();
        append(&mut file, b"one");
        append(&mut file, b"");
        let whole = file.len();
        append(&mut file, b"three");
        let (first, next) = read(&file, 0).unwrap();
        let (second, end) = read(&file, next).unwrap();
        assert_eq!((first, second, end), (&b"one"[..], &b""[..], whole));
        for cut in whole..file.len() {
            assert_eq!(read(&file[..cut], whole), None, "cut at {cut}");
        }
        for place in whole..file.len() {
            let mut damaged = file.clone();
            damaged[place] ^= 1;
            assert_eq!(read(&damaged, whole), None, "damaged at {place}");
        }
    }
}
