//! Adam by the same operations on every processor, in registers: an exact root and a refined reciprocal take half of the time that an exact
//! quotient takes, which would be most of a small network's update.

use super::{Decay, SETTLED, SETTLED_SQUARE, SMALLEST_SQUARED, Update};
use crate::isa::dispatch_simd;
use crate::simd::Simd;

/// Adam's constants: see [`Rule::Adam`](super::Rule::Adam).
#[derive(Clone, Copy)]
pub(super) struct Constants {
    pub(super) rate: f32,
    pub(super) betas: [Decay; 2],
    pub(super) root: f32,
    pub(super) epsilon: f32,
}

/// The parameter, its gradient, the mean of gradients and the mean of their squares: whole sixteens, of one length.
pub(super) struct Elements<'a> {
    pub(super) parameter: &'a mut [f32],
    pub(super) gradient: &'a [f32],
    pub(super) mean: &'a mut [f32],
    pub(super) square: &'a mut [f32],
}

/// `w = shrink w - rate m / (root sqrt(v) + epsilon)` with the new moments, but for the last two bits of the change.
pub(super) fn adam(update: &Update, constants: Constants, elements: Elements<'_>) {
    let len = elements.parameter.len();
    assert!(len.is_multiple_of(16) && [elements.gradient.len(), elements.mean.len(), elements.square.len()] == [len; 3], "elements fit");
    // SAFETY: registers of at most sixteen lanes end where the elements do.
    unsafe {
        if update.gradient_scale == 1.0 && update.clip_value == f32::INFINITY && update.coupled_decay == 0.0 {
            of_plain_gradients(update, constants, elements);
        } else {
            of_changed_gradients(update, constants, elements);
        }
    }
}

