//! One optimiser step after another: loss, gradients, optimisers, schedules, and the [`Step`] that ties them together.
//!
//! [`ReferenceStep`] is the readable one, on Candle's automatic differentiation: it runs every configuration on every device, and any
//! faster step is checked against it, tensor by tensor.

mod augment;
mod average;
mod error;
mod examples;
mod fused;
mod fused_form;
mod gpu;
mod loss;
pub mod metrics;
pub mod optimizer;
mod probe;
mod reference;
pub mod schedule;
mod step;

pub use augment::{AugmentConfig, Augmentation, Elastic};
pub use average::Average;
pub use error::StepError;
pub use examples::{Examples, FeatureBuffer};
pub use fused::{FusedStep, LayerProducts, Replicas, Use, ZeroSkipping};
pub use fused_form::{FusedForm, fused_step, open_gpu};
pub use gpu::{GpuReplicas, GpuStep};
pub use loss::Objective;
pub use optimizer::{Optimizer, OptimizerConfig};
pub use probe::{Distribution, LayerProbe, PERCENTILES, Probe};
pub use reference::{ReferenceStep, TrainingConfig};
pub use relumine_kernels::gpu::Precision;
pub use schedule::{Horizon, MomentumSchedule, Schedule};
pub use step::{NamedTensors, Step};
