//! What watches a run: files for machines, a bar for people.

mod checkpoints;
mod elapsed;
mod metrics_csv;
mod metrics_log;
mod probes;
mod products;
mod progress;
mod tensorboard;
mod watchers;

pub use checkpoints::Checkpoints;
pub use elapsed::ElapsedTime;
pub use metrics_csv::MetricsCsv;
pub use metrics_log::MetricsLog;
pub use probes::ProbeLog;
pub use products::ProductLog;
pub use progress::Progress;
pub use tensorboard::TensorBoard;
pub use watchers::Watchers;
