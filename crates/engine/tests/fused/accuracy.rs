//! Both steps against 64-bit arithmetic.

use crate::case::Case;
use crate::close::values;
use crate::data::Kind;
use candle_core::{DType, Device, Tensor};
use relumine_engine::NamedTensors;
use relumine_model::{MaskPosition, Mlp, Mode, Parameters};
use serde_json::json;

/// The gradients in 64 bits, of the inputs and masks that the steps see.
fn exact_gradients(case: &Case, rows: &[u32]) -> NamedTensors {
    let parameters = Parameters::initialize(&case.architecture, case.training.seed, DType::F64, &Device::Cpu).unwrap();
    let mlp = Mlp::new(&case.architecture, parameters.var_builder(DType::F64, &Device::Cpu)).unwrap();
    let (inputs, labels) = case.examples.batch(rows).unwrap();
    let at = MaskPosition { seed: case.training.seed, step: 0, first_row: 0 };
    let logits = mlp.forward(&inputs.to_dtype(DType::F64).unwrap(), Mode::Training(at)).unwrap().logits;
    let loss = (case.training.objective.sum(case.architecture.head, &logits, &labels).unwrap() / rows.len() as f64).unwrap();
    let gradients = loss.backward().unwrap();
    parameters.trainable().map(|parameter| (parameter.name.clone(), gradients.get(&parameter.var).unwrap().clone())).collect()
}

/// Root of the mean square, and the largest.
fn errors(found: &Tensor, exact: &Tensor) -> [f64; 2] {
    let errors: Vec<f64> = values(found).into_iter().zip(values(exact)).map(|(found, exact)| (found - exact).abs()).collect();
    let mean_square = errors.iter().map(|error| error * error).sum::<f64>() / errors.len() as f64;
    [mean_square.sqrt(), errors.into_iter().fold(0.0, f64::max)]
}

#[test]
fn the_gradients_of_the_mnist_network_are_as_exact_as_the_reference_s() {
    const ROWS: usize = 128;
    for kind in [Kind::Bytes, Kind::SparseBytes] {
        let case = Case::new(&json!({ "hidden": [256, 256], "dropout": 0.5 }), (ROWS, 784, 10, kind));
        let rows: Vec<u32> = (0..ROWS as u32).collect();
        let exact = exact_gradients(&case, &rows);
        let fused = case.fused().gradients(&case.examples, &rows).unwrap();
        let reference = case.reference().gradients(&case.examples, &rows).unwrap();
        for (name, exact) in &exact {
            let largest = values(exact).into_iter().fold(0.0, |largest: f64, value| largest.max(value.abs()));
            for (what, (ours, theirs)) in ["root mean square", "largest"]
                .into_iter()
                .zip(errors(&fused[name], exact).into_iter().zip(errors(&reference[name], exact)))
            {
                assert!(ours <= 2.0 * theirs, "{kind:?}, {name}: the {what} error is {ours}, the reference's {theirs}");
                assert!(ours <= 1e-6 * largest + 1e-9, "{kind:?}, {name}: the {what} error is {ours}, the largest gradient {largest}");
            }
        }
    }
}
