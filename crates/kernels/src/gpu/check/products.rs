//! The library's products.

use super::bench::{Bench, REPLICAS, SUMMED, wide};
use crate::gpu::{GpuError, Product, Values};

/// Of the three shapes of a step, with sizes that vectors fit into and others.
pub(super) fn products(bench: &mut Bench<'_>) -> Result<(), GpuError> {
    for (m, n, k) in [(128, 256, 784), (33, 70, 17), (1, 10, 256), (37, 1, 70), (70, 33, 1)] {
        for (left_is_transposed, right_is_transposed) in [(false, false), (false, true), (true, false)] {
            for (adds, has_bias) in [(false, false), (true, false), (false, true)] {
                let [left, right] = [bench.normal(REPLICAS * m * k), bench.normal(REPLICAS * k * n)];
                let [old, bias] = [bench.normal(REPLICAS * m * n), bench.normal(REPLICAS * n)];
                let out = bench.array(&old)?;
                let product = Product {
                    left: bench.array(&left)?,
                    right: bench.array(&right)?,
                    out,
                    bias: if has_bias { bench.array(&bias)? } else { Values::NONE },
                    m,
                    n,
                    k,
                    left_is_transposed,
                    right_is_transposed,
                    adds,
                    replicas: REPLICAS,
                };
                let of = |is_transposed: bool| if is_transposed { "^T" } else { "" };
                let (of_left, of_right) = (of(left_is_transposed), of(right_is_transposed));
                let what = match (adds, has_bias) {
                    (true, _) => ", added",
                    (_, true) => ", bias",
                    _ => "",
                };
                let case = format!("[{m}, {k}]{of_left} [{k}, {n}]{of_right}{what}");
                let found = bench.multiply(&case, product, &old)?;
                let (left, right) = (wide(&left), wide(&right));
                let element = |place: usize| {
                    let (replica, row, column) = (place / (m * n), place % (m * n) / n, place % n);
                    let of_left = |term: usize| replica * m * k + if left_is_transposed { term * m + row } else { row * k + term };
                    let of_right = |term: usize| replica * k * n + if right_is_transposed { column * k + term } else { term * n + column };
                    let sum: f64 = (0..k).map(|term| left[of_left(term)] * right[of_right(term)]).sum();
                    let from = if adds { f64::from(old[place]) } else { 0.0 };
                    sum + from + if has_bias { f64::from(bias[replica * n + column]) } else { 0.0 }
                };
                let expected: Vec<f64> = (0..REPLICAS * m * n).map(element).collect();
                bench.judge("product", case, &found, &expected, SUMMED);
            }
        }
    }
    Ok(())
}
