//! Looking for zeros while something else is done.

use super::{BLOCK, Block};
use crate::isa::dispatch_simd;
use crate::shares::Shares;
use crate::simd::Simd;

/// A [`Lit`](super::Lit) that is being made, block by block.
#[derive(Debug)]
pub(crate) struct Look<'a> {
    pub(super) blocks: Shares<'a, Block>,
    /// Blocks of a panel.
    pub(super) per_panel: usize,
    pub(super) columns: usize,
    pub(super) width: usize,
}

impl Look<'_> {
    /// Looks at a block of rows of a panel: `values` are those of all its rows that are used.
    ///
    /// # Safety
    /// Nobody else looks at the same block of the same panel.
    pub(crate) unsafe fn at(&self, panel: usize, block: usize, values: &[f32]) {
        // SAFETY: the caller's promise, and so many rows of `width` values lie there.
        unsafe { self.words(panel, block, values.len() / self.width, |words| row_words(values.as_ptr(), self.width, words)) };
    }

    /// The same for bytes, 64 to a row.
    ///
    /// # Safety
    /// As [`at`](Self::at).
    pub(crate) unsafe fn at_bytes(&self, panel: usize, block: usize, bytes: &[u8]) {
        // SAFETY: the caller's promise, and so many rows of 64 bytes lie there.
        unsafe { self.words(panel, block, bytes.len() / BLOCK, |words| byte_words(bytes.as_ptr(), words)) };
    }

    /// Keeps the words of a block of so many rows, which `find` finds.
    ///
    /// # Safety
    /// As [`at`](Self::at).
    unsafe fn words(&self, panel: usize, block: usize, count: usize, find: impl FnOnce(&mut [u64])) {
        // SAFETY: the caller's promise.
        let Some(block) = unsafe { self.blocks.part(panel * self.per_panel + block, 1) }.first_mut() else { return };
        let words = &mut block.by_row[..count];
        find(words);
        // Padding is no column, whatever is in it.
        let columns_here = (self.columns - panel * self.width).min(self.width);
        words.iter_mut().for_each(|word| *word &= u64::MAX >> (BLOCK - columns_here));
        block.count = words.iter().map(|word| word.count_ones()).sum();
        block.by_column[..count].copy_from_slice(words);
        block.by_column[count..].fill(0);
        transpose(&mut block.by_column);
    }

    /// The same for whole blocks of rows of a panel, the first of which begins at row `first`.
    ///
    /// # Safety
    /// As [`at`](Self::at), for each block.
    pub(crate) unsafe fn at_rows(&self, panel: usize, first: usize, values: &[f32]) {
        debug_assert!(first.is_multiple_of(BLOCK));
        for (block, values) in values.chunks(BLOCK * self.width).enumerate() {
            // SAFETY: the caller's promise.
            unsafe { self.at(panel, first / BLOCK + block, values) };
        }
    }
}

dispatch_simd! {
    /// The words of rows of 64 bytes each, one after the other.
    ///
    /// # Safety
    /// `words.len()` rows lie behind `bytes`.
    unsafe fn byte_words(bytes: *const u8, words: &mut [u64]) = byte_words_generic
}

#[inline(always)]
unsafe fn byte_words_generic<S: Simd>(bytes: *const u8, words: &mut [u64]) {
    for (row, word) in words.iter_mut().enumerate() {
        // SAFETY: the caller's promise.
        *word = unsafe { S::lit_bytes(bytes.add(row * BLOCK)) };
    }
}

dispatch_simd! {
    /// The words of rows of `width` values each, one after the other.
    ///
    /// # Safety
    /// `words.len()` rows of `width` values, a multiple of 16 up to 64, lie behind `values`.
    unsafe fn row_words(values: *const f32, width: usize, words: &mut [u64]) = row_words_generic
}

#[inline(always)]
unsafe fn row_words_generic<S: Simd>(values: *const f32, width: usize, words: &mut [u64]) {
    for (row, word) in words.iter_mut().enumerate() {
        *word = 0;
        for first in (0..width).step_by(S::LANES) {
            // SAFETY: the caller's promise.
            *word |= unsafe { S::load(values.add(row * width + first)).lit() } << first;
        }
    }
}

/// Transposes a 64 x 64 matrix of bits in place (Warren, "Hacker's Delight", section 7-3).
fn transpose(words: &mut [u64; BLOCK]) {
    let mut mask = u64::MAX >> 32;
    let mut distance = 32;
    while distance > 0 {
        let mut row = 0;
        while row < BLOCK {
            let swapped = ((words[row] >> distance) ^ words[row + distance]) & mask;
            words[row] ^= swapped << distance;
            words[row + distance] ^= swapped;
            row = (row + distance + 1) & !distance;
        }
        distance /= 2;
        mask ^= mask << distance;
    }
}
