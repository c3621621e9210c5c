//! Many small runs at once, one core each.

use super::FusedStep;
use crate::{Examples, Step, StepError, TrainingConfig};
use candle_core::Device;
use relumine_kernels::Team;
use relumine_model::Architecture;

/// Runs that train side by side on the same examples: different seeds, learning rates, initialisers, or whole architectures. Each is a
/// [`FusedStep`] of one thread, and has the bits of its own single run; the cores are divided among the runs and not within them, so that no
/// core waits for another within a step.
#[derive(Debug)]
pub struct Replicas {
    steps: Vec<FusedStep>,
    team: Team,
}

impl Replicas {
    /// One replica for each architecture and configuration, on `threads` threads. The configurations' own thread counts are of no account.
    ///
    /// # Errors
    /// A configuration that has no fused form.
    pub fn new(replicas: &[(Architecture, TrainingConfig)], threads: usize) -> Result<Self, StepError> {
        let step = |(architecture, config): &(Architecture, TrainingConfig)| {
            FusedStep::new(architecture, &TrainingConfig { threads: 1, ..config.clone() }, &Device::Cpu)
        };
        Ok(Self { steps: replicas.iter().map(step).collect::<Result<_, _>>()?, team: Team::new(threads) })
    }

    /// The replicas, to evaluate, save and load one by one.
    #[must_use]
    pub fn steps(&self) -> &[FusedStep] {
        &self.steps
    }

    /// The same, to change.
    pub fn steps_mut(&mut self) -> &mut [FusedStep] {
        &mut self.steps
    }

    /// Trains replica `i` on each of the batches `batches(i)`, one optimiser step after the other: a whole epoch, or as much of one as should
    /// pass before anybody looks. Gives each replica's result, in order; one that fails has stopped at that batch, and the others go on.
    pub fn train<'a, B>(&mut self, examples: &Examples, batches: impl Fn(usize) -> B + Sync) -> Vec<Result<(), StepError>>
    where
        B: IntoIterator<Item = &'a [u32]>,
    {
        let mut results: Vec<Result<(), StepError>> = self.steps.iter().map(|_| Ok(())).collect();
        self.team.run_each(&mut self.steps, &mut results, |replica, step, result| {
            *result = batches(replica).into_iter().try_for_each(|rows| step.train(examples, rows));
        });
        results
    }
}
