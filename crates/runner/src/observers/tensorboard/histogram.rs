//! How the values of a tensor are spread.

use super::messages::HistogramMessage;

/// Buckets of equal width, as many as `tf.summary.histogram` makes.
const BUCKETS: usize = 30;

/// The histogram of the values that are finite: 30 buckets of equal width from the smallest to the largest, each without its upper edge but
/// for the last, as `numpy.histogram(values.astype(float64), bins=30)` counts; one bucket where all values are equal. `None` of no values.
pub(super) fn histogram(values: &[f32]) -> Option<HistogramMessage> {
    let finite = || values.iter().copied().filter(|value| value.is_finite()).map(f64::from);
    let (mut min, mut max, mut num) = (f64::INFINITY, f64::NEG_INFINITY, 0.0);
    let (mut sum, mut sum_squares) = (0.0, 0.0);
    for value in finite() {
        (min, max, num) = (value.min(min), value.max(max), num + 1.0);
        sum += value;
        sum_squares += value * value;
    }
    if num == 0.0 {
        return None;
    }
    let (bucket_limit, bucket) = if min == max { (vec![max], vec![num]) } else { buckets(finite(), min, max) };
    Some(HistogramMessage { min, max, num, sum, sum_squares, bucket_limit, bucket })
}

/// Upper edges and counts.
fn buckets(values: impl Iterator<Item = f64>, min: f64, max: f64) -> (Vec<f64>, Vec<f64>) {
    let width = (max - min) / BUCKETS as f64;
    let mut edges: Vec<f64> = (0..=BUCKETS).map(|edge| edge as f64 * width + min).collect();
    edges[BUCKETS] = max;
    let mut counts = vec![0_u64; BUCKETS];
    for value in values {
        // The quotient may be off by its rounding: the edges decide.
        let mut bucket = (((value - min) / width) as usize).min(BUCKETS - 1);
        if value < edges[bucket] {
            bucket -= 1;
        } else if bucket + 1 < BUCKETS && value >= edges[bucket + 1] {
            bucket += 1;
        }
        counts[bucket] += 1;
    }
    edges.remove(0);
    (edges, counts.into_iter().map(|count| count as f64).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_in_the_bucket_whose_edges_hold_it() {
        let values: Vec<f32> = (0..5000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 8) as f32 / 1e7 - 0.3).chain([-0.3, 1.4]).collect();
        let found = histogram(&values).unwrap();
        assert_eq!((found.num, found.bucket.iter().sum::<f64>()), (5002.0, 5002.0));
        let mut lower = found.min;
        for (place, (limit, count)) in found.bucket_limit.iter().zip(&found.bucket).enumerate() {
            let is_in = |value: f64| lower <= value && (value < *limit || (place == BUCKETS - 1 && value == *limit));
            let expected = values.iter().filter(|value| is_in(f64::from(**value))).count();
            assert_eq!(*count, expected as f64, "bucket {place}");
            lower = *limit;
        }
        assert_eq!(lower, found.max);
    }

    #[test]
    fn equal_values_no_values_and_values_that_are_no_numbers() {
        let zeros = histogram(&[0.0, 0.0]).unwrap();
        assert_eq!((zeros.min, zeros.max, zeros.bucket_limit, zeros.bucket), (0.0, 0.0, vec![0.0], vec![2.0]));
        assert_eq!(histogram(&[]), None);
        assert_eq!(histogram(&[f32::NAN]), None);
        let some = histogram(&[f32::NAN, 1.0, f32::INFINITY, 3.0]).unwrap();
        assert_eq!((some.num, some.sum, some.sum_squares, some.bucket[0], some.bucket[29]), (2.0, 4.0, 10.0, 1.0, 1.0));
    }
}
