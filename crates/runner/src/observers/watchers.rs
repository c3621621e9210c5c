//! Everything that watches the training of a run.

use super::{Checkpoints, ElapsedTime, MetricsCsv, MetricsLog, ProbeLog, ProductLog, Progress, TensorBoard};
use crate::checkpoint::Store;
use crate::failure::Failure;
use crate::pipeline::{Job, Observer, Outcome};
use crate::run_directory::RunDirectory;
use relumine_report::{Status, Summary, read_epochs, read_probes};

/// The observers of a run. Those that keep a file with something of each epoch open it by where the run
/// stands: at the start if it begins, and if it goes on where its checkpoint is. What the file says of later ones is cut off; the run will say it again.
#[derive(Debug)]
pub struct Watchers {
    progress: Progress,
    metrics: MetricsLog,
    table: MetricsCsv,
    tensorboard: Option<TensorBoard>,
    products: ProductLog,
    probes: Option<ProbeLog>,
    elapsed: Option<ElapsedTime>,
    checkpoints: Checkpoints,
}

impl Watchers {
    /// Opens the files of `run`, which trains `job`, keeps its checkpoints in `store`, and stands where `outcome` says, after `steps` steps.
    ///
    /// # Errors
    /// A file that cannot be written, or one of a run that goes on which lacks kept epochs.
    pub fn open(run: &RunDirectory, job: &Job, store: Store, quiet: bool, (outcome, steps): (&Outcome, u64)) -> anyhow::Result<Self> {
        let metrics = MetricsLog::open(run, RunDirectory::METRICS, outcome.epochs)?;
        let epochs = read_epochs(&run.file(RunDirectory::METRICS))?;
        let probes = ProbeLog::open(run, job, outcome, steps)?;
        let probed = if probes.is_some() { read_probes(&run.file(RunDirectory::PROBES))? } else { Vec::new() };
        let tensorboard = job.recipe.train.tensorboard.then(|| TensorBoard::open(run, RunDirectory::EVENTS, job, (&epochs, &probed)));
        Ok(Self {
            progress: Progress::new(quiet),
            metrics,
            table: MetricsCsv::open(run, RunDirectory::METRICS_CSV, &epochs)?,
            tensorboard: tensorboard.transpose()?,
            products: ProductLog::new(run, outcome, steps),
            probes,
            elapsed: job.recipe.train.max_minutes.map(|_| ElapsedTime::new(run, outcome.earlier)),
            checkpoints: Checkpoints::new(run, store),
        })
    }

    /// In the order in which they are told. The checkpoints come last: what they count has been written.
    pub fn each(&mut self) -> Vec<&mut dyn Observer> {
        let mut each: Vec<&mut dyn Observer> = vec![&mut self.progress, &mut self.metrics, &mut self.table, &mut self.products];
        each.extend(self.probes.as_mut().map(|probes| probes as &mut dyn Observer));
        each.extend(self.tensorboard.as_mut().map(|tensorboard| tensorboard as &mut dyn Observer));
        each.extend(self.elapsed.as_mut().map(|elapsed| elapsed as &mut dyn Observer));
        each.push(&mut self.checkpoints);
        each
    }

    /// Where the checkpoints are.
    #[must_use]
    pub fn store(&self) -> &Store {
        self.checkpoints.store()
    }

    /// Notes how the run ended, when it has been tested or will not be. The results are safe by then: a note that cannot be made is no
    /// reason to hold them back.
    pub fn finish(&mut self, ended: &Result<Summary, Failure>) {
        let Some(tensorboard) = &mut self.tensorboard else { return };
        let (status, test) = match ended {
            Ok(summary) => (Status::Finished, summary.test),
            Err(Failure::Interrupted) => (Status::Interrupted, None),
            Err(_) => (Status::Failed, None),
        };
        if let Err(error) = tensorboard.finish(status, test) {
            tracing::warn!("how the run ended is missing in {}: {error:#}", RunDirectory::EVENTS);
        }
    }
}
