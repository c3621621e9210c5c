//! Activation functions with their slopes, in one pass over a tile. Values at the kinks are those of the model crate, which documents them.

use crate::isa::{dispatch_plain, mul_add};
use crate::math;
use std::f32::consts::{FRAC_2_PI, PI};

/// A function of one number, with its parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(missing_docs, reason = "each is documented by the model crate's activation of the same name")]
pub enum Activation {
    Identity,
    Sigmoid,
    Tanh,
    Relu,
    LeakyRelu {
        negative_slope: f32,
    },
    /// `scale * elu(z, alpha)`: elu and selu.
    Elu {
        alpha: f32,
        scale: f32,
    },
    Gelu,
    GeluTanh,
    Silu,
    Softplus,
    Softsign,
    HardSigmoid,
    Mish,
    /// `scale * tanh(stretch * z)`.
    ScaledTanh {
        scale: f32,
        stretch: f32,
    },
}

impl Activation {
    /// Whether the output is exactly zero for a good part of all inputs, so that looking for zeros may pay.
    #[must_use]
    pub fn gives_zeros(self) -> bool {
        matches!(self, Self::Relu | Self::HardSigmoid)
    }

    /// Replaces every `z` by `f(z)` and writes `f'(z)` into `slopes`.
    pub fn apply(self, z: &mut [f32], slopes: &mut [f32]) {
        apply(self, z, slopes);
    }
}

dispatch_plain! {
    fn apply(activation: Activation, z: &mut [f32], slopes: &mut [f32]) = apply_plain
}

#[inline(always)]
fn apply_plain<const FUSED: bool>(activation: Activation, z: &mut [f32], slopes: &mut [f32]) {
    match activation {
        Activation::Identity => slopes.fill(1.0),
        Activation::Sigmoid => each(z, slopes, |z| {
            let f = math::sigmoid::<FUSED>(z);
            (f, f * (1.0 - f))
        }),
        Activation::Tanh => each(z, slopes, |z| {
            let f = math::tanh::<FUSED>(z);
            (f, mul_add::<FUSED>(-f, f, 1.0))
        }),
        // The product keeps NaN, as the reference does.
        Activation::Relu => each(z, slopes, |z| {
            let on = if z > 0.0 { 1.0 } else { 0.0 };
            (z * on, on)
        }),
        Activation::LeakyRelu { negative_slope } => each(z, slopes, |z| {
            let slope = if z > 0.0 { 1.0 } else { negative_slope };
            (z * slope, slope)
        }),
        Activation::Elu { alpha, scale } => each(z, slopes, |z| {
            let negative = if z > 0.0 { 0.0 } else { z };
            let (minus_one, full) = (math::exp_m1_of_negative::<FUSED>(negative), scale * alpha);
            if z > 0.0 { (z * scale, scale) } else { (minus_one * full, (minus_one + 1.0) * full) }
        }),
        Activation::Gelu => each(z, slopes, |z| {
            let p = math::normal_distribution::<FUSED>(z);
            let density = math::exp::<FUSED>(-0.5 * z * z) * (2.0 * PI).sqrt().recip();
            (z * p, mul_add::<FUSED>(z, density, p))
        }),
        Activation::GeluTanh => each(z, slopes, gelu_tanh::<FUSED>),
        Activation::Silu => each(z, slopes, |z| {
            let s = math::sigmoid::<FUSED>(z);
            let f = z * s;
            (f, mul_add::<FUSED>(z - f, s, s))
        }),
        Activation::Softplus => each(z, slopes, |z| {
            let positive = if z < 0.0 { 0.0 } else { z };
            (positive + math::ln_1p::<FUSED>(math::exp::<FUSED>(-z.abs())), math::sigmoid::<FUSED>(z))
        }),
        Activation::Softsign => each(z, slopes, |z| {
            let inverse = 1.0 / (1.0 + z.abs());
            (z / (1.0 + z.abs()), inverse * inverse)
        }),
        Activation::HardSigmoid => each(z, slopes, |z| {
            let line = mul_add::<FUSED>(z, 1.0 / 6.0, 0.5);
            let line = if z >= 3.0 { 1.0 } else { line };
            (if z <= -3.0 { 0.0 } else { line }, if z.abs() < 3.0 { 1.0 / 6.0 } else { 0.0 })
        }),
        Activation::Mish => each(z, slopes, |z| {
            let e = math::exp::<FUSED>(if z > 20.0 { 20.0 } else { z });
            let n = e * (e + 2.0);
            let inverse = 1.0 / (n + 2.0);
            let t = n * inverse;
            let one_minus_t_squared = 4.0 * ((n + 1.0) * inverse) * inverse;
            (z * t, mul_add::<FUSED>(z, one_minus_t_squared * math::sigmoid::<FUSED>(z), t))
        }),
        Activation::ScaledTanh { scale, stretch } => each(z, slopes, |z| {
            let t = math::tanh::<FUSED>(z * stretch);
            (scale * t, scale * stretch * mul_add::<FUSED>(-t, t, 1.0))
        }),
    }
}

