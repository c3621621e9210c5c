//! Bytes of which many are zero stay bytes on their way to the first layer; others become numbers at once. Nobody can tell.

use crate::close::assert_same;
use candle_core::Device;
use relumine_engine::{Examples, FeatureBuffer, FusedStep, Step, TrainingConfig};
use relumine_model::ModelConfig;
use serde_json::json;

const ROWS: usize = 260;

/// The first half of the rows has few zeros, the second half many.
fn byte(row: usize, feature: usize) -> u8 {
    let noise = (row * 997 + feature * 31 + 1).wrapping_mul(2_654_435_761) % 1009;
    if row < ROWS / 2 || noise.is_multiple_of(5) { (noise % 256) as u8 } else { 0 }
}

#[test]
fn batches_of_many_zeros_and_of_few_in_turn_have_the_bits_of_the_floats_that_they_stand_for() {
    for (features, hidden) in [(784, vec![70, 40]), (30, vec![5]), (65, vec![])] {
        let bytes: Vec<u8> = (0..ROWS * features).map(|i| byte(i / features, i % features)).collect();
        let floats = bytes.iter().map(|byte| f32::from(*byte)).collect();
        let labels: Vec<u32> = (0..ROWS as u32).map(|row| row * 7 % 3).collect();
        let model: ModelConfig = serde_json::from_value(json!({ "hidden": hidden, "dropout": 0.5 })).unwrap();
        let architecture = model.architecture(features, 3).unwrap();
        let trained = |features_of: FeatureBuffer, threads: usize| {
            let examples = Examples::new(features_of, &[features], labels.clone(), &[0.0], &[255.0], &Device::Cpu).unwrap();
            let config = TrainingConfig { threads, micro_batch: None, ..TrainingConfig::default() };
            let mut step = FusedStep::new(&architecture, &config, &Device::Cpu).unwrap();
            // Many, few, few, many, many, of both.
            for range in [130..230, 0..100, 5..70, 130..131, 150..260, 100..160] {
                step.train(&examples, &range.collect::<Vec<u32>>()).unwrap();
            }
            let logits = step.logits(&examples, &(0..ROWS as u32).collect::<Vec<_>>()).unwrap();
            (step.parameters().unwrap(), logits)
        };
        let (expected, logits) = trained(FeatureBuffer::F32(floats), 1);
        for threads in [1, 3] {
            let (found, found_logits) = trained(FeatureBuffer::U8(bytes.clone()), threads);
            assert_same(&format!("{features} features, {threads} threads"), &found, &expected);
            assert_eq!(found_logits, logits);
        }
    }
}
