//! Who makes a product changes its rounding and nothing else: the kernels of dense layers, the library, or each its own share.

use crate::case::Case;
use crate::close::{Tolerance, assert_close, assert_within};
use crate::data::Kind;
use crate::passes::networks;
use crate::step::gpu_with;
use candle_core::Device;
use relumine_engine::{GpuStep, Step};
use relumine_kernels::gpu::Order;
use serde_json::json;

const ROUNDING: Tolerance = Tolerance { absolute: 1e-7, relative: 0.0, of_largest: 1e-5 };
/// Through a few steps of SGD.
const TRAINED: Tolerance = Tolerance { absolute: 1e-6, relative: 0.0, of_largest: 2e-5 };

#[test]
fn kernels_and_library_make_the_same_step() {
    for (number, (features, hidden, classes)) in networks().into_iter().enumerate() {
        let dropout = if number % 2 == 0 { 0.4 } else { 0.0 };
        let model = json!({ "hidden": hidden, "dropout": dropout, "noise": dropout / 4.0, "activation": "tanh" });
        let micro_batch = (number % 3 == 0).then_some(20);
        let case = Case::new(&model, (90, features, classes, Kind::SparseBytes))
            .optimizer(&json!({ "name": "sgd", "learning_rate": 0.05, "momentum": 0.9 }))
            .micro_batch(micro_batch);
        let rows = case.rows(0, 37);
        let mut reference = case.reference();
        let gradients = reference.gradients(&case.examples, &rows).unwrap();
        case.train(&mut reference, &[37, 1, 20]);
        // All by the library, some layers by either, all by the kernels.
        for limit in [0, 1, usize::MAX] {
            let what = format!("{}, kernels up to {limit}", case.name);
            let gpu = gpu_with(Order::Forward, limit);
            let mut step = GpuStep::new(gpu, &case.architecture, &case.training, &Device::Cpu).unwrap();
            assert_close(&what, &step.gradients(&case.examples, &rows).unwrap(), &gradients, ROUNDING);
            case.train(&mut step, &[37, 1, 20]);
            assert_close(&what, &step.parameters().unwrap(), &reference.parameters().unwrap(), TRAINED);
            let [ours, theirs] = [&step as &dyn Step, &reference].map(|step| {
                let logits = step.logits(&case.examples, &case.rows(5, 70)).unwrap();
                logits.into_iter().map(f64::from).collect::<Vec<_>>()
            });
            assert_within(&what, &ours, &theirs, TRAINED);
        }
    }
}
