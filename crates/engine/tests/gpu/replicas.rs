//! Runs side by side, as one leading axis.

use crate::case::{Case, all_of};
use crate::close::assert_same;
use crate::data::Kind;
use crate::step::{gpu, gpu_with};
use candle_core::Device;
use relumine_engine::{GpuReplicas, GpuStep, Step, StepError};
use relumine_kernels::gpu::{Gpu, Order};
use relumine_model::{Architecture, ModelConfig};
use serde_json::{Value, json};

/// Different seeds, rates of dropout, noise and learning, and initialisers. All drop some hidden units: a replica that drops none would add
/// its biases within the products if it were alone, and round otherwise.
fn cases(common: &Value) -> Vec<Case> {
    let settings = [
        (json!({ "dropout": 0.5 }), json!({ "learning_rate": 0.01, "ema_decay": 0.5 })),
        (json!({ "dropout": 0.2, "noise": 0.1, "init": "he_normal" }), json!({ "learning_rate": 0.002, "ema_decay": 0.9, "l2": 0.01 })),
        (json!({ "dropout": 0.1, "input_dropout": 0.3 }), json!({ "weight_decay": 0.1, "ema_decay": 0.5, "schedule": "one_cycle" })),
        (json!({ "dropout": 0.4 }), json!({ "betas": [0.8, 0.99], "ema_decay": 0.5 })),
    ];
    let case = |(seed, (own, optimizer)): (u64, (Value, Value))| {
        let mut model = json!({ "hidden": [70, 33] });
        for part in [common, &own] {
            model.as_object_mut().unwrap().extend(part.as_object().unwrap().clone());
        }
        let mut case = Case::new(&model, (300, 65, 3, Kind::SparseBytes)).optimizer(&optimizer);
        case.training.seed = seed;
        case
    };
    (10_u64..).zip(settings).map(case).collect()
}

fn side_by_side(cases: &[Case]) -> Result<GpuReplicas, StepError> {
    side_by_side_on(gpu(Order::Forward), cases)
}

fn side_by_side_on(gpu: Box<dyn Gpu>, cases: &[Case]) -> Result<GpuReplicas, StepError> {
    let all: Vec<_> = cases.iter().map(|case| (case.architecture.clone(), case.training.clone())).collect();
    GpuReplicas::new(gpu, &all)
}

/// Each replica has an order of its own; the last batch is a tail.
fn batches(replica: usize) -> Vec<Vec<u32>> {
    let batch = |(number, rows): (u32, u32)| (0..rows).map(|row| (row * (replica as u32 + 2) + number * 70) % 300).collect();
    (0..).zip([65, 65, 40, 1]).map(batch).collect()
}

fn train(replicas: &mut GpuReplicas, cases: &[Case]) {
    let all: Vec<_> = (0..cases.len()).map(batches).collect();
    for number in 0..all[0].len() {
        let rows: Vec<&[u32]> = all.iter().map(|batches| batches[number].as_slice()).collect();
        replicas.train(&cases[0].examples, &rows).unwrap();
    }
}

/// To the bit where the same makes the products of one and of all: kernels and the emulator sum them in one order, however many there are.
#[test]
fn each_replica_has_the_bits_of_its_own_single_run() {
    for (common, dense_limit) in [
        (json!({}), 0),
        (json!({}), usize::MAX),
        (json!({ "norm": "batch", "activation": "tanh" }), usize::MAX),
        (json!({ "norm": { "name": "layer", "position": "after_activation" }, "activation": "maxout" }), usize::MAX),
    ] {
        let cases = cases(&common);
        let gpu = || gpu_with(Order::Forward, dense_limit);
        let mut replicas = side_by_side_on(gpu(), &cases).unwrap();
        train(&mut replicas, &cases);
        let results = replicas.results().unwrap();
        let rows = cases[0].rows(5, 130);
        let logits = replicas.logits(&cases[0].examples, &rows).unwrap();
        for (replica, (case, result)) in cases.iter().zip(results).enumerate() {
            let mut alone = GpuStep::new(gpu(), &case.architecture, &case.training, &Device::Cpu).unwrap();
            batches(replica).iter().for_each(|rows| alone.train(&case.examples, rows).unwrap());
            let (parameters, state, totals) = all_of(&alone);
            assert_eq!(result.unwrap(), totals, "{}", case.name);
            assert_same(&case.name, &replicas.parameters(replica).unwrap(), &parameters);
            assert_same(&case.name, &replicas.optimizer_state(replica).unwrap(), &state);
            assert_eq!(logits[replica], alone.logits(&case.examples, &rows).unwrap(), "{}", case.name);
        }
    }
}

