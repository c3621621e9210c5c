//! Orthonormal vectors, to the same bits on every platform: one thread, one order of additions, and only operations that IEEE 754 fixes.

/// Accumulators of a dot product: several vector registers of them, so that additions need not wait for each other.
const LANES: usize = 16;

/// Replaces linearly independent `vectors` (`[count, length]`, row-major, `count <= length`) by orthonormal ones that span the same spaces:
/// the Q of the QR factorisation of the matrix that has `vectors` as columns, for the R with a positive diagonal.
///
/// Modified Gram and Schmidt, each vector projected twice: once leaves an error that grows with the matrix' condition, twice is enough
/// (Giraud, Langou and Rozložník 2005).
pub(super) fn orthonormalize(vectors: &mut [f64], length: usize) {
    for start in (0..vectors.len()).step_by(length) {
        let (finished, rest) = vectors.split_at_mut(start);
        let vector = &mut rest[..length];
        for _ in 0..2 {
            for direction in finished.chunks_exact(length) {
                let along = dot(direction, vector);
                vector.iter_mut().zip(direction).for_each(|(value, direction)| *value -= along * direction);
            }
        }
        let norm = dot(vector, vector).sqrt();
        vector.iter_mut().for_each(|value| *value /= norm);
    }
}

/// Sums in `LANES` interleaved parts, then those in order.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let ((a_lanes, a_tail), (b_lanes, b_tail)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut sums = [0.0; LANES];
    for (a, b) in a_lanes.iter().zip(b_lanes) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let tail: f64 = a_tail.iter().zip(b_tail).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f64>() + tail
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_vectors_solved_by_hand() {
        let mut vectors = [3.0, 4.0, 1.0, 0.0];
        orthonormalize(&mut vectors, 2);
        for (found, expected) in vectors.iter().zip([0.6, 0.8, 0.8, -0.6]) {
            assert!((found - expected).abs() < 1e-15, "{found}, expected {expected}");
        }
    }

    #[test]
    fn dot_adds_every_element_at_every_length() {
        for length in 0..50 {
            let values: Vec<f64> = (0..length).map(f64::from).collect();
            assert_eq!(dot(&values, &vec![2.0; values.len()]), f64::from(length * (length - 1)));
        }
    }

    /// The columns of the 10 by 10 Hilbert matrix are dependent but for one part in 1.6e13: projected once, they are not orthogonal.
    #[test]
    fn vectors_that_almost_depend_on_each_other_become_orthonormal() {
        let length = 10;
        let mut vectors: Vec<f64> = (0..length * length).map(|i| 1.0 / (1 + i / length + i % length) as f64).collect();
        orthonormalize(&mut vectors, length);
        for (i, a) in vectors.chunks_exact(length).enumerate() {
            for (j, b) in vectors.chunks_exact(length).enumerate() {
                let expected = if i == j { 1.0 } else { 0.0 };
                assert!((dot(a, b) - expected).abs() < 1e-14, "{i}, {j}: {}", dot(a, b));
            }
        }
    }
}
