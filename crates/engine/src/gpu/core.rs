//! The replicas' arrays, their batches, and what becomes of both.

use super::layout::{Layout, Placed};
use super::memory::{Memory, PassBuffers};
use super::network::{Network, Replica};
use super::plan::{Kind, Plan};
use super::queue::{Batch, Queue};
use super::source::{Places, Source};
use crate::error::largest_gradient;
use crate::metrics::Totals;
use crate::optimizer::Clock;
use crate::{Examples, StepError};
use relumine_kernels::gpu::{Gpu, Progress, Recording, Values, bytes_of, bytes_of_mut};

/// Rows evaluated at a time, of all replicas together: enough to fill a device, and 3 MB of MNIST.
pub(super) const EVALUATION_ROWS: usize = 1024;
/// Recordings that are kept: for each length of a batch two, of one step and of several, and another for evaluation.
const MOST_RECORDINGS: usize = 32;
/// Steps of one recording at most: a GPU waits a little for the next one.
const MOST_STEPS: usize = 8;

/// Rows that each of so many replicas evaluates at a time.
pub(super) fn evaluation_rows(replicas: usize) -> usize {
    (EVALUATION_ROWS / replicas).max(64)
}

/// Replicas of one shape, and the device that trains them.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) gpu: Box<dyn Gpu>,
    pub(super) network: Network,
    pub(super) clocks: Vec<Clock>,
    pub(super) memory: Memory,
    buffers: Option<PassBuffers>,
    recordings: Vec<(Key, Recording)>,
    queue: Queue,
    /// Steps of each replica when somebody last looked.
    verified_steps: Vec<u64>,
    /// Which replicas have failed and take no more steps.
    is_frozen: Vec<bool>,
    /// Why, until somebody asks.
    pub(super) failures: Vec<Option<StepError>>,
}

/// What a recording is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    kind: Kind,
    rows: usize,
    source: Places,
    /// How many steps, one after the other.
    steps: usize,
}

impl Core {
    pub(super) fn new(gpu: Box<dyn Gpu>, runs: &[Replica]) -> Result<Self, StepError> {
        let network = Network::new(runs)?;
        let clocks: Vec<Clock> = runs.iter().map(|(_, config)| Clock::new(&config.optimizer, config.horizon)).collect();
        let rule = clocks[0].config.rule();
        let memory = Memory::new(&*gpu, &network, rule.slots().len())?;
        let mut core = Self {
            verified_steps: vec![0; runs.len()],
            is_frozen: vec![false; runs.len()],
            failures: runs.iter().map(|_| None).collect(),
            gpu,
            network,
            clocks,
            memory,
            buffers: None,
            recordings: Vec::new(),
            queue: Queue::default(),
        };
        core.initialize()?;
        Ok(core)
    }

