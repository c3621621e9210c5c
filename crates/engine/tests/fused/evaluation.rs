//! Evaluation of any number of rows at any time, and buffers that grow.

use crate::case::{Case, all_of};
use crate::close::{Tolerance, assert_same, assert_within};
use crate::data::Kind;
use crate::step;
use relumine_engine::Step;
use serde_json::json;

const WHOLE: usize = step::EVALUATION_ROWS;

fn cases() -> Vec<Case> {
    let settings = json!({ "learning_rate": 0.01, "epsilon": 1e-2, "ema_decay": 0.8 });
    let relu = json!({ "hidden": [129, 65], "dropout": 0.5, "input_dropout": 0.6 });
    let selu = json!({ "hidden": [17], "activation": "selu", "dropout": 0.2, "dropout_kind": "alpha_dropout", "head": "sigmoid" });
    let case = |model, classes, kind| Case::new(model, (3 * WHOLE, 130, classes, kind)).optimizer(&settings);
    let models = [(&relu, 70), (&selu, 2), (&json!({ "hidden": [] }), 10)];
    Kind::ALL.into_iter().flat_map(|kind| models.map(|(model, classes)| case(model, classes, kind))).collect()
}

#[test]
fn any_number_of_rows_has_the_logits_that_each_has_alone() {
    for case in cases() {
        let (mut fused, mut reference) = (case.fused(), case.reference());
        for step in [&mut fused as &mut dyn Step, &mut reference] {
            case.train(step, &[33, 65]);
        }
        assert_eq!(fused.logits(&case.examples, &[]).unwrap(), Vec::<f32>::new(), "{}", case.name);
        for count in [1, WHOLE - 1, WHOLE, WHOLE + 1, 2 * WHOLE + 88] {
            let rows = case.rows(3, count);
            let logits = fused.logits(&case.examples, &rows).unwrap();
            let [ours, theirs] = [&fused as &dyn Step, &reference]
                .map(|step| step.logits(&case.examples, &rows).unwrap().into_iter().map(f64::from).collect::<Vec<_>>());
            let tolerance = Tolerance { absolute: 1e-6, relative: 0.0, of_largest: 1e-5 };
            assert_within(&format!("{}: {count} rows", case.name), &ours, &theirs, tolerance);
            let units = logits.len() / count;
            for (place, row) in rows.iter().enumerate().step_by(37) {
                assert_eq!(fused.logits(&case.examples, &[*row]).unwrap(), logits[place * units..][..units], "{}: row {row}", case.name);
            }
        }
    }
}

#[test]
fn evaluation_before_and_between_steps_changes_no_bit_of_training() {
    for case in cases() {
        let [mut silent, mut asked] = [(); 2].map(|()| case.fused());
        let mut first = 0;
        for count in [33, 1, 200] {
            for rows in [0, 1, WHOLE + 1] {
                asked.logits(&case.examples, &case.rows(9, rows)).unwrap();
            }
            for step in [&mut silent, &mut asked] {
                step.train(&case.examples, &case.rows(first, count)).unwrap();
            }
            first += count;
        }
        let (ours, theirs) = (all_of(&asked), all_of(&silent));
        assert_same(&case.name, &ours.0, &theirs.0);
        assert_same(&case.name, &ours.1, &theirs.1);
        assert_eq!(ours.2, theirs.2, "{}", case.name);
    }
}

/// What a larger batch left in the buffers does not reach a smaller one, and a larger one finds room.
#[test]
fn a_batch_of_any_size_after_any_other_has_the_bits_that_it_has_in_a_fresh_step() {
    for case in cases() {
        let mut used = case.fused();
        for count in [1, 200, 7, 65, 333, 64, 1] {
            let rows = case.rows(count, count);
            let what = format!("{}: {count} rows", case.name);
            assert_same(&what, &used.gradients(&case.examples, &rows).unwrap(), &case.fused().gradients(&case.examples, &rows).unwrap());
            assert_eq!(used.logits(&case.examples, &rows).unwrap(), case.fused().logits(&case.examples, &rows).unwrap(), "{what}");
        }
    }
}

/// As in the reference: the step counts, and nothing else happens.
#[test]
fn a_step_on_no_rows_changes_no_weight() {
    for settings in [json!({ "name": "sgd" }), json!({ "name": "sgd", "clip_norm": 1.0 })] {
        let case = Case::new(&json!({ "hidden": [9] }), (60, 7, 3, Kind::Floats)).optimizer(&settings);
        let (mut fused, mut reference) = (case.fused(), case.reference());
        for step in [&mut fused as &mut dyn Step, &mut reference] {
            case.train(step, &[33]);
            let before = all_of(step);
            step.train(&case.examples, &[]).unwrap();
            assert_same(&case.name, &step.parameters().unwrap(), &before.0);
            assert_eq!((step.steps(), step.totals().unwrap()), (2, before.2), "{}", case.name);
        }
    }
}
