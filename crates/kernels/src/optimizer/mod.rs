//! One pass over a parameter: clipping, decay and the optimiser's rule, element by element. The formulas are those of the engine's
//! optimisers, which document them.

mod adam;

use crate::Panels;
use crate::isa::{dispatch_plain, mul_add};
use crate::pool::Team;
use crate::shares::Shares;

/// The weights of a moving mean: `old * mean + new * value`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Decay {
    pub(crate) old: f32,
    pub(crate) new: f32,
}

impl Decay {
    /// `rate` and `1 - rate`, each rounded by itself: one minus the rounded rate would be off in the fifth digit at 0.999.
    #[must_use]
    pub fn of(rate: f64) -> Self {
        Self { old: rate as f32, new: (1.0 - rate) as f32 }
    }
}

/// What an optimiser does to one element, with the constants of one step.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(missing_docs, reason = "each is documented by the engine's optimiser of the same name")]
pub enum Rule {
    Sgd {
        learning_rate: f32,
    },
    Momentum {
        learning_rate: f32,
        momentum: f32,
        nesterov: bool,
    },
    /// `rate` is the learning rate over `1 - b1^t`, `root` is `1 / sqrt(1 - b2^t)`.
    Adam {
        rate: f32,
        betas: [Decay; 2],
        root: f32,
        epsilon: f32,
    },
    /// As `Adam`; the direction is `of_gradient g + of_mean m`.
    Nadam {
        learning_rate: f32,
        betas: [Decay; 2],
        root: f32,
        epsilon: f32,
        of_gradient: f32,
        of_mean: f32,
    },
    RmsProp {
        learning_rate: f32,
        rho: Decay,
        epsilon: f32,
        momentum: Option<f32>,
        centered: bool,
    },
    Adagrad {
        learning_rate: f32,
        epsilon: f32,
    },
    Adadelta {
        learning_rate: f32,
        rho: Decay,
        epsilon: f32,
    },
    Lion {
        learning_rate: f32,
        betas: [Decay; 2],
    },
}

/// What is done to a gradient and a parameter around the rule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Update {
    /// The optimiser.
    pub rule: Rule,
    /// What every gradient is multiplied by: the clipping by global norm.
    pub gradient_scale: f32,
    /// The largest size of a gradient's element; infinite where there is none.
    pub clip_value: f32,
    /// Added to the gradient, times the parameter.
    pub coupled_decay: f32,
    /// What the parameter is multiplied by first: `1 - learning_rate weight_decay` where decay is decoupled.
    pub shrink: f32,
}

/// What is smaller than this in a slot counts as zero. A mean that only decays ends among the subnormal numbers, stays there for good (0.9
/// of the smallest one rounds to itself), and makes every operation on it a hundred times slower; no update can show the difference.
const SETTLED: f32 = 1e-30;
/// A gradient whose square would be lost beside any epsilon, and subnormal after its first weighting.
const SMALLEST_SQUARED: f32 = 1e-17;
/// What is smaller than this in a mean of squares counts as zero: the last decade of the normal numbers, of which the root is 3e-19.
const SETTLED_SQUARE: f32 = 1e-37;

/// Elements of a task: a few pages of every tensor.
const CHUNK: usize = 8192;

/// Updates `parameter` by `gradient`, and the rule's slots, each like the parameter and in the order of the engine's names.
pub fn update(team: &mut Team, update: &Update, parameter: &mut Panels, gradient: &Panels, slots: &mut [Panels]) {
    let len = parameter.values().len();
    debug_assert!(gradient.values().len() == len && slots.iter().all(|slot| slot.values().len() == len));
    let mut slots = slots.iter_mut().map(|slot| Shares::new(slot.values_mut()));
    let slots = [slots.next(), slots.next(), slots.next()];
    let parameter = Shares::new(parameter.values_mut());
    team.run(len.div_ceil(CHUNK), |task| {
        let (first, count) = (task * CHUNK, CHUNK.min(len - task * CHUNK));
        // SAFETY: each task has elements of its own.
        let parameter = unsafe { parameter.part(first, count) };
        let slots = slots.map(|slot| match slot {
            // SAFETY: as above.
            Some(slot) => unsafe { slot.part(first, count) },
            None => &mut [],
        });
        apply(update, parameter, &gradient.values()[first..][..count], slots);
    });
}

dispatch_plain! {
    /// Updates elements: `slots` are as long as `parameter`, or empty where the rule has no more.
    pub(crate) fn apply(update: &Update, parameter: &mut [f32], gradient: &[f32], slots: [&mut [f32]; 3]) = apply_plain
}

