//! Where each tensor of a network lies in the arrays that hold all of them.

use relumine_kernels::gpu::{Address, PARAMETERS_PER_BLOCK, Values};
use relumine_model::{Architecture, Role, TensorSpec};

/// A tensor and its place, in elements.
#[derive(Clone, Debug)]
pub(super) struct Placed {
    pub(super) tensor: TensorSpec,
    pub(super) layer: usize,
    pub(super) offset: usize,
}

impl Placed {
    pub(super) fn len(&self) -> usize {
        self.tensor.shape.iter().product()
    }
}

/// The places of all tensors of a replica: parameters in one array, each from a multiple of [`PARAMETERS_PER_BLOCK`] on, and running
/// statistics in another.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub(super) parameters: Vec<Placed>,
    pub(super) statistics: Vec<Placed>,
    /// Elements of a replica's parameters, padding included.
    pub(super) num_parameters: usize,
    /// Elements of a replica's running statistics.
    pub(super) num_statistics: usize,
}

impl Layout {
    pub(super) fn new(architecture: &Architecture) -> Self {
        let mut layout = Self { parameters: Vec::new(), statistics: Vec::new(), num_parameters: 0, num_statistics: 0 };
        for (layer, spec) in architecture.layers.iter().enumerate() {
            for tensor in spec.tensors() {
                let is_trainable = tensor.role.is_trainable();
                let (places, end, unit) = if is_trainable {
                    (&mut layout.parameters, &mut layout.num_parameters, PARAMETERS_PER_BLOCK)
                } else {
                    // Wide enough for any vector.
                    (&mut layout.statistics, &mut layout.num_statistics, 64)
                };
                let placed = Placed { tensor, layer, offset: *end };
                *end += placed.len().next_multiple_of(unit);
                places.push(placed);
            }
        }
        layout
    }

    /// The tensor of this role of this layer within `array`, which holds all parameters or all statistics.
    pub(super) fn find(&self, array: Values, layer: usize, role: Role) -> Values {
        if array == Values::NONE {
            return array;
        }
        let places = if role.is_trainable() { &self.parameters } else { &self.statistics };
        let place = places.iter().find(|placed| placed.layer == layer && placed.tensor.role == role);
        place.map_or(Values::NONE, |placed| Values { first: array.first.words(placed.offset), ..array })
    }

    /// For each block of parameters whether it is of weights, 0, or of something else, 1.
    pub(super) fn groups(&self) -> Vec<u32> {
        let mut groups = Vec::with_capacity(self.num_parameters / PARAMETERS_PER_BLOCK);
        for placed in &self.parameters {
            let blocks = placed.len().div_ceil(PARAMETERS_PER_BLOCK);
            groups.extend(std::iter::repeat_n(u32::from(placed.tensor.role != Role::Weight), blocks));
        }
        groups
    }

    /// Every tensor with whether it is a parameter, in the order of the architecture.
    pub(super) fn all(&self) -> impl Iterator<Item = (&Placed, bool)> {
        let parameters = self.parameters.iter().map(|placed| (placed, true));
        parameters.chain(self.statistics.iter().map(|placed| (placed, false)))
    }

    /// One replica's part of an array.
    pub(super) fn of_replica(array: Values, replica: usize) -> Address {
        array.first.words(replica * array.stride as usize)
    }
}
