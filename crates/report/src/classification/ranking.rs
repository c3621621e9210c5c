//! Metrics of an order: of the classes of a row, or of the rows.

/// Share of rows whose label is among their k most probable classes, 0 to 1; NaN of no rows. Of equally probable classes the lower label
/// comes first, as it does in a prediction, so that k = 1 is the accuracy. A label whose probability is NaN is no hit.
///
/// As `sklearn.metrics.top_k_accuracy_score`, but that one puts the higher label first.
///
/// ```
/// use relumine_report::classification::top_k_accuracy;
///
/// // The example in scikit-learn's documentation: the last label is the least probable class of its row.
/// let scores = [vec![0.5, 0.2, 0.2], vec![0.3, 0.4, 0.2], vec![0.2, 0.4, 0.3], vec![0.7, 0.2, 0.1]];
/// assert_eq!(top_k_accuracy(&[0, 1, 2, 2], &scores, 2), 0.75);
/// assert_eq!(top_k_accuracy(&[0, 1], &[vec![0.4, 0.4, 0.2], vec![0.4, 0.4, 0.2]], 1), 0.5);
/// ```
#[must_use]
pub fn top_k_accuracy(labels: &[u32], probabilities: &[Vec<f64>], k: usize) -> f64 {
    let is_hit = |(label, row): &(&u32, &Vec<f64>)| {
        let label = **label as usize;
        let comes_after = |class: usize| row[class] < row[label] || (row[class] == row[label] && class >= label);
        (0..row.len()).filter(|class| !comes_after(*class)).count() < k && !row[label].is_nan()
    };
    labels.iter().zip(probabilities).filter(is_hit).count() as f64 / labels.len() as f64
}

/// The area under the ROC curve: the probability that a positive row has a higher score than a negative one, ties counted half; `None`
/// without rows of both kinds, or where a score is NaN.
///
/// From ranks, equal scores sharing their mean rank: AUC = (R - P (P + 1) / 2) / (P N), with R the sum of the ranks of the P positive rows
/// among all rows, and N the number of negative rows (Mann and Whitney 1947; Hanley and McNeil 1982). As `sklearn.metrics.roc_auc_score`.
///
/// ```
/// use relumine_report::classification::roc_auc;
///
/// // The example in scikit-learn's documentation: three of four pairs are ordered right.
/// assert_eq!(roc_auc(&[false, false, true, true], &[0.1, 0.4, 0.35, 0.8]), Some(0.75));
/// // Two pairs: one ordered right, one tied.
/// assert_eq!(roc_auc(&[false, true, false], &[0.5, 0.5, 0.1]), Some(0.75));
/// ```
#[must_use]
pub fn roc_auc(positive: &[bool], scores: &[f64]) -> Option<f64> {
    let positives = positive.iter().filter(|positive| **positive).count() as u64;
    let negatives = positive.len() as u64 - positives;
    if positives == 0 || negatives == 0 || scores.iter().any(|score| score.is_nan()) {
        return None;
    }
    let mut rows: Vec<(f64, bool)> = scores.iter().copied().zip(positive.iter().copied()).collect();
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    // Twice the ranks are whole numbers, and so their sum is exact.
    let (mut twice_rank_sum, mut before) = (0, 0);
    for tied in rows.chunk_by(|a, b| a.0 == b.0) {
        let twice_mean_rank = 2 * before + tied.len() as u64 + 1;
        twice_rank_sum += twice_mean_rank * tied.iter().filter(|(_, positive)| *positive).count() as u64;
        before += tied.len() as u64;
    }
    Some((twice_rank_sum - positives * (positives + 1)) as f64 / (2 * positives * negatives) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_area_of_equal_scores_is_a_half_whatever_the_order_of_the_rows() {
        assert_eq!(roc_auc(&[true, false, false, true, false], &[0.3; 5]), Some(0.5));
        assert_eq!(roc_auc(&[true, false], &[0.0, -0.0]), Some(0.5));
    }

    /// Positive 0.2, 0.5, 0.5 and negative 0.1, 0.5, 0.9: of nine pairs three are ordered right and two tie.
    #[test]
    fn the_area_counts_ties_half() {
        let positive = [true, false, true, false, true, false];
        assert_eq!(roc_auc(&positive, &[0.5, 0.5, 0.2, 0.1, 0.5, 0.9]), Some(4.0 / 9.0));
    }

    #[test]
    fn there_is_no_area_of_one_class_nor_of_nan() {
        assert_eq!(roc_auc(&[true, true], &[0.1, 0.2]), None);
        assert_eq!(roc_auc(&[], &[]), None);
        assert_eq!(roc_auc(&[true, false], &[f64::NAN, 0.2]), None);
    }

    #[test]
    fn nan_is_never_a_hit() {
        assert_eq!(top_k_accuracy(&[0, 1], &[vec![f64::NAN, 0.5], vec![f64::NAN, 0.5]], 2), 0.5);
        assert_eq!(top_k_accuracy(&[1], &[vec![f64::NAN, 0.5]], 1), 0.0);
    }
}
