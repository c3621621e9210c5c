//! What a step is made of.

use super::dense::SIDE;
use super::{
    ActivateArguments, ActivateBackwardArguments, BatchNormArguments, BoundArguments, ClipArguments, DenseBackwardArguments,
    DenseForwardArguments, DenseGradientArguments, FinishArguments, GatherArguments, LayerNormArguments, LossArguments, MaxoutArguments,
    NormBackwardArguments, PARAMETERS_PER_BLOCK, THREADS, UpdateArguments, Values,
};

/// A part of a step.
#[derive(Clone, Copy, Debug)]
pub enum Stage {
    /// Begins when the stage before has ended.
    Run(Operation),
    /// The same, but the next stage need not wait for it.
    Beside(Operation),
    /// Ends when all have ended that go on beside others.
    Join,
}

impl Stage {
    /// What it does.
    #[must_use]
    pub fn operation(&self) -> Option<&Operation> {
        match self {
            Self::Run(operation) | Self::Beside(operation) => Some(operation),
            Self::Join => None,
        }
    }
}

/// Something a GPU does.
#[derive(Clone, Copy, Debug)]
pub enum Operation {
    /// A kernel.
    Launch {
        /// With its arguments.
        launch: Launch,
        /// Blocks of each replica.
        blocks: usize,
        /// Replicas.
        replicas: usize,
    },
    /// A product of matrices.
    Product(Product),
}

/// `out = left right + bias`, or added to what is there; row-major, for every replica.
///
/// # Shapes
/// `left` `[m, k]`, `right` `[k, n]`, `out` `[m, n]`, `bias` `[n]`; a transposed factor is stored the other way round.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "named as in the formula")]
pub struct Product {
    pub left: Values,
    pub right: Values,
    pub out: Values,
    /// Without one, [`Values::NONE`].
    pub bias: Values,
    pub m: usize,
    pub n: usize,
    pub k: usize,
    pub left_is_transposed: bool,
    pub right_is_transposed: bool,
    /// Whether the product is added to what is there; without a bias only.
    pub adds: bool,
    pub replicas: usize,
}

/// A kernel with its arguments.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "each is documented where its arguments are")]
pub enum Launch {
    Gather(GatherArguments),
    Activate(ActivateArguments),
    ActivateBackward(ActivateBackwardArguments),
    DenseForward(DenseForwardArguments),
    DenseBackward(DenseBackwardArguments),
    DenseGradient(DenseGradientArguments),
    Maxout(MaxoutArguments),
    MaxoutBackward(MaxoutArguments),
    BatchNorm(BatchNormArguments),
    BatchNormBackward(NormBackwardArguments),
    LayerNorm(LayerNormArguments),
    LayerNormGradient(NormBackwardArguments),
    LayerNormBackward(NormBackwardArguments),
    Loss(LossArguments),
    Update(UpdateArguments),
    ClipScale(ClipArguments),
    BoundNorms(BoundArguments),
    Finish(FinishArguments),
}

/// Columns that a block sums up.
pub const STRIP: usize = 32;
/// Rows that a block of [`Launch::ActivateBackward`] takes.
pub const ROWS_PER_CHUNK: usize = 128;

