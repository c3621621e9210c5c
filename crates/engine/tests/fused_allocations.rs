//! A step of the fused kind allocates nothing once its buffers are there. The one test of its binary, for an allocator counts for all.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(unsafe_code, reason = "an allocator is unsafe by its nature")]

use candle_core::Device;
use relumine_engine::{
    AugmentConfig, Augmentation, Elastic, Examples, FeatureBuffer, FusedStep, Horizon, OptimizerConfig, Step, TrainingConfig,
};
use relumine_model::ModelConfig;
use serde_json::{Value, json};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};

/// The system's allocator, which counts the requests of all threads.
struct Counting;

static REQUESTS: AtomicU64 = AtomicU64::new(0);

// SAFETY: everything is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        REQUESTS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        REQUESTS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, start: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        REQUESTS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.realloc(start, layout, size) }
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(start, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Requests while `work` runs.
fn requests(work: impl FnOnce()) -> u64 {
    let before = REQUESTS.load(Ordering::Relaxed);
    work();
    REQUESTS.load(Ordering::Relaxed) - before
}

const ROWS: usize = 200;
const FEATURES: usize = 130;

fn examples(features: FeatureBuffer) -> Examples {
    let labels = (0..ROWS as u32).map(|row| row % 10).collect();
    Examples::new(features, &[FEATURES], labels, &[0.0], &[255.0], &Device::Cpu).unwrap()
}

fn step(model: &Value, settings: &Value, augmentation: Option<Augmentation>, micro_batch: Option<usize>, threads: usize) -> FusedStep {
    let model: ModelConfig = serde_json::from_value(model.clone()).unwrap();
    let optimizer: OptimizerConfig = serde_json::from_value(settings.clone()).unwrap();
    optimizer.validate().unwrap();
    let horizon = Horizon { steps_per_epoch: 5, total_steps: 12 };
    let training = TrainingConfig { optimizer, augmentation, micro_batch, threads, horizon, ..TrainingConfig::default() };
    FusedStep::new(&model.architecture(FEATURES, 10).unwrap(), &training, &Device::Cpu).unwrap()
}

fn settings() -> Vec<Value> {
    let names = ["sgd", "adam", "adamw", "rmsprop", "adagrad", "adadelta", "nadam", "lion"];
    let others = [
        json!({ "l1": 0.001, "l2": 0.001, "clip_norm": 0.5, "max_norm": 0.9, "ema_decay": 0.9, "schedule": "cosine" }),
        json!({ "name": "sgd", "momentum": 0.9, "momentum_schedule": "one_cycle", "schedule": "one_cycle", "clip_value": 0.1 }),
        json!({ "name": "rmsprop", "momentum": 0.9, "centered": true, "weight_decay": 0.1 }),
    ];
    names.into_iter().map(|name| json!({ "name": name })).chain(others).collect()
}

/// The examples as images of 13 x 5 pixels of 2 values: moved, and distorted as well.
fn augmentations() -> [Option<Augmentation>; 2] {
    let affine = AugmentConfig { shift: 2.0, rotation: 10.0, scale: 0.1, ..AugmentConfig::default() };
    let elastic = AugmentConfig { elastic: Some(Elastic { alpha: 34.0, sigma: 4.0 }), ..affine };
    [affine, elastic].map(|config| config.for_examples(&[13, 5, 2]).unwrap())
}

#[test]
fn ten_steps_after_two_allocate_nothing() {
    assert!(requests(|| drop(std::hint::black_box(vec![1_u8; 100]))) > 0, "the counter counts");
    let byte = |i: usize| (i * 37 % 256) as u8 * u8::from(i.is_multiple_of(5));
    let bytes = examples(FeatureBuffer::U8((0..ROWS * FEATURES).map(byte).collect()));
    let floats = examples(FeatureBuffer::F32((0..ROWS * FEATURES).map(|i| (i * 37 % 256) as f32).collect()));
    let rows: Vec<u32> = (0..ROWS as u32).collect();
    let relu = json!({ "hidden": [129, 65], "dropout": 0.5, "input_dropout": 0.2 });
    let selu = json!({ "hidden": [65], "activation": "selu", "dropout": 0.2, "dropout_kind": "alpha_dropout" });
    let plain = settings().into_iter().map(|settings| (settings, None));
    let augmented = augmentations().into_iter().map(|augmentation| (json!({ "name": "adam" }), augmentation));
    for (settings, augmentation) in plain.chain(augmented) {
        for model in [&relu, &selu, &json!({ "hidden": [] })] {
            for (micro_batch, threads) in [(None, 1), (None, 3), (Some(33), 2)] {
                for examples in [&bytes, &floats] {
                    let mut step = step(model, &settings, augmentation, micro_batch, threads);
                    step.train(examples, &rows).unwrap();
                    step.train(examples, &rows[..128]).unwrap();
                    // A worker that the system has not begun yet allocates when it begins, in one window at the most.
                    let fewest = (0..threads).map(|_| {
                        requests(|| {
                            for count in [200, 128, 1, 65, 200, 200, 33, 128, 7, 200] {
                                step.train(examples, &rows[..count]).unwrap();
                            }
                        })
                    });
                    assert_eq!(fewest.min(), Some(0), "{settings}, {model}, {micro_batch:?} rows at a time, {threads} threads");
                }
            }
        }
    }
}
