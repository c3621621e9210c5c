//! The arrays on the device.

use super::network::Network;
use crate::fused::dropout;
use relumine_kernels::gpu::{Address, Draw, Gpu, GpuError, Progress, ROWS_PER_CHUNK, STRIP, UpdateConstants, Values, bytes_of};

/// Batches that are handed to the device together.
pub(super) const SLOTS: usize = 64;

/// What stays: parameters, their gradients, the optimiser's slots, and where each replica's training stands. Shape suffixes: `r` replicas,
/// `p` parameters, `q` running statistics.
#[derive(Debug)]
pub(super) struct Memory {
    /// `[r, p]`
    pub(super) parameters: Values,
    /// `[r, p]`
    pub(super) gradients: Values,
    /// `[r, p]` each, in the order of the rule's slots.
    pub(super) slots: Vec<Values>,
    /// `[r, p]`: what evaluation uses, where it is an average.
    pub(super) average: Values,
    /// `[r, q]`: running statistics, and what becomes of them.
    pub(super) running: Values,
    /// `[r, q]`
    pub(super) next: Values,
    /// `[p / 1024]`
    pub(super) groups: Address,
    /// `[r, 2]`
    pub(super) keys: Address,
    /// `[r]`, of each layer whose inputs are disturbed in training.
    pub(super) draws: Vec<Address>,
    /// `[classes]`, or none.
    pub(super) class_weights: Address,
    /// `[r]`
    pub(super) progress: Address,
    /// `[1]`: the place of the next batch among those on the device.
    pub(super) slot: Address,
    /// `[2 r + 1]`, all 0 between kernels: of the loss, of clipping, and of the update.
    pub(super) tickets: Address,
    /// `[r]`
    pub(super) scales: Address,
    /// `[r, p / 1024]` of f64.
    pub(super) partial: Address,
    /// `[slots, r, 2]`
    pub(super) constants: Address,
    /// `[slots, r]`
    pub(super) shares: Address,
}

impl Memory {
    pub(super) fn new(gpu: &dyn Gpu, network: &Network, num_slots: usize) -> Result<Self, GpuError> {
        let (replicas, layout) = (network.replicas(), &network.layout);
        let blocks = layout.groups().len();
        let of_parameters = || values(gpu, replicas, layout.num_parameters);
        let of_statistics = || values(gpu, replicas, layout.num_statistics);
        let upload = |bytes: &[u8]| {
            let address = gpu.allocate(bytes.len())?;
            gpu.write(address, bytes)?;
            Ok(address)
        };
        let keys: Vec<u32> = network.seeds().flat_map(|seed| [seed as u32, (seed >> 32) as u32]).collect();
        let draws = (0..network.layers().len()).map(|layer| {
            let draws: Vec<Draw> = network.specs(layer).map(|spec| Draw::new(spec.input_noise, dropout(spec, 0, 0).as_ref())).collect();
            if network.is_disturbed(layer) { upload(bytes_of(&draws)) } else { Ok(Address::NONE) }
        });
        let class_weights = network.class_weights();
        Ok(Self {
            parameters: of_parameters()?,
            gradients: of_parameters()?,
            slots: (0..num_slots).map(|_| of_parameters()).collect::<Result<_, _>>()?,
            average: if network.is_averaged() { of_parameters()? } else { Values::NONE },
            running: of_statistics()?,
            next: of_statistics()?,
            groups: upload(bytes_of(&layout.groups()))?,
            keys: upload(bytes_of(&keys))?,
            draws: draws.collect::<Result<_, _>>()?,
            class_weights: if class_weights.is_empty() { Address::NONE } else { upload(bytes_of(&class_weights))? },
            progress: gpu.allocate(replicas * size_of::<Progress>())?,
            slot: gpu.allocate(4)?,
            tickets: gpu.allocate((2 * replicas + 1) * 4)?,
            scales: gpu.allocate(replicas * 4)?,
            partial: gpu.allocate(replicas * blocks * 8)?,
            constants: gpu.allocate(SLOTS * replicas * 2 * size_of::<UpdateConstants>())?,
            shares: gpu.allocate(SLOTS * replicas * 4)?,
        })
    }
}

