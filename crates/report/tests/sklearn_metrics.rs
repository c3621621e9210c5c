//! Classification metrics against scikit-learn and torchmetrics: `fixtures/sklearn_metrics.py` made the expected numbers.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use relumine_report::classification::{log_loss, per_class, top_k_accuracy};
use relumine_report::{ClassificationMetrics, Confusion};
use serde_json::Value;

/// Against scikit-learn, which computes in f64.
const F64: f64 = 1e-9;
/// Against torchmetrics, which sums confidences in f32.
const F32: f64 = 1e-6;

struct Case {
    name: String,
    labels: Vec<u32>,
    predictions: Vec<u32>,
    probabilities: Vec<Vec<f64>>,
    expected: Value,
}

fn list<T>(value: &Value, item: impl Fn(&Value) -> T) -> Vec<T> {
    value.as_array().unwrap().iter().map(item).collect()
}

fn class(value: &Value) -> u32 {
    value.as_u64().unwrap() as u32
}

impl Case {
    fn all() -> Vec<Self> {
        let fixture: Value = serde_json::from_str(include_str!("fixtures/sklearn_metrics.json")).unwrap();
        list(&fixture["cases"], |expected| {
            let denominator = expected["denominator"].as_f64().unwrap();
            Self {
                name: expected["name"].as_str().unwrap().to_owned(),
                labels: list(&expected["labels"], class),
                predictions: list(&expected["predictions"], class),
                probabilities: list(&expected["numerators"], |row| list(row, |numerator| numerator.as_f64().unwrap() / denominator)),
                expected: expected.clone(),
            }
        })
    }

    fn classes(&self) -> Vec<String> {
        (0..self.probabilities[0].len()).map(|class| class.to_string()).collect()
    }

    fn metrics(&self) -> ClassificationMetrics {
        let loss = log_loss(&self.labels, &self.probabilities);
        ClassificationMetrics::of(&self.classes(), &self.labels, &self.predictions, &self.probabilities, loss).unwrap()
    }

    fn assert_close(&self, what: &str, ours: f64, theirs: &Value, tolerance: f64) {
        let theirs = theirs.as_f64().unwrap();
        assert!((ours - theirs).abs() <= tolerance, "{}: {what} is {ours}, the peer has {theirs}", self.name);
    }

    /// Undefined values are undefined on both sides.
    fn assert_all_close(&self, what: &str, ours: &[Option<f64>], theirs: &Value) {
        let theirs = theirs.as_array().unwrap();
        assert_eq!(ours.len(), theirs.len(), "{}: {what}", self.name);
        for (index, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
            let what = format!("{what} of class {index}");
            match ours {
                Some(ours) => self.assert_close(&what, *ours, theirs, F64),
                None => assert!(theirs.is_null(), "{}: {what} is undefined, the peer has {theirs}", self.name),
            }
        }
    }
}

#[test]
fn accuracy_log_loss_and_top_k_match_scikit_learn() {
    let cases = Case::all();
    assert_eq!(cases.len(), 4);
    for case in cases {
        let metrics = case.metrics();
        case.assert_close("accuracy", metrics.accuracy, &case.expected["accuracy"], F64);
        case.assert_close("log loss", metrics.log_loss, &case.expected["log_loss"], F64);
        assert_eq!(metrics.top_k_accuracy.len(), case.expected["top_k_accuracy"].as_object().unwrap().len(), "{}", case.name);
        for (k, share) in &metrics.top_k_accuracy {
            case.assert_close(&format!("top-{k} accuracy"), *share, &case.expected["top_k_accuracy"][k.to_string()], F64);
        }
        assert_eq!(top_k_accuracy(&case.labels, &case.probabilities, 1), metrics.accuracy, "{}: top-1", case.name);
    }
}

#[test]
fn confusion_precision_recall_and_f1_match_scikit_learn() {
    for case in Case::all() {
        let (metrics, expected) = (case.metrics(), &case.expected);
        let confusion = Confusion::count(&case.classes(), case.labels.iter().copied().zip(case.predictions.iter().copied()));
        assert_eq!(serde_json::to_value(&confusion.matrix).unwrap(), expected["confusion"], "{}", case.name);
        assert_eq!(per_class(&confusion), metrics.per_class, "{}", case.name);

        let column = |value: fn(&relumine_report::ClassMetrics) -> Option<f64>| metrics.per_class.iter().map(value).collect::<Vec<_>>();
        case.assert_all_close("precision", &column(|class| class.precision), &expected["precision"]);
        case.assert_all_close("recall", &column(|class| class.recall), &expected["recall"]);
        case.assert_all_close("F1", &column(|class| class.f1), &expected["f1"]);
        assert_eq!(metrics.per_class.iter().map(|class| class.rows).collect::<Vec<_>>(), list(&expected["rows"], |n| n.as_u64().unwrap()));

        let average = metrics.macro_average;
        case.assert_close("macro precision", average.precision, &expected["macro"][0], F64);
        case.assert_close("macro recall", average.recall, &expected["macro"][1], F64);
        case.assert_close("macro F1", average.f1, &expected["macro"][2], F64);
        case.assert_close("balanced accuracy", average.recall, &expected["balanced_accuracy"], F64);
    }
}

#[test]
fn roc_auc_with_ties_matches_scikit_learn_and_is_told_for_two_classes_alone() {
    let told = Case::all().into_iter().filter(|case| {
        let area = case.metrics().roc_auc;
        assert_eq!(area.is_none(), case.expected["roc_auc"].is_null(), "{}", case.name);
        area.inspect(|area| case.assert_close("ROC-AUC", *area, &case.expected["roc_auc"], F64)).is_some()
    });
    assert_eq!(told.count(), 1);
}

#[test]
fn calibration_error_matches_torchmetrics() {
    for case in Case::all() {
        let ours = case.metrics().expected_calibration_error;
        case.assert_close("calibration error", ours, &case.expected["expected_calibration_error_f32"], F32);
    }
}
