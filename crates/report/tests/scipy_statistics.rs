//! Inference over seeds, compared with SciPy and statsmodels: `fixtures/scipy_statistics.py` wrote the numbers.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use relumine_report::statistics::{holm, mean_interval, paired_t_test, two_sided_p, two_sided_t, wilson_interval};
use serde_json::Value;

fn fixture(name: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(include_str!("fixtures/scipy_statistics.json")).unwrap();
    all[name].as_array().unwrap().clone()
}

fn number(value: &Value, name: &str) -> f64 {
    value[name].as_f64().unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

/// Within 1e-11 of the larger one, or 1e-15.
fn assert_close(ours: f64, theirs: f64, what: &Value) {
    let allowed = 1e-15 + 1e-11 * theirs.abs();
    assert!((ours - theirs).abs() <= allowed, "{what}: {ours} is {:e} from {theirs}", (ours - theirs).abs());
}

#[test]
fn tails_and_points_of_student_t_match_scipy() {
    for case in fixture("tails") {
        assert_close(two_sided_p(number(&case, "t"), number(&case, "degrees")), number(&case, "p"), &case);
        assert_close(two_sided_p(-number(&case, "t"), number(&case, "degrees")), number(&case, "p"), &case);
    }
    for case in fixture("points") {
        assert_close(two_sided_t(number(&case, "share"), number(&case, "degrees")), number(&case, "t"), &case);
    }
}

#[test]
fn paired_tests_match_scipy() {
    for case in fixture("tests") {
        let (first, second) = (numbers(&case["first"]), numbers(&case["second"]));
        let test = paired_t_test(&first, &second).unwrap();
        assert_close(test.t.unwrap(), number(&case, "t"), &case);
        assert_close(test.p, number(&case, "p"), &case);
        assert_close(test.interval.0, number(&case, "low"), &case);
        assert_close(test.interval.1, number(&case, "high"), &case);
        let differences: Vec<f64> = first.iter().zip(&second).map(|(a, b)| a - b).collect();
        assert_eq!(mean_interval(&differences), Some(test.interval));
    }
}

#[test]
fn holm_matches_statsmodels_and_wilson_matches_scipy() {
    for case in fixture("holm") {
        for (ours, theirs) in holm(&numbers(&case["p"])).into_iter().zip(numbers(&case["corrected"])) {
            assert_close(ours, theirs, &case);
        }
    }
    for case in fixture("wilson") {
        let (low, high) = wilson_interval(case["successes"].as_u64().unwrap(), case["trials"].as_u64().unwrap());
        let theirs = numbers(&case["interval"]);
        assert!((low - theirs[0]).abs() < 1e-12 && (high - theirs[1]).abs() < 1e-12, "{case}: {low}, {high}");
    }
}
