//! Comparison of two steps' numbers.

use candle_core::{DType, Tensor};
use relumine_engine::NamedTensors;

/// `|ours - theirs| <= absolute + relative |theirs| + of_largest max |theirs|`, the maximum being over the tensor.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tolerance {
    pub(crate) absolute: f64,
    pub(crate) relative: f64,
    pub(crate) of_largest: f64,
}

pub(crate) fn values(tensor: &Tensor) -> Vec<f64> {
    tensor.flatten_all().unwrap().to_dtype(DType::F64).unwrap().to_vec1().unwrap()
}

/// Every element; the worst one is named.
pub(crate) fn assert_within(what: &str, ours: &[f64], theirs: &[f64], tolerance: Tolerance) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    let largest = theirs.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
    let allowed = |theirs: f64| tolerance.absolute + tolerance.relative * theirs.abs() + tolerance.of_largest * largest;
    // A share that is no number is over every bound.
    let share = |index: &usize| (ours[*index] - theirs[*index]).abs() / allowed(theirs[*index]);
    let Some(worst) = (0..ours.len()).max_by(|a, b| share(a).total_cmp(&share(b))) else { return };
    let share = share(&worst);
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

/// To the bit, signs of zeros included.
pub(crate) fn assert_same(what: &str, ours: &NamedTensors, theirs: &NamedTensors) {
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>(), "{what}");
    for (name, tensor) in ours {
        let (ours, theirs) = (values(tensor), values(&theirs[name]));
        assert_eq!(ours.len(), theirs.len(), "{what}, {name}");
        let differs = ours.iter().zip(&theirs).position(|(ours, theirs)| ours.to_bits() != theirs.to_bits());
        let show = |index: usize| format!("element {index} is {} on one side and {} on the other", ours[index], theirs[index]);
        assert!(differs.is_none(), "{what}, {name}: {}", differs.map(show).unwrap_or_default());
    }
}
