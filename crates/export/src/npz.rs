//! NumPy's format: a zip archive with one array per tensor.

use crate::trained::little_endian;
use crate::{ExportError, TrainedModel};
use std::io::{Cursor, Write};
use zip::{CompressionMethod, DateTime, ZipWriter, write::SimpleFileOptions};

/// The weights as an `.npz` file, by the names of [the crate](crate), in f32: `numpy.load(file)["layers.0.weight"]`.
///
/// Candle can write one, too, but it does not say when the archive's directory could not be written, which is done last.
///
/// # Errors
/// Those of the format.
pub fn to_npz(model: &TrainedModel) -> Result<Vec<u8>, ExportError> {
    let write = || -> zip::result::ZipResult<Vec<u8>> {
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        for tensor in model.tensors() {
            let bytes = little_endian(&tensor.values);
            // A fixed date: the same model is to be the same bytes.
            let options = SimpleFileOptions::default()
                .compression_method(CompressionMethod::Stored)
                .last_modified_time(DateTime::default())
                .large_file(u32::try_from(bytes.len()).is_err());
            archive.start_file(format!("{}.npy", tensor.spec.name), options)?;
            archive.write_all(&header(&tensor.spec.shape))?;
            archive.write_all(&bytes)?;
        }
        Ok(archive.finish()?.into_inner())
    };
    write().map_err(|error| ExportError::Encoding { format: "npz", reason: error.to_string() })
}

/// What precedes the numbers in an `.npy` file of version 1.0: a magic string, and a Python literal padded so that the numbers begin at a
/// multiple of 64 bytes (numpy.lib.format).
fn header(shape: &[usize]) -> Vec<u8> {
    const BEFORE_TEXT: usize = 10;
    // A tuple of one has a comma.
    let sizes = shape.iter().map(usize::to_string).collect::<Vec<_>>().join(", ") + if shape.len() == 1 { "," } else { "" };
    let literal = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({sizes}), }}");
    let length = (BEFORE_TEXT + literal.len() + 1).next_multiple_of(64) - BEFORE_TEXT;
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((length as u16).to_le_bytes());
    bytes.extend(format!("{literal:<width$}\n", width = length - 1).bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trained::tests::small;
    use candle_core::npy::NpzTensors;

    /// Candle's reader is not ours.
    #[test]
    fn candle_reads_back_what_was_written() {
        let model = small(r#"{"hidden": [4]}"#);
        let bytes = to_npz(&model).unwrap();
        assert_eq!(bytes, to_npz(&model).unwrap(), "the same model is the same bytes");
        let path = std::env::temp_dir().join(format!("relumine-{}.npz", std::process::id()));
        std::fs::write(&path, bytes).unwrap();
        let file = NpzTensors::new(&path).unwrap();
        assert_eq!(file.names().len(), model.tensors().len());
        for tensor in model.tensors() {
            let found = file.get(&tensor.spec.name).unwrap().unwrap();
            assert_eq!(found.dims(), tensor.spec.shape);
            assert_eq!(found.flatten_all().unwrap().to_vec1::<f32>().unwrap(), tensor.values);
        }
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn numbers_begin_at_a_multiple_of_64_bytes() {
        for shape in [&[][..], &[7], &[123_456_789, 987_654_321]] {
            assert_eq!(header(shape).len() % 64, 0);
            assert_eq!(header(shape).last(), Some(&b'\n'));
        }
    }
}
