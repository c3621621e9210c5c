//! Which layers the kernels of `dense.cu` make.

/// Rows and columns of a tile.
pub(super) const SIDE: usize = 16;
/// Terms that a block adds up at a time.
const CHUNK: usize = 256;
/// Blocks that run at once: two on each of 132 multiprocessors.
const BLOCKS: usize = 264;

/// [Rounds](dense_rounds) up to which the kernels make a layer's products, which do more in one launch and divide a small product among more
/// blocks than a library does; larger ones are the library's. The first layer of the seed job takes four. By count; not measured on hardware
/// yet.
pub const DENSE_LIMIT: usize = 8;

/// A layer as its products see it.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "named as in the formulas")]
pub struct DenseSize {
    pub rows: usize,
    pub fan_in: usize,
    pub fan_out: usize,
    pub replicas: usize,
    /// Whether there is a layer below, which wants the gradient at the inputs.
    pub has_inputs_gradient: bool,
}

/// How long the longest of a layer's three products takes: in how many rounds its tiles come to their turn, a round being as many as run at
/// once, times the chunks of terms that each tile adds up.
///
/// ```
/// use relumine_kernels::gpu::{DenseSize, dense_rounds};
/// let seed_job = DenseSize { rows: 128, fan_in: 784, fan_out: 256, replicas: 1, has_inputs_gradient: false };
/// assert_eq!(dense_rounds(seed_job), 4);
/// assert_eq!(dense_rounds(DenseSize { fan_in: 20_000, fan_out: 10, ..seed_job }), 79);
/// ```
#[must_use]
pub fn dense_rounds(size: DenseSize) -> usize {
    let DenseSize { rows, fan_in, fan_out, replicas, has_inputs_gradient } = size;
    let product = |m: usize, n: usize, terms: usize| {
        let tiles = m.div_ceil(SIDE) * n.div_ceil(SIDE) * replicas;
        tiles.div_ceil(BLOCKS) * terms.div_ceil(CHUNK)
    };
    let (outputs, of_weight) = (product(rows, fan_out, fan_in), product(fan_out, fan_in, rows));
    let of_inputs = if has_inputs_gradient { product(rows, fan_in, fan_out) } else { 0 };
    outputs.max(of_weight).max(of_inputs)
}
