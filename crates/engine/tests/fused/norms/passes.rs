//! One pass: gradients by name, loss, and the logits of evaluation.

use super::case::{Case, ROWS, WIDE};
use crate::close::{Tolerance, assert_close, assert_within};
use relumine_engine::Step;

/// A normalisation magnifies the rounding of what it reads by one over its deviation, and a bias before one over a batch has a gradient of
/// nothing but rounding.
const GRADIENTS: Tolerance = Tolerance { absolute: 3e-7, relative: 0.0, of_largest: 2e-5 };
const LOGITS: Tolerance = Tolerance { absolute: 1e-6, relative: 0.0, of_largest: 1e-5 };

/// Of 73 rows in parts of 24 the last part is one row. After a few steps, so that scales, shifts and running statistics are not where they started.
#[test]
fn gradients_losses_and_evaluation_are_those_of_the_reference() {
    for (number, case) in Case::all(&WIDE).into_iter().enumerate() {
        let micro_batch = [None, None, Some(24), Some(33)][number % 4];
        let case = case.micro_batch(micro_batch);
        let (mut fused, mut reference) = (case.fused(2), case.reference());
        case.train(&mut reference, &[40, 33]);
        fused.load_parameters(&reference.parameters().unwrap()).unwrap();
        fused.load_optimizer_state(&reference.optimizer_state().unwrap()).unwrap();
        for count in [1, 9, 73, ROWS] {
            let what = format!("{}, {count} rows", case.name);
            let rows = case.rows(0, count);
            let [ours, theirs] = [fused.gradients(&case.examples, &rows).unwrap(), reference.gradients(&case.examples, &rows).unwrap()];
            assert_close(&format!("{what}: gradient"), &ours, &theirs, GRADIENTS);
            let logits = |step: &dyn Step| step.logits(&case.examples, &rows).unwrap().into_iter().map(f64::from).collect::<Vec<_>>();
            assert_within(&format!("{what}: logits"), &logits(&fused), &logits(&reference), LOGITS);
        }
        assert_close(
            &case.name,
            &fused.parameters().unwrap(),
            &reference.parameters().unwrap(),
            Tolerance { absolute: 0.0, relative: 0.0, of_largest: 1e-300 },
        );
    }
}
