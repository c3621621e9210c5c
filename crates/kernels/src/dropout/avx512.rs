//! Dropout with the generator written out: two thirds of the time that the plain form takes, which the compiler turns into the same
//! multiplications between many more moves.

use super::Dropout;
use relumine_random::philox::{KEY_INCREMENTS, MULTIPLIERS, ROUNDS};
use std::arch::x86_64::*;
use std::ops::Range;

/// Columns of a row that are done together: the words of 16 counters.
pub(super) const COLUMNS: usize = 64;

/// What [`apply_plain`](super::apply_plain) does to rows of 64 columns, to the bit.
#[target_feature(enable = "avx512f")]
pub(super) fn apply(dropout: &Dropout, rows: Range<u32>, first_column: usize, outputs: &mut [f32], slopes: &mut [f32]) {
    let Dropout { step, threshold, scale, shift, dropped, .. } = *dropout;
    let (key, id) = dropout.stream.key_and_id();
    let keys: [[__m512i; 2]; ROUNDS] = std::array::from_fn(|round| {
        let word = |half: usize| key[half].wrapping_add(KEY_INCREMENTS[half].wrapping_mul(round as u32));
        [_mm512_set1_epi64(i64::from(word(0))), _mm512_set1_epi64(i64::from(word(1)))]
    });
    // Counters lie so that the words come out in order: see `in_order`.
    let places = _mm512_setr_epi64(0, 4, 1, 5, 2, 6, 3, 7);
    let first = |block: usize| _mm512_add_epi64(places, _mm512_set1_epi64((first_column / 4 + block) as i64));
    let first = [first(0), first(8)];
    let threshold = _mm512_set1_epi32(threshold.cast_signed());
    let (scale, shift, dropped) = (_mm512_set1_ps(scale), _mm512_set1_ps(shift), _mm512_set1_ps(dropped));
    let tiles = outputs.as_chunks_mut::<COLUMNS>().0.iter_mut().zip(slopes.as_chunks_mut::<COLUMNS>().0);
    for (row, (outputs, slopes)) in rows.zip(tiles) {
        let rest = [row, step, id].map(|word| _mm512_set1_epi64(i64::from(word)));
        let [a, b] = first.map(|first| in_order(rounds(first, rest, &keys)));
        let vectors = outputs.as_chunks_mut::<16>().0.iter_mut().zip(slopes.as_chunks_mut::<16>().0);
        for ((output, slope), words) in vectors.zip([a[0], a[1], b[0], b[1]]) {
            let kept = _mm512_cmpge_epu32_mask(words, threshold);
            // SAFETY: sixteen values lie behind each of the two.
            unsafe {
                let scaled = _mm512_mul_ps(_mm512_loadu_ps(output.as_ptr()), scale);
                _mm512_storeu_ps(output.as_mut_ptr(), _mm512_mask_add_ps(dropped, kept, scaled, shift));
                let scaled = _mm512_maskz_mul_ps(kept, _mm512_loadu_ps(slope.as_ptr()), scale);
                _mm512_storeu_ps(slope.as_mut_ptr(), scaled);
            }
        }
    }
}

/// The four words of eight counters, in the lower halves of 64-bit lanes; what is in the upper halves counts for nothing, as a multiplication
/// takes the lower ones alone.
#[target_feature(enable = "avx512f")]
#[inline]
fn rounds(first: __m512i, [mut x1, mut x2, mut x3]: [__m512i; 3], keys: &[[__m512i; 2]; ROUNDS]) -> [__m512i; 4] {
    /// The truth table of an exclusive or of three.
    const XOR: i32 = 0x96;
    let multipliers = MULTIPLIERS.map(|word| _mm512_set1_epi64(i64::from(word)));
    let mut x0 = first;
    for [k0, k1] in keys {
        let (p0, p1) = (_mm512_mul_epu32(x0, multipliers[0]), _mm512_mul_epu32(x2, multipliers[1]));
        let (high0, high1) = (_mm512_srli_epi64::<32>(p0), _mm512_srli_epi64::<32>(p1));
        (x0, x1, x2, x3) = (_mm512_ternarylogic_epi64::<XOR>(high1, x1, *k0), p1, _mm512_ternarylogic_epi64::<XOR>(high0, x3, *k1), p0);
    }
    [x0, x1, x2, x3]
}

/// The words of the counters in lanes 0, 2, 4 and 6 one after the other, and those of 1, 3, 5 and 7.
#[target_feature(enable = "avx512f")]
#[inline]
fn in_order([x0, x1, x2, x3]: [__m512i; 4]) -> [__m512i; 2] {
    const ODD: __mmask16 = 0xaaaa;
    // The lower half of each lane beside the lower half of the other's.
    let (low, high) = (_mm512_mask_shuffle_epi32::<_MM_PERM_CCAA>(x0, ODD, x1), _mm512_mask_shuffle_epi32::<_MM_PERM_CCAA>(x2, ODD, x3));
    [_mm512_unpacklo_epi64(low, high), _mm512_unpackhi_epi64(low, high)]
}

#[cfg(test)]
mod tests {
    use super::super::apply_plain;
    use super::*;
    use relumine_random::{Purpose, Stream};

    #[test]
    #[expect(clippy::print_stderr, reason = "what is not tested is said")]
    fn it_is_the_plain_form_to_the_bit() {
        if crate::Isa::current() != crate::Isa::Avx512 {
            eprintln!("NOT TESTED: this processor has no AVX-512");
            return;
        }
        let value = |i: usize| ((i * 37 % 23) as f32 - 11.0) / 7.0;
        for (seed, step, rate) in [(0, 0, 0.5), (u64::MAX, 77, 0.1), (0x0123_4567_89ab_cdef, u32::MAX, 0.9)] {
            for dropout in [
                Dropout::new(Stream::new(seed, Purpose::Dropout, 3), step, rate),
                Dropout::affine(Stream::new(seed, Purpose::Dropout, 9), step, rate, (0.88, 0.19, -1.5)),
            ] {
                for (rows, first_column) in [(0..9, 0), (4_000_000_000..4_000_000_003, 64), (5..6, 64 * 1000)] {
                    let len = rows.len() * COLUMNS;
                    let mut fast: [Vec<f32>; 2] = [(0..len).map(value).collect(), (7..len + 7).map(value).collect()];
                    let mut plain = fast.clone();
                    let ([outputs, slopes], [plain_outputs, plain_slopes]) = (&mut fast, &mut plain);
                    // SAFETY: the processor has AVX-512.
                    unsafe { apply(&dropout, rows.clone(), first_column, outputs, slopes) };
                    apply_plain::<true>(&dropout, rows, (first_column, COLUMNS), plain_outputs, plain_slopes);
                    let bits = |matrices: [Vec<f32>; 2]| matrices.map(|values| values.into_iter().map(f32::to_bits).collect::<Vec<_>>());
                    assert_eq!(bits(fast), bits(plain));
                }
            }
        }
    }
}
