//! Elementwise functions with a derivative of our own.

use candle_core::{Result, Tensor};

/// `value(z)`, differentiable in `z` with the derivative `slope(z, value(z))`, both formulas as they are written.
///
/// Candle differentiates what it is given operation by operation, and where a function is put together from several, a derivative may be
/// `0 * inf` far out or anything at a kink. Here both are computed from a constant copy `c` of `z`, and the result is
/// `value + slope * (z - c)`: the second term is zero, and its derivative is `slope`. Nothing is hidden: a `z` that is infinite or no
/// number gives no number. Where no derivative can be asked for, only the value is computed.
pub(super) fn elementwise(
    z: &Tensor,
    value: impl Fn(&Tensor) -> Result<Tensor>,
    slope: impl Fn(&Tensor, &Tensor) -> Result<Tensor>,
) -> Result<Tensor> {
    let constant = z.detach();
    let value = value(&constant)?;
    if !z.track_op() {
        return Ok(value);
    }
    let slope = slope(&constant, &value)?;
    value + (slope * (z - &constant)?)?
}

/// `above` where `z > 0`, and `below` elsewhere: zero itself, and what is no number.
pub(super) fn above_zero(z: &Tensor, above: &Tensor, below: &Tensor) -> Result<Tensor> {
    z.gt(0.0)?.where_cond(above, below)
}

/// The negative part `min(z, 0)`, and no number for no number.
pub(super) fn negative_part(z: &Tensor) -> Result<Tensor> {
    above_zero(z, &z.zeros_like()?, z)
}

/// `exp(x) - 1 = tanh(x / 2) (exp(x) + 1)`, without the cancellation near zero.
pub(super) fn exp_m1(x: &Tensor) -> Result<Tensor> {
    (x * 0.5)?.tanh()? * (x.exp()? + 1.0)?
}

/// `log(1 + x)` for `x >= 0`: `x log(u) / (u - 1)` with `u = 1 + x` as rounded, which makes up for the rounding (Kahan; theorem 4 of
/// Goldberg 1991).
pub(super) fn ln_1p(x: &Tensor) -> Result<Tensor> {
    let u = (x + 1.0)?;
    let excess = (&u - 1.0)?;
    let is_one = excess.eq(0.0)?;
    let divisor = is_one.where_cond(&u, &excess)?;
    is_one.where_cond(x, &(x * (u.log()? / divisor)?)?)
}

/// `log(1 + exp(z))` as `max(z, 0) + log(1 + exp(-|z|))`, which overflows nowhere.
pub(super) fn softplus(z: &Tensor) -> Result<Tensor> {
    (z - negative_part(z)?)? + ln_1p(&z.abs()?.neg()?.exp()?)?
}
