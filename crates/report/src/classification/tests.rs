//! Cases that can be checked by hand.

use super::*;

fn names(count: usize) -> Vec<String> {
    (0..count).map(|class| format!("class {class}")).collect()
}

/// The metrics of rows whose predicted class has probability `confidence`, the others an equal share of the rest.
fn metrics(classes: usize, pairs: &[(u32, u32)], confidence: f64) -> ClassificationMetrics {
    let (labels, predictions): (Vec<u32>, Vec<u32>) = pairs.iter().copied().unzip();
    let row = |prediction: &u32| {
        let mut row = vec![(1.0 - confidence) / (classes as f64 - 1.0); classes];
        row[*prediction as usize] = confidence;
        row
    };
    let probabilities: Vec<_> = predictions.iter().map(row).collect();
    let loss = log_loss(&labels, &probabilities);
    ClassificationMetrics::of(&names(classes), &labels, &predictions, &probabilities, loss).unwrap()
}

#[test]
fn perfect_predictions_have_every_metric_at_its_best() {
    let perfect = metrics(2, &[(0, 0), (1, 1), (1, 1)], 1.0);
    assert_eq!((perfect.accuracy, perfect.log_loss, perfect.expected_calibration_error, perfect.roc_auc), (1.0, 0.0, 0.0, Some(1.0)));
    assert_eq!(perfect.macro_average, MacroAverage { precision: 1.0, recall: 1.0, f1: 1.0 });
    assert_eq!(perfect.per_class.iter().map(|class| class.rows).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn all_wrong_at_full_confidence_has_every_metric_at_its_worst() {
    let wrong = metrics(2, &[(0, 1), (1, 0)], 1.0);
    assert_eq!((wrong.accuracy, wrong.expected_calibration_error, wrong.roc_auc), (0.0, 1.0, Some(0.0)));
    assert_eq!(wrong.macro_average, MacroAverage { precision: 0.0, recall: 0.0, f1: 0.0 });
    assert_eq!(wrong.log_loss, f64::INFINITY);
}

#[test]
fn a_class_that_is_never_predicted_has_no_precision_and_an_f1_of_0() {
    let metrics = metrics(3, &[(0, 0), (1, 0), (1, 1), (2, 1)], 0.5);
    let never = &metrics.per_class[2];
    assert_eq!((never.precision, never.recall, never.f1, never.rows), (None, Some(0.0), Some(0.0), 1));
    // The mean precision of the two predicted classes; the mean F1 of all three: 2/3, 1/2 and 0.
    assert_eq!(metrics.macro_average.precision, 0.5);
    assert!((metrics.macro_average.f1 - 7.0 / 18.0).abs() < 1e-15);
    assert_eq!(metrics.class_table().to_string().lines().nth(3), Some("class 2                -  0.0000  0.0000     1"));
}

#[test]
fn a_class_without_rows_has_no_recall_and_one_without_anything_no_f1() {
    let metrics = metrics(4, &[(0, 0), (0, 2), (1, 1)], 0.5);
    let of = |class: usize| (metrics.per_class[class].precision, metrics.per_class[class].recall, metrics.per_class[class].f1);
    assert_eq!(of(2), (Some(0.0), None, Some(0.0)));
    assert_eq!(of(3), (None, None, None));
    assert_eq!(metrics.macro_average.recall, 0.75, "balanced accuracy: the mean over classes with rows");
}

#[test]
fn one_row_has_metrics_and_no_row_has_none() {
    let one = metrics(3, &[(1, 1)], 0.5);
    assert_eq!((one.accuracy, one.expected_calibration_error, one.roc_auc), (1.0, 0.5, None));
    assert_eq!(one.top_k_accuracy, BTreeMap::from([(2, 1.0)]));
    assert_eq!(one.macro_average, MacroAverage { precision: 1.0, recall: 1.0, f1: 1.0 });
    assert_eq!(ClassificationMetrics::of(&names(3), &[], &[], &[], f64::NAN), None);
}

#[test]
fn top_k_is_told_for_2_3_and_5_as_far_as_there_are_more_classes() {
    let told = |classes| metrics(classes, &[(0, 0), (1, 1)], 0.5).top_k_accuracy.into_keys().collect::<Vec<_>>();
    assert_eq!([2, 3, 5, 6].map(told), [vec![], vec![2], vec![2, 3], vec![2, 3, 5]]);
}

#[test]
fn metrics_survive_json_and_what_is_undefined_is_null() {
    let mut metrics = metrics(3, &[(0, 0), (1, 0), (2, 0)], 0.5);
    let text = serde_json::to_string(&metrics).unwrap();
    assert!(text.contains(r#""top_k_accuracy":{"2":"#) && text.contains(r#""precision":null"#), "{text}");
    assert_eq!(serde_json::from_str::<ClassificationMetrics>(&text).unwrap(), metrics);
    (metrics.log_loss, metrics.expected_calibration_error) = (f64::INFINITY, f64::NAN);
    let read: ClassificationMetrics = serde_json::from_str(&serde_json::to_string(&metrics).unwrap()).unwrap();
    assert!(read.log_loss.is_nan() && read.expected_calibration_error.is_nan());
}

#[test]
fn the_headline_tells_what_there_is() {
    assert_eq!(metrics(2, &[(0, 0), (1, 1)], 0.75).headline(), "macro F1 1.0000, ECE 25.00 %, ROC-AUC 1.0000");
    assert_eq!(metrics(3, &[(0, 0), (1, 1)], 0.75).headline(), "macro F1 1.0000, top-2 100.00 %, ECE 25.00 %");
}

#[test]
fn the_confusion_matrix_is_shown_of_few_classes_kept_of_more_and_left_out_of_many() {
    let few = metrics(3, &[(0, 0), (1, 0), (1, 1), (2, 1)], 0.5);
    assert_eq!(few.confusion, Some(vec![vec![1, 0, 0], vec![1, 1, 0], vec![0, 1, 0]]));
    let lines = "true \\ predicted  class 0  class 1  class 2\n\
                 class 0                 1        0        0\n\
                 class 1                 1        1        0\n\
                 class 2                 0        1        0\n";
    assert_eq!(few.confusion_table().unwrap().to_string(), lines);
    let told = |classes| {
        let metrics = metrics(classes, &[(0, 0)], 0.5);
        (metrics.confusion.is_some(), metrics.confusion_table().is_some())
    };
    assert_eq!([20, 21, 100, 101].map(told), [(true, true), (true, false), (true, false), (false, false)]);
}

#[test]
fn metrics_of_versions_without_a_confusion_matrix_can_be_read() {
    let mut metrics = metrics(2, &[(0, 0), (1, 1)], 0.5);
    metrics.confusion = None;
    let text = serde_json::to_string(&metrics).unwrap();
    assert!(!text.contains("confusion"), "{text}");
    assert_eq!(serde_json::from_str::<ClassificationMetrics>(&text).unwrap(), metrics);
}
