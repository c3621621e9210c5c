//! The fused step on a GPU that is there: beside the reference step on the CPU, twice the same bits, and replicas beside single runs. Without a
//! GPU it says so and tests nothing; what the kernels compute is tested in emulation (tests/gpu).

#![cfg(feature = "cuda")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stderr, reason = "what is not tested is said")]

#[path = "fused/close.rs"]
mod close;

use candle_core::Device;
use close::{Tolerance, assert_close, assert_same, assert_within};
use relumine_engine::{
    Examples, FeatureBuffer, GpuReplicas, GpuStep, NamedTensors, Precision, ReferenceStep, Step, StepError, TrainingConfig,
};
use relumine_kernels::gpu::{CudaGpu, DENSE_LIMIT};
use relumine_model::{Architecture, ModelConfig};
use serde_json::json;

const ROWS: usize = 300;
const FEATURES: usize = 100;
const CLASSES: usize = 10;
const BATCHES: [usize; 5] = [128, 128, 33, 1, 128];

fn examples(device: &Device) -> Examples {
    let features = (0..ROWS * FEATURES).map(|i| if i % 3 == 0 { 0 } else { (i * 37 % 251) as u8 }).collect();
    let labels = (0..ROWS).map(|row| (row * 7 % CLASSES) as u32).collect();
    Examples::new(FeatureBuffer::U8(features), &[FEATURES], labels, &[0.0], &[255.0], device).unwrap()
}

fn rows(number: usize, count: usize) -> Vec<u32> {
    (0..count).map(|i| ((i * 7 + number * 50) % ROWS) as u32).collect()
}

fn train(step: &mut dyn Step, examples: &Examples) -> (NamedTensors, NamedTensors) {
    for (number, count) in BATCHES.into_iter().enumerate() {
        step.train(examples, &rows(number, count)).unwrap();
    }
    assert_eq!(step.totals().unwrap().rows, BATCHES.iter().sum::<usize>() as u64);
    (step.parameters().unwrap(), step.optimizer_state().unwrap())
}

fn networks() -> Vec<(Architecture, TrainingConfig)> {
    let models = [
        json!({ "hidden": [256, 256], "dropout": 0.5 }),
        json!({ "hidden": [64, 33] }),
        json!({ "hidden": [70, 33], "activation": "gelu", "noise": 0.1, "input_dropout": 0.2 }),
        json!({ "hidden": [70, 33], "norm": "batch", "activation": "tanh" }),
        json!({ "hidden": [70, 33], "norm": { "name": "layer", "position": "after_activation" }, "activation": "maxout" }),
        json!({ "hidden": [] }),
    ];
    let config = |settings| TrainingConfig { optimizer: serde_json::from_value(settings).unwrap(), seed: 3, ..TrainingConfig::default() };
    let optimizers =
        [json!({ "epsilon": 1e-2, "clip_norm": 1.0, "ema_decay": 0.5 }), json!({ "name": "sgd", "momentum": 0.9, "max_norm": 2.0 })];
    let each = |model| {
        let config_of_model: ModelConfig = serde_json::from_value(model).unwrap();
        let architecture = config_of_model.architecture(FEATURES, CLASSES).unwrap();
        optimizers.clone().map(|settings| (architecture.clone(), config(settings)))
    };
    models.into_iter().flat_map(each).collect()
}

/// The first GPU, or a line that says there is none.
fn device() -> Option<Device> {
    Device::new_cuda(0).inspect_err(|error| eprintln!("NOT TESTED: no CUDA device ({error})")).ok()
}

fn gpu() -> Box<CudaGpu> {
    Box::new(CudaGpu::new(0, Precision::F32).unwrap())
}

/// Sums of products in other orders, through five steps.
const TRAINED: Tolerance = Tolerance { absolute: 1e-5, relative: 0.0, of_largest: 1e-4 };

