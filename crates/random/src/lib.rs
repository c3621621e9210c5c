//! Random numbers as pure functions of their coordinates.
//!
//! Relumine has no random state. Every draw is one 32-bit word of Philox4x32-10 ([`philox`]), addressed by what it is for:
//!
//! | part of the input | holds |
//! |---|---|
//! | key | `[seed low, seed high]` |
//! | counter | `[index / 4, row, step, stream]` |
//! | word of the block | `index % 4` |
//!
//! `stream` is `purpose << 16 | layer` ([`Stream`], [`Purpose`]). So the number that dropout draws for unit 7 of row 3 at step 90 does
//! not depend on the thread count, the device, or how a batch was divided, and a stopped run needs no generator state to go on.
//!
//! What is built on the words: uniform and normal variates ([`variates`]), permutations ([`permutation`]) and dropout masks ([`mask`]).

pub mod mask;
mod normal_quantile;
pub mod permutation;
pub mod philox;
mod stream;
pub mod variates;

pub use stream::{Purpose, Stream};
