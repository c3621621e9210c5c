//! How good a set of logits is, in f64, so that sums over many rows do not drift.

use relumine_model::Head;

/// Sums over rows, from which means are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Totals {
    /// Sum of the rows' losses.
    pub loss: f64,
    /// Rows whose most probable class is their label.
    pub correct: u64,
    /// Rows.
    pub rows: u64,
}

impl Totals {
    /// Mean loss per row, in nats; NaN over no rows.
    #[must_use]
    pub fn mean_loss(&self) -> f64 {
        self.loss / self.rows as f64
    }

    /// Share of rows predicted right; NaN over no rows.
    #[must_use]
    pub fn accuracy(&self) -> f64 {
        self.correct as f64 / self.rows as f64
    }

    /// The totals of rows with these logits (`[rows, units]`, row-major) and labels.
    #[must_use]
    pub fn of(head: Head, logits: &[f32], labels: &[u32]) -> Self {
        let units = logits.len().checked_div(labels.len()).unwrap_or_default();
        let mut totals = Self { rows: labels.len() as u64, ..Self::default() };
        for (row, label) in logits.chunks_exact(units.max(1)).zip(labels) {
            totals.loss += row_loss(head, row, *label);
            totals.correct += u64::from(predicted_class(head, row) == *label);
        }
        totals
    }
}

impl std::ops::AddAssign for Totals {
    fn add_assign(&mut self, other: Self) {
        self.loss += other.loss;
        self.correct += other.correct;
        self.rows += other.rows;
    }
}

/// The loss of one row, without smoothing and weights: see [`Objective::sum`](crate::Objective::sum).
fn row_loss(head: Head, logits: &[f32], label: u32) -> f64 {
    match head {
        Head::Softmax => log_sum_exp(logits) - f64::from(logits[label as usize]),
        Head::Sigmoid => {
            let z = f64::from(logits[0]);
            z.max(0.0) - z * f64::from(label) + libm::log1p(libm::exp(-z.abs()))
        }
    }
}

fn log_sum_exp(logits: &[f32]) -> f64 {
    // A NaN must not be lost on the way, as it would be in `f64::max`.
    let largest = logits.iter().fold(f64::NEG_INFINITY, |largest, z| if largest > f64::from(*z) { largest } else { f64::from(*z) });
    largest + libm::log(logits.iter().map(|z| libm::exp(f64::from(*z) - largest)).sum::<f64>())
}

/// The most probable class of one row; the lowest of equals.
#[must_use]
pub fn predicted_class(head: Head, logits: &[f32]) -> u32 {
    match head {
        Head::Softmax => (1..logits.len()).fold(0, |best, class| if logits[class] > logits[best] { class } else { best }) as u32,
        Head::Sigmoid => u32::from(logits[0] > 0.0),
    }
}

/// The probability of each class for one row.
#[must_use]
pub fn probabilities(head: Head, logits: &[f32]) -> Vec<f64> {
    match head {
        Head::Softmax => {
            let log_sum = log_sum_exp(logits);
            logits.iter().map(|z| libm::exp(f64::from(*z) - log_sum)).collect()
        }
        Head::Sigmoid => {
            let z = f64::from(logits[0]);
            vec![1.0 / (1.0 + libm::exp(z)), 1.0 / (1.0 + libm::exp(-z))]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_of_rows_checked_by_hand() {
        let ln3 = 3_f32.ln();
        let totals = Totals::of(Head::Softmax, &[ln3, 0.0, 0.0, 0.0, 0.0, 0.0], &[0, 2]);
        assert!((totals.loss - ((5.0_f64 / 3.0).ln() + 3_f64.ln())).abs() < 1e-7);
        assert_eq!((totals.correct, totals.rows), (1, 2));
        let totals = Totals::of(Head::Sigmoid, &[ln3, -ln3, -1e4], &[1, 1, 0]);
        assert!((totals.loss - ((4.0_f64 / 3.0).ln() + 4_f64.ln())).abs() < 1e-7);
        assert_eq!((totals.correct, totals.rows), (2, 3));
        assert_eq!(Totals::of(Head::Softmax, &[], &[]), Totals::default());
    }

    #[test]
    fn probabilities_sum_to_one_and_survive_huge_logits() {
        assert_eq!(probabilities(Head::Softmax, &[1e4, -1e4]), [1.0, 0.0]);
        assert_eq!(probabilities(Head::Sigmoid, &[-1e4]), [1.0, 0.0]);
        let sum: f64 = probabilities(Head::Softmax, &[0.1, -2.0, 3.0]).iter().sum();
        assert!((sum - 1.0).abs() < 1e-15);
    }

    #[test]
    fn a_nan_logit_makes_the_loss_nan() {
        for logits in [[f32::NAN, 0.0], [0.0, f32::NAN]] {
            assert!(Totals::of(Head::Softmax, &logits, &[0]).loss.is_nan(), "{logits:?}");
        }
    }
}
