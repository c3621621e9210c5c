//! The kernel that reads examples.

use super::bench::{Bench, FIRST_ROW, REPLICAS, ROUNDED, wide};
use crate::gpu::{Address, GatherArguments, GpuError, Launch};

const EXAMPLES: usize = 90;
const ROWS: usize = 37;
/// Rows that there is room for.
const CAPACITY: usize = 50;

/// Bytes and numbers, scaled or not, with noise and dropout or without: without noise to the bit, masks included.
pub(super) fn gather(bench: &mut Bench<'_>) -> Result<(), GpuError> {
    for (features, is_bytes, is_scaled) in [(784, true, true), (30, false, true), (33, true, false)] {
        for (has_noise, has_dropout) in [(false, false), (false, true), (true, true)] {
            let numbers = match is_bytes {
                true => bench.below(EXAMPLES * features, 256).into_iter().map(|byte| byte as f32).collect(),
                false => bench.normal(EXAMPLES * features),
            };
            let bytes: Vec<u8> = numbers.iter().map(|number| *number as u8).collect();
            let offset = bench.normal(1)[0];
            let divisors: Vec<f32> = bench.normal(features).into_iter().map(|value| 1.0 + value.abs()).collect();
            let order = bench.below(2 * REPLICAS * CAPACITY, EXAMPLES as u32);
            let disturbance = bench.disturbance(has_noise, has_dropout)?;
            let inputs = bench.zeros(ROWS * features)?;
            let none = Address::NONE;
            let arguments = GatherArguments {
                bytes: if is_bytes { bench.put_bytes(&bytes)? } else { none },
                numbers: if is_bytes { none } else { bench.put(&numbers)? },
                offset: if is_scaled { bench.put(&[offset])? } else { none },
                divisor: if is_scaled { bench.put(&divisors)? } else { none },
                order: bench.put(&order)?,
                // The second of two batches.
                slot: bench.put(&[1_u32])?,
                progress: bench.progress()?,
                inputs,
                draws: disturbance.draws,
                capacity: CAPACITY as u32,
                first_row: FIRST_ROW,
                rows: ROWS as u32,
                features: features as u32,
                replicas: REPLICAS as u32,
                constants_per_feature: 2,
            };
            bench.launch(Launch::Gather(arguments), 0)?;
            let mut expected = Vec::new();
            for replica in 0..REPLICAS {
                let first = (REPLICAS + replica) * CAPACITY + FIRST_ROW as usize;
                let scaled = |place: usize| {
                    let value = numbers[order[first + place / features] as usize * features + place % features];
                    if is_scaled { (value - offset) / divisors[place % features] } else { value }
                };
                let mut values: Vec<f32> = (0..ROWS * features).map(scaled).collect();
                let mut slopes = vec![1.0; values.len()];
                disturbance.apply(replica, features, &mut values, &mut slopes);
                expected.extend(wide(&values));
            }
            let what = if is_bytes { "bytes" } else { "numbers" };
            let how = match (has_noise, has_dropout) {
                (true, _) => ", noise and dropout",
                (_, true) => ", dropout",
                _ => "",
            };
            let scaling = if is_scaled { ", scaled" } else { "" };
            // A logarithm and a root of noise round otherwise.
            let tolerance = if has_noise { ROUNDED } else { 0.0 };
            let found = bench.values(inputs)?;
            bench.judge("gather", format!("{features} {what}{scaling}{how}"), &found, &expected, tolerance);
        }
    }
    Ok(())
}
