//! Adam with approximate roots and quotients, refined: a third of the time that the exact instructions take, which is most of a small
//! network's update.

use super::{Decay, SETTLED, SETTLED_SQUARE, SMALLEST_SQUARED, Update};
use std::arch::x86_64::*;

/// Under this the exact form is taken: the approximation treats a corrected second moment under 1e-37, of which the root is 3e-19, as 1e-37.
pub(super) const SMALLEST_EPSILON: f32 = 1e-15;

/// Adam's constants: see [`Rule::Adam`](super::Rule::Adam).
#[derive(Clone, Copy)]
pub(super) struct Constants {
    pub(super) rate: f32,
    pub(super) betas: [Decay; 2],
    pub(super) root: f32,
    pub(super) epsilon: f32,
}

/// As the plain form, but for the last two bits of a change: root and quotient are 14-bit approximations with one step of Newton's method.
#[target_feature(enable = "avx512f")]
pub(super) fn adam(update: &Update, constants: Constants, parameter: &mut [f32], gradient: &[f32], mean: &mut [f32], square: &mut [f32]) {
    let is_plain = update.gradient_scale == 1.0 && update.clip_value == f32::INFINITY && update.coupled_decay == 0.0;
    if is_plain {
        each::<true>(update, constants, parameter, gradient, mean, square);
    } else {
        each::<false>(update, constants, parameter, gradient, mean, square);
    }
}

/// `PLAIN` where gradients are taken as they are. The loop is as fast as its vector operations are few: the two units that do them are busy
/// all the time, and memory keeps up.
#[target_feature(enable = "avx512f")]
#[inline]
fn each<const PLAIN: bool>(
    update: &Update,
    constants: Constants,
    parameter: &mut [f32],
    gradient: &[f32],
    mean: &mut [f32],
    square: &mut [f32],
) {
    let Update { gradient_scale, clip_value, coupled_decay, shrink, .. } = *update;
    let Constants { rate, betas: [beta1, beta2], root, epsilon } = constants;
    let all = _mm512_set1_ps;
    let (scale, high, low, decay, shrink) = (all(gradient_scale), all(clip_value), all(-clip_value), all(coupled_decay), all(shrink));
    let (beta1, rest1, beta2, rest2) = (all(beta1.old), all(beta1.new), all(beta2.old), all(beta2.new));
    // sqrt(v) root = sqrt(v root^2)
    let (correction, floor, epsilon, rate) = (all(root * root), all(SETTLED_SQUARE), all(epsilon), all(rate));
    let infinity = all(f32::INFINITY);
    let (half, three_halves, two) = (all(0.5), all(1.5), all(2.0));
    let chunks = parameter.as_chunks_mut::<16>().0.iter_mut().zip(gradient.as_chunks::<16>().0);
    let moments = mean.as_chunks_mut::<16>().0.iter_mut().zip(square.as_chunks_mut::<16>().0);
    for ((w, g), (m, v)) in chunks.zip(moments) {
        // SAFETY: sixteen values lie behind each of the four.
        let (w_old, mut g, m_old, v_old) =
            unsafe { (_mm512_loadu_ps(w.as_ptr()), _mm512_loadu_ps(g.as_ptr()), _mm512_loadu_ps(m.as_ptr()), _mm512_loadu_ps(v.as_ptr())) };
        if !PLAIN {
            // The second operand is what a NaN leaves: the gradient itself.
            g = _mm512_max_ps(low, _mm512_min_ps(high, _mm512_mul_ps(g, scale)));
            g = _mm512_fmadd_ps(decay, w_old, g);
        }
        let size = _mm512_abs_ps(g);
        let weighted = _mm512_maskz_mul_ps(not_under(SETTLED, size), rest1, g);
        let m_new = _mm512_fmadd_ps(beta1, m_old, weighted);
        let m_new = _mm512_maskz_mov_ps(not_under(SETTLED, _mm512_abs_ps(m_new)), m_new);
        let squared = _mm512_maskz_mul_ps(not_under(SMALLEST_SQUARED, size), g, g);
        let v_new = _mm512_fmadd_ps(beta2, v_old, _mm512_mul_ps(rest2, squared));
        // It is no negative number.
        let v_new = _mm512_maskz_mov_ps(not_under(SETTLED_SQUARE, v_new), v_new);
        let s = _mm512_max_ps(floor, _mm512_mul_ps(v_new, correction));
        // Over an infinite moment there is no change.
        let finite = _mm512_cmp_ps_mask::<_CMP_NEQ_UQ>(s, infinity);
        let y = _mm512_rsqrt14_ps(s);
        let y = _mm512_mul_ps(y, _mm512_fnmadd_ps(_mm512_mul_ps(half, s), _mm512_mul_ps(y, y), three_halves));
        let d = _mm512_fmadd_ps(s, y, epsilon);
        let r = _mm512_rcp14_ps(d);
        let r = _mm512_mul_ps(r, _mm512_fnmadd_ps(d, r, two));
        let change = _mm512_maskz_mul_ps(finite, _mm512_mul_ps(rate, m_new), r);
        let w_new = _mm512_fmsub_ps(w_old, shrink, change);
        // SAFETY: as above.
        unsafe {
            _mm512_storeu_ps(w.as_mut_ptr(), w_new);
            _mm512_storeu_ps(m.as_mut_ptr(), m_new);
            _mm512_storeu_ps(v.as_mut_ptr(), v_new);
        }
    }
}

