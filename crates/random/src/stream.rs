//! One addressable sequence of words: a seed, a purpose and a layer.

use crate::philox;

/// What a draw is for. The number is part of the counter and never changes: a new purpose takes a new number.
///
/// Two kinds of draws are older than that rule and have layers of another purpose to themselves. They stay there, because published results
/// were drawn so; nobody else may take these layers.
///
/// | purpose | layer | drawn | seed |
/// |---|---|---|---|
/// | `Weights`, `Biases` | that of the network | initial values | `train.seed` |
/// | `Shuffle` | 0 | the order of the train rows, in each epoch | `train.seed` |
/// | `Shuffle` | 1 | the train rows that probes look at | `data.split_seed` |
/// | `Dropout`, `Noise` | that of the network which reads the values | masks, noise | `train.seed` |
/// | `Split` | 0 | the division of the rows | `data.split_seed` |
/// | `Split` | 1 + place of the key | the cells of a study's random sample | `random.seed` |
/// | `Augment` | 0 | shift, rotation and scale of an image | `train.seed` |
/// | `Augment` | 1 | its elastic displacements | `train.seed` |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Initial weights; `layer` is the layer that owns them.
    Weights = 1,
    /// Initial biases.
    Biases = 2,
    /// The order of the training rows; `step` is the epoch.
    Shuffle = 3,
    /// Dropout masks; `layer` is the layer that reads the masked values, so the network's input is 0.
    Dropout = 4,
    /// Additive noise.
    Noise = 5,
    /// The division of rows into train, validation and test.
    Split = 6,
    /// Changes made to training examples.
    Augment = 7,
}

/// The words of one seed, purpose and layer, addressed by `(step, row, index)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream {
    key: [u32; 2],
    id: u32,
}

/// Vector lanes in [`Stream::fill`]: 16 blocks keep two AVX-512 or four AVX2 registers per state word busy.
const LANES: usize = 16;

impl Stream {
    /// The stream of `layer` (0 to 65,535) for `purpose` under `seed`.
    ///
    /// ```
    /// use relumine_random::{Purpose, Stream, philox};
    /// let stream = Stream::new(42, Purpose::Dropout, 1);
    /// // Unit 6 of row 5 at step 9: word 6 % 4 of block 6 / 4.
    /// assert_eq!(stream.word(9, 5, 6), philox::block([1, 5, 9, 4 << 16 | 1], [42, 0])[2]);
    /// ```
    #[must_use]
    pub fn new(seed: u64, purpose: Purpose, layer: u16) -> Self {
        Self { key: [seed as u32, (seed >> 32) as u32], id: (purpose as u32) << 16 | u32::from(layer) }
    }

    /// The generator's key, and the counter's last word: for generators that are written out elsewhere.
    #[must_use]
    pub fn key_and_id(&self) -> ([u32; 2], u32) {
        (self.key, self.id)
    }

    /// The word at `index` of `row` at `step`.
    #[must_use]
    pub fn word(&self, step: u32, row: u32, index: u32) -> u32 {
        philox::block([index / 4, row, step, self.id], self.key)[index as usize % 4]
    }

    /// Words `0..words.len()` of `row` at `step`, in order.
    pub fn fill(&self, step: u32, row: u32, words: &mut [u32]) {
        self.fill_from(step, row, 0, words);
    }

    /// Words `4 first_block..` of `row` at `step`, in order. Inlined into its caller, so that it is compiled with the vector instructions that
    /// the caller enables.
    #[inline(always)]
    pub fn fill_from(&self, step: u32, row: u32, first_block: u32, words: &mut [u32]) {
        let rest = [row, step, self.id];
        let mut groups = words.chunks_exact_mut(4 * LANES);
        let mut first_block = first_block;
        for group in &mut groups {
            let lanes = philox::blocks::<LANES>(std::array::from_fn(|lane| first_block + lane as u32), rest, self.key);
            group.copy_from_slice(lanes.as_flattened());
            first_block += LANES as u32;
        }
        for (block, tail) in (first_block..).zip(groups.into_remainder().chunks_mut(4)) {
            tail.copy_from_slice(&philox::block([block, row, step, self.id], self.key)[..tail.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fill_equals_word_by_word_at_every_length() {
        let stream = Stream::new(0x0123_4567_89ab_cdef, Purpose::Weights, 3);
        for length in [0, 1, 3, 4, 5, 63, 64, 65, 200] {
            let mut words = vec![0; length];
            stream.fill(7, 11, &mut words);
            for (index, word) in words.into_iter().enumerate() {
                assert_eq!(word, stream.word(7, 11, index as u32), "length {length}, index {index}");
            }
            let mut later = vec![0; length];
            stream.fill_from(7, 11, 3, &mut later);
            for (index, word) in later.into_iter().enumerate() {
                assert_eq!(word, stream.word(7, 11, 12 + index as u32), "length {length}, index {index} of block 3");
            }
        }
    }

    #[test]
    fn seed_purpose_layer_step_and_row_each_change_the_words() {
        let base = Stream::new(1, Purpose::Weights, 0);
        let word = base.word(0, 0, 0);
        let others = [
            Stream::new(2, Purpose::Weights, 0).word(0, 0, 0),
            Stream::new(1 << 32 | 1, Purpose::Weights, 0).word(0, 0, 0),
            Stream::new(1, Purpose::Biases, 0).word(0, 0, 0),
            Stream::new(1, Purpose::Weights, 1).word(0, 0, 0),
            base.word(1, 0, 0),
            base.word(0, 1, 0),
            base.word(0, 0, 1),
        ];
        for other in others {
            assert_ne!(word, other);
        }
    }
}