fn values(gpu: &dyn Gpu, replicas: usize, count: usize) -> Result<Values, GpuError> {
    if count == 0 {
        return Ok(Values::NONE);
    }
    // Each replica's part begins where any vector may.
    let stride = count.next_multiple_of(64);
    Ok(Values { first: gpu.allocate(replicas * stride * 4)?, stride: stride as u64 })
}

/// What a pass writes, made anew for larger batches. Shape suffixes: `r` replicas, `b` rows, `i` inputs, `o` rows of the weight, `u` outputs.
#[derive(Debug)]
pub(super) struct PassBuffers {
    /// Rows of a pass that there is room for.
    pub(super) rows: usize,
    /// Rows of a batch that there is room for.
    pub(super) batch_rows: usize,
    /// `[slots, r, batch rows]`: which examples train.
    pub(super) order: Address,
    /// `[r, b]`: which are evaluated.
    pub(super) evaluated: Address,
    /// `[r, batch rows]` of f64.
    pub(super) losses: Address,
    /// `[r, batch rows]`
    pub(super) hits: Address,
    /// `[r, b, u]` of the widest layer: the gradient at a layer's outputs.
    pub(super) dy: Values,
    /// `[r, chunks of rows, o]` of f64: parts of the gradients at a layer's bias.
    pub(super) sums: Address,
    /// `[r, strips of columns]`, all 0 between kernels.
    pub(super) tickets: Address,
    pub(super) layers: Vec<LayerBuffers>,
}

/// What a pass writes for one layer.
#[derive(Clone, Copy, Debug)]
pub(super) struct LayerBuffers {
    /// `[r, b, i]`: what it reads.
    pub(super) inputs: Values,
    /// `[r, b, o]`: its products; then what a normalisation before the activation makes of them; on the way back the gradient there.
    pub(super) z: Values,
    /// `[r, b, v]`: the outputs of a normalisation before the activation, or what one after it normalises.
    pub(super) normed: Values,
    /// `[r, v]` of a batch, `[r, b]` of rows: one over the deviation.
    pub(super) inverse: Values,
}

impl PassBuffers {
    pub(super) fn new(gpu: &dyn Gpu, network: &Network, rows: usize, batch_rows: usize) -> Result<Self, GpuError> {
        let replicas = network.replicas();
        let array = |count: usize| values(gpu, replicas, count);
        let layers = network.layers().iter().map(|layer| {
            let norm_units = layer.norm_units();
            Ok(LayerBuffers {
                inputs: array(rows * layer.spec.fan_in)?,
                z: array(rows * layer.spec.fan_out)?,
                normed: array(rows * norm_units)?,
                inverse: array(if norm_units > 0 { rows.max(norm_units) } else { 0 })?,
            })
        });
        let widest = network.layers().iter().map(|layer| layer.spec.units).max().unwrap_or_default();
        let widest_weight = network.layers().iter().map(|layer| layer.spec.fan_out).max().unwrap_or_default();
        Ok(Self {
            rows,
            batch_rows,
            order: gpu.allocate(SLOTS * replicas * batch_rows * 4)?,
            evaluated: gpu.allocate(replicas * rows * 4)?,
            losses: gpu.allocate(replicas * batch_rows * 8)?,
            hits: gpu.allocate(replicas * batch_rows * 4)?,
            dy: array(rows * widest)?,
            sums: gpu.allocate(replicas * rows.div_ceil(ROWS_PER_CHUNK) * widest_weight * 8)?,
            tickets: gpu.allocate(replicas * widest_weight.div_ceil(STRIP) * 4)?,
            layers: layers.collect::<Result<_, _>>()?,
        })
    }

    /// Gives the room back.
    pub(super) fn free(&self, gpu: &dyn Gpu) -> Result<(), GpuError> {
        let of_layers = self.layers.iter().flat_map(|layer| [layer.inputs, layer.z, layer.normed, layer.inverse]);
        let arrays = of_layers.chain([self.dy]).map(|values| values.first);
        let arrays = arrays
            .chain([self.order, self.evaluated, self.losses, self.hits, self.sums, self.tickets])
            .filter(|address| *address != Address::NONE);
        arrays.into_iter().try_for_each(|address| gpu.free(address))
    }
}
