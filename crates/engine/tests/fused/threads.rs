//! The same bits at any number of threads, and again.

use crate::case::{Case, all_of};
use crate::close::assert_same;
use crate::data::Kind;
use relumine_engine::metrics::Totals;
use relumine_engine::{NamedTensors, Step};
use serde_json::{Value, json};

/// Wide, narrow and deep networks on dense and sparse features, with what divides its work in ways of its own.
fn cases() -> Vec<Case> {
    let wide = json!({ "hidden": [256, 256], "dropout": 0.5 });
    let odd = json!({ "hidden": [129, 65, 33, 17], "activation": "gelu", "input_dropout": 0.2 });
    let narrow = json!({ "hidden": [7, 1, 16], "activation": "hard_sigmoid", "head": "sigmoid", "dropout": 0.2 });
    let selu = json!({ "hidden": [70], "activation": "selu", "dropout": 0.1, "dropout_kind": "alpha_dropout" });
    let adam = json!({ "ema_decay": 0.8, "max_norm": 0.9 });
    let sgd = json!({ "name": "sgd", "learning_rate": 0.05, "momentum": 0.9, "nesterov": true, "l1": 0.001, "clip_norm": 0.5 });
    let rmsprop = json!({ "name": "rmsprop", "momentum": 0.8, "centered": true, "weight_decay": 0.1, "clip_value": 0.1 });
    let mut cases = Vec::new();
    for kind in Kind::ALL {
        let case =
            |model: &Value, features, classes, settings: &Value| Case::new(model, (300, features, classes, kind)).optimizer(settings);
        cases.push(case(&wide, 784, 10, &adam));
        cases.push(case(&odd, 130, 70, &sgd));
        cases.push(case(&narrow, 33, 2, &rmsprop).objective(0.1, Some(&[0.5, 2.0])));
        cases.push(case(&selu, 65, 3, &adam).micro_batch(Some(33)));
        cases.push(case(&json!({ "hidden": [] }), 784, 10, &sgd));
    }
    cases
}

/// All that a step knows in the end, and what it says about some rows.
struct Outcome {
    numbers: (u64, Totals, Vec<u32>),
    tensors: [NamedTensors; 3],
}

/// Batches with tails.
fn run(case: &Case) -> Outcome {
    let mut step = case.fused();
    case.train(&mut step, &[128, 200, 65, 1, 33]);
    let logits = step.logits(&case.examples, &case.rows(0, 299)).unwrap().into_iter().map(f32::to_bits).collect();
    let (parameters, state, totals) = all_of(&step);
    let gradients = step.gradients(&case.examples, &case.rows(5, 129)).unwrap();
    Outcome { numbers: (totals.loss.to_bits(), totals, logits), tensors: [parameters, state, gradients] }
}

#[test]
fn any_number_of_threads_gives_the_same_bits_and_so_does_another_run() {
    for mut case in cases() {
        case.training.threads = 1;
        let first = run(&case);
        for threads in [1, 2, 3, 4, 0] {
            case.training.threads = threads;
            let (what, again) = (format!("{} with {threads} threads", case.name), run(&case));
            assert_eq!(again.numbers, first.numbers, "{what}");
            for (ours, first) in again.tensors.iter().zip(&first.tensors) {
                assert_same(&what, ours, first);
            }
        }
    }
}

/// Otherwise the same bits would prove nothing.
#[test]
fn another_seed_gives_other_bits() {
    let mut case = Case::new(&json!({ "hidden": [9] }), (60, 7, 3, Kind::Floats));
    let first = run(&case).numbers;
    case.training.seed += 1;
    assert_ne!(run(&case).numbers, first);
}
