//! What watches a run: files for machines, a bar for people.

mod checkpoints;
mod metrics_log;
mod progress;

pub use checkpoints::{Checkpoints, read_tensors, to_safetensors};
pub use metrics_log::MetricsLog;
pub use progress::Progress;
