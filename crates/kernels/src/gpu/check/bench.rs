//! Random inputs, their way to the GPU and back, and the comparison.

use super::{KernelCheck, KernelFault};
use crate::gpu::plain::Plain;
use crate::gpu::{
    Address, Draw, Draws, Gpu, GpuError, Launch, Operation, Product, Progress, Recording, Stage, Values, bytes_of, bytes_of_mut,
};
use crate::{Dropout, Noise};
use relumine_random::{Purpose, Stream, variates};
use std::cell::RefCell;
use std::collections::HashMap;

/// Replicas of every check.
pub(super) const REPLICAS: usize = 2;
/// The step that random streams are at.
pub(super) const STEP: u32 = 5;
/// The first row of a pass, in its batch.
pub(super) const FIRST_ROW: u32 = 4;
/// Rounding of a few operations.
pub(super) const ROUNDED: f64 = 3e-6;
/// Rounding of sums over a hundred values.
pub(super) const SUMMED: f64 = 1e-5;

const PROGRESS: Progress =
    Progress { loss: 0.0, correct: 0, rows: 0, step_loss: 0.0, step_correct: 0, step_rows: 0, steps: STEP as u64, failed: 0, unused: 0 };

/// The two replicas' seeds.
const SEEDS: [u64; REPLICAS] = [7, 0x0123_4567_89ab_cdef];

pub(super) struct Bench<'a> {
    gpu: &'a dyn Gpu,
    stream: Stream,
    drawn: u32,
    /// Elements of one replica, of every array.
    lengths: RefCell<HashMap<Address, usize>>,
    /// What was run last.
    during: String,
    pub(super) checks: Vec<KernelCheck>,
}

/// Noise and dropout of a layer's inputs.
pub(super) struct Disturbance {
    pub(super) draws: Draws,
    noise: Option<[Noise; REPLICAS]>,
    pub(super) dropout: Option<[Dropout; REPLICAS]>,
}

impl<'a> Bench<'a> {
    pub(super) fn new(gpu: &'a dyn Gpu) -> Self {
        Self {
            gpu,
            stream: Stream::new(1, Purpose::Weights, 0),
            drawn: 0,
            lengths: RefCell::default(),
            during: String::new(),
            checks: Vec::new(),
        }
    }

    fn words(&mut self, count: usize) -> Vec<u32> {
        let mut words = vec![0; count];
        self.stream.fill(0, self.drawn, &mut words);
        self.drawn += 1;
        words
    }

    /// Standard normal numbers.
    pub(super) fn normal(&mut self, count: usize) -> Vec<f32> {
        self.words(count).into_iter().map(|word| variates::normal(word, 0.0, 1.0) as f32).collect()
    }

    /// Integers from 0 on.
    pub(super) fn below(&mut self, count: usize, limit: u32) -> Vec<u32> {
        self.words(count).into_iter().map(|word| word % limit).collect()
    }

    pub(super) fn put_bytes(&self, bytes: &[u8]) -> Result<Address, GpuError> {
        let address = self.gpu.allocate(bytes.len())?;
        self.gpu.write(address, bytes)?;
        Ok(address)
    }

    pub(super) fn put<T: Plain>(&self, values: &[T]) -> Result<Address, GpuError> {
        self.put_bytes(bytes_of(values))
    }

    /// An array of all replicas, each of which begins where any vector may, as the engine lays them.
    pub(super) fn array(&self, values: &[f32]) -> Result<Values, GpuError> {
        let length = values.len() / REPLICAS;
        let stride = length.next_multiple_of(64);
        let array = Values { first: self.put(&vec![f32::NAN; REPLICAS * stride])?, stride: stride as u64 };
        self.lengths.borrow_mut().insert(array.first, length);
        self.overwrite(array, values)?;
        Ok(array)
    }

    fn overwrite(&self, array: Values, values: &[f32]) -> Result<(), GpuError> {
        let parts = values.chunks_exact((values.len() / REPLICAS).max(1)).enumerate();
        parts
            .map(|(replica, part)| (array.first.words(replica * array.stride as usize), part))
            .try_for_each(|(place, part)| self.gpu.write(place, bytes_of(part)))
    }

    /// The same of zeros, `count` for each replica.
    pub(super) fn zeros(&self, count: usize) -> Result<Values, GpuError> {
        self.array(&vec![0.0; REPLICAS * count])
    }

    /// Every replica's training after some steps, none of them failed.
    pub(super) fn progress(&self) -> Result<Address, GpuError> {
        self.put(&[PROGRESS; REPLICAS])
    }

    /// The same, but the second replica's has failed.
    pub(super) fn progress_of_one(&self) -> Result<Address, GpuError> {
        self.put(&[PROGRESS, Progress { failed: 1, ..PROGRESS }])
    }

    pub(super) fn read<T: Plain + Default>(&self, from: Address, count: usize) -> Result<Vec<T>, GpuError> {
        let mut values = vec![T::default(); count];
        self.gpu.read(from, bytes_of_mut(&mut values))?;
        Ok(values)
    }

    /// What an array holds.
    pub(super) fn values(&self, array: Values) -> Result<Vec<f32>, GpuError> {
        let length = self.lengths.borrow().get(&array.first).copied().unwrap_or_default();
        let parts = (0..REPLICAS).map(|replica| self.read(array.first.words(replica * array.stride as usize), length));
        Ok(parts.collect::<Result<Vec<_>, _>>()?.concat())
    }

