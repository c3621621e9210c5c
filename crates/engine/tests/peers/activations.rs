//! Activations in a network against PyTorch, alone against Keras, and the dropout that belongs to SELU.

use crate::case::Case;
use crate::close::{assert_all_close, assert_close, assert_within, floats, values};
use candle_core::{DType, Device, Tensor};
use relumine_engine::{Step, TrainingConfig, metrics::Totals};
use relumine_model::{Activation, MaskPosition, alpha_dropout, dropout};
use serde_json::Value;

fn torch() -> Value {
    serde_json::from_str(include_str!("../fixtures/torch_activations.json")).unwrap()
}

fn name(activation: &Value) -> &str {
    activation.as_str().or_else(|| activation["name"].as_str()).unwrap()
}

#[test]
fn logits_loss_and_gradients_match_pytorch_for_every_activation_and_head() {
    let cases = Case::all(&torch());
    for activation in Activation::NAMES {
        let heads = ["softmax", "sigmoid"].map(|head| {
            let matches = |model: &Value| name(&model["activation"]) == *activation && model["head"] == head;
            cases.iter().filter(|case| matches(&case.expected["model"])).count()
        });
        let forms = if ["leaky_relu", "elu", "gelu", "maxout"].contains(activation) { 2 } else { 1 };
        assert_eq!(heads, [forms, forms], "{activation}");
    }
    for case in cases {
        let mut step = case.step(&TrainingConfig::default());
        let logits = step.logits(&case.examples, &case.rows).unwrap();
        let ours: Vec<f64> = logits.iter().copied().map(f64::from).collect();
        assert_close(&format!("{}: logits", case.name), &ours, &floats(&case.expected["logits"]));
        let gradients = step.gradients(&case.examples, &case.rows).unwrap();
        assert_all_close(&format!("{}: gradient", case.name), &gradients, &case.expected["gradients"]);
        let totals = Totals::of(case.architecture.head, &logits, &case.examples.labels_of(&case.rows));
        step.train(&case.examples, &case.rows).unwrap();
        for loss in [totals.mean_loss(), step.totals().unwrap().mean_loss()] {
            assert_close(&format!("{}: loss", case.name), &[loss], &[case.expected["loss"].as_f64().unwrap()]);
        }
    }
}

/// In 64 bits, at the kinks and far out too. The absolute tolerance is for tails that are what 1 - 1 leaves, there and here. Keras has
/// neither scaled_tanh nor maxout.
#[test]
fn values_and_slopes_match_keras_from_minus_700_to_700() {
    let fixture: Value = serde_json::from_str(include_str!("../fixtures/keras_activations.json")).unwrap();
    let grid = floats(&fixture["grid"]);
    let cases = fixture["cases"].as_array().unwrap();
    let has = |activation: &str| cases.iter().any(|case| case["activation"]["name"] == activation);
    assert!(Activation::NAMES.iter().all(|activation| has(activation) != ["scaled_tanh", "maxout"].contains(activation)));
    for case in cases {
        let activation: Activation = serde_json::from_value(case["activation"].clone()).unwrap();
        let (ours, slopes): (Vec<f64>, Vec<f64>) = grid.iter().map(|z| activation.at(*z).unwrap()).unzip();
        let (absolute, relative) = if case["bits"] == 64 { (1e-13, 1e-14) } else { (1e-6, 1e-6) };
        assert_within(&format!("{} on {grid:?}", case["activation"]), &ours, &floats(&case["values"]), absolute, relative);
        for ((z, ours), theirs) in grid.iter().zip(slopes).zip(case["slopes"].as_array().unwrap()) {
            if let Some(theirs) = theirs.as_f64() {
                assert_within(&format!("{}: slope at {z}", case["activation"]), &[ours], &[theirs], absolute, relative);
            }
        }
    }
}

/// PyTorch draws a mask of its own, so the fixture has both of what it can make of each input; ours says which.
#[test]
fn alpha_dropout_makes_what_pytorch_makes_of_kept_and_dropped_inputs() {
    const ROWS: usize = 50;
    let at = MaskPosition { seed: 3, step: 5, first_row: 0 };
    let fixture = torch();
    let cases = fixture["alpha_dropout"].as_array().unwrap();
    assert_eq!(cases.len(), 4);
    for case in cases {
        let (rate, inputs, kept) = (case["rate"].as_f64().unwrap(), floats(&case["inputs"]), floats(&case["kept"]));
        let x = Tensor::from_vec(inputs.repeat(ROWS), (ROWS, inputs.len()), &Device::Cpu).unwrap();
        let mask = values(&dropout(&x.ones_like().unwrap(), rate, 1, at).unwrap());
        assert!(mask.contains(&0.0) && mask.iter().any(|scale| *scale > 0.0), "the case shows both");
        let choose = |(scale, kept): (&f64, f64)| if *scale == 0.0 { case["dropped"].as_f64().unwrap() } else { kept };
        let expected: Vec<f64> = mask.iter().zip(kept.repeat(ROWS)).map(choose).collect();
        for dtype in [DType::F32, DType::F64] {
            let ours = alpha_dropout(&x.to_dtype(dtype).unwrap(), rate, 1, at).unwrap();
            assert_close(&format!("rate {rate}, {dtype:?}"), &values(&ours), &expected);
        }
    }
}