#[inline(always)]
fn apply_plain<const FUSED: bool>(update: &Update, parameter: &mut [f32], gradient: &[f32], slots: [&mut [f32]; 3]) {
    let [first, second, third] = slots;
    match update.rule {
        Rule::Sgd { learning_rate } => each::<0, FUSED>(update, parameter, gradient, [], |g, []| (learning_rate * g, [])),
        Rule::Momentum { learning_rate, momentum, nesterov } => each::<1, FUSED>(update, parameter, gradient, [first], |g, [buffer]| {
            let buffer = settle(mul_add::<FUSED>(momentum, buffer, g));
            let direction = if nesterov { mul_add::<FUSED>(momentum, buffer, g) } else { buffer };
            (learning_rate * direction, [buffer])
        }),
        Rule::Adam { rate, betas, root, epsilon } => {
            adam::adam(
                update,
                adam::Constants { rate, betas, root, epsilon },
                adam::Elements { parameter, gradient, mean: first, square: second },
            );
        }
        Rule::Nadam { learning_rate, betas, root, epsilon, of_gradient, of_mean } => {
            each::<2, FUSED>(update, parameter, gradient, [first, second], |g, [mean, squares]| {
                let (mean, squares) = moments::<FUSED>(betas, g, mean, squares);
                let direction = mul_add::<FUSED>(of_gradient, g, of_mean * mean);
                (learning_rate * direction / mul_add::<FUSED>(squares.sqrt(), root, epsilon), [mean, squares])
            });
        }
        Rule::RmsProp { learning_rate, rho, epsilon, momentum, centered } => {
            // Where a slot is missing, its place is taken by the next one: see the engine's names.
            match (centered, momentum) {
                (false, None) => each::<1, FUSED>(update, parameter, gradient, [first], |g, [squares]| {
                    let squares = decay_square::<FUSED>(rho, squares, square(g));
                    (learning_rate * g / (squares.sqrt() + epsilon), [squares])
                }),
                (false, Some(momentum)) => each::<2, FUSED>(update, parameter, gradient, [first, second], |g, [squares, buffer]| {
                    let squares = decay_square::<FUSED>(rho, squares, square(g));
                    let buffer = settle(mul_add::<FUSED>(momentum, buffer, g / (squares.sqrt() + epsilon)));
                    (learning_rate * buffer, [squares, buffer])
                }),
                (true, None) => each::<2, FUSED>(update, parameter, gradient, [first, second], |g, [squares, mean]| {
                    let (squares, mean) = (decay_square::<FUSED>(rho, squares, square(g)), decay::<FUSED>(rho, mean, g));
                    (learning_rate * g / (variance(squares, mean).sqrt() + epsilon), [squares, mean])
                }),
                (true, Some(momentum)) => {
                    each::<3, FUSED>(update, parameter, gradient, [first, second, third], |g, [squares, mean, buffer]| {
                        let (squares, mean) = (decay_square::<FUSED>(rho, squares, square(g)), decay::<FUSED>(rho, mean, g));
                        let buffer = settle(mul_add::<FUSED>(momentum, buffer, g / (variance(squares, mean).sqrt() + epsilon)));
                        (learning_rate * buffer, [squares, mean, buffer])
                    });
                }
            }
        }
        Rule::Adagrad { learning_rate, epsilon } => each::<1, FUSED>(update, parameter, gradient, [first], |g, [sum]| {
            let sum = sum + square(g);
            (learning_rate * g / (sum.sqrt() + epsilon), [sum])
        }),
        Rule::Adadelta { learning_rate, rho, epsilon } => {
            each::<2, FUSED>(update, parameter, gradient, [first, second], |g, [squares, accumulated]| {
                let squares = decay_square::<FUSED>(rho, squares, square(g));
                let delta = (accumulated + epsilon).sqrt() / (squares + epsilon).sqrt() * g;
                (learning_rate * delta, [squares, decay_square::<FUSED>(rho, accumulated, square(delta))])
            });
        }
        Rule::Lion { learning_rate, betas: [beta1, beta2] } => each::<1, FUSED>(update, parameter, gradient, [first], |g, [mean]| {
            let direction = decay::<FUSED>(beta1, mean, g);
            let sign = if direction > 0.0 { 1.0 } else { 0.0 } - if direction < 0.0 { 1.0 } else { 0.0 };
            (learning_rate * sign, [decay::<FUSED>(beta2, mean, g)])
        }),
    }
}

/// A moving mean of squares with one more value.
#[inline(always)]
fn decay_square<const FUSED: bool>(weights: Decay, mean: f32, square: f32) -> f32 {
    let mean = mul_add::<FUSED>(weights.old, mean, weights.new * square);
    if mean.abs() < SETTLED_SQUARE { 0.0 } else { mean }
}

/// A moving mean with one more value.
#[inline(always)]
fn decay<const FUSED: bool>(weights: Decay, mean: f32, value: f32) -> f32 {
    settle(mul_add::<FUSED>(weights.old, mean, weights.new * settle(value)))
}

#[inline(always)]
fn settle(x: f32) -> f32 {
    if x.abs() < SETTLED { 0.0 } else { x }
}

#[inline(always)]
fn square(g: f32) -> f32 {
    let sized = if g.abs() < SMALLEST_SQUARED { 0.0 } else { g };
    sized * sized
}

#[inline(always)]
fn moments<const FUSED: bool>([beta1, beta2]: [Decay; 2], g: f32, mean: f32, old_square: f32) -> (f32, f32) {
    (decay::<FUSED>(beta1, mean, g), decay_square::<FUSED>(beta2, old_square, square(g)))
}