#[test]
fn training_on_a_gpu_is_that_of_the_reference_and_repeats_to_the_bit() {
    let Some(device) = device() else { return };
    let (on_gpu, on_cpu) = (examples(&device), examples(&Device::Cpu));
    // Small layers by the kernels, and all by the library.
    let all = [DENSE_LIMIT, 0].into_iter().flat_map(|limit| networks().into_iter().map(move |network| (network, limit)));
    for (number, ((architecture, config), limit)) in all.enumerate() {
        let gpu = || Box::new(gpu().with_dense_limit(limit));
        let run = || train(&mut GpuStep::new(gpu(), &architecture, &config, &device).unwrap(), &on_gpu);
        let (first, second) = (run(), run());
        assert_same(&format!("network {number}"), &first.0, &second.0);
        assert_same(&format!("network {number}"), &first.1, &second.1);
        let mut on_the_cpu = ReferenceStep::new(&architecture, &config, &Device::Cpu).unwrap();
        let reference = train(&mut on_the_cpu, &on_cpu);
        let mut step = GpuStep::new(gpu(), &architecture, &config, &device).unwrap();
        step.load_parameters(&reference.0).unwrap();
        let [ours, theirs] = [step.logits(&on_gpu, &rows(0, 130)).unwrap(), on_the_cpu.logits(&on_cpu, &rows(0, 130)).unwrap()];
        let [ours, theirs] = [ours, theirs].map(|logits| logits.into_iter().map(f64::from).collect::<Vec<_>>());
        assert_within(&format!("network {number}: logits"), &ours, &theirs, TRAINED);
        assert_close(&format!("network {number}: weights"), &first.0, &reference.0, TRAINED);
        assert_close(&format!("network {number}: state"), &first.1, &reference.1, TRAINED);
    }
}

#[test]
fn replicas_are_single_runs_up_to_rounding() {
    let Some(device) = device() else { return };
    let examples = examples(&device);
    let (architecture, config) = networks().swap_remove(0);
    let all: Vec<_> = (0..8).map(|seed| (architecture.clone(), TrainingConfig { seed, ..config.clone() })).collect();
    let mut replicas = GpuReplicas::new(gpu(), &all).unwrap();
    for (number, count) in BATCHES.into_iter().enumerate() {
        let rows = rows(number, count);
        replicas.train(&examples, &vec![rows.as_slice(); all.len()]).unwrap();
    }
    assert!(replicas.results().unwrap().iter().all(Result::is_ok));
    for (replica, (architecture, config)) in all.iter().enumerate() {
        let (weights, _) = train(&mut GpuStep::new(gpu(), architecture, config, &device).unwrap(), &examples);
        assert_close(&format!("replica {replica}"), &replicas.parameters(replica).unwrap(), &weights, TRAINED);
    }
}

/// In 40 rows at a time; and what is no number shows, whatever the products make of it.
#[test]
fn micro_batches_and_what_is_no_number_are_those_of_the_reference() {
    let Some(device) = device() else { return };
    let (on_gpu, on_cpu) = (examples(&device), examples(&Device::Cpu));
    let (architecture, config) = networks().swap_remove(2);
    let config = TrainingConfig { micro_batch: Some(40), ..config };
    let ours = train(&mut GpuStep::new(gpu(), &architecture, &config, &device).unwrap(), &on_gpu);
    let theirs = train(&mut ReferenceStep::new(&architecture, &config, &Device::Cpu).unwrap(), &on_cpu);
    assert_close("weights", &ours.0, &theirs.0, TRAINED);
    let features = (0..64 * FEATURES).map(|i| if i == 7 { f32::NAN } else { (i % 11) as f32 / 11.0 }).collect();
    let ruinous = Examples::new(FeatureBuffer::F32(features), &[FEATURES], vec![1; 64], &[0.0], &[1.0], &device).unwrap();
    let mut step = GpuStep::new(gpu(), &architecture, &config, &device).unwrap();
    step.train(&ruinous, &(0..64).collect::<Vec<_>>()).unwrap();
    let error = step.totals().unwrap_err();
    assert!(matches!(error, StepError::NonFiniteLoss { step: 1, .. }), "{error}");
    assert_same(
        "before",
        &step.parameters().unwrap(),
        &GpuStep::new(gpu(), &architecture, &config, &device).unwrap().parameters().unwrap(),
    );
}

/// Rounded factors move a step by less than a hundredth of the largest weight.
#[test]
fn factors_of_fewer_digits_give_about_the_same_step() {
    let Some(device) = device() else { return };
    let examples = examples(&device);
    let (architecture, config) = networks().swap_remove(2);
    let step = |precision| {
        let gpu = Box::new(CudaGpu::new(0, precision).unwrap());
        train(&mut GpuStep::new(gpu, &architecture, &config, &device).unwrap(), &examples).0
    };
    let full = step(Precision::F32);
    for precision in [Precision::Tf32, Precision::Bf16] {
        assert_close(precision.name(), &step(precision), &full, Tolerance { absolute: 1e-4, relative: 0.0, of_largest: 1e-2 });
    }
}
