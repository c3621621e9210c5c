//! The fused step of a GPU against the reference step, tensor by tensor, and what both promise: what the CPU's step is tested by. The kernels
//! run in an emulator here (`relumine_kernels::gpu`), which needs a C++ compiler, on x86-64 Linux.

#![cfg(all(target_arch = "x86_64", target_os = "linux"))]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../support/activation_forms.rs"]
mod activation_forms;
#[path = "../fused/case.rs"]
mod case;
#[path = "../fused/close.rs"]
mod close;
#[path = "../fused/data.rs"]
mod data;
#[path = "../fused/evaluation.rs"]
mod evaluation;
#[path = "../fused/failures.rs"]
mod failures;
mod kernels;
#[path = "../fused/masks.rs"]
mod masks;
#[path = "../fused/norms/mod.rs"]
mod norms;
#[path = "../support/optimizer_names.rs"]
mod optimizer_names;
mod orders;
#[path = "../fused/passes.rs"]
mod passes;
#[path = "../fused/probes.rs"]
mod probes;
mod products;
mod queue;
mod replicas;
#[path = "../fused/state.rs"]
mod state;
mod step;
#[path = "../fused/training.rs"]
mod training;
