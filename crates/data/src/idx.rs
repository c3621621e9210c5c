//! MNIST-format folders: four IDX files, plain or gzip.
//!
//! IDX (LeCun): two zero bytes, a type code (8: unsigned byte), the number of dimensions, each dimension as a big-endian u32, then the
//! values, row-major.

use crate::bytes::Contents;
use crate::{DataError, Dataset, Features, Source};
use std::path::{Path, PathBuf};

/// The classes of MNIST and of the sets made to replace it.
pub(crate) const MNIST_CLASSES: usize = 10;

/// A label is one byte.
const LABEL_VALUES: usize = 256;

/// The image and the label file of the train rows, less a possible `.gz`.
pub(crate) const TRAIN: [&str; 2] = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"];
/// The same of the test rows.
pub(crate) const TEST: [&str; 2] = ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];
/// IDX's code for unsigned bytes.
pub(crate) const UNSIGNED_BYTE: u8 = 8;
/// What to do about a file with more in it than its header promises.
pub(crate) const LONG: &str = "its header is damaged, or something was added to it; download or copy it again";

/// Whether `folder` looks like an MNIST-format folder: it has one of the four files.
pub(crate) fn is_idx_folder(folder: &Path) -> bool {
    TRAIN.iter().chain(&TEST).any(|stem| find(folder, stem).is_some())
}

/// Whether `folder` has all four files.
pub(crate) fn is_whole(folder: &Path) -> bool {
    TRAIN.iter().chain(&TEST).all(|stem| find(folder, stem).is_some())
}

/// Reads the four files of `folder`. The test pair may be absent; half a pair may not.
///
/// `num_classes` is 10 unless the caller knows better.
pub(crate) fn read_folder(folder: &Path, name: &str, num_classes: Option<usize>) -> Result<Source, DataError> {
    let num_classes = num_classes.unwrap_or(MNIST_CLASSES);
    if !(2..=LABEL_VALUES).contains(&num_classes) {
        let problem = "is no number of classes that byte labels can name";
        return Err(DataError::setting("data.num_classes", num_classes, problem, format!("give 2 to {LABEL_VALUES}")));
    }
    let train = read_pair(folder, TRAIN, num_classes)?;
    let has_test = TEST.iter().any(|stem| find(folder, stem).is_some());
    let test = if has_test { Some(read_pair(folder, TEST, num_classes)?) } else { None };
    let classes = (0..num_classes).map(|class| class.to_string()).collect();
    Source::new(name, classes, train, test).validated()
}

/// The file called `stem`, plain or gzip.
pub(crate) fn find(folder: &Path, stem: &str) -> Option<PathBuf> {
    [folder.join(stem), folder.join(format!("{stem}.gz"))].into_iter().find(|path| path.is_file())
}

fn read_pair(folder: &Path, [images, labels]: [&str; 2], num_classes: usize) -> Result<Dataset, DataError> {
    let locate = |stem: &str| {
        find(folder, stem).ok_or_else(|| {
            let remedy = "an MNIST-format folder holds {train,t10k}-images-idx3-ubyte and {train,t10k}-labels-idx1-ubyte, plain or .gz";
            DataError::unreadable(&folder.join(stem), "there is no such file, nor one ending in .gz", remedy)
        })
    };
    let (images_path, labels_path) = (locate(images)?, locate(labels)?);
    let (image_sizes, pixels) = read_idx::<3>(&images_path)?;
    let ([rows], labels) = read_idx::<1>(&labels_path)?;
    let [images, height, width] = image_sizes;
    if images != rows {
        let problem = format!("holds {rows} labels, but {} holds {images} images", images_path.display());
        return Err(DataError::malformed(&labels_path, problem, "give the two files of the same set"));
    }
    if height * width == 0 {
        let problem = format!("holds images of {height} x {width} pixels");
        return Err(DataError::malformed(&images_path, problem, "give images that have pixels"));
    }
    if let Some((row, label)) = labels.iter().enumerate().find(|(_, label)| usize::from(**label) >= num_classes) {
        let problem = format!("has label {label} at row {row}, which is not one of 0..{}", num_classes - 1);
        return Err(DataError::malformed(&labels_path, problem, "mend the file, or set data.num_classes if the set has more classes"));
    }
    let features = Features::U8 { values: pixels, full_scale: u8::MAX };
    Ok(Dataset::new(features, vec![height, width, 1], labels.into_iter().map(u32::from).collect()))
}