    /// Runs a kernel of a network of so many parameters.
    pub(super) fn launch(&mut self, launch: Launch, parameters: usize) -> Result<(), GpuError> {
        self.during = launch.name().into();
        let recording = self.gpu.record(&[Stage::Run(launch.on(REPLICAS, parameters))])?;
        self.finish(recording)
    }

    /// Runs a product whose outputs are `old` before it, and gives what they are afterwards; nothing where the library refuses it.
    pub(super) fn multiply(&mut self, case: &str, product: Product, old: &[f32]) -> Result<Vec<f32>, GpuError> {
        self.during = format!("product {case}");
        let Ok(recording) = self.gpu.record(&[Stage::Run(Operation::Product(product))]) else { return Ok(Vec::new()) };
        // A GPU may have made the product once to record it.
        self.overwrite(product.out, old)?;
        self.finish(recording)?;
        self.values(product.out)
    }

    fn finish(&self, recording: Recording) -> Result<(), GpuError> {
        self.gpu.replay(recording)?;
        self.gpu.forget(recording)
    }

    /// A device that failed, and what it did last.
    pub(super) fn fault(self, source: GpuError) -> KernelFault {
        KernelFault { during: self.during, source, checks: self.checks }
    }

    /// Notes how far `found` is from `expected`, as a share of the largest expected value of each replica.
    pub(super) fn judge(&mut self, kernel: &'static str, case: String, found: &[f32], expected: &[f64], tolerance: f64) {
        // What is no number is as far as can be.
        let distance = |(found, expected): (&f32, &f64)| {
            let distance = (f64::from(*found) - expected).abs();
            if distance.is_nan() { f64::INFINITY } else { distance }
        };
        let of_part = |(found, expected): (&[f32], &[f64])| {
            let largest = expected.iter().fold(f64::MIN_POSITIVE, |largest, value| largest.max(value.abs()));
            found.iter().zip(expected).map(distance).fold(0.0, f64::max) / largest
        };
        let part = if expected.len().is_multiple_of(REPLICAS) { expected.len() / REPLICAS } else { expected.len() };
        let lengths_agree = found.len() == expected.len() && part > 0;
        let difference =
            if lengths_agree { found.chunks(part).zip(expected.chunks(part)).map(of_part).fold(0.0, f64::max) } else { f64::INFINITY };
        self.checks.push(KernelCheck { kernel, case, values: expected.len(), difference, tolerance });
    }

    /// Noise and dropout of a layer, with other rates for each replica; beside noise the second replica's is alpha dropout.
    pub(super) fn disturbance(&self, has_noise: bool, has_dropout: bool) -> Result<Disturbance, GpuError> {
        let stream = |seed, purpose| Stream::new(seed, purpose, 3);
        let (stddevs, rates) = ([0.1, 0.5], [0.5, 0.2]);
        let replicas: [usize; REPLICAS] = std::array::from_fn(|replica| replica);
        let noise = has_noise.then(|| replicas.map(|r| Noise::new(stream(SEEDS[r], Purpose::Noise), STEP, stddevs[r])));
        let dropout = has_dropout.then(|| {
            replicas.map(|r| match (has_noise, r) {
                (true, 1) => Dropout::affine(stream(SEEDS[r], Purpose::Dropout), STEP, rates[r], (0.88, 0.19, -1.5)),
                _ => Dropout::new(stream(SEEDS[r], Purpose::Dropout), STEP, rates[r]),
            })
        });
        let of_replica: [Draw; REPLICAS] =
            replicas.map(|r| Draw::new(if has_noise { stddevs[r] } else { 0.0 }, dropout.as_ref().map(|dropout| &dropout[r])));
        let draws = Draws {
            of_replica: self.put(&of_replica)?,
            keys: self.put(&SEEDS.map(|seed| stream(seed, Purpose::Noise).key_and_id().0).concat())?,
            first_row: FIRST_ROW,
            noise_stream: stream(0, Purpose::Noise).key_and_id().1,
            dropout_stream: stream(0, Purpose::Dropout).key_and_id().1,
            has_noise: has_noise.into(),
            has_dropout: has_dropout.into(),
            unused: 0,
        };
        Ok(Disturbance { draws, noise, dropout })
    }
}

impl Disturbance {
    /// What it makes of a row-major matrix of one replica, and the slopes there.
    pub(super) fn apply(&self, replica: usize, units: usize, values: &mut [f32], slopes: &mut [f32]) {
        let rows = values.chunks_exact_mut(units).zip(slopes.chunks_exact_mut(units));
        for (row, (values, slopes)) in (FIRST_ROW..).zip(rows) {
            let tiles = values.chunks_mut(64).zip(slopes.chunks_mut(64));
            for (first, (values, slopes)) in (0..).step_by(64).zip(tiles) {
                // Tiles have columns in fours; what is beyond the last counts for nothing.
                let (mut outputs, mut of_outputs) = ([0.0; 64], [0.0; 64]);
                outputs[..values.len()].copy_from_slice(values);
                of_outputs[..slopes.len()].copy_from_slice(slopes);
                if let Some(noise) = &self.noise {
                    noise[replica].apply(row..row + 1, first, (64, values.len()), &mut outputs);
                }
                if let Some(dropout) = &self.dropout {
                    dropout[replica].apply(row..row + 1, first, 64, &mut outputs, &mut of_outputs);
                }
                values.copy_from_slice(&outputs[..values.len()]);
                slopes.copy_from_slice(&of_outputs[..slopes.len()]);
            }
        }
    }
}

/// As the comparison takes them.
pub(super) fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|value| f64::from(*value)).collect()
}
