//! What is trained: a multilayer perceptron on Candle, described by a [`ModelConfig`] and built through a `VarBuilder`.
//!
//! ```text
//! ModelConfig ──(features, classes)──> Architecture ──(seed)──> Parameters ──(VarBuilder)──> Mlp
//! ```
//!
//! The [`Architecture`] is the one list of layers that every training step is built from. Adding an initialiser is one file in its folder and
//! its name in that folder's list; an activation or a norm also needs its arm in the fused step and in the export (`CONTRIBUTING.md`).

pub mod activation;
mod architecture;
pub mod calibration;
mod config;
mod error;
mod head;
pub mod initializer;
pub mod kinds;
mod mlp;
pub mod norm;
mod parameters;
mod regularization;
mod trace;

pub use activation::Activation;
pub use architecture::{Architecture, LayerSpec, Role, TensorSpec};
pub use config::ModelConfig;
pub use error::{ConfigError, ModelError};
pub use head::Head;
pub use initializer::Initializer;
pub use mlp::{Forward, Mlp, Mode};
pub use norm::{BatchStatistics, Norm};
pub use parameters::{Parameter, Parameters};
pub use regularization::{DropoutKind, MaskPosition, alpha_dropout, alpha_dropout_constants, dropout, gaussian_noise};
pub use trace::LayerTrace;
