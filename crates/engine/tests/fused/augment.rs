//! Images that are changed at random: the same ones for both steps, and all else as without.

use crate::case::{Case, all_of};
use crate::close::{Tolerance, assert_close, assert_same, values};
use crate::data::Kind;
use relumine_engine::{AugmentConfig, Elastic, ReferenceStep, Step};
use relumine_kernels::augment::Place;
use relumine_kernels::gather::{Scaling, Source};
use relumine_kernels::{Panels, Team};
use serde_json::json;

/// As for passes and training without augmentation: both steps read the same numbers.
const ROUNDING: Tolerance = Tolerance { absolute: 1e-7, relative: 0.0, of_largest: 1e-5 };
const TRAINED: Tolerance = Tolerance { absolute: 3e-6, relative: 1e-5, of_largest: 0.0 };

/// Height, width, channels.
const SHAPES: [[usize; 3]; 6] = [[28, 28, 1], [1, 1, 1], [1, 17, 1], [9, 5, 3], [16, 33, 1], [7, 1, 2]];

fn config() -> AugmentConfig {
    AugmentConfig { shift: 0.9, rotation: 15.0, scale: 0.2, elastic: Some(Elastic { alpha: 10.0, sigma: 2.0 }), fill: 0.0 }
}

/// A network with dropout on images, with both kinds of changes or the affine ones alone.
fn case(shape: [usize; 3], kind: Kind, config: AugmentConfig) -> Case {
    let features = shape.iter().product();
    let model = json!({ "hidden": [70, 20], "dropout": 0.4, "input_dropout": 0.1, "activation": "silu" });
    let mut case = Case::new(&model, (90, features, 3, kind)).optimizer(&json!({ "epsilon": 1e-2 }));
    case.training.augmentation = config.for_examples(&shape).unwrap();
    assert!(case.training.augmentation.is_some());
    case.name = format!("{}, images {shape:?}, {config:?}", case.name);
    case
}

fn cases() -> impl Iterator<Item = Case> {
    let affine = AugmentConfig { elastic: None, fill: 30.0, ..config() };
    let kinds = [Kind::SparseBytes, Kind::StandardBytes, Kind::Floats];
    SHAPES
        .into_iter()
        .flat_map(move |shape| kinds.into_iter().flat_map(move |kind| [config(), affine].map(|config| case(shape, kind, config))))
}

#[test]
fn both_steps_have_the_same_gradients_and_train_the_same_weights() {
    for case in cases() {
        for micro_batch in [None, Some(13)] {
            let case = case_of(&case).micro_batch(micro_batch);
            let (mut fused, mut reference) = (case.fused(), case.reference());
            let rows = case.rows(0, 65);
            let [ours, theirs] = [fused.gradients(&case.examples, &rows).unwrap(), reference.gradients(&case.examples, &rows).unwrap()];
            assert_close(&format!("{}: gradient", case.name), &ours, &theirs, ROUNDING);
            case.train(&mut fused, &[40, 65, 33, 1, 40]);
            case.train(&mut reference, &[40, 65, 33, 1, 40]);
            assert_close(&format!("{}: trained", case.name), &fused.parameters().unwrap(), &reference.parameters().unwrap(), TRAINED);
        }
    }
}

/// The same network on the same examples.
fn case_of(case: &Case) -> Case {
    Case {
        name: case.name.clone(),
        architecture: case.architecture.clone(),
        training: case.training.clone(),
        examples: case.examples.clone(),
    }
}

