//! What a step is made of.

use super::*;
use crate::TrainingConfig;
use relumine_kernels::gpu::{Address, DENSE_LIMIT, Emulator, Operation, Order};
use relumine_model::ModelConfig;
use serde_json::{Value, json};

/// The stages by name, with products of so many rounds by kernels of ours; those that go on beside others in brackets.
fn stages(model: Value, optimizer: Value, kind: Kind, dense_limit: usize) -> Vec<String> {
    let model: ModelConfig = serde_json::from_value(model).unwrap();
    let config = TrainingConfig { optimizer: serde_json::from_value(optimizer).unwrap(), ..TrainingConfig::default() };
    let network = Network::new(&[(model.architecture(784, 10).unwrap(), config)]).unwrap();
    let gpu = Emulator::new(Order::Forward).unwrap();
    let memory = Memory::new(&gpu, &network, 2).unwrap();
    let buffers = PassBuffers::new(&gpu, &network, 128, 128).unwrap();
    let nowhere = Address::NONE;
    let source = Places {
        bytes: nowhere,
        numbers: nowhere,
        labels: nowhere,
        offset: nowhere,
        divisor: nowhere,
        constants_per_feature: 0,
        features: 784,
    };
    let name = |operation: &Operation| match operation {
        Operation::Launch { launch, .. } => launch.name(),
        Operation::Product(_) => "product",
    };
    let plan = Plan { network: &network, memory: &memory, buffers: &buffers, source, kind, dense_limit };
    let name_of_stage = |stage: &Stage| match stage {
        Stage::Run(operation) => name(operation).to_owned(),
        Stage::Beside(operation) => format!("({})", name(operation)),
        Stage::Join => "join".into(),
    };
    plan.stages(128).iter().map(name_of_stage).collect()
}

/// What docs/cuda.md counts: 11 nodes, 9 of them one after the other.
#[test]
fn a_step_of_two_hidden_layers_is_eleven_operations() {
    let forward = ["gather", "dense_forward", "dense_forward", "dense_forward"];
    let backward = ["(dense_gradient)", "dense_backward", "(dense_gradient)", "dense_backward", "dense_gradient", "join", "update"];
    for model in [json!({ "hidden": [256, 256], "dropout": 0.5 }), json!({ "hidden": [256, 256] })] {
        let found = stages(model.clone(), json!({}), Kind::Train, DENSE_LIMIT);
        assert_eq!(found, [forward.as_slice(), &["loss"], &backward].concat());
        // Of 1,024 rows at a time, whatever their number.
        let evaluation = ["gather", "product", "activate", "dense_forward", "dense_forward"];
        assert_eq!(stages(model.clone(), json!({}), Kind::Evaluate, DENSE_LIMIT), evaluation);
        assert_eq!(stages(model, json!({}), Kind::Evaluate, usize::MAX), forward);
    }
}

/// 128 rows through 784 x 256 weights take four rounds, and the others one.
#[test]
fn a_layer_that_is_too_large_for_the_kernels_is_made_by_the_library() {
    let found = stages(json!({ "hidden": [256, 256] }), json!({}), Kind::Train, 3);
    let forward = ["gather", "product", "activate", "dense_forward", "dense_forward", "loss"];
    let backward = ["(dense_gradient)", "dense_backward", "(dense_gradient)", "product", "activate_backward", "product", "join", "update"];
    assert_eq!(found, [forward.as_slice(), &backward].concat());
}

#[test]
fn a_step_with_the_librarys_products_is_fifteen_operations() {
    let forward = ["gather", "product", "activate", "product", "activate", "product"];
    let backward = ["(product)", "product", "activate_backward", "(product)", "product", "activate_backward", "product", "join", "update"];
    for model in [json!({ "hidden": [256, 256], "dropout": 0.5 }), json!({ "hidden": [256, 256] })] {
        let found = stages(model.clone(), json!({}), Kind::Train, 0);
        assert_eq!(found, [forward.as_slice(), &["loss"], &backward].concat());
        assert_eq!(stages(model, json!({}), Kind::Evaluate, 0), forward);
    }
}

#[test]
fn clipping_bounds_and_averages_each_take_stages_of_their_own() {
    let optimizer = json!({ "clip_norm": 1.0, "max_norm": 2.0, "ema_decay": 0.9 });
    let found = stages(json!({ "hidden": [256] }), optimizer, Kind::Train, 0);
    assert_eq!(found[found.len() - 6..], ["join", "clip_scale", "update", "bound_norms", "bound_norms", "finish"]);
}
