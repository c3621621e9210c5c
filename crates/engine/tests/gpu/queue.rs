//! Steps that were asked for before anybody looked how those before them went.

use crate::case::{Case, all_of};
use crate::close::assert_same;
use crate::data::Kind;
use candle_core::Device;
use relumine_engine::metrics::Totals;
use relumine_engine::{Examples, FeatureBuffer, Step, StepError};
use serde_json::{Value, json};

const FEATURES: usize = 33;

/// Rows 0 to 63; the features of row 50 are infinite.
fn examples() -> Examples {
    let feature = |i: usize| if i / FEATURES == 50 { f32::INFINITY } else { (i * 37 % 11) as f32 / 11.0 - 0.3 };
    let features = FeatureBuffer::F32((0..64 * FEATURES).map(feature).collect());
    Examples::new(features, &[FEATURES], (0..64).map(|row| row % 3).collect(), &[0.0], &[1.0], &Device::Cpu).unwrap()
}

fn case(settings: &Value) -> Case {
    let model = json!({ "hidden": [70, 17], "dropout": 0.4, "norm": "batch" });
    let mut case = Case::new(&model, (1, FEATURES, 3, Kind::Floats)).optimizer(settings);
    case.examples = examples();
    case
}

/// Rows from `first` on, with row 50 among those of 48 and none else.
fn batch(first: u32) -> Vec<u32> {
    (first..first + 12).map(|row| row % 64).collect()
}

/// Step 71 fails, in the second lot of batches that are handed over; three sound ones have been asked for after it.
#[test]
fn nothing_changes_after_a_step_that_failed_and_the_rows_that_followed_were_not_seen() {
    for settings in [json!({}), json!({ "name": "sgd", "momentum": 0.9, "clip_norm": 1.0 }), json!({ "ema_decay": 0.5, "max_norm": 1.0 })] {
        let case = case(&settings);
        let [mut disturbed, mut undisturbed] = [(); 2].map(|()| case.fused());
        for step in [&mut disturbed, &mut undisturbed] {
            (0..70).for_each(|number| step.train(&case.examples, &batch(number % 30)).unwrap());
        }
        for first in [48, 1, 2, 3] {
            disturbed.train(&case.examples, &batch(first)).unwrap();
        }
        assert_eq!(disturbed.steps(), 74, "those that were asked for");
        let error = disturbed.totals().unwrap_err();
        assert!(matches!(error, StepError::NonFiniteLoss { step: 71, .. }), "{}: {error}", case.name);
        assert_eq!((disturbed.steps(), undisturbed.steps()), (70, 70), "{}", case.name);
        for _ in 0..2 {
            let (ours, theirs) = (all_of(&disturbed), all_of(&undisturbed));
            assert_same(&case.name, &ours.0, &theirs.0);
            assert_same(&case.name, &ours.1, &theirs.1);
            assert_eq!(ours.2, theirs.2, "{}", case.name);
            // And it goes on from there.
            for step in [&mut disturbed, &mut undisturbed] {
                step.train(&case.examples, &batch(5)).unwrap();
            }
        }
    }
}

/// More steps than are handed over at a time, of two lengths, on two sets of examples.
#[test]
fn many_steps_are_the_same_whether_or_not_somebody_looks_between_them() {
    let [case, other] = [150, 170].map(|rows| Case::new(&json!({ "hidden": [33], "dropout": 0.5 }), (rows, 17, 3, Kind::SparseBytes)));
    let [mut silent, mut asked] = [(); 2].map(|()| case.fused());
    let mut totals = Totals::default();
    for number in 0..150 {
        let count = if number % 10 == 9 { 7 } else { 20 };
        let examples = if number / 45 == 1 { &other.examples } else { &case.examples };
        for step in [&mut silent, &mut asked] {
            step.train(examples, &case.rows(number * 20, count)).unwrap();
        }
        totals = asked.totals().unwrap();
        asked.logits(examples, &[1, 2, 3]).unwrap();
    }
    let (ours, theirs) = (all_of(&silent), all_of(&asked));
    assert_same("weights", &ours.0, &theirs.0);
    assert_same("state", &ours.1, &theirs.1);
    assert_eq!((ours.2, theirs.2), (totals, totals));
}
