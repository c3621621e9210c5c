//! The rows of a pass, brought to the first layer.

use super::backward::transpose;
use super::forward::inputs_may_be_zero;
use super::layer::Layer;
use super::workspace::{LayerBuffers, Seen};
use super::{FusedStep, Hands};
use crate::{Examples, StepError};
use relumine_kernels::Team;
use relumine_kernels::augment::{self, Augmenter, Place};
use relumine_kernels::gather::{Gather, GatherBytes, Scaling, Source};
use relumine_kernels::product::Transpose;

/// Gathers and scales the rows into the first layer's inputs; in training it also transposes the last layer's weight, where that is read
/// before there is another phase to do it in, and changes the images at random.
///
/// Bytes of which many are zero stay bytes: it is the same to the bit, and less to move. Whether many are is taken from the pass before,
/// and looked at again.
pub(super) fn fetch(
    hands: &mut Hands,
    layers: &[Layer],
    examples: &Examples,
    rows: &[u32],
    (is_training, changes): (bool, Option<(&Augmenter, Place)>),
) -> Result<(), StepError> {
    let Hands { team, workspace, .. } = hands;
    let (first, others) = workspace.layers.split_first_mut().unzip();
    let (Some(first), Some(others)) = (first, others) else { return Ok(()) };
    let (found, expected) = (examples.num_features(), first.inputs.columns());
    if found != expected {
        return Err(candle_core::Error::Msg(format!("the examples have {found} features, the network reads {expected}")).into());
    }
    first.seen = Seen::default();
    let mut transposed = match (others.last_mut(), layers.last()) {
        (Some(buffers), Some(layer)) if is_training && layer.goes_there_and_back() => transpose(layer, &mut buffers.transposed, false),
        _ => None,
    };
    if let Some((augmenter, place)) = changes {
        examples.check_augmenter(augmenter)?;
        return Ok(examples.read_host(|source, scaling| {
            team.run_together(&[&mut augment::Gather::new(augmenter, (source, scaling), rows, place, &mut first.inputs), &mut transposed]);
        })?);
    }
    // Noise and dropout, which come later, change which inputs are zero.
    let is_disturbed = is_training && layers.first().is_some_and(|layer| layer.spec.input_noise != 0.0 || layer.spec.input_dropout != 0.0);
    first.seen.inputs = !is_disturbed && inputs_may_be_zero(layers, 0, is_training);
    let is_dense = &mut workspace.is_dense;
    Ok(examples.read_host(|source, scaling| gather(team, (source, scaling), rows, first, is_dense, transposed))?)
}

/// Gathers the rows as the bytes they are where that pays, and as numbers elsewhere.
fn gather(
    team: &mut Team,
    (source, scaling): (Source<'_>, &Scaling),
    rows: &[u32],
    first: &mut LayerBuffers,
    is_dense: &mut bool,
    mut transposed: Option<Transpose<'_>>,
) {
    let LayerBuffers { inputs, lit_inputs, bytes, seen, .. } = first;
    if let (Source::U8(source), true, false) = (source, seen.inputs, *is_dense)
        && let Some(mut gather) = GatherBytes::new(team.threads(), source, scaling, rows, (bytes, lit_inputs))
    {
        team.run_together(&[&mut gather, &mut transposed.take()]);
        *is_dense = lit_inputs.share() >= FusedStep::SKIP_BELOW;
        seen.bytes = !*is_dense;
        if seen.bytes {
            return;
        }
    }
    let into = (inputs, seen.inputs.then_some(&mut *lit_inputs));
    team.run_together(&[&mut Gather::new(team.threads(), source, scaling, rows, into), &mut transposed]);
    *is_dense = !seen.inputs || lit_inputs.share() >= FusedStep::SKIP_BELOW;
}