/// Where a size is not under `limit`; what is no number is not.
#[target_feature(enable = "avx512f")]
#[inline]
fn not_under(limit: f32, size: __m512) -> __mmask16 {
    _mm512_cmp_ps_mask::<_CMP_NLT_UQ>(size, _mm512_set1_ps(limit))
}

#[cfg(test)]
mod tests {
    use super::super::{Rule, apply_plain};
    use super::*;

    /// Moments from zero to the largest that do not overflow, and gradients of every size: within 3e-7 of the exact change.
    #[test]
    #[expect(clippy::print_stderr, reason = "a test that did not run says so")]
    fn it_agrees_with_the_exact_form() {
        if crate::Isa::detect() != crate::Isa::Avx512 {
            return eprintln!("NOT TESTED: this processor has no AVX-512");
        }
        let size = |i: usize, seed: usize| {
            let hash = (i + 1).wrapping_mul(2_654_435_761).wrapping_add(seed * 7919) % 10_007;
            let magnitude = 10_f32.powi((hash % 39) as i32 - 18);
            if hash.is_multiple_of(10) { 0.0 } else { magnitude * (hash as f32 / 5000.0 - 1.0) }
        };
        let of = |seed: usize| (0..4096).map(|i| size(i, seed)).collect::<Vec<f32>>();
        let (w, g, m) = (of(1), of(2), of(3));
        let v: Vec<f32> = of(4).iter().map(|value| value.abs()).collect();
        for (epsilon, is_plain) in [1e-3, 1e-8, 1e-11, 1e-14].into_iter().flat_map(|epsilon| [(epsilon, true), (epsilon, false)]) {
            let constants = Constants { rate: 0.01, betas: [Decay::of(0.9), Decay::of(0.999)], root: 2.5, epsilon };
            let rule = Rule::Adam { rate: 0.01, betas: [Decay::of(0.9), Decay::of(0.999)], root: 2.5, epsilon };
            let (gradient_scale, clip_value, coupled_decay) = if is_plain { (1.0, f32::INFINITY, 0.0) } else { (0.5, 1e6, 0.1) };
            let update = Update { rule, gradient_scale, clip_value, coupled_decay, shrink: 0.99 };
            let (mut fast, mut exact) = ((w.clone(), m.clone(), v.clone()), (w.clone(), m.clone(), v.clone()));
            // SAFETY: the processor has AVX-512.
            unsafe { adam(&update, constants, &mut fast.0, &g, &mut fast.1, &mut fast.2) };
            apply_plain::<true>(&update, &mut exact.0, &g, [&mut exact.1, &mut exact.2, &mut []]);
            assert_eq!((fast.1, fast.2), (exact.1, exact.2), "the moments are exact");
            // What counts as 1e-37 beside epsilon: see `SMALLEST_EPSILON`.
            let of_change = 4e-7 + f64::from(SETTLED_SQUARE).sqrt() / f64::from(epsilon);
            for ((fast, exact), w) in fast.0.iter().zip(&exact.0).zip(&w) {
                let change = (f64::from(*exact) - f64::from(*w) * 0.99).abs();
                let tolerance = of_change * change + 1.2e-7 * f64::from(exact.abs().max(w.abs()));
                assert!((f64::from(*fast) - f64::from(*exact)).abs() <= tolerance, "{fast}, exactly {exact}, from {w}");
            }
        }
    }
}
