//! Metrics of the probabilities themselves.

/// Equally wide bins of confidence.
const BINS: usize = 15;

/// How far confidence is from accuracy, 0 to 1: the rows are sorted into 15 equally wide bins of the predicted class's probability, and
/// ECE = sum over bins of |rows right in the bin - sum of the confidences in the bin| / rows (Guo et al. 2017, equation 3). NaN of no rows,
/// and where a confidence is NaN.
///
/// As `torchmetrics.functional.classification.multiclass_calibration_error(.., n_bins=15, norm="l1")`: a bin holds its lower edge, the last
/// one both. Three differences: this is f64, torchmetrics rounds to f32; a confidence of exactly 1 is in the last bin, torchmetrics 1.9 gives
/// it a sixteenth; two classes are no special case (`binary_calibration_error` bins the probability of class 1 instead).
///
/// ```
/// use relumine_report::classification::expected_calibration_error;
///
/// // At 0.9: two of two rows right. At 0.6: one of two. (|2 - 1.8| + |1 - 1.2|) / 4
/// let error = expected_calibration_error(&[true, true, true, false], &[0.9, 0.9, 0.6, 0.6]);
/// assert!((error - 0.1).abs() < 1e-15);
/// ```
#[must_use]
pub fn expected_calibration_error(right: &[bool], confidences: &[f64]) -> f64 {
    let mut gaps = [0.0; BINS];
    for (right, confidence) in right.iter().zip(confidences) {
        gaps[bin(*confidence)] += f64::from(u8::from(*right)) - confidence;
    }
    gaps.iter().map(|gap| gap.abs()).sum::<f64>() / right.len() as f64
}

/// The rows of one bin of confidence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CalibrationBin {
    /// Its lower edge, which it holds.
    pub low: f64,
    /// Its upper edge, which only the last one holds.
    pub high: f64,
    /// How many there are.
    pub rows: u64,
    /// How many of them were predicted right.
    pub right: u64,
    /// Their mean confidence; NaN of no rows.
    pub confidence: f64,
}

/// The bins of [`expected_calibration_error`], from low to high: ECE = sum of `|right - rows * confidence|` over all rows.
///
/// ```
/// let bins = relumine_report::classification::calibration_bins(&[true, false, true], &[0.9, 0.9, 0.6]);
/// assert_eq!((bins.len(), bins[13].rows, bins[13].right, bins[9].rows), (15, 2, 1, 1));
/// ```
#[must_use]
pub fn calibration_bins(right: &[bool], confidences: &[f64]) -> Vec<CalibrationBin> {
    let edge = |edge: usize| edge as f64 / BINS as f64;
    let of_bin = |place: usize| {
        let inside = || right.iter().zip(confidences).filter(|(_, confidence)| bin(**confidence) == place);
        let rows = inside().count() as u64;
        CalibrationBin {
            low: edge(place),
            high: edge(place + 1),
            rows,
            right: inside().filter(|(right, _)| **right).count() as u64,
            confidence: inside().map(|(_, confidence)| confidence).sum::<f64>() / rows as f64,
        }
    };
    (0..BINS).map(of_bin).collect()
}

/// Edges are compared rather than `15 confidence` rounded down, which errs beside an edge.
fn bin(confidence: f64) -> usize {
    (1..BINS).filter(|edge| confidence >= *edge as f64 / BINS as f64).count()
}

/// The mean of -ln(probability of the label), in nats; infinite where one is 0, NaN of no rows.
///
/// As `sklearn.metrics.log_loss`, which keeps probabilities away from 0 by an epsilon. Where logits are at hand, take the loss from them.
///
/// ```
/// // (ln 2 + ln 4) / 2
/// let loss = relumine_report::classification::log_loss(&[0, 1], &[vec![0.5, 0.5], vec![0.75, 0.25]]);
/// assert!((loss - 1.5 * 2_f64.ln()).abs() < 1e-15);
/// ```
#[must_use]
pub fn log_loss(labels: &[u32], probabilities: &[Vec<f64>]) -> f64 {
    // `0.0 -` rather than a minus sign: the loss of a perfect model is not -0.
    0.0 - labels.iter().zip(probabilities).map(|(label, row)| libm::log(row[*label as usize])).sum::<f64>() / labels.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bin_holds_its_lower_edge_and_the_last_one_both() {
        assert_eq!([0.0, 1.0 / 15.0, 0.2, 0.6, 0.8, 1.0].map(bin), [0, 1, 3, 9, 12, 14]);
        assert_eq!([0.2_f64, 0.6, 0.8, 1.0].map(|edge| bin(edge.next_down())), [2, 8, 11, 14]);
    }

    #[test]
    fn over_and_under_confidence_cancel_within_a_bin_and_not_across() {
        assert_eq!(expected_calibration_error(&[true, false], &[0.5, 0.5]), 0.0);
        assert_eq!(expected_calibration_error(&[true, false], &[0.75, 0.5]), 0.375);
    }

    #[test]
    fn nan_is_not_lost() {
        assert!(expected_calibration_error(&[true, true], &[f64::NAN, 0.5]).is_nan());
        assert!(expected_calibration_error(&[], &[]).is_nan());
        assert!(log_loss(&[0], &[vec![f64::NAN]]).is_nan());
    }
}
