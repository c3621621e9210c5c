//! The way back: each layer's gradients, or its step.

use super::forward::looks_at_slopes;
use super::layer::Layer;
use super::workspace::{LayerBuffers, left_factor, output_gradient};
use super::{Hands, Use};
use crate::OptimizerConfig;
use crate::optimizer::Pace;
use relumine_kernels::product::{Destination, InputGradient, TileOrder, Transpose, Way, WeightGradient};
use relumine_kernels::{Panels, Team, maxout};

/// The gradient at a layer's inputs skips zeros where the share of slopes that are not zero is under this; its dense form first transposes
/// the weight.
pub(super) const SKIP_SLOPES_BELOW: f64 = 0.4;
/// Layers of fewer outputs take the dense form for it: sums over so few are not worth choosing among. A last layer of fewer goes there and
/// back in one phase.
pub(super) const NARROW: usize = 64;

/// A step that layers take on the way.
pub(super) type StepOnTheWay<'a> = Option<(&'a OptimizerConfig, Pace)>;

/// Chooses for each layer how the gradient at its inputs will be computed, by the zeros among their slopes.
pub(super) fn choose_ways(hands: &mut Hands, layers: &[Layer], rows: usize) {
    let Hands { team, workspace, tallies, .. } = hands;
    for (position, buffers) in workspace.layers.iter_mut().enumerate().skip(1) {
        let LayerBuffers { slopes, lit_slopes, seen, skips_slopes, .. } = buffers;
        *skips_slopes = looks_at_slopes(layers, position) && {
            if !seen.slopes {
                lit_slopes.update(team, slopes, rows);
            }
            let lit_share = lit_slopes.share();
            let skips = lit_share < SKIP_SLOPES_BELOW;
            tallies[position].slopes.add(lit_share, skips);
            skips
        };
    }
}

/// The copy of a layer's weight that the gradient at its inputs reads, where it does not skip zeros.
pub(super) fn transpose<'a>(layer: &'a Layer, transposed: &'a mut Panels, skips_slopes: bool) -> Option<Transpose<'a>> {
    let has_inputs_with_gradient = transposed.rows() > 0;
    (has_inputs_with_gradient && !skips_slopes).then(|| Transpose::new(&layer.weight.value, transposed))
}

/// From the last layer to the first: takes a step, or leaves the gradients of all parameters in the layers. The gradient at the inputs of a
/// last layer that goes there and back is there already.
///
/// Phases are few: the gradient at a layer's inputs, and beside it what else can be done by then, the weight's gradient of the layer after
/// it and the transposition for the layer before it.
pub(super) fn backward_pass(hands: &mut Hands, layers: &mut [Layer], rows: usize, step: StepOnTheWay<'_>, add: bool) {
    let Hands { team, workspace, uses, .. } = hands;
    let last = layers.len().saturating_sub(1);
    let is_back = layers.last().is_some_and(Layer::goes_there_and_back);
    for position in (0..layers.len()).rev() {
        let (before, here) = workspace.layers.split_at_mut(position);
        let (layers_before, layers_here) = layers.split_at_mut(position);
        let (Some((buffers, after)), Some((layer, layers_after))) = (here.split_first_mut(), layers_here.split_first_mut()) else { return };
        to_pre_activations(team, layer, buffers, rows, step, add);
        let of_the_last = position == last && is_back;
        if position == last && !is_back {
            team.run_together(&[&mut transpose(layer, &mut buffers.transposed, buffers.skips_slopes)]);
        }
        let LayerBuffers { slopes, lit_slopes, dz, transposed, skips_slopes, .. } = &*buffers;
        let (mut to_inputs, mut to_transpose) = (None, None);
        if let (Some(previous), Some(previous_layer), false) = (before.last_mut(), layers_before.last(), of_the_last) {
            let way = if *skips_slopes { Way::Skipping(lit_slopes) } else { Way::Whole(transposed) };
            let LayerBuffers { dz: previous_dz, maxout, transposed, skips_slopes, .. } = previous;
            let dx = output_gradient(previous_dz, maxout);
            to_inputs = Some(InputGradient::new(dz, rows, &layer.weight.value, slopes, dx, way));
            to_transpose = transpose(previous_layer, transposed, *skips_slopes);
        }
        let threads = team.threads();
        let mut to_weight_after = match (layers_after.first_mut(), after.first()) {
            (Some(layer), Some(buffers)) => Some(weight_gradient(threads, (layer, false), buffers, uses[position + 1], rows, step, add)),
            _ => None,
        };
        if position > 0 {
            team.run_together(&[&mut to_inputs, &mut to_weight_after, &mut to_transpose]);
        } else {
            team.run_together(&[&mut weight_gradient(threads, (layer, true), buffers, uses[0], rows, step, add), &mut to_weight_after]);
        }
    }
}

/// The gradients of a layer's weight and bias, or their update; of the first layer, or of one whose inputs the same threads have made.
fn weight_gradient<'a>(
    threads: usize,
    (layer, is_first): (&'a mut Layer, bool),
    buffers: &'a LayerBuffers,
    of_inputs: Use,
    rows: usize,
    step: StepOnTheWay<'_>,
    add: bool,
) -> WeightGradient<'a> {
    let x = left_factor((&buffers.inputs, &buffers.lit_inputs), (&buffers.bytes, buffers.seen), of_inputs.skips_zeros);
    let destination = match step {
        Some((config, pace)) => Destination::Update { weight: layer.weight.target(config, pace), bias: layer.bias.target(config, pace) },
        None if add => Destination::Add(&mut layer.gradient),
        None => Destination::Store(&mut layer.gradient),
    };
    let order = TileOrder { by_inputs: !is_first, backwards: step.is_some_and(|(_, pace)| pace.step % 2 == 0) };
    WeightGradient::new(threads, x, rows, &buffers.dz, (destination, order))
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
