//! `relumine train --folds`.

use crate::support::Bench;
use serde_json::Value;

const SMALL: [&str; 2] = ["--set", "model.hidden=[16]"];

#[test]
fn a_fold_that_misses_the_target_fails_the_cross_validation_after_saving() {
    let bench = Bench::new();
    let train = |out, target, epochs| {
        let arguments = ["train", "--folds", "2", "--quiet", "--out", out, "--target-accuracy", target, "--epochs", epochs];
        bench.run(&[&arguments[..], &SMALL].concat())
    };
    let ended = train("missed", "0.999", "1");
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("error: the target accuracy of 99.90 % was missed in 2 of 2 folds (1, 2)"), "{}", ended.stderr);
    assert!(ended.stdout.contains("cross-validation: missed"), "{}", ended.stdout);
    assert_eq!(bench.json("missed/cross-validation.json")["status"], "finished");
    assert_eq!(train("reached", "0.5", "50").code, Some(0));
}

#[test]
fn folds_train_once_each_and_read_no_test_row() {
    let bench = Bench::new();
    let arguments = [&["train", "--folds", "3", "--epochs", "2", "--quiet", "--json", "--out", "cv"], &SMALL[..]].concat();
    let report: Value = serde_json::from_str(&bench.ok(&arguments).stdout).unwrap();
    assert_eq!(report, bench.json("cv/cross-validation.json"));
    let folds: Vec<Value> = (1..=3).map(|fold| bench.json(&format!("cv/fold-{fold}/summary.json"))).collect();
    let rows = |key: &str| folds.iter().map(|fold| fold[key].as_u64().unwrap()).collect::<Vec<_>>();
    assert_eq!(rows("validation_rows").iter().sum::<u64>(), 1438);
    assert!(rows("train_rows").iter().zip(rows("validation_rows")).all(|(train, validation)| train + validation == 1438));
    assert_eq!(rows("test_evaluations"), [0, 0, 0]);
    let accuracies: Vec<f64> = folds.iter().map(|fold| fold["validation"]["accuracy"].as_f64().unwrap()).collect();
    let mean = accuracies.iter().sum::<f64>() / 3.0;
    assert!((report["validation_accuracy_mean"].as_f64().unwrap() - mean).abs() < 1e-12);
    let last = |fold: u64| bench.metrics(&format!("cv/fold-{fold}")).pop().unwrap()["validation"]["accuracy"].as_f64().unwrap();
    let mean_of_last = (1..=3).map(last).sum::<f64>() / 3.0;
    assert!((report["last_validation_accuracy_mean"].as_f64().unwrap() - mean_of_last).abs() < 1e-12);
    assert_eq!(report["data_fingerprint"], folds[0]["data_fingerprint"]);
    assert_eq!((&report["status"], &report["planned_folds"], &report["dataset"]), (&"finished".into(), &3.into(), &"digits".into()));
    let listed = bench.ok(&["runs", "."]).stdout;
    let line: Vec<&str> = listed.lines().last().unwrap().split_whitespace().collect();
    assert_eq!((&line[1..6], line.last()), (&["quickstart", "digits", "3", "of", "3"][..], Some(&"finished")), "{listed}");
    assert_eq!((line[6], line[7]), (format!("{:.2}", 100.0 * mean).as_str(), "%"), "{listed}");
    let lines = bench.ok(&["runs", ".", "--json"]).stdout;
    assert_eq!(serde_json::from_str::<Value>(lines.trim_end()).unwrap()["cross_validation"], report);
    for command in ["test", "inspect"] {
        let ended = bench.run(&[command, "cv"]);
        assert_eq!(ended.code, Some(2));
        assert!(ended.stderr.contains("cv is a cross-validation: name the run of one of its folds, such as cv/fold-1"), "{}", ended.stderr);
    }
    // A fold is a run like any other: its recipe trains it again.
    bench.train("again", &["cv/fold-2/recipe.toml"]);
    assert_eq!(bench.read("again/checkpoints/best.safetensors"), bench.read("cv/fold-2/checkpoints/best.safetensors"));
}

#[test]
fn a_cross_validation_does_not_go_on_over_other_data_and_says_what_its_accuracies_are_of() {
    let bench = Bench::new();
    let rows = |changed: i32| {
        let row = |i: i32| format!("{},{},{}\n", i % 7, if i == 30 { changed } else { i % 5 }, i % 2);
        format!("a,b,y\n{}", (0..60).map(row).collect::<String>())
    };
    bench.write("table.csv", rows(0));
    let ended = bench.ok(&["train", "--data", "table.csv", "--folds", "3", "--epochs", "2", "--quiet", "--out", "cv"]);
    assert!(ended.stdout.contains("accuracy  ") && ended.stdout.contains("by default those of its best epoch"), "{}", ended.stdout);
    let whole = bench.read("cv/cross-validation.json");
    // As a kill after the first fold leaves it.
    let mut record = bench.json("cv/cross-validation.json");
    record["folds"].as_array_mut().unwrap().truncate(1);
    record["status"] = "running".into();
    bench.write("cv/cross-validation.json", record.to_string());
    [2, 3].into_iter().for_each(|fold| std::fs::remove_dir_all(bench.path(&format!("cv/fold-{fold}"))).unwrap());

    bench.write("table.csv", rows(9));
    let refused = bench.run(&["train", "--resume", "cv", "--quiet"]);
    assert_eq!(refused.code, Some(1), "{}", refused.stderr);
    assert!(
        refused.stderr.starts_with("error: cannot go on with cv: the data or its division has changed since it began"),
        "{}",
        refused.stderr
    );
    assert!(!bench.path("cv/fold-2").exists());
    bench.write("table.csv", rows(0));
    bench.ok(&["train", "--resume", "cv", "--quiet"]);
    assert_eq!(bench.read("cv/cross-validation.json"), whole);
}
