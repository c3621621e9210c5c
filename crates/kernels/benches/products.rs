//! The three products at the shapes of the seed job, dense and at MNIST's share of zeros: items are floating-point operations, those
//! that zeros would have taken included, so that a rate over the processor's peak is work that was skipped.
//!
//!     cargo bench -p relumine-kernels

use divan::Bencher;
use divan::counter::ItemsCount;
use relumine_kernels::gather::{GatherBytes, Scaling};
use relumine_kernels::product::{Destination, Gradient, Inputs, Transpose, Way, forward, input_gradient, weight_gradient};
use relumine_kernels::{Bytes, Lit, Panels, Team};

fn main() {
    divan::main();
}

const ROWS: usize = 128;
/// Inputs, outputs, and how many of 100 inputs are not zero.
const SHAPES: [(usize, usize, usize); 6] =
    [(784, 256, 100), (784, 256, 19), (256, 256, 100), (256, 256, 15), (256, 10, 100), (256, 10, 25)];
const THREADS: [usize; 2] = [1, 2];

struct Layer {
    team: Team,
    x: Panels,
    lit: Lit,
    dense: bool,
    w: Panels,
    bias: Panels,
    z: Panels,
    slopes: Panels,
    gradient: Gradient,
    flops: ItemsCount,
}

impl Layer {
    fn new(threads: usize, (inputs, outputs, lit_share): (usize, usize, usize)) -> Self {
        let noise = |i: usize| (i + 1).wrapping_mul(2_654_435_761) % 10_007;
        let random = |rows: usize, columns: usize, share: usize| {
            let value = |i: usize| if noise(i) % 100 < share { noise(i) as f32 / 5e3 - 0.9 } else { 0.0 };
            Panels::from_rows(rows, columns, &(0..rows * columns).map(value).collect::<Vec<_>>())
        };
        let mut team = Team::new(threads);
        let (x, w, bias) = (random(ROWS, inputs, lit_share), random(inputs, outputs, 100), random(1, outputs, 100));
        let mut lit = Lit::new(&x);
        lit.update(&mut team, &x, ROWS);
        let gradient = Gradient { weight: w.clone(), bias: bias.clone() };
        let flops = ItemsCount::new(2 * ROWS * inputs * outputs);
        Self {
            team,
            lit,
            dense: lit_share == 100,
            z: random(ROWS, outputs, 100),
            slopes: random(ROWS, outputs, 100),
            x,
            w,
            bias,
            gradient,
            flops,
        }
    }
}

#[divan::bench(args = SHAPES, consts = THREADS, sample_size = 100)]
fn z<const T: usize>(bencher: Bencher<'_, '_>, shape: (usize, usize, usize)) {
    let mut layer = Layer::new(T, shape);
    bencher.counter(layer.flops).bench_local(|| {
        let Layer { team, x, lit, dense, w, bias, z, slopes, .. } = &mut layer;
        let lit = (!*dense).then_some(&*lit);
        forward(team, Inputs::new(x, lit), ROWS, (w, bias), (z, Some(slopes)), &|_, _, _, _| {});
    });
}

#[divan::bench(args = SHAPES, consts = THREADS, sample_size = 100)]
fn weight<const T: usize>(bencher: Bencher<'_, '_>, shape: (usize, usize, usize)) {
    let mut layer = Layer::new(T, shape);
    bencher.counter(layer.flops).bench_local(|| {
        let Layer { team, x, lit, dense, z, gradient, .. } = &mut layer;
        weight_gradient(team, Inputs::new(x, (!*dense).then_some(&*lit)), ROWS, z, Destination::Store(gradient));
    });
}

/// The seed job's first layer as it is trained: bytes, gathered at each call, forward and back.
#[divan::bench(consts = THREADS, sample_size = 100)]
fn first_layer_of_bytes<const T: usize>(bencher: Bencher<'_, '_>) {
    let mut layer = Layer::new(T, SHAPES[1]);
    let source: Vec<u8> = layer.x.to_rows(ROWS).iter().map(|value| (value * 100.0) as i8 as u8).collect();
    let (scaling, rows) = (Scaling::new(vec![0.0], vec![255.0]), (0..ROWS as u32).collect::<Vec<_>>());
    let mut bytes = Bytes::zeros(ROWS, SHAPES[1].0);
    bencher.counter(ItemsCount::new(4 * ROWS * SHAPES[1].0 * SHAPES[1].1)).bench_local(|| {
        let Layer { team, lit, w, bias, z, slopes, gradient, .. } = &mut layer;
        team.run_together(&[&mut GatherBytes::new(T, &source, &scaling, &rows, (&mut bytes, lit))]);
        let x = Inputs::Bytes(&bytes, lit);
        forward(team, x, ROWS, (w, bias), (z, Some(slopes)), &|_, _, _, _| {});
        weight_gradient(team, x, ROWS, z, Destination::Store(gradient));
    });
}

#[divan::bench(args = &SHAPES[2..], consts = THREADS, sample_size = 100)]
fn input<const T: usize>(bencher: Bencher<'_, '_>, shape: (usize, usize, usize)) {
    let mut layer = Layer::new(T, shape);
    let mut dx = layer.x.clone();
    let mut transposed = Panels::zeros(layer.w.columns(), layer.w.rows());
    bencher.counter(layer.flops).bench_local(|| {
        let Layer { team, x, lit, dense, w, z, .. } = &mut layer;
        if *dense {
            team.run_together(&[&mut Transpose::new(w, &mut transposed)]);
        }
        let way = if *dense { Way::Whole(&transposed) } else { Way::Skipping(lit) };
        input_gradient(team, z, ROWS, w, x, &mut dx, way);
    });
}

#[divan::bench(args = SHAPES, consts = THREADS, sample_size = 100)]
fn find_lit<const T: usize>(bencher: Bencher<'_, '_>, shape: (usize, usize, usize)) {
    let mut layer = Layer::new(T, shape);
    bencher.bench_local(|| layer.lit.update(&mut layer.team, &layer.x, ROWS));
}
