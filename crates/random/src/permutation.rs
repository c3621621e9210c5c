//! Random orders of rows.

use crate::Stream;

/// A uniformly random order of `0..len`: Fisher and Yates' shuffle in Durstenfeld's form (CACM 7(7), 1964, algorithm 235).
///
/// Position `i` (from the last down to 1) swaps with `j = (w * (i + 1)) >> 64`, where `w` holds words `2i` (low) and `2i + 1` (high)
/// of the stream at `(step, row 0)`. Taking 64 bits keeps the bias of each choice under `len / 2^64`, and a fixed number of words per
/// position keeps every position addressable.
///
/// `step` is the epoch for a shuffle, 0 for a split.
#[must_use]
pub fn permutation(stream: &Stream, step: u32, len: u32) -> Vec<u32> {
    let mut order: Vec<u32> = (0..len).collect();
    let mut words = vec![0; 2 * len as usize];
    stream.fill(step, 0, &mut words);
    for i in (1..len as usize).rev() {
        let word = u64::from(words[2 * i + 1]) << 32 | u64::from(words[2 * i]);
        let j = (u128::from(word) * (i as u128 + 1)) >> 64;
        order.swap(i, j as usize);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Purpose;

    #[test]
    fn a_permutation_holds_every_row_once_and_depends_on_seed_and_epoch_only() {
        let stream = Stream::new(5, Purpose::Shuffle, 0);
        for len in [0, 1, 2, 3, 1000] {
            let order = permutation(&stream, 4, len);
            let mut sorted = order.clone();
            sorted.sort_unstable();
            assert!(sorted.into_iter().eq(0..len));
            assert_eq!(order, permutation(&stream, 4, len));
        }
        assert_ne!(permutation(&stream, 4, 1000), permutation(&stream, 5, 1000));
        assert_ne!(permutation(&stream, 4, 1000), permutation(&Stream::new(6, Purpose::Shuffle, 0), 4, 1000));
    }

    /// 24 orders of 4 rows over 24,000 epochs: chi-squared with 23 degrees of freedom stays under its 99.9 % point, 49.73.
    #[test]
    fn all_orders_of_four_rows_are_equally_likely() {
        let stream = Stream::new(17, Purpose::Shuffle, 0);
        let mut counts = std::collections::BTreeMap::<Vec<u32>, f64>::new();
        for epoch in 0..24_000 {
            *counts.entry(permutation(&stream, epoch, 4)).or_default() += 1.0;
        }
        assert_eq!(counts.len(), 24);
        let chi_squared: f64 = counts.values().map(|count| (count - 1000.0).powi(2) / 1000.0).sum();
        assert!(chi_squared < 49.73, "chi-squared {chi_squared}");
    }
}
