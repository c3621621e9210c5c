//! Weights and optimiser state by name: saved, moved between steps, and refused.

use crate::case::{Case, all_of};
use crate::close::{Tolerance, assert_close, assert_same, values};
use crate::data::Kind;
use crate::optimizer_names::optimizer_names;
use candle_core::{DType, Device, Tensor};
use relumine_engine::{NamedTensors, Step, StepError};
use serde_json::{Value, json};

/// Every optimiser by its name, and with the settings that give it more to remember; each with an average and without.
fn settings() -> Vec<Value> {
    let others = [
        json!({ "name": "sgd", "momentum": 0.9, "nesterov": true, "momentum_schedule": "one_cycle", "schedule": "one_cycle" }),
        json!({ "name": "adam", "momentum_schedule": "one_cycle", "weight_decay": 0.1, "schedule": "one_cycle" }),
        json!({ "name": "rmsprop", "centered": true, "momentum": 0.9 }),
        json!({ "name": "adagrad", "initial_accumulator_value": 0.1 }),
        json!({ "name": "lion", "weight_decay": 0.1, "max_norm": 1.0, "clip_norm": 0.1 }),
    ];
    let all = optimizer_names().into_iter().map(|name| json!({ "name": name })).chain(others);
    all.flat_map(|settings| {
        let mut averaged = settings.clone();
        averaged["ema_decay"] = json!(0.5);
        [settings, averaged]
    })
    .collect()
}

fn case(settings: &Value) -> Case {
    let model = json!({ "hidden": [70, 17], "dropout": 0.4, "input_dropout": 0.1 });
    Case::new(&model, (130, 33, 10, Kind::SparseBytes)).optimizer(settings)
}

/// Two steps, so that an average is not the newest weights, and then two more.
const BEFORE: [usize; 2] = [65, 40];
const AFTER: [usize; 2] = [128, 1];

fn move_to(to: &mut dyn Step, from: &dyn Step) {
    to.load_parameters(&from.parameters().unwrap()).unwrap();
    to.load_optimizer_state(&from.optimizer_state().unwrap()).unwrap();
}

#[test]
fn parameters_and_optimiser_state_moved_by_name_go_on_with_the_same_bits() {
    for settings in settings() {
        let case = case(&settings);
        let (mut whole, mut resumed) = (case.fused(), case.fused());
        case.train(&mut whole, &BEFORE);
        // What a step has seen before it takes over must not matter.
        case.train(&mut resumed, &[33]);
        move_to(&mut resumed, &whole);
        assert_eq!(resumed.steps(), 2);
        whole.reset_totals().unwrap();
        resumed.reset_totals().unwrap();
        case.train(&mut whole, &AFTER);
        case.train(&mut resumed, &AFTER);
        let ((parameters, state, totals), (resumed_parameters, resumed_state, resumed_totals)) = (all_of(&whole), all_of(&resumed));
        assert_same(&case.name, &resumed_parameters, &parameters);
        assert_same(&case.name, &resumed_state, &state);
        assert_eq!(resumed_totals, totals);
        let rows = case.rows(0, 70);
        assert_eq!(resumed.logits(&case.examples, &rows).unwrap(), whole.logits(&case.examples, &rows).unwrap());
    }
}

/// What is moved is the same to the bit, and what follows is within rounding: of one step, so that nothing is blown up.
#[test]
fn each_step_goes_on_where_the_other_was() {
    let tolerance = Tolerance { absolute: 1e-6, relative: 1e-5, of_largest: 1e-5 };
    for mut settings in settings() {
        if !["sgd", "lion"].contains(&settings["name"].as_str().unwrap()) {
            settings["epsilon"] = json!(1e-2);
        }
        let case = case(&settings);
        let (mut fused, mut reference) = (case.fused(), case.reference());
        for fused_first in [true, false] {
            let (from, to): (&mut dyn Step, &mut dyn Step) =
                if fused_first { (&mut fused, &mut reference) } else { (&mut reference, &mut fused) };
            case.train(from, &BEFORE);
            move_to(to, from);
            assert_same(&case.name, &to.parameters().unwrap(), &from.parameters().unwrap());
            assert_same(&case.name, &to.optimizer_state().unwrap(), &from.optimizer_state().unwrap());
            assert_eq!((to.steps(), to.learning_rate()), (from.steps(), from.learning_rate()));
            case.train(from, &[65]);
            case.train(to, &[65]);
            assert_close(&format!("{}: trained", case.name), &fused.parameters().unwrap(), &reference.parameters().unwrap(), tolerance);
            assert_close(
                &format!("{}: state", case.name),
                &fused.optimizer_state().unwrap(),
                &reference.optimizer_state().unwrap(),
                tolerance,
            );
        }
    }
}