dispatch_simd! {
    /// # Safety
    /// The elements are whole sixteens, of one length.
    unsafe fn of_plain_gradients(update: &Update, constants: Constants, elements: Elements<'_>) = each_plain
}

dispatch_simd! {
    /// # Safety
    /// As above.
    unsafe fn of_changed_gradients(update: &Update, constants: Constants, elements: Elements<'_>) = each_changed
}

#[inline(always)]
unsafe fn each_plain<S: Simd>(update: &Update, constants: Constants, elements: Elements<'_>) {
    // SAFETY: the caller's promise.
    unsafe { each::<S, true>(update, constants, elements) }
}

#[inline(always)]
unsafe fn each_changed<S: Simd>(update: &Update, constants: Constants, elements: Elements<'_>) {
    // SAFETY: the caller's promise.
    unsafe { each::<S, false>(update, constants, elements) }
}

/// `PLAIN` where gradients are taken as they are. The loop is as fast as its vector operations are few: the units that do them are busy all
/// the time, and memory keeps up.
#[inline(always)]
unsafe fn each<S: Simd, const PLAIN: bool>(update: &Update, constants: Constants, elements: Elements<'_>) {
    let Update { gradient_scale, clip_value, coupled_decay, shrink, .. } = *update;
    let Constants { rate, betas: [beta1, beta2], root, epsilon } = constants;
    let Elements { parameter, gradient, mean, square } = elements;
    // SAFETY: the caller's promise.
    unsafe {
        let [scale, low, high, decay, shrink] = [gradient_scale, -clip_value, clip_value, coupled_decay, shrink].map(|x| S::splat(x));
        let [old1, new1, old2, new2] = [beta1.old, beta1.new, beta2.old, beta2.new].map(|x| S::splat(x));
        let [root, epsilon, rate] = [root, epsilon, rate].map(|x| S::splat(x));
        let mut divisors = [0.0_f32; BLOCK];
        for first in (0..parameter.len()).step_by(BLOCK) {
            let block = first..(first + BLOCK).min(parameter.len());
            for at in block.clone().step_by(S::LANES) {
                let (m, v) = (mean.as_mut_ptr().add(at), square.as_mut_ptr().add(at));
                let mut g = S::load(gradient.as_ptr().add(at));
                if !PLAIN {
                    g = decay.mul_add(S::load(parameter.as_ptr().add(at)), g.mul(scale).clamp(low, high));
                }
                let m_new = old1.mul_add(S::load(m), new1.mul(g.unless_near_zero(SETTLED, g)));
                m_new.unless_near_zero(SETTLED, m_new).store(m);
                let sized = g.unless_near_zero(SMALLEST_SQUARED, g);
                let v_new = old2.mul_add(S::load(v), new2.mul(sized.mul(sized))).unless_less(SETTLED_SQUARE);
                v_new.store(v);
                root.mul_add(v_new.sqrt(), epsilon).store(divisors.as_mut_ptr().add(at - first));
            }
            for at in block.step_by(S::LANES) {
                let w = parameter.as_mut_ptr().add(at);
                let divisor = S::load(divisors.as_ptr().add(at - first));
                // Over an infinite moment there is no change.
                let change = rate.mul(S::load(mean.as_ptr().add(at))).mul(reciprocal(divisor)).unless_infinite(divisor);
                shrink.mul_sub(S::load(w), change).store(w);
            }
        }
    }
}

/// Elements whose moments are done before their changes: one after the other, an element's operations take longer than a processor looks ahead.
const BLOCK: usize = 128;

/// `1 / d` within a unit and a half in the last place, for normal `d > 0` under 2^125.
///
/// The difference of bits is off by 5.1 % at most (the exponent changes its sign, the fraction follows a line); with `e = 1 - d r` one step
/// of Newton's method, `r (1 + e)`, leaves `e^2`, and one of the third order, `r (1 + e + e^2)`, leaves `e^3`.
#[inline(always)]
unsafe fn reciprocal<S: Simd>(d: S) -> S {
    // SAFETY: the caller's promise.
    unsafe {
        let one = S::splat(1.0);
        let r = d.reciprocal_guess();
        let e = d.neg_mul_add(r, one);
        let r = r.mul_add(e, r);
        let e = d.neg_mul_add(r, one);
        r.mul_add(e.mul_add(e, e), r)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Rule, apply};
    use super::*;

    /// Moments from zero to the largest that do not overflow, and gradients of every size, beside the formula in 64 bits.
    #[test]
    fn it_agrees_with_the_formula() {
        let size = |i: usize, seed: usize| {
            let hash = (i + 1).wrapping_mul(2_654_435_761).wrapping_add(seed * 7919) % 10_007;
            let magnitude = 10_f32.powi((hash % 39) as i32 - 18);
            if hash.is_multiple_of(10) { 0.0 } else { magnitude * (hash as f32 / 5000.0 - 1.0) }
        };
        let of = |seed: usize| (0..4096).map(|i| size(i, seed)).collect::<Vec<f32>>();
        let (w, g, m) = (of(1), of(2), of(3));
        let v: Vec<f32> = of(4).iter().map(|value| value.abs()).collect();
        let betas = [Decay::of(0.9), Decay::of(0.999)];
        for (epsilon, is_plain) in [1e-3, 1e-8, 1e-11, 1e-15].into_iter().flat_map(|epsilon| [(epsilon, true), (epsilon, false)]) {
            let rule = Rule::Adam { rate: 0.01, betas, root: 2.5, epsilon };
            let (gradient_scale, clip_value, coupled_decay) = if is_plain { (1.0, f32::INFINITY, 0.0) } else { (0.5, 1e6, 0.1) };
            let update = Update { rule, gradient_scale, clip_value, coupled_decay, shrink: 0.99 };
            let (mut w_new, mut m_new, mut v_new) = (w.clone(), m.clone(), v.clone());
            apply(&update, &mut w_new, &g, [&mut m_new, &mut v_new, &mut []]);
            let exact = f64::from;
            for i in 0..w.len() {
                let g =
                    (exact(g[i]) * exact(gradient_scale)).clamp(-exact(clip_value), exact(clip_value)) + exact(coupled_decay) * exact(w[i]);
                let settled = |x: f64, limit: f32| if x.abs() < exact(limit) { 0.0 } else { x };
                let moment = |decay: Decay, old: f32, new: f64| exact(decay.old) * exact(old) + exact(decay.new) * new;
                let close = |found: f32, expected: f64, terms: f64| {
                    (exact(found) - expected).abs() <= 3e-7 * terms + 1e-30 || (expected > exact(f32::MAX) && found == f32::INFINITY)
                };
                let m_terms = exact(m[i].abs()) + g.abs() + exact((coupled_decay * w[i]).abs());
                assert!(close(m_new[i], moment(betas[0], m[i], settled(g, SETTLED)), m_terms), "the mean at {i} is {}", m_new[i]);
                let squared = settled(g, SMALLEST_SQUARED).powi(2);
                let squared = if squared > exact(f32::MAX) { f64::INFINITY } else { squared };
                let v_terms = exact(v[i]) + squared + exact(coupled_decay * w[i]).powi(2);
                assert!(close(v_new[i], moment(betas[1], v[i], squared), v_terms), "the mean of squares at {i} is {}", v_new[i]);
                // From the moments as they were rounded.
                let change = exact(0.01_f32) * exact(m_new[i]) / (exact(v_new[i]).sqrt() * 2.5 + exact(epsilon));
                let expected = exact(w[i]) * exact(0.99_f32) - change;
                let tolerance = 3e-7 * change.abs() + 6e-8 * expected.abs() + 1e-38;
                assert!((exact(w_new[i]) - expected).abs() <= tolerance, "{} from {}, exactly {expected}", w_new[i], w[i]);
            }
        }
    }

    #[test]
    fn an_infinite_moment_changes_nothing_and_nan_is_not_hidden() {
        let rule = Rule::Adam { rate: 0.01, betas: [Decay::of(0.9), Decay::of(0.999)], root: 1.0, epsilon: 1e-8 };
        let update = Update { rule, gradient_scale: 1.0, clip_value: f32::INFINITY, coupled_decay: 0.0, shrink: 1.0 };
        let mut gradient = [0.0; 16];
        gradient[..4].copy_from_slice(&[1e30, f32::NAN, f32::INFINITY, 1.0]);
        for update in [update, Update { gradient_scale: 0.5, ..update }] {
            let (mut w, mut m, mut v) = ([1.0; 16], [0.0; 16], [0.0; 16]);
            apply(&update, &mut w, &gradient, [&mut m, &mut v, &mut []]);
            assert!(w[0] == 1.0 && v[0] == f32::INFINITY && w[1].is_nan() && w[2] == 1.0 && m[2] == f32::INFINITY, "{w:?}");
            assert!(w[3] < 1.0 && w[4..] == [1.0; 12] && m[4..] == [0.0; 12], "{w:?}");
        }
    }
}
