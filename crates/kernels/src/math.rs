//! Functions of one f32 that the compiler can turn into vector instructions: straight-line code, no calls, no tables.

#![expect(clippy::excessive_precision, reason = "the coefficients are as their sources print them")]

use crate::isa::mul_add;

/// `exp(x)`, within 2 units in the last place of the true value; 0 below -104, infinity above 88.73, and no number for no number.
///
/// `exp(x) = 2^n exp(r)` with `n = round(x / ln 2)` and `|r| <= ln 2 / 2`; the polynomial is that of Cephes' `expf` (Moshier 1992).
#[inline(always)]
pub(crate) fn exp<const FUSED: bool>(x: f32) -> f32 {
    /// Adding and taking away 1.5 * 2^23 rounds to a whole number.
    const ROUND: f32 = 12_582_912.0;
    const LN2_HIGH: f32 = 0.693_359_375;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    // Beyond these ends the result is 0 or infinity; a NaN compares as neither and goes on.
    let inside = if x > 88.8 { 88.8 } else { x };
    let inside = if inside < -104.0 { -104.0 } else { inside };
    let shifted = mul_add::<FUSED>(inside, std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = mul_add::<FUSED>(n, -LN2_HIGH, inside);
    let r = mul_add::<FUSED>(n, -LN2_LOW, r);
    let p = mul_add::<FUSED>(1.987_569_1e-4, r, 1.398_199_9e-3);
    let p = mul_add::<FUSED>(p, r, 8.333_452e-3);
    let p = mul_add::<FUSED>(p, r, 4.166_579_6e-2);
    let p = mul_add::<FUSED>(p, r, 0.166_666_66);
    let p = mul_add::<FUSED>(p, r, 0.5);
    let value = mul_add::<FUSED>(p, r * r, r + 1.0);
    // 2^n in two factors, so that results under the smallest normal number and the last one under infinity come out right.
    // The whole number lies in the lowest bits of the shifted one: no conversion, which would have to look for NaN.
    let whole = (shifted.to_bits() as i32).wrapping_sub(ROUND.to_bits() as i32);
    let half = whole >> 1;
    let rest = whole.wrapping_sub(half);
    value * power_of_two(half) * power_of_two(rest)
}

#[inline(always)]
fn power_of_two(n: i32) -> f32 {
    f32::from_bits((n.wrapping_add(127) as u32) << 23)
}

/// `exp(x) - 1` for `x <= 0`, without the cancellation near zero: a Taylor polynomial there.
#[inline(always)]
pub(crate) fn exp_m1_of_negative<const FUSED: bool>(x: f32) -> f32 {
    let p = mul_add::<FUSED>(x, 1.0 / 5040.0, 1.0 / 720.0);
    let p = mul_add::<FUSED>(p, x, 1.0 / 120.0);
    let p = mul_add::<FUSED>(p, x, 1.0 / 24.0);
    let p = mul_add::<FUSED>(p, x, 1.0 / 6.0);
    let p = mul_add::<FUSED>(p, x, 0.5);
    let near = mul_add::<FUSED>(p * x, x, x);
    if x > -0.35 { near } else { exp::<FUSED>(x) - 1.0 }
}

/// `1 / (1 + exp(-x))`.
#[inline(always)]
pub(crate) fn sigmoid<const FUSED: bool>(x: f32) -> f32 {
    1.0 / (1.0 + exp::<FUSED>(-x))
}

/// `tanh(x) = -expm1(-2|x|) / (2 + expm1(-2|x|))` with the sign of `x`.
#[inline(always)]
pub(crate) fn tanh<const FUSED: bool>(x: f32) -> f32 {
    let e = exp_m1_of_negative::<FUSED>(-2.0 * x.abs());
    (-e / (2.0 + e)).copysign(x)
}

/// `log(x)` for normal `x > 0`, within 2 units in the last place: `x = 2^n m`, `sqrt(1/2) <= m < sqrt(2)`, and Cephes' polynomial of
/// `logf` in `m - 1`.
#[inline(always)]
pub(crate) fn ln<const FUSED: bool>(x: f32) -> f32 {
    let bits = x.to_bits() as i32;
    // Moves the boundary between exponents to sqrt(1/2).
    let n = (bits - 0x3f35_04f3) >> 23;
    let m = f32::from_bits((bits - (n << 23)) as u32);
    let r = m - 1.0;
    let p = mul_add::<FUSED>(7.037_683_6e-2, r, -0.115_146_1);
    let p = mul_add::<FUSED>(p, r, 0.116_769_984);
    let p = mul_add::<FUSED>(p, r, -0.124_201_41);
    let p = mul_add::<FUSED>(p, r, 0.142_493_23);
    let p = mul_add::<FUSED>(p, r, -0.166_680_57);
    let p = mul_add::<FUSED>(p, r, 0.200_007_15);
    let p = mul_add::<FUSED>(p, r, -0.249_999_94);
    let p = mul_add::<FUSED>(p, r, 0.333_333_31);
    let square = r * r;
    let n = n as f32;
    let tail = mul_add::<FUSED>(p * r, square, -0.5 * square);
    let tail = mul_add::<FUSED>(n, -2.121_944_4e-4, tail);
    mul_add::<FUSED>(n, 0.693_359_375, r + tail)
}

/// `log(1 + x)` for `0 <= x <= 1`: `x log(u) / (u - 1)` with `u = 1 + x` as rounded (Kahan).
#[inline(always)]
pub(crate) fn ln_1p<const FUSED: bool>(x: f32) -> f32 {
    let u = 1.0 + x;
    let excess = u - 1.0;
    let divisor = if excess == 0.0 { 1.0 } else { excess };
    let value = x * (ln::<FUSED>(u) / divisor);
    if excess == 0.0 { x } else { value }
}

/// The distribution function of the standard normal, `P(Z <= x)`, within 1e-7: `erfc(t) = t' exp(-t^2 + ..)`, Numerical Recipes' `erfcc`
/// polynomial with a fractional error under 1.2e-7 (Press et al., section 6.2).
#[inline(always)]
pub(crate) fn normal_distribution<const FUSED: bool>(x: f32) -> f32 {
    let z = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
    let t = 1.0 / mul_add::<FUSED>(0.5, z, 1.0);
    let p = mul_add::<FUSED>(t, 0.170_872_77, -0.822_152_23);
    let p = mul_add::<FUSED>(p, t, 1.488_515_9);
    let p = mul_add::<FUSED>(p, t, -1.135_203_98);
    let p = mul_add::<FUSED>(p, t, 0.278_868_07);
    let p = mul_add::<FUSED>(p, t, -0.186_288_06);
    let p = mul_add::<FUSED>(p, t, 0.096_784_18);
    let p = mul_add::<FUSED>(p, t, 0.374_091_96);
    let p = mul_add::<FUSED>(p, t, 1.000_023_68);
    let p = mul_add::<FUSED>(p, t, -1.265_512_23);
    let tail = 0.5 * t * exp::<FUSED>(mul_add::<FUSED>(-z, z, p));
    if x > 0.0 { 1.0 - tail } else { tail }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against the 64-bit functions of the platform, over the whole range.
    fn assert_relative(name: &str, ours: fn(f32) -> f32, exact: fn(f64) -> f64, range: std::ops::Range<f64>, tolerance: f64) {
        let steps = 20_001;
        for i in 0..steps {
            let x = (range.start + (range.end - range.start) * f64::from(i) / f64::from(steps)) as f32;
            let (found, expected) = (f64::from(ours(x)), exact(f64::from(x)));
            assert!((found - expected).abs() <= tolerance * expected.abs() + 1e-45, "{name}({x}) = {found}, expected {expected}");
        }
    }

    #[test]
    fn functions_match_64_bit_arithmetic() {
        assert_relative("exp", exp::<true>, f64::exp, -87.0..88.0, 2.4e-7);
        assert_relative("exp, rounded twice", exp::<false>, f64::exp, -87.0..88.0, 4e-7);
        assert_relative("expm1", exp_m1_of_negative::<true>, f64::exp_m1, -20.0..0.0, 3e-7);
        assert_relative("sigmoid", sigmoid::<true>, |x| 1.0 / (1.0 + (-x).exp()), -80.0..80.0, 4e-7);
        assert_relative("tanh", tanh::<true>, f64::tanh, -12.0..12.0, 5e-7);
        assert_relative("ln", ln::<true>, f64::ln, 1e-3..0.7, 3e-7);
        assert_relative("ln", ln::<true>, f64::ln, 1.4..1e6, 3e-7);
        assert_relative("ln_1p", ln_1p::<true>, f64::ln_1p, 0.0..1.0, 5e-7);
    }

    #[test]
    fn ends_and_nan_are_what_they_should_be() {
        assert_eq!([exp::<true>(f32::NEG_INFINITY), exp::<true>(-200.0), exp::<true>(200.0)], [0.0, 0.0, f32::INFINITY]);
        assert_eq!([tanh::<true>(100.0), tanh::<true>(-100.0), tanh::<true>(0.0)], [1.0, -1.0, 0.0]);
        assert!(exp::<true>(f32::NAN).is_nan() && tanh::<true>(f32::NAN).is_nan() && sigmoid::<true>(f32::NAN).is_nan());
        assert!(normal_distribution::<true>(f32::NAN).is_nan());
    }

    /// `from statistics import NormalDist; NormalDist().cdf(x)`.
    #[test]
    fn the_normal_distribution_matches_python() {
        for (x, expected) in [(-3.0, 0.001_349_898), (-1.0, 0.158_655_25), (0.0, 0.5), (0.5, 0.691_462_46), (2.0, 0.977_249_87)] {
            assert!((normal_distribution::<true>(x) - expected).abs() < 1.5e-7, "{x}");
        }
    }
}
