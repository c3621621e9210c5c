//! The test pictures that a model is most sure of and wrong about.

use crate::chart::Picture;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// `test/mistakes.json`, which runs on pictures write. Identical runs have identical files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mistakes {
    /// How many test rows were predicted wrong in all.
    pub wrong: u64,
    /// The height of each picture below, in pixels.
    pub height: usize,
    /// Their width.
    pub width: usize,
    /// 1 (grey) or 3 (red, green, blue).
    pub channels: usize,
    /// The most confident first; of equally confident ones the first row first. At most [`Mistakes::MOST`].
    pub rows: Vec<Mistake>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mistake {
    /// As in `predictions.csv`.
    pub row: u32,
    /// The true class.
    pub label: String,
    /// The predicted class.
    pub predicted: String,
    /// Of the predicted class, 0 to 1.
    pub probability: f64,
    /// Of the true class, 0 to 1.
    pub label_probability: f64,
    /// `[height, width, channels]`, 0 to 255, as base64 (RFC 4648).
    pub pixels: String,
}

impl Mistakes {
    /// Where a run keeps them.
    pub const FILE: &str = "test/mistakes.json";
    /// The most that are kept.
    pub const MOST: usize = 24;
    /// The longest side that is kept; larger pictures are made smaller by a whole factor.
    pub const LONGEST_SIDE: usize = 64;

    /// The picture of one of them; `None` where the pixels are not what the file says.
    #[must_use]
    pub fn picture(&self, mistake: &Mistake) -> Option<Picture> {
        Picture::new(self.height, self.width, self.channels, STANDARD.decode(&mistake.pixels).ok()?)
    }

    /// By how much a picture is made smaller to have no side over [`Self::LONGEST_SIDE`]: 1 for most.
    #[must_use]
    pub fn factor(height: usize, width: usize) -> usize {
        height.max(width).div_ceil(Self::LONGEST_SIDE).max(1)
    }
}

impl Mistake {
    /// Bytes as [`Mistake::pixels`] has them.
    #[must_use]
    pub fn encode(pixels: &[u8]) -> String {
        STANDARD.encode(pixels)
    }
}

/// Pixels `[height, width, channels]` averaged over squares of `factor` pixels; what is left over at the right and at the bottom is averaged
/// over fewer. Gives the new height, the new width, and the pixels.
///
/// ```
/// use relumine_report::shrink;
/// assert_eq!(shrink(&[0.0, 2.0, 9.0, 4.0, 6.0, 1.0], (2, 3, 1), 2), (1, 2, vec![3.0, 5.0]));
/// ```
#[must_use]
pub fn shrink(pixels: &[f32], (height, width, channels): (usize, usize, usize), factor: usize) -> (usize, usize, Vec<f32>) {
    debug_assert_eq!(pixels.len(), height * width * channels);
    if factor <= 1 {
        return (height, width, pixels.to_vec());
    }
    let (small_height, small_width) = (height.div_ceil(factor), width.div_ceil(factor));
    let mut small = Vec::with_capacity(small_height * small_width * channels);
    for (top, left) in (0..small_height).flat_map(|row| (0..small_width).map(move |column| (row * factor, column * factor))) {
        let rows = top..(top + factor).min(height);
        let columns = left..(left + factor).min(width);
        let size = (rows.len() * columns.len()) as f32;
        for channel in 0..channels {
            let inside = rows.clone().flat_map(|row| columns.clone().map(move |column| (row * width + column) * channels + channel));
            small.push(inside.map(|place| pixels[place]).sum::<f32>() / size);
        }
    }
    (small_height, small_width, small)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_comes_back_from_its_record() {
        let pixels: Vec<u8> = (0..12).collect();
        let mistake = Mistake {
            row: 7,
            label: "a".into(),
            predicted: "b".into(),
            probability: 0.9,
            label_probability: 0.1,
            pixels: Mistake::encode(&pixels),
        };
        let mistakes = Mistakes { wrong: 1, height: 2, width: 2, channels: 3, rows: vec![mistake] };
        assert_eq!(mistakes.picture(&mistakes.rows[0]), Picture::new(2, 2, 3, pixels));
        assert!(Mistakes { height: 3, ..mistakes.clone() }.picture(&mistakes.rows[0]).is_none());
        assert_eq!([28, 64, 65, 224].map(|side| Mistakes::factor(side, 10)), [1, 1, 2, 4]);
    }
}
