//! The fused step against the reference step, tensor by tensor, and what both promise.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod accuracy;
#[path = "../support/activation_forms.rs"]
mod activation_forms;
mod augment;
mod bytes;
mod case;
mod close;
mod data;
mod devices;
mod evaluation;
mod failures;
mod masks;
mod norms;
#[path = "../support/optimizer_names.rs"]
mod optimizer_names;
mod passes;
mod probes;
mod replicas;
mod state;
mod step;
mod threads;
mod training;
mod zeros;
