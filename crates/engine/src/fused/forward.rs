//! The way forward: each layer's outputs are left in the next layer's inputs.

use super::backward::NARROW;
use super::layer::Layer;
use super::norm::Norm;
use super::workspace::{LayerBuffers, Seen, left_factor};
use super::{FusedStep, Hands, Use, plan};
use relumine_kernels::product::{self, Forward, Inputs, can_look, forward};
use relumine_kernels::{Activation, Dropout, Noise, Panels, Team, maxout};
use std::ops::Range;

/// Where a training pass stands.
#[derive(Clone, Copy)]
pub(super) struct At {
    pub(super) seed: u64,
    pub(super) step: u32,
    /// Position of these rows' first in the step's batch.
    pub(super) first_row: u32,
}

/// Leaves each layer's outputs in the next layer's inputs, and the logits in the last layer's `dz`; those of a training pass only where the
/// last layer does not [go there and back](Layer::goes_there_and_back) at once.
pub(super) fn forward_pass(hands: &mut Hands, layers: &[Layer], rows: usize, at: Option<At>) {
    let Hands { team, workspace, uses, tallies } = hands;
    for (position, layer) in layers.iter().enumerate() {
        let (reading, following) = workspace.layers.split_at_mut(position + 1);
        let Some(buffers) = reading.last_mut() else { return };
        if let (0, Some(at)) = (position, at) {
            disturb(team, layer, rows, &mut buffers.inputs, at);
        }
        let lit_share = if inputs_may_be_zero(layers, position, at.is_some()) {
            if !buffers.seen.inputs {
                buffers.lit_inputs.update(team, &buffers.inputs, rows);
            }
            buffers.lit_inputs.share()
        } else {
            1.0
        };
        let skips_zeros = lit_share < FusedStep::SKIP_BELOW;
        uses[position] = Use { lit_share, skips_zeros };
        if at.is_some() {
            tallies[position].inputs.add(lit_share, skips_zeros);
        }
        let mut pass = Pass { team, layer, rows, skips_zeros, is_training: at.is_some() };
        match (following.first_mut(), layers.get(position + 1)) {
            (Some(next), Some(next_layer)) => {
                let finish = Finish {
                    activation: Activation::Identity,
                    noise: at.and_then(|at| plan::noise(&next_layer.spec, at.seed, at.step)),
                    dropout: at.and_then(|at| plan::dropout(&next_layer.spec, at.seed, at.step)),
                    first_row: at.map_or(0, |at| at.first_row),
                    columns: layer.spec.units,
                };
                let looks = Seen {
                    inputs: inputs_may_be_zero(layers, position + 1, at.is_some()),
                    slopes: at.is_some() && looks_at_slopes(layers, position + 1),
                    bytes: false,
                };
                pass.outputs(buffers, next, finish, looks);
            }
            _ if at.is_some() && layer.goes_there_and_back() => {}
            // The logits stay as they are.
            _ => pass.logits(buffers),
        }
    }
}

/// Leaves the logits in the last layer's `dz` where a training pass has left them out.
pub(super) fn logits(hands: &mut Hands, layers: &[Layer], rows: usize) {
    let Hands { team, workspace, uses, .. } = hands;
    let (Some(layer), Some(buffers), Some(of_inputs)) = (layers.last(), workspace.layers.last_mut(), uses.last()) else { return };
    if layer.goes_there_and_back() {
        Pass { team, layer, rows, skips_zeros: of_inputs.skips_zeros, is_training: true }.logits(buffers);
    }
}

/// Noise and dropout of the network's inputs.
fn disturb(team: &mut Team, layer: &Layer, rows: usize, inputs: &mut Panels, at: At) {
    if let Some(noise) = plan::noise(&layer.spec, at.seed, at.step) {
        noise.apply_to(team, at.first_row, rows, inputs);
    }
    if let Some(dropout) = plan::dropout(&layer.spec, at.seed, at.step) {
        dropout.apply_to(team, at.first_row, rows, inputs);
    }
}

/// Whether it may pay to look for zeros among the inputs of the layer at `position`.
pub(super) fn inputs_may_be_zero(layers: &[Layer], position: usize, is_training: bool) -> bool {
    let spec = &layers[position].spec;
    let is_noisy = is_training && spec.input_noise != 0.0;
    (is_training && drops_many(&layers[position])) || (!is_noisy && (position == 0 || outputs_may_be_zero(&layers[position - 1])))
}

/// Whether a training pass looks for zeros among the slopes of what made the inputs of the layer at `position`: not for a gradient of sums
/// over so few outputs that they are not worth choosing among.
pub(super) fn looks_at_slopes(layers: &[Layer], position: usize) -> bool {
    position > 0 && layers[position].spec.fan_out >= NARROW && slopes_may_be_zero(layers, position)
}

/// Whether it may pay to look for zeros among the slopes of what made the inputs of the layer at `position`.
pub(super) fn slopes_may_be_zero(layers: &[Layer], position: usize) -> bool {
    drops_many(&layers[position]) || outputs_may_be_zero(&layers[position - 1])
}

pub(super) fn drops_many(layer: &Layer) -> bool {
    layer.spec.input_dropout >= 1.0 - FusedStep::SKIP_BELOW && plan::dropout(&layer.spec, 0, 0).is_some_and(|dropout| dropout.gives_zeros())
}

/// A normalisation that comes after the activation moves its zeros elsewhere.
pub(super) fn outputs_may_be_zero(layer: &Layer) -> bool {
    layer.activation.gives_zeros() && layer.norm.as_ref().is_none_or(Norm::comes_first)
}

/// Activation, noise and dropout of a tile.
#[derive(Clone, Copy)]
struct Finish {
    activation: Activation,
    noise: Option<Noise>,
    dropout: Option<Dropout>,
    first_row: u32,
    columns: usize,
}