#[test]
fn a_replica_that_fails_stops_alone_and_says_why_once() {
    let mut cases = cases(&json!({}));
    cases[1].training.optimizer.learning_rate = Some(1e38);
    let mut replicas = side_by_side(&cases).unwrap();
    train(&mut replicas, &cases);
    let results = replicas.results().unwrap();
    let Err(StepError::NonFiniteLoss { step, .. }) = &results[1] else { unreachable!("{results:?}") };
    let taken = replicas.optimizer_state(1).unwrap()["step"].to_vec1::<i64>().unwrap()[0];
    assert_eq!(*step as i64, taken + 1);
    train(&mut replicas, &cases);
    let steps = |replicas: &mut GpuReplicas, replica| replicas.optimizer_state(replica).unwrap()["step"].to_vec1::<i64>().unwrap()[0];
    for (replica, result) in replicas.results().unwrap().into_iter().enumerate() {
        let expected = if replica == 1 { (65 * taken as u64, taken) } else { (2 * 171, 8) };
        assert_eq!((result.unwrap().rows, steps(&mut replicas, replica)), expected, "replica {replica}");
    }
    // A new epoch does not bring it back.
    replicas.reset_totals().unwrap();
    train(&mut replicas, &cases);
    for (replica, result) in replicas.results().unwrap().into_iter().enumerate() {
        let expected = if replica == 1 { (0, taken) } else { (171, 12) };
        assert_eq!((result.unwrap().rows, steps(&mut replicas, replica)), expected, "replica {replica}");
    }
}

/// More rows than there is room for at first, and not a multiple of anything: each replica's part of an array begins where vectors may.
#[test]
fn batches_of_any_size_lie_where_vectors_may() {
    for settings in [json!({ "norm": "batch", "hidden": [64] }), json!({ "hidden": [64, 33, 65] })] {
        let mut model = json!({ "dropout": 0.5 });
        model.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        let case = Case::new(&model, (1100, 12, 3, Kind::Floats));
        let cases = [(case.architecture.clone(), case.training.clone()), (case.architecture.clone(), case.training.clone())];
        let mut replicas = GpuReplicas::new(gpu(Order::Forward), &cases).unwrap();
        let rows = case.rows(0, 1025);
        replicas.train(&case.examples, &[&rows, &rows]).unwrap();
        let results: Vec<_> = replicas.results().unwrap().into_iter().map(Result::unwrap).collect();
        assert_eq!((results[0], results[0].rows), (results[1], 1025));
        assert_same(&case.name, &replicas.parameters(1).unwrap(), &replicas.parameters(0).unwrap());
    }
}

/// Weights and state that one replica has can be given to another.
#[test]
fn a_replica_goes_on_where_another_was() {
    let mut cases = cases(&json!({}));
    cases.truncate(2);
    (cases[1].architecture, cases[1].training) = (cases[0].architecture.clone(), cases[0].training.clone());
    let mut replicas = side_by_side(&cases).unwrap();
    replicas.train(&cases[0].examples, &[&[1, 2, 3], &[4, 5, 6]]).unwrap();
    let (parameters, state) = (replicas.parameters(0).unwrap(), replicas.optimizer_state(0).unwrap());
    replicas.load_parameters(1, &parameters).unwrap();
    replicas.load_optimizer_state(1, &state).unwrap();
    replicas.reset_totals().unwrap();
    replicas.train(&cases[0].examples, &[&[7, 8], &[7, 8]]).unwrap();
    let results: Vec<_> = replicas.results().unwrap().into_iter().map(Result::unwrap).collect();
    assert_eq!((results[0], results[0].rows), (results[1], 2));
    assert_same("moved", &replicas.parameters(1).unwrap(), &replicas.parameters(0).unwrap());
}

#[test]
fn what_differs_in_more_than_numbers_is_no_replica() {
    let cases = cases(&json!({}));
    let (architecture, config) = (cases[0].architecture.clone(), cases[0].training.clone());
    let network = |model: Value| -> Architecture { serde_json::from_value::<ModelConfig>(model).unwrap().architecture(65, 3).unwrap() };
    let mut others = vec![
        (network(json!({ "hidden": [70, 34] })), config.clone()),
        (network(json!({ "hidden": [70, 33], "activation": "tanh" })), config.clone()),
        (network(json!({ "hidden": [70, 33], "norm": "batch" })), config.clone()),
    ];
    for change in [json!({ "name": "sgd" }), json!({ "clip_norm": 1.0 }), json!({ "max_norm": 1.0 })] {
        let mut other = config.clone();
        other.optimizer = serde_json::from_value(change).unwrap();
        others.push((architecture.clone(), other));
    }
    let mut smoothed = config.clone();
    smoothed.objective.label_smoothing = 0.1;
    others.push((architecture.clone(), smoothed));
    for other in others {
        let error = GpuReplicas::new(gpu(Order::Forward), &[(architecture.clone(), config.clone()), other]).unwrap_err();
        assert!(error.to_string().contains("replicas differ in"), "{error}");
    }
    assert!(GpuReplicas::new(gpu(Order::Forward), &[]).unwrap_err().to_string().contains("no replica"));
}
