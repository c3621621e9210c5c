//! The way back: each layer's gradients, or its step.

use super::Hands;
use super::forward::slopes_may_be_zero;
use super::layer::Layer;
use super::workspace::LayerBuffers;
use crate::OptimizerConfig;
use crate::optimizer::Pace;
use relumine_kernels::product::{Destination, Way, input_gradient, weight_gradient};
use relumine_kernels::{Team, maxout};

/// The gradient at a layer's inputs skips zeros where the share of slopes that are not zero is under this; its dense form first transposes
/// the weight.
const SKIP_SLOPES_BELOW: f64 = 0.4;
/// Layers of fewer outputs take the dense form for it: sums over so few are not worth choosing among.
const NARROW: usize = 64;

/// A step that layers take on the way.
pub(super) type StepOnTheWay<'a> = Option<(&'a OptimizerConfig, Pace)>;

/// From the last layer to the first: takes a step, or leaves the gradients of all parameters in the layers.
pub(super) fn backward_pass(hands: &mut Hands, layers: &mut [Layer], rows: usize, step: StepOnTheWay<'_>, add: bool) {
    let Hands { team, workspace, uses } = hands;
    for position in (0..layers.len()).rev() {
        let looks = position > 0 && slopes_may_be_zero(layers, position);
        let layer = &mut layers[position];
        let (before, here) = workspace.layers.split_at_mut(position);
        let Some(buffers) = here.first_mut() else { return };
        to_pre_activations(team, layer, buffers, rows, step, add);
        let LayerBuffers { inputs, lit_inputs, slopes, lit_slopes, dz, transposed, .. } = buffers;
        if let Some(previous) = before.last_mut() {
            if looks && layer.spec.fan_out >= NARROW {
                lit_slopes.update(team, slopes, rows);
            }
            let skips = looks && layer.spec.fan_out >= NARROW && lit_slopes.share() < SKIP_SLOPES_BELOW;
            let way = if skips { Way::Skipping(lit_slopes) } else { Way::Whole(transposed) };
            input_gradient(team, dz, rows, &layer.weight.value, slopes, previous.output_gradient(), way);
        }
        let x = (&*inputs, uses[position].skips_zeros.then_some(&*lit_inputs));
        let destination = match step {
            Some((config, pace)) => Destination::Update {
                weight: layer.weight.target(config, pace),
                bias: layer.bias.target(config, pace),
                backwards: pace.step % 2 == 0,
            },
            None if add => Destination::Add(&mut layer.gradient),
            None => Destination::Store(&mut layer.gradient),
        };
        weight_gradient(team, x, rows, dz, destination);
    }
}

/// From the outputs of a layer, whose slopes the gradient has met where the activation is the last of it, to its pre-activations.
fn to_pre_activations(team: &mut Team, layer: &mut Layer, buffers: &mut LayerBuffers, rows: usize, step: StepOnTheWay<'_>, add: bool) {
    let LayerBuffers { dz, norm, maxout, .. } = buffers;
    match (layer.norm.as_mut().zip(norm.as_ref()), maxout) {
        (None, None) => {}
        (None, Some(maxout)) => maxout::gradient(team, &maxout.dy, rows, &maxout.winners, dz),
        (Some((norm, values)), None) => norm.backward(team, values, rows, dz, step, add),
        (Some((norm, values)), Some(maxout)) if norm.comes_first() => {
            maxout::gradient(team, &maxout.dy, rows, &maxout.winners, dz);
            norm.backward(team, values, rows, dz, step, add);
        }
        (Some((norm, values)), Some(maxout)) => {
            norm.backward(team, values, rows, &mut maxout.dy, step, add);
            maxout::gradient(team, &maxout.dy, rows, &maxout.winners, dz);
        }
    }
}