/// An IDX file of unsigned bytes with `D` dimensions: its sizes and its values. What the header promises is checked against the file's
/// size first and against its contents then, so that no more is ever read than a true promise needs.
fn read_idx<const D: usize>(path: &Path) -> Result<([usize; D], Vec<u8>), DataError> {
    let mut contents = Contents::open(path)?;
    let length = 4 + 4 * D;
    let header = contents.read(length as u64)?;
    if header.len() < length {
        let problem = format!("has {} bytes, fewer than the {length} of an IDX header", header.len());
        return Err(DataError::malformed(path, problem, "download or copy it again"));
    }
    let expected = [0, 0, UNSIGNED_BYTE, D as u8];
    if header[..4] != expected {
        let problem = format!("starts with {:02x?}, not with the IDX magic {expected:02x?}", &header[..4]);
        return Err(DataError::malformed(path, problem, "give an IDX file of unsigned bytes with that many dimensions"));
    }
    let mut sizes = [0; D];
    for (size, word) in sizes.iter_mut().zip(header[4..].as_chunks().0) {
        *size = u32::from_be_bytes(*word) as usize;
    }
    let problem =
        |holds: &str| format!("promises {} values in its header and holds {holds}", sizes.map(|size| size.to_string()).join(" x "));
    let short = |holds: &str| DataError::malformed(path, problem(holds), "the file is cut short or damaged; download or copy it again");
    let promised = sizes.iter().try_fold(1_u64, |product, size| product.checked_mul(*size as u64));
    let promised = promised.filter(|promised| *promised <= contents.most).ok_or_else(|| short("fewer"))?;
    let values = contents.read(promised + 1)?;
    if values.len() as u64 > promised {
        return Err(DataError::malformed(path, problem("more"), LONG));
    }
    if (values.len() as u64) < promised {
        return Err(short(&format!("only {}", values.len())));
    }
    Ok((sizes, values))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn idx(sizes: &[u32], values: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 0, 8, sizes.len() as u8];
        bytes.extend(sizes.iter().flat_map(|size| size.to_be_bytes()));
        bytes.extend(values);
        bytes
    }

    fn folder(images: &[u8], labels: &[u8]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(TRAIN[0]), images).unwrap();
        std::fs::write(folder.path().join(TRAIN[1]), labels).unwrap();
        folder
    }

    fn error(images: &[u8], labels: &[u8]) -> String {
        read_folder(folder(images, labels).path(), "test", None).unwrap_err().to_string()
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    const PIXELS: [u8; 8] = [0, 1, 2, 3, 4, 5, 6, 255];

    #[test]
    fn plain_and_gzip_files_give_the_same_images() {
        let (images, labels) = (idx(&[2, 2, 2], &PIXELS), idx(&[2], &[7, 1]));
        let plain = read_folder(folder(&images, &labels).path(), "test", None).unwrap();
        assert_eq!(plain.train.labels(), [7, 1]);
        assert_eq!(plain.train.example_shape(), [2, 2, 1]);
        assert_eq!(plain.classes.len(), 10);
        assert_eq!(plain, read_folder(folder(&gzip(&images), &gzip(&labels)).path(), "test", None).unwrap());
    }

    #[test]
    fn a_truncated_gzip_is_named() {
        let images = gzip(&idx(&[2, 2, 2], &PIXELS));
        let message = error(&images[..images.len() - 5], &idx(&[2], &[7, 1]));
        assert!(message.contains("train-images-idx3-ubyte is not a whole gzip file"), "{message}");
    }

    #[test]
    fn a_wrong_magic_is_named() {
        let message = error(&idx(&[2, 4], &PIXELS), &idx(&[2], &[7, 1]));
        assert!(message.contains("not with the IDX magic [00, 00, 08, 03]"), "{message}");
    }

    #[test]
    fn counts_that_differ_are_named() {
        let message = error(&idx(&[2, 2, 2], &PIXELS), &idx(&[3], &[7, 1, 0]));
        assert!(message.contains("holds 3 labels") && message.contains("holds 2 images"), "{message}");
    }

    #[test]
    fn a_header_that_promises_a_hundred_terabytes_costs_nothing() {
        let message = error(&idx(&[100_000_000, 1000, 1000], &PIXELS), &idx(&[2], &[7, 1]));
        assert!(message.contains("promises 100000000 x 1000 x 1000 values in its header and holds fewer"), "{message}");
    }

    #[test]
    fn sizes_whose_product_overflows_are_refused() {
        assert!(error(&idx(&[u32::MAX; 3], &PIXELS), &idx(&[2], &[7, 1])).contains("promises"));
    }

    #[test]
    fn more_bytes_than_promised_are_refused() {
        let message = error(&idx(&[1, 2, 2], &PIXELS), &idx(&[1], &[7]));
        assert!(message.contains("holds more: its header is damaged, or something was added to it"), "{message}");
        assert!(error(&idx(&[3, 2, 2], &PIXELS), &idx(&[3], &[7, 1, 0])).contains("holds only 8: the file is cut short"));
    }

    /// A gzip file of zeros is a thousand times smaller than what it inflates to: no more is read than the header promises.
    #[test]
    fn a_gzip_bomb_is_read_no_further_than_its_promise() {
        let bomb = gzip(&idx(&[2, 2, 2], &vec![0; 50_000_000]));
        assert!(bomb.len() < 1_000_000);
        assert!(error(&bomb, &idx(&[2], &[7, 1])).contains("promises 2 x 2 x 2 values in its header and holds more"));
    }

    #[test]
    fn a_label_out_of_range_is_named_with_its_row() {
        let message = error(&idx(&[2, 2, 2], &PIXELS), &idx(&[2], &[7, 10]));
        assert!(message.contains("label 10 at row 1") && message.contains("0..9"), "{message}");
    }

    #[test]
    fn more_classes_may_be_asked_for() {
        let folder = folder(&idx(&[2, 2, 2], &PIXELS), &idx(&[2], &[7, 10]));
        assert_eq!(read_folder(folder.path(), "test", Some(11)).unwrap().classes.len(), 11);
    }

    #[test]
    fn an_empty_file_and_a_missing_one_are_named() {
        assert!(error(&[], &idx(&[2], &[7, 1])).contains("has 0 bytes"));
        let folder = folder(&idx(&[2, 2, 2], &PIXELS), &[]);
        std::fs::remove_file(folder.path().join(TRAIN[1])).unwrap();
        let message = read_folder(folder.path(), "test", None).unwrap_err().to_string();
        assert!(message.contains("train-labels-idx1-ubyte: there is no such file"), "{message}");
    }

    #[test]
    fn one_class_only_is_refused() {
        assert!(error(&idx(&[2, 2, 2], &PIXELS), &idx(&[2], &[7, 7])).contains("one class only"));
    }
}