#[inline(always)]
fn gelu_tanh<const FUSED: bool>(z: f32) -> (f32, f32) {
    const CUBIC: f32 = 0.044_715;
    // Beyond +-20 the tangent has long been +-1, and the cube cannot overflow.
    let c = if z > 20.0 { 20.0 } else { z };
    let c = if c < -20.0 { -20.0 } else { c };
    let root = FRAC_2_PI.sqrt();
    let t = math::tanh::<FUSED>(root * c * mul_add::<FUSED>(CUBIC * c, c, 1.0));
    let du = root * mul_add::<FUSED>(3.0 * CUBIC * c, c, 1.0);
    (0.5 * z * (1.0 + t), 0.5 * ((1.0 + t) + c * mul_add::<FUSED>(-t, t, 1.0) * du))
}

#[inline(always)]
fn each(z: &mut [f32], slopes: &mut [f32], f: impl Fn(f32) -> (f32, f32)) {
    for (z, slope) in z.iter_mut().zip(slopes) {
        (*z, *slope) = f(*z);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinks_ends_and_nan_are_the_documented_ones() {
        let at = |activation: Activation, z: f32| {
            let (mut value, mut slope) = ([z], [0.0]);
            activation.apply(&mut value, &mut slope);
            (value[0], slope[0])
        };
        let leaky = Activation::LeakyRelu { negative_slope: 0.01 };
        let elu = Activation::Elu { alpha: 0.5, scale: 1.0 };
        for (activation, z, expected) in [
            (Activation::Relu, 0.0, (0.0, 0.0)),
            (leaky, 0.0, (0.0, 0.01)),
            (elu, 0.0, (0.0, 0.5)),
            (Activation::HardSigmoid, 3.0, (1.0, 0.0)),
            (Activation::HardSigmoid, -3.0, (0.0, 0.0)),
            (Activation::Softsign, 0.0, (0.0, 1.0)),
            (Activation::Gelu, 1e4, (1e4, 1.0)),
            (Activation::GeluTanh, -1e4, (0.0, 0.0)),
            (Activation::Mish, 1e4, (1e4, 1.0)),
            (Activation::Mish, -1e4, (0.0, 0.0)),
            (Activation::Silu, -1e4, (0.0, 0.0)),
            (Activation::Softplus, 1e4, (1e4, 1.0)),
            (Activation::Identity, -3.0, (-3.0, 1.0)),
        ] {
            let found = at(activation, z);
            assert!((found.0 - expected.0).abs() < 1e-6 && (found.1 - expected.1).abs() < 1e-6, "{activation:?} at {z}: {found:?}");
        }
        for activation in [Activation::Relu, leaky, elu, Activation::Gelu, Activation::GeluTanh, Activation::HardSigmoid, Activation::Mish]
        {
            assert!(at(activation, f32::NAN).0.is_nan(), "{activation:?}");
        }
    }
}
