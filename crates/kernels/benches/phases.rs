//! The phases of a step that are no products, at the shapes of the seed job, beside what the machine can do: its multiply-adds and its
//! copies. Bytes are those that a phase has to read and write once.
//!
//!     cargo bench -p relumine-kernels --bench phases

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use relumine_kernels::gather::{Scaling, Source, gather};
use relumine_kernels::loss::{Head, Objective, RowLoss, loss};
use relumine_kernels::optimizer::{Decay, Rule, Update, update};
use relumine_kernels::{Activation, Dropout, Lit, Panels, Team};
use relumine_random::{Purpose, Stream};

fn main() {
    divan::main();
}

const ROWS: usize = 128;
const FEATURES: usize = 784;
const UNITS: usize = 256;

fn matrix(rows: usize, columns: usize) -> Panels {
    let value = |i: usize| ((i + 1).wrapping_mul(2_654_435_761) % 10_007) as f32 / 5e3 - 1.0;
    Panels::from_rows(rows, columns, &(0..rows * columns).map(value).collect::<Vec<_>>())
}

/// Independent multiply-adds in registers: the ceiling of every product, for one core. Items are floating-point operations.
#[divan::bench(sample_size = 10)]
fn ceiling_of_products(bencher: Bencher<'_, '_>) {
    let (x, w, bias) = (matrix(96, 64), matrix(64, 64), matrix(1, 64));
    let mut out = matrix(96, 64);
    let mut team = Team::new(1);
    bencher.counter(ItemsCount::new(100 * 2 * 96 * 64 * 64_usize)).bench_local(|| {
        for _ in 0..100 {
            relumine_kernels::product::forward(
                &mut team,
                relumine_kernels::product::Inputs::Whole(&x),
                96,
                (&w, &bias),
                (&mut out, None),
                &|_, _, _, _| {},
            );
        }
    });
}

/// A copy of 64 MiB: the ceiling of every pass over memory, for one core.
#[divan::bench(sample_size = 1)]
fn ceiling_of_memory(bencher: Bencher<'_, '_>) {
    let (from, mut to) = (vec![1.0_f32; 1 << 24], vec![0.0_f32; 1 << 24]);
    bencher.counter(BytesCount::new(2 * 4 * (1_usize << 24))).bench_local(|| black_box(&mut to).copy_from_slice(black_box(&from)));
}

#[divan::bench(args = [1, 2], sample_size = 100)]
fn gather_and_scale(bencher: Bencher<'_, '_>, threads: usize) {
    let bytes: Vec<u8> = (0..55_000 * FEATURES).map(|i| (i % 251) as u8).collect();
    let scaling = Scaling::new(vec![0.0], vec![255.0]);
    let (mut team, mut out) = (Team::new(threads), Panels::zeros(ROWS, FEATURES));
    let mut first = 0_u32;
    bencher.counter(BytesCount::new(ROWS * FEATURES * 5)).bench_local(|| {
        let rows: [u32; ROWS] = std::array::from_fn(|i| (first + i as u32).wrapping_mul(2_654_435_761) % 55_000);
        first = first.wrapping_add(ROWS as u32);
        gather(&mut team, Source::U8(&bytes), &scaling, &rows, &mut out);
    });
}

#[divan::bench(args = [1, 2], sample_size = 100)]
fn find_zeros(bencher: Bencher<'_, '_>, threads: usize) {
    let x = matrix(ROWS, FEATURES);
    let (mut team, mut lit) = (Team::new(threads), Lit::new(&x));
    bencher.counter(BytesCount::new(ROWS * FEATURES * 4)).bench_local(|| lit.update(&mut team, &x, ROWS));
}

#[divan::bench(args = ["relu", "sigmoid", "tanh", "gelu", "mish"], sample_size = 100)]
fn activation(bencher: Bencher<'_, '_>, name: &str) {
    let activation = match name {
        "relu" => Activation::Relu,
        "sigmoid" => Activation::Sigmoid,
        "tanh" => Activation::Tanh,
        "gelu" => Activation::Gelu,
        _ => Activation::Mish,
    };
    let z = matrix(ROWS, UNITS);
    let (mut out, mut slopes) = (z.clone(), z.clone());
    bencher.counter(ItemsCount::new(ROWS * UNITS)).bench_local(|| {
        out.values_mut().copy_from_slice(z.values());
        activation.apply(out.values_mut(), slopes.values_mut());
    });
}

#[divan::bench(sample_size = 100)]
fn dropout(bencher: Bencher<'_, '_>) {
    let dropout = Dropout::new(Stream::new(1, Purpose::Dropout, 1), 7, 0.5);
    let (mut outputs, mut slopes) = (vec![1.0; ROWS * 64], vec![1.0; ROWS * 64]);
    bencher.counter(ItemsCount::new(ROWS * 64)).bench_local(|| dropout.apply(0..ROWS as u32, 64, 64, &mut outputs, &mut slopes));
}

#[divan::bench(sample_size = 100)]
fn softmax_cross_entropy(bencher: Bencher<'_, '_>) {
    let logits = matrix(ROWS, 10);
    let (mut dz, mut losses, mut team) = (logits.clone(), vec![RowLoss::default(); ROWS], Team::new(1));
    let labels: Vec<u32> = (0..ROWS as u32).map(|row| row % 10).collect();
    let objective = Objective { head: Head::Softmax, label_smoothing: 0.0, class_weights: &[], share: 1.0 / ROWS as f32 };
    bencher.counter(ItemsCount::new(ROWS)).bench_local(|| {
        dz.values_mut().copy_from_slice(logits.values());
        loss(&mut team, &objective, &labels, &mut dz, &mut losses);
    });
}

#[divan::bench(args = [1, 2], sample_size = 100)]
fn adam(bencher: Bencher<'_, '_>, threads: usize) {
    let rule = Rule::Adam { rate: 1e-3, betas: [Decay::of(0.9), Decay::of(0.999)], root: 1.5, epsilon: 1e-8 };
    let settings = Update { rule, gradient_scale: 1.0, clip_value: f32::INFINITY, coupled_decay: 0.0, shrink: 1.0 };
    let (mut parameter, gradient) = (matrix(FEATURES, UNITS), matrix(FEATURES, UNITS));
    let (mut slots, mut team) = ([Panels::zeros(FEATURES, UNITS), Panels::zeros(FEATURES, UNITS)], Team::new(threads));
    bencher.counter(BytesCount::new(FEATURES * UNITS * 4 * 7)).bench_local(|| {
        update(&mut team, &settings, &mut parameter, &gradient, &mut slots);
    });
}
