use super::{Fans, InitializerKind, gram_schmidt::orthonormalize, range};
use relumine_random::variates::normal;
use serde::{Deserialize, Serialize};

/// `gain` (1) times a random matrix with orthonormal rows (`fan_out <= fan_in`) or columns, uniform among them: such a layer keeps lengths
/// and angles, so a deep linear network neither shrinks nor blows up its signal. Saxe, McClelland and Ganguli 2014. As
/// `keras.initializers.Orthogonal` and `torch.nn.init.orthogonal_`. Not for biases.
///
/// The formula is Keras': the Q of the QR factorisation of a standard normal matrix `[max(fan_out, fan_in), min(fan_out, fan_in)]`, whose
/// element `i` comes from word `i`, with the signs that make R's diagonal positive (Mezzadri 2007), transposed where the weight is wide.
///
/// ```
/// # use relumine_model::initializer::{Fans, Initializer};
/// # use relumine_random::{Purpose, Stream};
/// let initializer: Initializer = serde_json::from_str(r#"{ "name": "orthogonal", "gain": 5.0 }"#)?;
/// let weight = initializer.sample(Fans::of(&[2, 3], 3), 6, &Stream::new(0, Purpose::Weights, 0));
/// let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
/// let (first, second) = weight.split_at(3);
/// assert!((dot(first, first) - 25.0).abs() < 1e-5 && (dot(second, second) - 25.0).abs() < 1e-5);
/// assert!(dot(first, second).abs() < 1e-5);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Orthogonal {
    /// The length of every row or column.
    pub gain: f64,
}

impl Default for Orthogonal {
    fn default() -> Self {
        Self { gain: 1.0 }
    }
}

impl InitializerKind for Orthogonal {
    fn sample(&self, Fans { fan_in, fan_out, .. }: Fans, words: &[u32]) -> Vec<f64> {
        let (long, short) = (fan_in.max(fan_out), fan_in.min(fan_out));
        let normals: Vec<f64> = words.iter().map(|word| normal(*word, 0.0, 1.0)).collect();
        // Keras' columns lie one after the other here: [short, long].
        let mut columns = transpose(&normals, short);
        orthonormalize(&mut columns, long);
        columns.iter_mut().for_each(|value| *value *= self.gain);
        if fan_out <= fan_in { columns } else { transpose(&columns, long) }
    }

    fn validate(&self) -> Result<(), String> {
        range::any_number("gain", self.gain, 1.0)
    }

    fn needs_matrix(&self) -> bool {
        true
    }
}

/// `[rows, columns]` to `[columns, rows]`.
fn transpose(values: &[f64], columns: usize) -> Vec<f64> {
    (0..columns).flat_map(|column| values[column..].iter().step_by(columns).copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(shape: [usize; 2], words: &[u32]) -> Vec<f64> {
        Orthogonal { gain: 1.0 }.sample(Fans::of(&shape, shape[1]), words)
    }

    /// The words give 1 and -1: the matrix [[1, -1], [1, 1], [1, 1]] has the columns (1, 1, 1) and, less its part along the
    /// first, (-4, 2, 2) / 3.
    #[test]
    fn the_values_are_those_of_keras_qr_on_a_matrix_solved_by_hand() {
        let (plus, minus) = (3_613_548_169, 681_419_126);
        let words = [plus, minus, plus, plus, plus, plus];
        let (a, b) = (1.0 / 3_f64.sqrt(), 1.0 / 6_f64.sqrt());
        let tall = [a, -2.0 * b, a, b, a, b];
        let wide = [a, a, a, -2.0 * b, b, b];
        for (found, expected) in sample([3, 2], &words).iter().zip(tall).chain(sample([2, 3], &words).iter().zip(wide)) {
            assert!((found - expected).abs() < 1e-8, "{found}, expected {expected}");
        }
    }

    #[test]
    fn one_row_or_column_has_length_gain() {
        for shape in [[1, 4], [4, 1]] {
            let values = Orthogonal { gain: -3.0 }.sample(Fans::of(&shape, shape[1]), &[5, 1 << 30, 3 << 30, 77]);
            assert!((values.iter().map(|value| value * value).sum::<f64>() - 9.0).abs() < 1e-12);
        }
    }
}
