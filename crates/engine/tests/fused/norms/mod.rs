//! Networks with normalised layers, maxout and noise: gradients by name, twenty steps of training, evaluation, and what both steps promise.

mod case;
#[path = "../../support/examples.rs"]
mod examples;
mod passes;
mod promises;
mod training;
