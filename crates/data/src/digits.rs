//! The data set inside the binary: 1,797 handwritten digits of 8x8 pixels (see `assets/digits/README.md` for authors and licence).

use crate::{DataError, Dataset, Features, Source};
use flate2::read::GzDecoder;
use std::io::Read;
use std::path::Path;

const ARCHIVE: &[u8] = include_bytes!("../assets/digits/digits.csv.gz");
const SIDE: usize = 8;
/// Pixels count the black cells of a 4x4 block.
const FULL_SCALE: u8 = 16;

/// Unpacks the embedded digits. They have no test set of their own.
pub(crate) fn digits() -> Result<Source, DataError> {
    let damaged = |problem: &str| DataError::malformed(Path::new("the embedded digits"), problem, "install relumine again");
    let mut text = String::new();
    GzDecoder::new(ARCHIVE).read_to_string(&mut text).map_err(|error| damaged(&error.to_string()))?;
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for line in text.lines() {
        let row: Vec<u8> = line.split(',').map_while(|cell| cell.parse().ok()).collect();
        let Some((label, image)) = row.split_last().filter(|(_, image)| image.len() == SIDE * SIDE) else {
            return Err(damaged("have a damaged line"));
        };
        pixels.extend(image);
        labels.push(u32::from(*label));
    }
    let features = Features::U8 { values: pixels, full_scale: FULL_SCALE };
    let train = Dataset::new(features, vec![SIDE, SIDE, 1], labels);
    let classes = (0..10).map(|digit| digit.to_string()).collect();
    Source::new("digits", classes, train, None).validated()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts by `numpy.bincount(sklearn.datasets.load_digits().target)`.
    #[test]
    fn the_embedded_digits_are_scikit_learn_s() {
        let source = digits().unwrap();
        assert_eq!(source.train.len(), 1797);
        let counts: Vec<usize> = (0..10).map(|digit| source.train.labels().iter().filter(|label| **label == digit).count()).collect();
        assert_eq!(counts, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
        let Features::U8 { values, .. } = source.train.features() else { panic!("digits are bytes") };
        assert!(values.iter().all(|value| *value <= FULL_SCALE));
    }
}