/// To the bit.
#[test]
fn both_steps_read_the_same_numbers() {
    for shape in SHAPES {
        let augmentation = config().for_examples(&shape).unwrap().unwrap();
        let (features, rows) = (shape.iter().product(), [8, 0, 3, 3, 89]);
        for kind in [Kind::Bytes, Kind::SparseFloats] {
            let case = case(shape, kind, config());
            let place = Place { step: 7, first_row: 2 };
            let mut team = Team::new(2);
            let (theirs, _) = case.examples.augmented_batch(&augmentation.augmenter(3, 2), &mut team, &rows, place).unwrap();
            let theirs: Vec<u64> = values(&theirs).into_iter().map(f64::to_bits).collect();
            let (untouched, _) = case.examples.batch(&(0..90).collect::<Vec<u32>>()).unwrap();
            // Bytes are found again from what they were divided by.
            let (divisor, round): (f32, fn(f32) -> f32) = if kind == Kind::Bytes { (255.0, f32::round) } else { (1.0, |value| value) };
            let raw: Vec<f32> = values(&untouched).into_iter().map(|value| round(value as f32 * divisor)).collect();
            let mut out = Panels::zeros(5, features);
            let from = (Source::F32(&raw), &Scaling::new(vec![0.0], vec![divisor]));
            augmentation.augmenter(3, 1).gather(&mut team, from, &rows, place, &mut out);
            let ours: Vec<u64> = out.to_rows(5).into_iter().map(|value| f64::from(value).to_bits()).collect();
            assert_eq!(ours, theirs, "{shape:?}, {kind:?}");
        }
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    for shape in [[28, 28, 1], [9, 5, 3]] {
        for micro_batch in [None, Some(13)] {
            let mut case = case(shape, Kind::SparseBytes, config()).micro_batch(micro_batch);
            let mut outcomes = Vec::new();
            for threads in [1, 2, 3, 4] {
                case.training.threads = threads;
                let (mut fused, mut reference) = (case.fused(), case.reference());
                for step in [&mut fused as &mut dyn Step, &mut reference] {
                    case.train(step, &[90, 65, 1, 33]);
                }
                outcomes.push([all_of(&fused), all_of(&reference)]);
            }
            for (threads, outcome) in outcomes.iter().enumerate() {
                for ((ours, state, totals), (first, first_state, first_totals)) in outcome.iter().zip(&outcomes[0]) {
                    assert_same(&format!("{}, {} threads", case.name, threads + 1), ours, first);
                    assert_same(&case.name, state, first_state);
                    assert_eq!(totals, first_totals);
                }
            }
        }
    }
}

#[test]
fn micro_batches_change_the_images_as_the_whole_batch_does() {
    let whole = case([9, 5, 3], Kind::SparseBytes, config());
    let rows = whole.rows(0, 65);
    let expected = whole.fused().gradients(&whole.examples, &rows).unwrap();
    for size in [1, 7, 64] {
        let parts = case_of(&whole).micro_batch(Some(size));
        assert_close(&parts.name, &parts.fused().gradients(&parts.examples, &rows).unwrap(), &expected, ROUNDING);
    }
}

/// Otherwise the comparisons would prove nothing.
#[test]
fn images_change_with_the_seed_and_the_step_and_only_in_training() {
    let case = case([9, 5, 3], Kind::SparseBytes, config());
    let mut plain = case_of(&case);
    plain.training.augmentation = None;
    let all: Vec<u32> = (0..90).collect();
    let inputs = |seed: u64, step: u32| {
        let augmenter = config().for_examples(&[9, 5, 3]).unwrap().unwrap().augmenter(seed, 1);
        let place = Place { step, first_row: 0 };
        values(&case.examples.augmented_batch(&augmenter, &mut Team::new(1), &all, place).unwrap().0)
    };
    assert_eq!(inputs(1, 0), inputs(1, 0));
    assert!(inputs(1, 0) != inputs(2, 0) && inputs(1, 0) != inputs(1, 1));
    let steps = |case: &Case| -> (Box<dyn Step>, ReferenceStep) { (Box::new(case.fused()), case.reference()) };
    let ((mut fused, mut reference), (plain_fused, plain_reference)) = (steps(&case), steps(&plain));
    for (step, plain) in [(&*fused, &*plain_fused), (&reference as &dyn Step, &plain_reference)] {
        assert_eq!(step.logits(&case.examples, &all).unwrap(), plain.logits(&case.examples, &all).unwrap(), "evaluation is as ever");
    }
    let (mut plain_fused, mut plain_reference) = (plain_fused, plain_reference);
    for (step, plain) in [(&mut *fused, &mut *plain_fused), (&mut reference as &mut dyn Step, &mut plain_reference)] {
        step.train(&case.examples, &all).unwrap();
        plain.train(&case.examples, &all).unwrap();
        assert_ne!(step.totals().unwrap().loss, plain.totals().unwrap().loss);
    }
}

#[test]
fn a_step_goes_on_where_another_was_with_the_same_images() {
    let case = case([9, 5, 3], Kind::SparseBytes, config());
    let (mut first, mut second) = (case.fused(), case.fused());
    case.train(&mut first, &[40, 33]);
    second.load_parameters(&first.parameters().unwrap()).unwrap();
    second.load_optimizer_state(&first.optimizer_state().unwrap()).unwrap();
    case.train(&mut first, &[65, 40]);
    case.train(&mut second, &[65, 40]);
    assert_same(&case.name, &second.parameters().unwrap(), &first.parameters().unwrap());
}

#[test]
fn images_of_another_size_are_refused() {
    let mut case = case([9, 5, 3], Kind::SparseBytes, config());
    case.training.augmentation = config().for_examples(&[9, 5, 1]).unwrap();
    let rows = case.rows(0, 9);
    let (mut fused, mut reference) = (case.fused(), case.reference());
    for step in [&mut fused as &mut dyn Step, &mut reference] {
        let message = step.train(&case.examples, &rows).unwrap_err().to_string();
        assert!(message.contains("135 features") && message.contains("45"), "{message}");
    }
}
