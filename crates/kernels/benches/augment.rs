//! Augmentation of batches of 128 images at the size of MNIST, a fifth of whose pixels are ink in their middle. Items are images.
//!
//!     cargo bench -p relumine-kernels --bench augment

use divan::Bencher;
use divan::counter::ItemsCount;
use relumine_kernels::augment::{Augmenter, Elastic, Image, Place, Settings};
use relumine_kernels::gather::{Scaling, Source};
use relumine_kernels::{Panels, Team};

fn main() {
    divan::main();
}

const ROWS: usize = 128;
const IMAGES: usize = 5_000;
const SIDE: usize = 28;
const THREADS: [usize; 2] = [1, 2];

const AFFINE: Settings = Settings { shift: 2.0, rotation: 10.0, scale: 0.1, elastic: None, fill: 0.0 };
const ELASTIC: Settings = Settings { elastic: Some(Elastic { alpha: 34.0, sigma: 4.0 }), ..AFFINE };

/// Ink in the middle 20 x 20 pixels, as in MNIST.
fn images() -> Vec<u8> {
    let pixel = |i: usize| {
        let (y, x) = (i / SIDE % SIDE, i % SIDE);
        let noise = (i + 1).wrapping_mul(2_654_435_761) % 10_007;
        let is_ink = (4..24).contains(&x) && (4..24).contains(&y) && noise % 100 < 38;
        if is_ink { (noise % 255) as u8 + 1 } else { 0 }
    };
    (0..IMAGES * SIDE * SIDE).map(pixel).collect()
}

fn bench(bencher: Bencher<'_, '_>, settings: Settings, threads: usize) {
    let (images, scaling) = (images(), Scaling::new(vec![0.0], vec![255.0]));
    let augmenter = Augmenter::new(settings, Image { height: SIDE, width: SIDE, channels: 1 }, 1, threads);
    let (mut team, mut out) = (Team::new(threads), Panels::zeros(ROWS, SIDE * SIDE));
    let mut step = 0_u32;
    bencher.counter(ItemsCount::new(ROWS)).bench_local(|| {
        let row = |i: usize| step.wrapping_mul(ROWS as u32).wrapping_add(i as u32).wrapping_mul(2_654_435_761) % IMAGES as u32;
        let rows: [u32; ROWS] = std::array::from_fn(row);
        augmenter.gather(&mut team, (Source::U8(&images), &scaling), &rows, Place { step, first_row: 0 }, &mut out);
        step = step.wrapping_add(1);
    });
}

#[divan::bench(args = THREADS, sample_size = 100)]
fn shift_rotation_and_scale(bencher: Bencher<'_, '_>, threads: usize) {
    bench(bencher, AFFINE, threads);
}

#[divan::bench(args = THREADS, sample_size = 100)]
fn the_same_and_elastic(bencher: Bencher<'_, '_>, threads: usize) {
    bench(bencher, ELASTIC, threads);
}

/// What a batch costs whose rows stay as they are: the copy, the division, the look for ink.
#[divan::bench(args = THREADS, sample_size = 100)]
fn nothing(bencher: Bencher<'_, '_>, threads: usize) {
    bench(bencher, Settings::default(), threads);
}
