//! Fused operations of a training step on the CPU, one folder or file each: where the project keeps its `unsafe` code.
//!
//! Every function here is one phase: it divides its work by shape among the threads of a [`Team`], and gives the same bits whatever their
//! number, and with every instruction set but [`Isa::Portable`]: mathematical functions are our own or those of `libm`, never the
//! platform's. The forward and the weights' product have the same bits whether they skip zeros or not. What is often done beside something
//! else is also there as [`Tasks`], of which a phase can hold several. The instruction set is chosen at run time ([`Isa`]).

mod activation;
pub mod augment;
mod bytes;
mod dropout;
pub mod gather;
pub mod gpu;
mod isa;
mod lit;
pub mod loss;
mod math;
pub mod maxout;
mod memory;
mod noise;
pub mod norm;
pub mod optimizer;
mod panels;
mod pool;
pub mod product;
mod round_trip;
mod shares;
mod simd;

pub use activation::Activation;
pub use bytes::Bytes;
pub use dropout::Dropout;
pub use isa::Isa;
pub use lit::Lit;
pub use memory::LargePages;
pub use noise::Noise;
pub use panels::{Buffer, PANEL, Panels};
pub use pool::{Tasks, Team};
pub use round_trip::{Before, LastLayer, RoundTrip};
