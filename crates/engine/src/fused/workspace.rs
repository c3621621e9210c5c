//! The buffers of a pass, made once.

use super::layer::Layer;
use super::norm::{Norm, NormBuffers};
use relumine_kernels::loss::RowLoss;
use relumine_kernels::maxout::Winners;
use relumine_kernels::product::Inputs;
use relumine_kernels::{Bytes, Lit, Panels};
use relumine_model::LayerSpec;

/// What a pass over some rows writes. Shape suffixes: `b` rows, `i` inputs of the layer, `o` rows of its weight, `u` its outputs.
#[derive(Debug)]
pub(super) struct Workspace {
    /// Rows that there is room for.
    pub(super) capacity: usize,
    /// One per layer.
    pub(super) layers: Vec<LayerBuffers>,
    /// Whether few of the network's inputs were zero in the latest pass that looked; true after one that did not look.
    pub(super) is_dense: bool,
    /// `[b]`
    pub(super) labels: Vec<u32>,
    /// `[b]`
    pub(super) losses: Vec<RowLoss>,
}

/// What a pass writes for one layer.
#[derive(Debug)]
pub(super) struct LayerBuffers {
    /// `[b, i]`: what the layer reads, after noise and dropout.
    pub(super) inputs: Panels,
    /// The inputs that are not zero.
    pub(super) lit_inputs: Lit,
    /// `[b, i]`: the inputs where they are bytes; of the first layer alone.
    pub(super) bytes: Bytes,
    /// `[b, i]`: the slopes of the activation and dropout that made the inputs; unused in the first layer.
    pub(super) slopes: Panels,
    /// The slopes that are not zero.
    pub(super) lit_slopes: Lit,
    /// `[b, o]`: the gradient at the pre-activations; before the way back, the pre-activations of a maxout.
    pub(super) dz: Panels,
    /// `[o, i]`: the weight, transposed, where the gradient at the inputs takes that way.
    pub(super) transposed: Panels,
    /// What whoever made the inputs knows of them, in this pass.
    pub(super) seen: Seen,
    /// Whether the gradient at the inputs skips the slopes that are zero.
    pub(super) skips_slopes: bool,
    pub(super) norm: Option<NormBuffers>,
    pub(super) maxout: Option<MaxoutBuffers>,
}

/// What is known of a layer's inputs before it is its turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// Zeros have been looked for among the inputs.
    pub(super) inputs: bool,
    /// And among the slopes.
    pub(super) slopes: bool,
    /// The inputs are bytes, and many of them zero.
    pub(super) bytes: bool,
}

/// The inputs as a product reads them: `(values, lit)`, and the bytes with what is known of them.
pub(super) fn left_factor<'a>((values, lit): (&'a Panels, &'a Lit), (bytes, seen): (&'a Bytes, Seen), skips_zeros: bool) -> Inputs<'a> {
    if seen.bytes { Inputs::Bytes(bytes, lit) } else { Inputs::new(values, skips_zeros.then_some(lit)) }
}

/// What a pass keeps of a maxout.
#[derive(Debug)]
pub(super) struct MaxoutBuffers {
    pub(super) winners: Winners,
    /// `[b, u]`: the gradient at the outputs, which are fewer than the pre-activations.
    pub(super) dy: Panels,
}

/// `[b, u]`: where the gradient at a layer's outputs is left, of a layer with this `dz` and this maxout.
pub(super) fn output_gradient<'a>(dz: &'a mut Panels, maxout: &'a mut Option<MaxoutBuffers>) -> &'a mut Panels {
    maxout.as_mut().map_or(dz, |maxout| &mut maxout.dy)
}

impl Workspace {
    /// Room for passes over `capacity` rows.
    pub(super) fn new(layers: &[Layer], capacity: usize) -> Self {
        let buffers = layers.iter().enumerate().map(|(position, layer)| {
            let LayerSpec { fan_in, fan_out, units, .. } = layer.spec;
            let inputs = Panels::zeros(capacity, fan_in);
            // The network's inputs need no gradient.
            let (slopes, transposed) = match position {
                0 => (Panels::zeros(0, fan_in), Panels::zeros(0, 0)),
                _ => (inputs.clone(), Panels::zeros(fan_out, fan_in)),
            };
            let is_elementwise = layer.pieces() == 1;
            let maxout = (!is_elementwise).then(|| {
                let dy = Panels::zeros(capacity, units);
                MaxoutBuffers { winners: Winners::new(&dy, layer.pieces()), dy }
            });
            LayerBuffers {
                lit_inputs: Lit::new(&inputs),
                bytes: if position == 0 { Bytes::zeros(capacity, fan_in) } else { Bytes::zeros(0, 0) },
                lit_slopes: Lit::new(&slopes),
                inputs,
                slopes,
                dz: Panels::zeros(capacity, fan_out),
                transposed,
                seen: Seen::default(),
                skips_slopes: false,
                norm: layer.norm.as_ref().map(|norm| Norm::buffers_for(norm, capacity, is_elementwise)),
                maxout,
            }
        });
        Self { capacity, layers: buffers.collect(), is_dense: false, labels: vec![0; capacity], losses: vec![RowLoss::default(); capacity] }
    }

    /// Each normalisation's buffers, in the order of the layers that have one.
    pub(super) fn norms_mut(&mut self) -> impl Iterator<Item = &mut NormBuffers> {
        self.layers.iter_mut().filter_map(|layer| layer.norm.as_mut())
    }
}
