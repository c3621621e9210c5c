//! Philox4x32-10, the counter-based generator of Salmon, Moraes, Dror and Shaw,
//! "Parallel Random Numbers: As Easy as 1, 2, 3", SC'11, section 3.3 and table 2.
//!
//! A block cipher with its security stripped off: ten rounds turn a 128-bit counter and a 64-bit key into 128 random bits. It passes
//! TestU01's BigCrush, and its integers are the same in Rust, CUDA and Metal.

/// What a round multiplies the first and the third word by.
pub const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
/// The Weyl increments of the key schedule: the golden ratio and sqrt(3) - 1, as 32-bit fractions.
pub const KEY_INCREMENTS: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
/// Rounds of a block.
pub const ROUNDS: usize = 10;

/// The four words of one counter under one key.
///
/// ```
/// // Random123's published known-answer vector for a zero counter and a zero key.
/// let words = relumine_random::philox::block([0, 0, 0, 0], [0, 0]);
/// assert_eq!(words, [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
/// ```
#[must_use]
pub fn block(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let [first, rest @ ..] = counter;
    let [words] = blocks([first], rest, key);
    words
}

/// Blocks whose counters differ only in their first word, `LANES` at a time so that the compiler can use vector registers.
///
/// Returns `[lane][word]`.
#[inline(always)]
pub(crate) fn blocks<const LANES: usize>(first_words: [u32; LANES], rest: [u32; 3], key: [u32; 2]) -> [[u32; 4]; LANES] {
    // 64-bit lanes of which the lower halves count: a multiplication takes those alone, and so needs no shuffling of its operands.
    const LOW: u64 = u32::MAX as u64;
    let mut x0 = first_words.map(u64::from);
    let [mut x1, mut x2, mut x3] = rest.map(|word| [u64::from(word); LANES]);
    let [mut k0, mut k1] = key;
    for _ in 0..ROUNDS {
        for lane in 0..LANES {
            let p0 = u64::from(MULTIPLIERS[0]) * (x0[lane] & LOW);
            let p1 = u64::from(MULTIPLIERS[1]) * (x2[lane] & LOW);
            (x0[lane], x1[lane], x2[lane], x3[lane]) =
                ((p1 >> 32) ^ x1[lane] ^ u64::from(k0), p1, (p0 >> 32) ^ x3[lane] ^ u64::from(k1), p0);
        }
        k0 = k0.wrapping_add(KEY_INCREMENTS[0]);
        k1 = k1.wrapping_add(KEY_INCREMENTS[1]);
    }
    std::array::from_fn(|lane| [x0[lane] as u32, x1[lane] as u32, x2[lane] as u32, x3[lane] as u32])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The `philox4x32 10` lines of Random123's `tests/kat_vectors`.
    #[test]
    fn philox4x32_10_gives_the_published_random123_vectors() {
        let vectors = [
            ([0; 4], [0; 2], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
            ([u32::MAX; 4], [u32::MAX; 2], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
            (
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0],
                [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
            ),
        ];
        for (counter, key, expected) in vectors {
            assert_eq!(block(counter, key), expected, "counter {counter:x?}, key {key:x?}");
        }
    }

    #[test]
    fn lanes_equal_single_blocks() {
        let key = [0xdead_beef, 7];
        let lanes = blocks([9, 10, 11, u32::MAX], [1, 2, 3], key);
        for (lane, first) in lanes.into_iter().zip([9, 10, 11, u32::MAX]) {
            assert_eq!(lane, block([first, 1, 2, 3], key));
        }
    }
}
