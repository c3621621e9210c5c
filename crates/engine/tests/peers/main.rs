//! The model and the engine against PyTorch, Keras and Optax. Each module has a fixture and the script that made it under `fixtures`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod activations;
mod case;
mod close;
mod norms;
mod objectives;
#[path = "../support/optimizer_names.rs"]
mod optimizer_names;
mod optimizers;
mod probes;
