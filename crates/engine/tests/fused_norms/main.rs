//! The fused step against the reference step on networks with normalised layers, maxout and noise: gradients by name, twenty steps of
//! training, evaluation, and the promises that both make.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod case;
mod close;
#[path = "../support/examples.rs"]
mod examples;
mod passes;
mod promises;
mod training;
