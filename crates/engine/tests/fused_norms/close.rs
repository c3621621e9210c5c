//! Comparison of two steps' tensors.

use candle_core::{DType, Tensor};
use relumine_engine::NamedTensors;

/// `|ours - theirs| <= absolute + of_largest max |theirs|`, the maximum being over the tensor.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tolerance {
    pub(crate) absolute: f64,
    pub(crate) of_largest: f64,
}

pub(crate) fn values(tensor: &Tensor) -> Vec<f64> {
    tensor.flatten_all().unwrap().to_dtype(DType::F64).unwrap().to_vec1().unwrap()
}

/// Every element; the worst one is named.
pub(crate) fn assert_within(what: &str, ours: &[f64], theirs: &[f64], tolerance: Tolerance) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    let largest = theirs.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
    let allowed = tolerance.absolute + tolerance.of_largest * largest;
    let difference = |index: &usize| (ours[*index] - theirs[*index]).abs();
    let Some(worst) = (0..ours.len()).max_by(|a, b| difference(a).total_cmp(&difference(b))) else { return };
    let share = difference(&worst) / allowed;
    assert!(share <= 1.0, "{what}: element {worst} is {}, the reference has {}: {share} times the tolerance", ours[worst], theirs[worst]);
}

/// Every tensor by its name, and none on one side alone.
pub(crate) fn assert_close(what: &str, ours: &NamedTensors, theirs: &NamedTensors, tolerance: Tolerance) {
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>(), "{what}");
    for (name, tensor) in ours {
        assert_eq!(tensor.dims(), theirs[name].dims(), "{what}, {name}");
        assert_within(&format!("{what}, {name}"), &values(tensor), &values(&theirs[name]), tolerance);
    }
}