    /// Fresh parameters, the same as every other step's, and empty slots.
    fn initialize(&mut self) -> Result<(), StepError> {
        let memory = &self.memory;
        for (replica, (architecture, config)) in self.network.runs.iter().enumerate() {
            for (placed, is_parameter) in self.network.layout.all() {
                let values = architecture.layers[placed.layer].initial_values(&placed.tensor, config.seed);
                let arrays = if is_parameter { [memory.parameters, memory.average] } else { [memory.running, memory.next] };
                for array in arrays.into_iter().filter(|array| *array != Values::NONE) {
                    self.gpu.write(Layout::of_replica(array, replica).words(placed.offset), bytes_of(&values))?;
                }
                let initial = self.clocks[replica].config.rule().initial() as f32;
                if is_parameter && initial != 0.0 {
                    let values = vec![initial; values.len()];
                    for slot in &memory.slots {
                        self.gpu.write(Layout::of_replica(*slot, replica).words(placed.offset), bytes_of(&values))?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Asks for a step of each replica on its rows, as many for each.
    pub(super) fn train(&mut self, examples: &Examples, rows: &[&[u32]]) -> Result<(), StepError> {
        let source = self.source(examples)?;
        if self.queue.source.as_ref().is_some_and(|known| known.places != source.places) {
            // What is kept of the batches must be of the same examples.
            self.verify()?;
        }
        if self.queue.is_long() {
            self.verify()?;
        }
        if rows.iter().all(|rows| rows.is_empty()) {
            // No pass writes the sums of this step.
            let mut progress = self.verify()?;
            progress.iter_mut().for_each(|progress| (progress.step_loss, progress.step_correct, progress.step_rows) = (0.0, 0, 0));
            self.write_progress(&progress)?;
        }
        self.queue.batches.push(Batch::new(&self.network, &self.clocks, rows, examples.labels()));
        self.queue.source = Some(source);
        self.clocks.iter_mut().for_each(|clock| clock.steps += 1);
        if self.queue.is_full() { self.hand_over() } else { Ok(()) }
    }

    fn source(&self, examples: &Examples) -> Result<Source, StepError> {
        let (found, expected) = (examples.num_features(), self.network.features());
        if found != expected {
            return Err(candle_core::Error::Msg(format!("the examples have {found} features, the network reads {expected}")).into());
        }
        // That of the queue, in all but the first of many calls.
        match self.queue.source.as_ref().filter(|source| source.is_of(examples)) {
            Some(source) => Ok(source.clone()),
            None => Ok(Source::of(examples)?),
        }
    }

    /// Hands the waiting batches to the device, which may not be done with them afterwards.
    fn hand_over(&mut self) -> Result<(), StepError> {
        let queue = std::mem::take(&mut self.queue);
        let result = match &queue.source {
            Some(source) if !queue.waiting().is_empty() => self.upload(queue.waiting()).and_then(|()| {
                queue.waiting().chunk_by(|one, next| one.len() == next.len()).try_for_each(|alike| self.take(alike, source.places))
            }),
            _ => Ok(()),
        };
        self.queue = Queue { handed_over: queue.batches.len(), ..queue };
        result
    }

    /// Takes a step on each of these batches, which are of one length and on the device.
    fn take(&mut self, alike: &[Batch], source: Places) -> Result<(), StepError> {
        let Some(rows) = alike.first().map(Batch::len) else { return Ok(()) };
        let together = self.network.steps_together(rows, MOST_STEPS);
        let (several, single) = (alike.len() / together, alike.len() % together);
        (0..several).try_for_each(|_| self.play(Kind::Train, rows, source, together))?;
        (0..single).try_for_each(|_| self.play(Kind::Train, rows, source, 1))
    }

    /// Writes what the device must know of these batches, of which the first is the next one.
    fn upload(&mut self, batches: &[Batch]) -> Result<(), StepError> {
        self.reserve(batches.iter().map(Batch::len).max().unwrap_or_default())?;
        let Some(buffers) = &self.buffers else { return Ok(()) };
        let replicas = self.network.replicas();
        let mut order = vec![0_u32; batches.len() * replicas * buffers.batch_rows];
        let places = order.chunks_exact_mut(buffers.batch_rows.max(1));
        for (place, rows) in places.zip(batches.iter().flat_map(|batch| &batch.rows)) {
            place[..rows.len()].copy_from_slice(rows);
        }
        let shares: Vec<f32> = batches.iter().flat_map(|batch| batch.shares.iter().copied()).collect();
        let constants: Vec<_> = batches.iter().flat_map(|batch| batch.constants.iter().flatten().copied()).collect();
        self.gpu.write(buffers.order, bytes_of(&order))?;
        self.gpu.write(self.memory.shares, bytes_of(&shares))?;
        self.gpu.write(self.memory.constants, bytes_of(&constants))?;
        Ok(self.gpu.write(self.memory.slot, bytes_of(&[0_u32]))?)
    }

    /// Makes room for batches of so many rows, and for evaluation.
    fn reserve(&mut self, batch_rows: usize) -> Result<(), StepError> {
        let rows = self.network.config().micro_batch.map_or(batch_rows, |micro_batch| micro_batch.min(batch_rows));
        let rows = rows.max(evaluation_rows(self.network.replicas()));
        if self.buffers.as_ref().is_some_and(|buffers| buffers.rows >= rows && buffers.batch_rows >= batch_rows) {
            return Ok(());
        }
        // What was recorded names the buffers.
        for (_, recording) in self.recordings.drain(..) {
            self.gpu.forget(recording)?;
        }
        if let Some(buffers) = self.buffers.take() {
            buffers.free(&*self.gpu)?;
        }
        self.buffers = Some(PassBuffers::new(&*self.gpu, &self.network, rows, batch_rows)?);
        Ok(())
    }

    /// Runs so many batches of so many rows.
    fn play(&mut self, kind: Kind, rows: usize, source: Places, steps: usize) -> Result<(), StepError> {
        let key = Key { kind, rows, source, steps };
        if let Some(place) = self.recordings.iter().position(|(of, _)| *of == key) {
            // The latest last: the first one goes when there are too many.
            self.recordings[place..].rotate_left(1);
            return Ok(self.gpu.replay(self.recordings[self.recordings.len() - 1].1)?);
        }
        let Some(buffers) = &self.buffers else { return Ok(()) };
        if self.recordings.len() >= MOST_RECORDINGS {
            let (_, oldest) = self.recordings.remove(0); // the one not used for longest
            self.gpu.forget(oldest)?;
        }
        let plan = Plan { network: &self.network, memory: &self.memory, buffers, source, kind, dense_limit: self.gpu.dense_limit() };
        let recording = self.gpu.record(&plan.stages(rows).repeat(steps))?;
        self.recordings.push((key, recording));
        Ok(self.gpu.replay(recording)?)
    }

    /// Where each replica's training stands, after all that was asked for.
    fn progress(&mut self) -> Result<Vec<Progress>, StepError> {
        self.hand_over()?;
        let mut progress = vec![Progress::default(); self.network.replicas()];
        self.gpu.read(self.memory.progress, bytes_of_mut(&mut progress))?;
        Ok(progress)
    }

    /// Waits for all that was asked for. A replica whose loss was not finite is as before that step; among others it takes no more steps, and
    /// its error is left in [`failures`](Self::failures).
    ///
    /// # Errors
    /// A device that failed, or the loss of a replica that is alone, which may go on from where it stands.
    pub(super) fn verify(&mut self) -> Result<Vec<Progress>, StepError> {
        let progress = self.progress()?;
        for (clock, progress) in self.clocks.iter_mut().zip(&progress) {
            clock.steps = progress.steps;
        }
        let queue = std::mem::take(&mut self.queue);
        let verified = std::mem::replace(&mut self.verified_steps, progress.iter().map(|progress| progress.steps).collect());
        for replica in 0..progress.len() {
            if progress[replica].failed == 0 || self.is_frozen[replica] {
                continue;
            }
            let at = (progress[replica].steps - verified[replica]) as usize;
            let (Some(batch), Some(source)) = (queue.batches.get(at), &queue.source) else { continue };
            let failure = self.failure(replica, batch, source.places)?;
            if progress.len() == 1 {
                self.write_progress(&[Progress { failed: 0, ..progress[0] }])?;
                return Err(failure);
            }
            self.is_frozen[replica] = true;
            self.failures[replica] = Some(failure);
        }
        Ok(progress)
    }

    /// The loss of a batch was not finite: what the gradients were.
    fn failure(&mut self, replica: usize, batch: &Batch, source: Places) -> Result<StepError, StepError> {
        self.upload(std::slice::from_ref(batch))?;
        self.play(Kind::Gradients, batch.len(), source, 1)?;
        let mut progress = vec![Progress::default(); self.network.replicas()];
        self.gpu.read(self.memory.progress, bytes_of_mut(&mut progress))?;
        let mut gradients = Vec::new();
        for placed in &self.network.layout.parameters {
            gradients.push((placed.tensor.name.clone(), self.values(self.memory.gradients, replica, placed)?));
        }
        let (gradient, parameter) = largest_gradient(gradients.into_iter());
        Ok(StepError::NonFiniteLoss {
            step: progress[replica].steps + 1,
            loss: progress[replica].step_loss / progress[replica].step_rows as f64,
            learning_rate: batch.learning_rates[replica],
            gradient,
            parameter,
        })
    }

    fn write_progress(&mut self, progress: &[Progress]) -> Result<(), StepError> {
        self.verified_steps = progress.iter().map(|progress| progress.steps).collect();
        Ok(self.gpu.write(self.memory.progress, bytes_of(progress))?)
    }

    /// Puts `totals` in the place of what a replica has seen, and the clock's steps in that of the device's.
    pub(super) fn restore(&mut self, replica: usize, totals: Totals) -> Result<(), StepError> {
        let mut progress = self.verify()?;
        let Totals { loss, correct, rows } = totals;
        let Progress { failed, .. } = progress[replica];
        progress[replica] = Progress { loss, correct, rows, steps: self.clocks[replica].steps, failed, ..Progress::default() };
        self.write_progress(&progress)
    }

    /// Sets the steps that a replica has taken.
    pub(super) fn set_steps(&mut self, replica: usize, steps: u64) -> Result<(), StepError> {
        let mut progress = self.verify()?;
        self.clocks[replica].steps = steps;
        progress[replica].steps = steps;
        self.write_progress(&progress)
    }

    /// The gradients of the mean loss of each replica over its rows are left in the memory.
    pub(super) fn differentiate(&mut self, examples: &Examples, rows: &[&[u32]]) -> Result<(), StepError> {
        self.verify()?;
        let source = self.source(examples)?;
        let batch = Batch::new(&self.network, &self.clocks, rows, examples.labels());
        self.upload(std::slice::from_ref(&batch))?;
        self.play(Kind::Gradients, batch.len(), source.places, 1)
    }

    /// The logits of the same rows by each replica, row-major.
    pub(super) fn evaluate(&mut self, examples: &Examples, rows: &[u32]) -> Result<Vec<Vec<f32>>, StepError> {
        self.hand_over()?;
        let source = self.source(examples)?;
        let (replicas, units) = (self.network.replicas(), self.network.outputs());
        let mut logits = vec![Vec::with_capacity(rows.len() * units); replicas];
        for rows in rows.chunks(evaluation_rows(replicas)) {
            self.reserve(0)?;
            self.send_order(rows)?;
            self.play(Kind::Evaluate, rows.len(), source.places, 1)?;
            let Some(last) = self.buffers.as_ref().and_then(|buffers| buffers.layers.last()) else { break };
            let mut values = vec![0.0_f32; rows.len() * units];
            for (replica, logits) in logits.iter_mut().enumerate() {
                self.gpu.read(Layout::of_replica(last.z, replica), bytes_of_mut(&mut values))?;
                logits.extend_from_slice(&values);
            }
        }
        Ok(logits)
    }

    /// The same rows for every replica, to be evaluated.
    fn send_order(&self, rows: &[u32]) -> Result<(), StepError> {
        let Some(buffers) = &self.buffers else { return Ok(()) };
        for replica in 0..self.network.replicas() {
            self.gpu.write(buffers.evaluated.words(replica * buffers.rows), bytes_of(rows))?;
        }
        Ok(self.gpu.write(self.memory.slot, bytes_of(&[0_u32]))?)
    }

    /// The values of a tensor of one replica in an array of parameters or statistics.
    pub(super) fn values(&self, array: Values, replica: usize, placed: &Placed) -> Result<Vec<f32>, StepError> {
        let mut values = vec![0.0; placed.len()];
        self.gpu.read(Layout::of_replica(array, replica).words(placed.offset), bytes_of_mut(&mut values))?;
        Ok(values)
    }
}