/// A state, changed in one way that makes it another's.
fn broken(state: &NamedTensors) -> Vec<(&'static str, NamedTensors)> {
    let slot = state.keys().find(|name| name.starts_with("layers.1.weight.")).unwrap().clone();
    let change = |what, change: &dyn Fn(&mut NamedTensors)| {
        let mut state = state.clone();
        change(&mut state);
        (what, state)
    };
    vec![
        change("has", &|state| drop(state.remove(&slot))),
        change("has", &|state| drop(state.insert("layers.9.weight.exp_avg".into(), state[&slot].clone()))),
        change("lacks layers.1.weight.", &|state| {
            let tensor = state.remove(&slot).unwrap();
            state.insert("layers.9.weight.exp_avg".into(), tensor);
        }),
        change("of shape", &|state| drop(state.insert(slot.clone(), state[&slot].t().unwrap().contiguous().unwrap()))),
        change("lacks its step counter", &|state| {
            let step = state.remove("step").unwrap();
            state.insert("steps".into(), step);
        }),
        change("broken step counter", &|state| drop(state.insert("step".into(), Tensor::new(&[-1_i64], &Device::Cpu).unwrap()))),
    ]
}

#[test]
fn a_foreign_optimiser_state_is_refused_and_changes_nothing() {
    for settings in [json!({ "name": "adam" }), json!({ "name": "adam", "ema_decay": 0.5 }), json!({ "name": "sgd", "momentum": 0.9 })] {
        let case = case(&settings);
        let mut step = case.fused();
        case.train(&mut step, &BEFORE);
        let before = all_of(&step);
        // Another's numbers, so that what is taken from a refused state would show.
        let mut other = case.fused();
        case.train(&mut other, &AFTER);
        let others = [json!({ "name": "lion", "ema_decay": 0.5 }), json!({ "name": "rmsprop", "centered": true, "momentum": 0.9 })];
        let others = others.map(|settings| ("", self::case(&settings).fused().optimizer_state().unwrap()));
        for (problem, state) in broken(&other.optimizer_state().unwrap()).into_iter().chain(others) {
            let error = step.load_optimizer_state(&state).unwrap_err();
            assert!(
                matches!(&error, StepError::ForeignState { problem: found } if found.contains(problem)),
                "{settings}, {problem}: {error}"
            );
            let after = all_of(&step);
            assert_same(problem, &after.0, &before.0);
            assert_same(problem, &after.1, &before.1);
            assert_eq!(step.steps(), 2);
        }
    }
}

#[test]
fn foreign_weights_are_refused_and_change_nothing() {
    for settings in [json!({}), json!({ "ema_decay": 0.5 })] {
        let case = case(&settings);
        let mut step = case.fused();
        case.train(&mut step, &BEFORE);
        let before = all_of(&step);
        let weights: NamedTensors = step.parameters().unwrap().into_iter().map(|(name, tensor)| (name, (tensor + 1.0).unwrap())).collect();
        let (mut missing, mut extra, mut misshapen) = (weights.clone(), weights.clone(), weights.clone());
        missing.remove("layers.2.bias");
        extra.insert("layers.3.bias".into(), Tensor::zeros(10, DType::F32, &Device::Cpu).unwrap());
        misshapen.insert("layers.2.weight".into(), weights["layers.2.weight"].t().unwrap().contiguous().unwrap());
        for (name, tensors) in [("layers.2.bias", missing), ("layers.3.bias", extra), ("layers.2.weight", misshapen)] {
            let error = step.load_parameters(&tensors).unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
            let after = all_of(&step);
            assert_same(name, &after.0, &before.0);
            assert_same(name, &after.1, &before.1);
        }
        // What is taken is taken whole: the weights that are trained, which the state has, and those that evaluation uses.
        step.load_parameters(&weights).unwrap();
        assert_same("evaluated", &step.parameters().unwrap(), &weights);
        for (name, tensor) in step.optimizer_state().unwrap() {
            if let Some(name) = name.strip_suffix(".live") {
                assert_eq!(values(&tensor), values(&weights[name]), "{name}");
            }
        }
    }
}
