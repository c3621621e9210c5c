//! Which units dropout keeps: the masks of the model crate, unit by unit.

use crate::case::Case;
use crate::close::values;
use crate::data::Kind;
use candle_core::{DType, Device, Tensor};
use relumine_engine::{Examples, FeatureBuffer, NamedTensors};
use relumine_model::{MaskPosition, dropout};
use serde_json::json;

const RATE: f64 = 0.4;
const INPUT_RATE: f64 = 0.2;

/// Whether each unit of what `layer` reads is kept, `[rows, units]`.
fn kept(rows: usize, units: usize, rate: f64, layer: u16, (seed, step): (u64, u32)) -> Vec<bool> {
    let ones = Tensor::ones((rows, units), DType::F32, &Device::Cpu).unwrap();
    let mask = dropout(&ones, rate, layer, MaskPosition { seed, step, first_row: 0 }).unwrap();
    values(&mask).into_iter().map(|scale| scale != 0.0).collect()
}

fn lit(gradients: &NamedTensors, name: &str) -> Vec<bool> {
    values(&gradients[name]).into_iter().map(|value| value != 0.0).collect()
}

/// The gradients of both steps after so many steps, at a slope that is never 0.
fn gradients(case: &Case, steps: usize) -> [NamedTensors; 2] {
    let (mut fused, mut reference) = (case.fused(), case.reference());
    let all: Vec<u32> = (0..case.examples.len() as u32).collect();
    case.train(&mut fused, &vec![all.len(); steps]);
    case.train(&mut reference, &vec![all.len(); steps]);
    [fused.gradients(&case.examples, &all).unwrap(), reference.gradients(&case.examples, &all).unwrap()]
}

/// Row r has nothing but feature r, so column r of the first weight's gradient is what that row teaches: nothing at all where its one input
/// is dropped, and nothing to a unit that is dropped for it.
#[test]
fn each_row_and_unit_of_a_batch_is_dropped_where_the_masks_say_so() {
    const ROWS: usize = 70;
    const UNITS: usize = 130;
    let features: Vec<u8> = (0..ROWS * ROWS).map(|i| if i / ROWS == i % ROWS { 200 } else { 0 }).collect();
    let labels: Vec<u32> = (0..ROWS as u32).map(|row| row % 3).collect();
    for kind in ["dropout", "alpha_dropout"] {
        for (micro_batch, steps) in [(None, 0), (None, 3), (Some(32), 1), (Some(1), 2)] {
            // A dropped input is zero only in the plain form.
            let input_rate = if kind == "dropout" { INPUT_RATE } else { 0.0 };
            let model = json!({
                "hidden": [UNITS], "activation": "softplus", "dropout": RATE, "input_dropout": input_rate, "dropout_kind": kind
            });
            let mut case = Case::new(&model, (1, ROWS, 3, Kind::Bytes)).micro_batch(micro_batch);
            let buffer = FeatureBuffer::U8(features.clone());
            case.examples = Examples::new(buffer, &[ROWS], labels.clone(), &[0.0], &[255.0], &Device::Cpu).unwrap();
            let at = (case.training.seed, steps as u32);
            let (inputs, units) = (kept(ROWS, ROWS, input_rate, 0, at), kept(ROWS, UNITS, RATE, 1, at));
            let expected: Vec<bool> = (0..UNITS)
                .flat_map(|unit| (0..ROWS).map(move |row| (unit, row)))
                .map(|(unit, row)| inputs[row * ROWS + row] && units[row * UNITS + unit])
                .collect();
            assert!(expected.contains(&true) && expected.contains(&false));
            for gradients in gradients(&case, steps) {
                let found = lit(&gradients, "layers.0.weight");
                let differs = expected.iter().zip(&found).position(|(expected, found)| expected != found);
                let show = |index: usize| format!("unit {} of row {} is kept: {}", index / ROWS, index % ROWS, found[index]);
                assert!(differs.is_none(), "{} after {steps} steps: {}", case.name, differs.map(show).unwrap_or_default());
            }
        }
    }
}

/// The gradients of a layer's biases for one row are those of its pre-activations: zero where the unit is dropped, and nowhere else.
#[test]
fn every_layer_drops_by_its_own_mask() {
    let hidden = [130, 65, 17, 64];
    for kind in ["dropout", "alpha_dropout"] {
        let model = json!({ "hidden": hidden, "activation": "softplus", "dropout": RATE, "dropout_kind": kind });
        let case = Case::new(&model, (1, 9, 3, Kind::Floats));
        for steps in [0, 1, 5] {
            for gradients in gradients(&case, steps) {
                for (layer, units) in hidden.into_iter().enumerate() {
                    let expected = kept(1, units, RATE, layer as u16 + 1, (case.training.seed, steps as u32));
                    assert_eq!(
                        lit(&gradients, &format!("layers.{layer}.bias")),
                        expected,
                        "{}: layer {layer} after {steps} steps",
                        case.name
                    );
                }
            }
        }
    }
}