impl Finish {
    fn apply(&self, panel: usize, rows: Range<usize>, outputs: &mut [f32], slopes: &mut [f32]) {
        let width = outputs.len() / rows.len().max(1);
        let units = width.min(self.columns - panel * width);
        self.activation.apply(outputs, slopes);
        let rows = self.first_row + rows.start as u32..self.first_row + rows.end as u32;
        if let Some(noise) = &self.noise {
            noise.apply(rows.clone(), panel * width, (width, units), outputs);
        }
        if let Some(dropout) = &self.dropout {
            dropout.apply(rows, panel * width, width, outputs, slopes);
        }
        // Columns beyond the last are no units: they stay zero.
        if units < width {
            for (outputs, slopes) in outputs.chunks_exact_mut(width).zip(slopes.chunks_exact_mut(width)) {
                outputs[units..].fill(0.0);
                slopes[units..].fill(0.0);
            }
        }
    }
}

/// Outputs, and the slopes at them where they are asked for.
type Out<'a> = (&'a mut Panels, Option<&'a mut Panels>);

/// The way through one layer.
struct Pass<'a> {
    team: &'a mut Team,
    layer: &'a Layer,
    rows: usize,
    skips_zeros: bool,
    is_training: bool,
}

impl Pass<'_> {
    /// Product, normalisation, activation, noise, dropout: one phase where the product's tiles can be finished at once, and one more for a
    /// normalisation and for a maxout, which see more than a tile. A tile that is finished at once is also looked at for zeros.
    fn outputs(&mut self, buffers: &mut LayerBuffers, next: &mut LayerBuffers, last: Finish, looks: Seen) {
        let layer = self.layer;
        let LayerBuffers { inputs, lit_inputs, bytes, seen, dz, norm, maxout, .. } = buffers;
        let x = left_factor((inputs, lit_inputs), (bytes, *seen), self.skips_zeros);
        let activated = Finish { activation: layer.activation, ..last };
        next.seen = Seen::default();
        if layer.norm.is_none() && maxout.is_none() {
            return self.finished(x, next, activated, looks);
        }
        let out: Out<'_> = (&mut next.inputs, Some(&mut next.slopes));
        match (layer.norm.as_ref().zip(norm.as_mut()), maxout) {
            (None, None) => {}
            (None, Some(maxout)) => {
                self.product(x, (dz, None), None);
                self.largest(dz, &mut maxout.winners, out, Some(last));
            }
            (Some((norm, values)), maxout) if norm.comes_first() => {
                self.product(x, (&mut values.values, None), None);
                let pass = (self.rows, self.is_training);
                match maxout {
                    None => norm.forward(self.team, values, pass, out, &|p, r, o, s| activated.apply(p, r, o, s)),
                    Some(maxout) => {
                        norm.forward(self.team, values, pass, (dz, None), &|_, _, _, _| {});
                        self.largest(dz, &mut maxout.winners, out, Some(last));
                    }
                }
            }
            (Some((norm, values)), maxout) => {
                match maxout {
                    None => {
                        let alone = Finish { noise: None, dropout: None, ..activated };
                        self.product(x, (&mut values.values, values.slopes.as_mut()), Some(alone));
                    }
                    Some(maxout) => {
                        self.product(x, (dz, None), None);
                        self.largest(dz, &mut maxout.winners, (&mut values.values, None), None);
                    }
                }
                let pass = (self.rows, self.is_training);
                norm.forward(self.team, values, pass, out, &|p, r, o, s| last.apply(p, r, o, s));
            }
        }
    }

    /// A product whose tiles are outputs once they are finished.
    fn finished(&mut self, x: Inputs<'_>, next: &mut LayerBuffers, finish: Finish, looks: Seen) {
        let (threads, affine) = (self.team.threads(), self.layer.affine(self.is_training));
        let can_look = can_look(self.rows, &next.inputs, threads);
        let LayerBuffers { inputs: out, slopes, lit_inputs, lit_slopes, seen, .. } = next;
        *seen = Seen { inputs: looks.inputs && can_look, slopes: looks.slopes && can_look, bytes: false };
        let out = product::Out {
            out,
            slopes: Some(slopes),
            lit: seen.inputs.then_some(lit_inputs),
            lit_slopes: seen.slopes.then_some(lit_slopes),
        };
        let finish = |p: usize, r: Range<usize>, o: &mut [f32], s: &mut [f32]| finish.apply(p, r, o, s);
        self.team.run_together(&[&mut Forward::new(threads, x, self.rows, affine, out, &finish)]);
    }

    fn logits(&mut self, buffers: &mut LayerBuffers) {
        let LayerBuffers { inputs, lit_inputs, bytes, seen, dz, .. } = buffers;
        let x = left_factor((inputs, lit_inputs), (bytes, *seen), self.skips_zeros);
        self.product(x, (dz, None), None);
    }

    fn product(&mut self, x: Inputs<'_>, out: Out<'_>, finish: Option<Finish>) {
        let affine = self.layer.affine(self.is_training);
        match finish {
            Some(finish) => forward(self.team, x, self.rows, affine, out, &|p, r, o, s| finish.apply(p, r, o, s)),
            None => forward(self.team, x, self.rows, affine, out, &|_, _, _, _| {}),
        }
    }

    fn largest(&mut self, z: &Panels, winners: &mut maxout::Winners, out: Out<'_>, finish: Option<Finish>) {
        match finish {
            Some(finish) => maxout::forward(self.team, z, self.rows, winners, out, &|p, r, o, s| finish.apply(p, r, o, s)),
            None => maxout::forward(self.team, z, self.rows, winners, out, &|_, _, _, _| {}),
        }
    }
}
