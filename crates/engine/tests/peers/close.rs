//! Comparison with a peer's numbers.

use candle_core::{DType, Tensor};
use relumine_engine::NamedTensors;
use serde_json::Value;

const ABSOLUTE: f64 = 1e-6;
const RELATIVE: f64 = 1e-5;

pub(crate) fn floats(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|item| item.as_f64().unwrap()).collect()
}

pub(crate) fn values(tensor: &Tensor) -> Vec<f64> {
    tensor.flatten_all().unwrap().to_dtype(DType::F64).unwrap().to_vec1().unwrap()
}

/// `|ours - theirs| <= absolute + relative |theirs|` for every element; the worst one is named.
pub(crate) fn assert_within(what: &str, ours: &[f64], theirs: &[f64], absolute: f64, relative: f64) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    let share = |index: &usize| (ours[*index] - theirs[*index]).abs() / (absolute + relative * theirs[*index].abs());
    let worst = (0..ours.len()).max_by(|a, b| share(a).total_cmp(&share(b))).unwrap();
    let share = share(&worst);
    assert!(share <= 1.0, "{what}: element {worst} is {}, the peer has {}: {share} times the tolerance", ours[worst], theirs[worst]);
}

/// What 32 bits can be held to.
pub(crate) fn assert_close(what: &str, ours: &[f64], theirs: &[f64]) {
    assert_within(what, ours, theirs, ABSOLUTE, RELATIVE);
}

/// Every tensor by its name, and none on one side alone.
pub(crate) fn assert_all_close(what: &str, ours: &NamedTensors, theirs: &Value) {
    let theirs = theirs.as_object().unwrap();
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>(), "{what}");
    for (name, tensor) in ours {
        assert_close(&format!("{what}, {name}"), &values(tensor), &floats(&theirs[name]));
    }
}