/// Where rounding makes it negative it counts as 0.
#[inline(always)]
fn variance(square: f32, mean: f32) -> f32 {
    let variance = square - mean * mean;
    if variance < 0.0 { 0.0 } else { variance }
}

#[inline(always)]
fn each<const N: usize, const FUSED: bool>(
    update: &Update,
    parameter: &mut [f32],
    gradient: &[f32],
    slots: [&mut [f32]; N],
    rule: impl Fn(f32, [f32; N]) -> (f32, [f32; N]),
) {
    let Update { gradient_scale, clip_value, coupled_decay, shrink, .. } = *update;
    let len = parameter.len();
    let gradient = &gradient[..len];
    let slots = slots.map(|slot| &mut slot[..len]);
    for i in 0..len {
        let g = gradient[i] * gradient_scale;
        let g = if g > clip_value { clip_value } else { g };
        let g = if g < -clip_value { -clip_value } else { g };
        let g = mul_add::<FUSED>(coupled_decay, parameter[i], g);
        let (change, new) = rule(g, std::array::from_fn(|slot| slots[slot][i]));
        parameter[i] = mul_add::<FUSED>(parameter[i], shrink, -change);
        for slot in 0..N {
            slots[slot][i] = new[slot];
        }
    }
}

/// Adds the gradient of `l1 sum |w| + l2 sum w^2` to `gradient`.
pub fn add_penalties(team: &mut Team, (l1, l2): (f32, f32), parameter: &Panels, gradient: &mut Panels) {
    let len = gradient.values().len();
    let gradient = Shares::new(gradient.values_mut());
    team.run(len.div_ceil(CHUNK), |task| {
        let (first, count) = (task * CHUNK, CHUNK.min(len - task * CHUNK));
        // SAFETY: each task has elements of its own.
        let gradient = unsafe { gradient.part(first, count) };
        for (gradient, w) in gradient.iter_mut().zip(&parameter.values()[first..]) {
            let sign = if *w > 0.0 { l1 } else { 0.0 } - if *w < 0.0 { l1 } else { 0.0 };
            *gradient += sign + 2.0 * l2 * w;
        }
    });
}

/// The sum of the squares of all elements, in f64: 64 parts, and then their sums, whoever does them.
#[must_use]
pub fn sum_of_squares(team: &mut Team, matrix: &Panels) -> f64 {
    const PARTS: usize = 64;
    // Panels are whole sixteens.
    let sixteens = matrix.values().as_chunks::<16>().0;
    let mut sums = [0.0_f64; PARTS];
    let shares = Shares::new(&mut sums);
    team.run(PARTS, |part| {
        // Lanes that the compiler can keep in registers; 64 bits so that large networks lose nothing.
        let mut lanes = [0.0_f64; 16];
        for values in &sixteens[sixteens.len() * part / PARTS..sixteens.len() * (part + 1) / PARTS] {
            lanes.iter_mut().zip(values).for_each(|(lane, value)| *lane += f64::from(*value) * f64::from(*value));
        }
        // SAFETY: each task has a sum of its own.
        let sum = unsafe { shares.part(part, 1) };
        sum[0] = lanes.iter().sum();
    });
    sums.iter().sum()
}

/// Takes `value` into a moving average of it.
pub fn take_average(team: &mut Team, weights: Decay, average: &mut Panels, value: &Panels) {
    let len = average.values().len();
    debug_assert!(value.values().len() == len);
    let average = Shares::new(average.values_mut());
    team.run(len.div_ceil(CHUNK), |task| {
        let (first, count) = (task * CHUNK, CHUNK.min(len - task * CHUNK));
        // SAFETY: each task has elements of its own.
        let average = unsafe { average.part(first, count) };
        for (average, value) in average.iter_mut().zip(&value.values()[first..]) {
            *average = weights.old * *average + weights.new * value;
        }
    });
}

/// Scales every column of a weight `[in, out]`, which is what one unit listens to, whose norm is over `max_norm` down to it.
pub fn bound_unit_norms(team: &mut Team, max_norm: f32, weight: &mut Panels) {
    let (stride, width, panels) = (weight.stride(), weight.width(), weight.count());
    let weight = Shares::new(weight.values_mut());
    team.run(panels, |panel| {
        // SAFETY: each task has a panel of its own.
        let panel = unsafe { weight.part(panel * stride, stride) };
        let mut factors = [0.0_f32; 64];
        for row in panel.chunks_exact(width) {
            factors.iter_mut().zip(row).for_each(|(sum, value)| *sum += value * value);
        }
        for factor in &mut factors {
            let norm = factor.sqrt();
            *factor = if norm > max_norm { max_norm / (norm + 1e-7) } else { 1.0 };
        }
        for row in panel.chunks_exact_mut(width) {
            row.iter_mut().zip(&factors).for_each(|(value, factor)| *value *= factor);
        }
    });
}

#[cfg(test)]
mod tests;