impl Launch {
    /// The kernel's name in its module.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Gather(_) => "gather",
            Self::Activate(_) => "activate",
            Self::ActivateBackward(_) => "activate_backward",
            Self::DenseForward(_) => "dense_forward",
            Self::DenseBackward(_) => "dense_backward",
            Self::DenseGradient(_) => "dense_gradient",
            Self::Maxout(_) => "maxout",
            Self::MaxoutBackward(_) => "maxout_backward",
            Self::BatchNorm(_) => "batch_norm",
            Self::BatchNormBackward(_) => "batch_norm_backward",
            Self::LayerNorm(_) => "layer_norm",
            Self::LayerNormGradient(_) => "layer_norm_gradient",
            Self::LayerNormBackward(_) => "layer_norm_backward",
            Self::Loss(_) => "loss",
            Self::Update(_) => "update",
            Self::ClipScale(_) => "clip_scale",
            Self::BoundNorms(_) => "bound_norms",
            Self::Finish(_) => "finish",
        }
    }

    /// Where the arguments lie.
    #[cfg(any(feature = "cuda", feature = "emulator"))]
    pub(super) fn arguments(&self) -> *const std::ffi::c_void {
        fn of<T>(arguments: &T) -> *const std::ffi::c_void {
            std::ptr::from_ref(arguments).cast()
        }
        match self {
            Self::Gather(arguments) => of(arguments),
            Self::Activate(arguments) => of(arguments),
            Self::ActivateBackward(arguments) => of(arguments),
            Self::DenseForward(arguments) => of(arguments),
            Self::DenseBackward(arguments) => of(arguments),
            Self::DenseGradient(arguments) => of(arguments),
            Self::Maxout(arguments) | Self::MaxoutBackward(arguments) => of(arguments),
            Self::BatchNorm(arguments) => of(arguments),
            Self::BatchNormBackward(arguments) | Self::LayerNormGradient(arguments) | Self::LayerNormBackward(arguments) => of(arguments),
            Self::LayerNorm(arguments) => of(arguments),
            Self::Loss(arguments) => of(arguments),
            Self::Update(arguments) => of(arguments),
            Self::ClipScale(arguments) => of(arguments),
            Self::BoundNorms(arguments) => of(arguments),
            Self::Finish(arguments) => of(arguments),
        }
    }

    /// Blocks that one replica's share of the work takes; for [`Launch::Update`] and [`Launch::ClipScale`] of so many parameters, for
    /// [`Launch::Finish`] at most.
    fn blocks(&self, parameters: usize) -> usize {
        const ROWS_PER_BLOCK: usize = THREADS / 32;
        let fours = |rows: u32, columns: u32| (rows as usize * (columns as usize).div_ceil(4)).div_ceil(THREADS);
        let each = |rows: u32, columns: u32| (rows as usize * columns as usize).div_ceil(THREADS);
        let tiles = |rows: u32, columns: u32| (rows as usize).div_ceil(SIDE) * (columns as usize).div_ceil(SIDE);
        let blocks = match self {
            Self::Gather(a) => fours(a.rows, a.features),
            Self::Activate(a) => fours(a.rows, a.units),
            Self::ActivateBackward(a) => (a.units as usize).div_ceil(STRIP) * (a.rows as usize).div_ceil(ROWS_PER_CHUNK).max(1),
            Self::DenseForward(a) => tiles(a.rows, a.units),
            Self::DenseBackward(a) => tiles(a.rows, a.units),
            Self::DenseGradient(a) => tiles(a.units, a.fan_in),
            Self::Maxout(a) | Self::MaxoutBackward(a) => each(a.rows, a.units),
            Self::BatchNorm(a) => (a.units as usize).div_ceil(STRIP),
            Self::BatchNormBackward(a) | Self::LayerNormGradient(a) => (a.units as usize).div_ceil(STRIP),
            Self::LayerNorm(a) => (a.rows as usize).div_ceil(ROWS_PER_BLOCK),
            Self::LayerNormBackward(a) => (a.rows as usize).div_ceil(ROWS_PER_BLOCK),
            Self::Loss(a) => (a.rows as usize).div_ceil(ROWS_PER_BLOCK),
            Self::Update(_) | Self::ClipScale(_) => parameters.div_ceil(PARAMETERS_PER_BLOCK),
            Self::BoundNorms(a) => (a.rows as usize).div_ceil(ROWS_PER_BLOCK),
            Self::Finish(_) => parameters.div_ceil(PARAMETERS_PER_BLOCK),
        };
        blocks.max(1)
    }

    /// The kernel for all replicas of a network of so many parameters, padding included.
    #[must_use]
    pub fn on(self, replicas: usize, parameters: usize) -> Operation {
        Operation::Launch { launch: self, blocks: self.blocks(parameters), replicas }
    }
}
