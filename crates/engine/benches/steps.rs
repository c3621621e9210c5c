//! Whole steps at the size of the seed job (784-256-256-10, dropout 0.5, Adam, batch 128, 19 % of the inputs not zero), evaluation, and
//! replicas. Items are train or test rows.
//!
//!     cargo bench -p relumine-engine

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on has failed")]

use candle_core::Device;
use divan::Bencher;
use divan::counter::ItemsCount;
use relumine_engine::{Examples, FeatureBuffer, FusedStep, ReferenceStep, Replicas, Step, TrainingConfig};
use relumine_model::{Architecture, ModelConfig};

fn main() {
    divan::main();
}

const BATCH: usize = 128;
const ROWS: usize = 12_800;

fn examples() -> Examples {
    let byte = |i: usize| {
        let noise = (i + 1).wrapping_mul(2_654_435_761) % 10_007;
        if noise % 100 < 19 { (noise % 255) as u8 + 1 } else { 0 }
    };
    let features = FeatureBuffer::U8((0..ROWS * 784).map(byte).collect());
    let labels = (0..ROWS as u32).map(|row| row * 7 % 10).collect();
    Examples::new(features, &[784], labels, &[0.0], &[255.0], &Device::Cpu).unwrap()
}

fn architecture() -> Architecture {
    ModelConfig { dropout: 0.5, ..ModelConfig::default() }.architecture(784, 10).unwrap()
}

fn config(threads: usize, seed: u64) -> TrainingConfig {
    TrainingConfig { threads, seed, ..TrainingConfig::default() }
}

fn rows() -> Vec<u32> {
    (0..ROWS as u32).collect()
}

/// Goes through the rows batch by batch, one optimiser step for each call.
fn bench_steps(bencher: Bencher<'_, '_>, mut step: impl Step) {
    let (examples, rows) = (examples(), rows());
    let mut batches = rows.chunks(BATCH).cycle();
    bencher.counter(ItemsCount::new(BATCH)).bench_local(|| step.train(&examples, batches.next().unwrap()).unwrap());
}

#[divan::bench(args = [1, 2], sample_size = 100, sample_count = 20)]
fn fused(bencher: Bencher<'_, '_>, threads: usize) {
    bench_steps(bencher, FusedStep::new(&architecture(), &config(threads, 0), &Device::Cpu).unwrap());
}

/// What flows through the layers, on as many rows as a recipe's default.
#[divan::bench(args = [1, 2], sample_size = 10, sample_count = 20)]
fn probe_256_rows(bencher: Bencher<'_, '_>, threads: usize) {
    let (examples, rows) = (examples(), rows());
    let mut step = FusedStep::new(&architecture(), &config(threads, 0), &Device::Cpu).unwrap();
    step.train(&examples, &rows[..BATCH]).unwrap();
    bencher.counter(ItemsCount::new(256_usize)).bench_local(|| {
        step.note_weights().unwrap();
        step.probe(&examples, &rows[..256]).unwrap()
    });
}

#[divan::bench(sample_size = 20, sample_count = 20)]
fn reference(bencher: Bencher<'_, '_>) {
    bench_steps(bencher, ReferenceStep::new(&architecture(), &config(1, 0), &Device::Cpu).unwrap());
}

/// 100 steps of each replica on two threads.
#[divan::bench(args = [1, 2, 4, 8], sample_size = 1, sample_count = 10)]
fn replicas_on_2_threads(bencher: Bencher<'_, '_>, count: u64) {
    let (examples, rows) = (examples(), rows());
    let each: Vec<_> = (0..count).map(|seed| (architecture(), config(1, seed))).collect();
    let mut replicas = Replicas::new(&each, 2).unwrap();
    bencher.counter(ItemsCount::new(count as usize * ROWS)).bench_local(|| {
        assert!(replicas.train(&examples, |_| rows.chunks(BATCH)).iter().all(Result::is_ok));
    });
}

#[divan::bench(args = [1, 2], sample_size = 1)]
fn evaluate_10_000_rows(bencher: Bencher<'_, '_>, threads: usize) {
    let (examples, rows) = (examples(), rows());
    let step = FusedStep::new(&architecture(), &config(threads, 0), &Device::Cpu).unwrap();
    bencher.counter(ItemsCount::new(10_000_usize)).bench_local(|| step.logits(&examples, &rows[..10_000]).unwrap());
}

#[divan::bench(sample_size = 100)]
fn predict_1_row(bencher: Bencher<'_, '_>) {
    let examples = examples();
    let step = FusedStep::new(&architecture(), &config(1, 0), &Device::Cpu).unwrap();
    bencher.counter(ItemsCount::new(1_usize)).bench_local(|| step.logits(&examples, &[7]).unwrap());
}
