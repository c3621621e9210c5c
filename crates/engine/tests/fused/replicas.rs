//! Runs side by side.

use crate::case::{Case, all_of};
use crate::close::assert_same;
use crate::data::Kind;
use relumine_engine::{Replicas, Step, StepError};
use serde_json::json;

/// Different seeds, widths, dropout rates, activations and optimisers on the same examples.
fn cases() -> Vec<Case> {
    let sgd = json!({ "name": "sgd", "learning_rate": 0.05, "momentum": 0.9 });
    let models = [
        json!({ "hidden": [33, 17], "dropout": 0.5 }),
        json!({ "hidden": [33, 17], "dropout": 0.2 }),
        json!({ "hidden": [64], "activation": "tanh", "norm": "batch" }),
        json!({ "hidden": [5, 5, 5], "init": "he_normal" }),
        json!({ "hidden": [] }),
    ];
    let case = |(seed, model)| {
        let mut case = Case::new(&model, (300, 65, 3, Kind::ALL[0]));
        case.training.seed = seed;
        if seed % 2 == 0 { case } else { case.optimizer(&sgd) }
    };
    (10_u64..).zip(models).map(case).collect()
}

/// Each replica has an order of its own.
fn batches(replica: usize) -> Vec<Vec<u32>> {
    (0..4).map(|batch| (0..65).map(|row| (row * (replica as u32 + 2) + batch * 70) % 300).collect()).collect()
}

#[test]
fn each_replica_has_the_bits_of_its_own_single_run() {
    let cases = cases();
    let each: Vec<_> = cases.iter().map(|case| (case.architecture.clone(), case.training.clone())).collect();
    for threads in [1, 2, 3] {
        let all: Vec<Vec<Vec<u32>>> = (0..cases.len()).map(batches).collect();
        let mut replicas = Replicas::new(&each, threads).unwrap();
        let results = replicas.train(&cases[0].examples, |replica| all[replica].iter().map(Vec::as_slice));
        assert!(results.iter().all(Result::is_ok));
        for ((case, replica), batches) in cases.iter().zip(replicas.steps()).zip(&all) {
            let mut alone = case.fused();
            batches.iter().for_each(|rows| alone.train(&case.examples, rows).unwrap());
            let (ours, single) = (all_of(replica), all_of(&alone));
            assert_eq!(ours.2, single.2, "{}", case.name);
            assert_same(&case.name, &ours.0, &single.0);
            assert_same(&case.name, &ours.1, &single.1);
        }
    }
}

#[test]
fn a_replica_that_fails_stops_alone() {
    let mut cases = cases();
    cases[1].training.optimizer.learning_rate = Some(1e38);
    let each: Vec<_> = cases.iter().map(|case| (case.architecture.clone(), case.training.clone())).collect();
    let all: Vec<Vec<Vec<u32>>> = (0..cases.len()).map(batches).collect();
    let mut replicas = Replicas::new(&each, 2).unwrap();
    let results = replicas.train(&cases[0].examples, |replica| all[replica].iter().map(Vec::as_slice));
    for (replica, (result, step)) in results.iter().zip(replicas.steps()).enumerate() {
        assert_eq!(matches!(result, Err(StepError::NonFiniteLoss { .. })), replica == 1, "replica {replica}: {result:?}");
        assert_eq!(step.steps() == 4, replica != 1);
    }
}
