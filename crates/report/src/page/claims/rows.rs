//! What the model got wrong, and whether it knew.

use crate::page::families::Trained;
use crate::page::{count, percent};
use crate::{ClassificationMetrics, Confusion, ReportError, Summary};

pub(super) fn claims(trained: &Trained) -> Result<Vec<String>, ReportError> {
    let summary = &trained.run.summary;
    let mut claims: Vec<String> = accuracy(summary).into_iter().collect();
    claims.extend(trained.run.confusion()?.and_then(|confusion| most_frequent_confusion(&confusion)));
    claims.extend(summary.test_metrics.as_ref().and_then(worst_class));
    let predictions = trained.run.predictions()?;
    let confidence = predictions.iter().map(|prediction| prediction.confidence).sum::<f64>() / predictions.len() as f64;
    claims.extend(summary.test_metrics.as_ref().and_then(|metrics| calibration(metrics, confidence)));
    Ok(claims)
}

fn accuracy(summary: &Summary) -> Option<String> {
    let test = summary.test?;
    let (low, high) = test.accuracy_interval(summary.test_rows);
    let wrong = summary.test_rows - ((test.accuracy * summary.test_rows as f64).round() as u64).min(summary.test_rows);
    Some(format!(
        "Test accuracy is {} ({} of {} wrong); so many rows leave a 95 % interval of {:.2} to {:.2} %.",
        percent(test.accuracy),
        wrong,
        count(summary.test_rows, "row"),
        100.0 * low,
        100.0 * high
    ))
}

/// The most frequent one by count; of equal ones the first.
fn most_frequent_confusion(confusion: &Confusion) -> Option<String> {
    let mut most: Option<(u64, usize, usize)> = None;
    for (truth, counts) in confusion.matrix.iter().enumerate() {
        for (predicted, found) in counts.iter().enumerate() {
            if truth != predicted && *found > most.map_or(0, |(count, ..)| count) {
                most = Some((*found, truth, predicted));
            }
        }
    }
    let Some((found, truth, predicted)) = most else { return Some("Every test row was predicted right.".into()) };
    let rows: u64 = confusion.matrix[truth].iter().sum();
    Some(format!(
        "The most frequent confusion is {} taken for {}: {found} of {} ({}).",
        confusion.classes.get(truth)?,
        confusion.classes.get(predicted)?,
        count(rows, "row"),
        percent(found as f64 / rows as f64)
    ))
}

fn worst_class(metrics: &ClassificationMetrics) -> Option<String> {
    let scored = metrics.per_class.iter().filter_map(|class| Some((class, class.recall?)));
    let (class, recall) = scored.reduce(|worst, next| if next.1 < worst.1 { next } else { worst })?;
    let is_perfect = recall >= 1.0;
    (!is_perfect).then(|| {
        format!("The class with the lowest recall is {}: {} of its {} were found.", class.class, percent(recall), count(class.rows, "row"))
    })
}

fn calibration(metrics: &ClassificationMetrics, confidence: f64) -> Option<String> {
    let error = metrics.expected_calibration_error;
    if !error.is_finite() || !confidence.is_finite() {
        return None;
    }
    let points = 100.0 * (confidence - metrics.accuracy);
    let verdict = if points > 0.0 { "above" } else { "below" };
    Some(format!(
        "Mean confidence on the test rows ({}) is {:.2} points {verdict} accuracy; the expected calibration error is {}.",
        percent(confidence),
        points.abs(),
        percent(error)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_frequent_confusion_is_named_with_its_share() {
        let confusion = Confusion { classes: vec!["cat".into(), "dog".into()], matrix: vec![vec![3, 1], vec![2, 6]] };
        let claim = most_frequent_confusion(&confusion).unwrap();
        assert_eq!(claim, "The most frequent confusion is dog taken for cat: 2 of 8 rows (25.00 %).");
        let perfect = Confusion { matrix: vec![vec![3, 0], vec![0, 6]], ..confusion };
        assert_eq!(most_frequent_confusion(&perfect).unwrap(), "Every test row was predicted right.");
    }

    #[test]
    fn overconfidence_and_its_opposite_are_told_apart() {
        let classes = ["a".into(), "b".into()];
        let metrics = ClassificationMetrics::of(&classes, &[0, 1], &[0, 0], &[vec![0.9, 0.1], vec![0.9, 0.1]], 1.0).unwrap();
        let claim = calibration(&metrics, 0.9).unwrap();
        assert_eq!(
            claim,
            "Mean confidence on the test rows (90.00 %) is 40.00 points above accuracy; the expected calibration error is 40.00 %."
        );
        assert!(calibration(&metrics, 0.4).unwrap().contains("10.00 points below accuracy"));
        assert_eq!(calibration(&metrics, f64::NAN), None);
    }
}
