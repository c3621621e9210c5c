//! What a user gets when all goes well.

use crate::support::{Bench, Ended, shipped};
use serde_json::Value;
use std::process::Stdio;

const SMALL: [&str; 4] = ["--epochs", "2", "--set", "model.hidden=[16]"];

#[test]
fn without_arguments_it_trains_validates_and_tests_the_digits_at_96_percent() {
    let bench = Bench::new();
    let ended = bench.ok(&[]);
    assert!(ended.stdout.contains("run: runs/quickstart-1"), "{}", ended.stdout);
    assert!(ended.stdout.contains("\ntest: macro F1 0.9") && ended.stdout.contains(", top-2 9"), "{}", ended.stdout);
    let summary = bench.json("runs/quickstart-1/summary.json");
    assert!(summary["test"]["accuracy"].as_f64().unwrap() >= 0.96, "{summary:#}");
    assert_eq!(summary["test_evaluations"], 1);
    bench.ok(&[]);
    assert!(bench.path("runs/quickstart-2/summary.json").is_file(), "a second run gets a folder of its own");
}

#[test]
fn a_run_directory_holds_everything_the_design_names() {
    let bench = Bench::new();
    let summary = bench.train("run", &SMALL);
    for file in [
        "recipe.toml",
        "environment.json",
        "metrics.jsonl",
        "summary.json",
        "report.html",
        "initial.safetensors",
        "checkpoints/best.safetensors",
        "checkpoints/last.safetensors",
        "checkpoints/last.state.safetensors",
        "checkpoints/manifest.json",
        "test/predictions.csv",
        "test/confusion.json",
    ] {
        assert!(bench.path("run").join(file).is_file(), "{file} is missing");
    }
    for key in [
        "recipe",
        "dataset",
        "device",
        "step",
        "seed",
        "threads",
        "parameters",
        "epochs_run",
        "best_epoch",
        "train",
        "validation",
        "test",
        "test_evaluations",
        "epoch_seconds_median",
        "samples_per_second",
        "seconds_to_first_step",
        "wall_seconds",
        "peak_rss_mb",
        "version",
    ] {
        assert!(summary.get(key).is_some(), "summary.json lacks {key}");
    }
    assert_eq!(summary, bench.json("run/summary.json"));
    assert_eq!(summary["parameters"], 64 * 16 + 16 + 16 * 10 + 10);
    let epochs: Vec<Value> = bench.metrics("run").iter().map(|line| line["epoch"].clone()).collect();
    assert_eq!(epochs, [1, 2]);

    let predictions = String::from_utf8(bench.read("run/test/predictions.csv")).unwrap();
    assert!(predictions.starts_with("row,label,prediction,p_0,p_1,"));
    let rows: Vec<Vec<&str>> = predictions.lines().skip(1).map(|line| line.split(',').collect()).collect();
    let correct = rows.iter().filter(|row| row[1] == row[2]).count();
    assert_eq!(rows.len() as u64, summary["test_rows"].as_u64().unwrap());
    assert_eq!(correct as f64 / rows.len() as f64, summary["test"]["accuracy"].as_f64().unwrap());
    let matrix = bench.json("run/test/confusion.json")["matrix"].clone();
    let on_the_diagonal: u64 = (0..10).map(|class| matrix[class][class].as_u64().unwrap()).sum();
    assert_eq!(on_the_diagonal as usize, correct);
}

#[test]
fn test_reads_the_test_rows_again_counts_it_and_agrees() {
    let bench = Bench::new();
    let trained = bench.train("run", &SMALL);
    let report: Value = serde_json::from_str(&bench.ok(&["test", "run", "--json"]).stdout).unwrap();
    assert_eq!((&report["accuracy"], &report["loss"]), (&trained["test"]["accuracy"], &trained["test"]["loss"]));
    assert_eq!(report["test_evaluations"], 2);
    let last: Value = serde_json::from_str(&bench.ok(&["test", "run", "--weights", "last", "--json"]).stdout).unwrap();
    assert_eq!((&last["weights"], &last["test_evaluations"]), (&Value::from("last"), &Value::from(3)));
    assert_eq!(bench.json("run/summary.json")["test_evaluations"], 3);
    assert!(bench.ok(&["test", "run"]).stdout.contains("these rows have now been read 4 times"));
    let page = String::from_utf8(bench.read("run/report.html")).unwrap();
    assert!(page.contains("the test rows were read 4 times"), "the page says what the summary says");
}

/// The metrics of `summary.json`, recomputed from what the model said about each test row.
#[test]
fn summary_metrics_agree_with_the_predictions_and_test_tells_them_again() {
    let bench = Bench::new();
    let summary = bench.train("run", &SMALL);
    let predictions = String::from_utf8(bench.read("run/test/predictions.csv")).unwrap();
    let rows: Vec<Vec<&str>> = predictions.lines().skip(1).map(|line| line.split(',').collect()).collect();
    let share = |of: &[&Vec<&str>]| of.iter().filter(|row| row[1] == row[2]).count() as f64 / of.len() as f64;
    let metrics = &summary["test_metrics"];
    assert_eq!(metrics["accuracy"], share(&rows.iter().collect::<Vec<_>>()));
    assert_eq!((&metrics["accuracy"], &metrics["log_loss"]), (&summary["test"]["accuracy"], &summary["test"]["loss"]));
    for class in ["3", "8"] {
        let of_class: Vec<&Vec<&str>> = rows.iter().filter(|row| row[1] == class).collect();
        let told = &metrics["per_class"][class.parse::<usize>().unwrap()];
        assert_eq!((&told["class"], &told["rows"]), (&Value::from(class), &Value::from(of_class.len())));
        assert_eq!(told["recall"], share(&of_class), "class {class}");
    }
    // The probabilities are written with six decimals.
    let label_probability = |row: &Vec<&str>| row[3 + row[1].parse::<usize>().unwrap()].parse::<f64>().unwrap();
    let log_loss = -rows.iter().map(|row| label_probability(row).ln()).sum::<f64>() / rows.len() as f64;
    assert!((log_loss - metrics["log_loss"].as_f64().unwrap()).abs() < 1e-3, "{log_loss}, not {}", metrics["log_loss"]);
    assert_eq!(summary["validation_metrics"]["accuracy"], summary["validation"]["accuracy"]);

    // A run of a version that told no metrics can be read, and gets them when it is tested.
    let mut older = summary.clone();
    for key in ["validation_metrics", "test_metrics"] {
        assert!(older.as_object_mut().unwrap().remove(key).is_some(), "{key}");
    }
    bench.write("run/summary.json", older.to_string());
    let report: Value = serde_json::from_str(&bench.ok(&["test", "run", "--json"]).stdout).unwrap();
    assert_eq!((&report["metrics"], &bench.json("run/summary.json")["test_metrics"]), (metrics, metrics));
    let table = bench.ok(&["test", "run", "--weights", "last"]).stdout;
    assert!(table.contains("class          precision  recall      F1  rows") && table.contains("macro average"), "{table}");
    assert_eq!(&bench.json("run/summary.json")["test_metrics"], metrics, "only the best weights are the run's result");
    let page = String::from_utf8(bench.read("run/report.html")).unwrap();
    assert!(page.contains("<h2>Classes of the test rows</h2>") && page.contains("<td>macro average</td>"));
}

#[test]
fn the_resolved_recipe_of_a_run_trains_the_same_run_again() {
    let bench = Bench::new();
    bench.train("one", &[&SMALL[..], &["--seed", "5"]].concat());
    bench.train("two", &["one/recipe.toml"]);
    assert_eq!(bench.read("one/recipe.toml"), bench.read("two/recipe.toml"));
    assert_eq!(bench.read("one/checkpoints/best.safetensors"), bench.read("two/checkpoints/best.safetensors"));
}

/// 96 % over five seeds, and every run by the same split: `split_seed` is not the training seed.
#[test]
fn breast_cancer_reaches_96_percent_over_five_seeds_with_one_logit() {
    let bench = Bench::new();
    let recipe = shipped("models/breast-cancer.toml");
    let accuracies: Vec<f64> = (0..5)
        .map(|seed| {
            let summary = bench.train(&format!("run-{seed}"), &[recipe.to_str().unwrap(), "--seed", &seed.to_string()]);
            summary["test"]["accuracy"].as_f64().unwrap()
        })
        .collect();
    let mean = accuracies.iter().sum::<f64>() / 5.0;
    assert!(mean >= 0.96, "mean {mean} of {accuracies:?}");
    let listed = bench.ok(&["runs", "."]).stdout;
    assert!(listed.contains("run-4") && listed.contains("test accuracy, mean"), "{listed}");
    let rows_of = |run: &str| {
        let text = String::from_utf8(bench.read(&format!("{run}/test/predictions.csv"))).unwrap();
        text.lines().map(|line| line.split(',').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(rows_of("run-0"), rows_of("run-4"));
}

#[test]
fn runs_speak_together_only_if_they_differ_in_their_seed_alone() {
    let bench = Bench::new();
    for (name, seed, dropout) in [("a", "1", "0.1"), ("b", "2", "0.1"), ("c", "3", "0.2")] {
        bench.train(&format!("all/{name}"), &[&SMALL[..], &["--seed", seed, "--set", &format!("model.dropout={dropout}")]].concat());
    }
    let listed = bench.ok(&["runs", "all"]).stdout;
    let group: Vec<&str> = listed.lines().last().unwrap().split_whitespace().collect();
    assert_eq!(group[..4], ["quickstart", "digits", "cpu", "2"], "{listed}");
    assert_eq!(bench.ok(&["runs", "all", "--json"]).stdout.lines().count(), 3);
}

#[test]
fn depth_zero_one_row_batches_and_no_validation_train() {
    let bench = Bench::new();
    bench.train("softmax-regression", &["--epochs", "1", "--set", "model.hidden=[]"]);
    // 1,258 train rows in batches of 419 leave a last batch of one row.
    let summary = bench.train("tail", &[&SMALL[..], &["--set", "train.batch_size=419"]].concat());
    assert_eq!(summary["train_rows"].as_u64().unwrap() % 419, 1);
    assert_eq!(bench.metrics("tail")[1]["step"], 2 * 4);
    let summary = bench.train("no-validation", &[&SMALL[..], &["--set", "data.validation=0"]].concat());
    assert_eq!((&summary["validation"], &summary["best_epoch"]), (&Value::Null, &Value::from(2)));
    let summary = bench.train("no-test", &[&SMALL[..], &["--set", "data.test=0"]].concat());
    assert_eq!((&summary["test"], &summary["test_evaluations"]), (&Value::Null, &Value::from(0)));
}

#[test]
fn early_stopping_stops_and_the_best_epoch_is_the_tested_one() {
    let bench = Bench::new();
    let settings = ["--epochs", "200", "--set", "train.early_stopping.patience=2", "--set", "optimizer.learning_rate=0.05"];
    let summary = bench.train("run", &settings);
    let run = summary["epochs_run"].as_u64().unwrap();
    assert!(run < 200, "it ran all {run} epochs");
    let metrics = bench.metrics("run");
    let best = metrics.iter().rfind(|line| line["best"] == true).unwrap();
    assert_eq!((&best["epoch"], &best["validation"]), (&summary["best_epoch"], &summary["validation"]));
}

#[test]
fn inspect_shows_recipes_and_runs() {
    let bench = Bench::new();
    let recipe = bench.ok(&["inspect", "quickstart"]).stdout;
    assert!(recipe.contains("85002 parameters") && recipe.contains("glorot_uniform"), "{recipe}");
    bench.train("run", &SMALL);
    assert!(bench.ok(&["inspect", "run"]).stdout.contains("hidden = [16]"));
}

#[test]
fn devices_says_why_a_backend_is_missing_and_data_list_where_data_is() {
    let bench = Bench::new();
    let devices = bench.ok(&["devices"]).stdout;
    assert!(devices.contains("cpu") && devices.contains("cores"), "{devices}");
    if !cfg!(feature = "cuda") {
        assert!(devices.contains("built without it") && devices.contains("--features cuda"), "{devices}");
    }
    let data = bench.ok(&["data", "list"]).stdout;
    for name in ["digits", "mnist", "fashion-mnist", "inside relumine", "CC BY 4.0"] {
        assert!(data.contains(name), "{data}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let bench = Bench::new();
    let mut child = bench.command().args(["inspect", "quickstart"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let ended = Ended::of(child.wait_with_output().unwrap());
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
}

#[test]
fn results_go_to_standard_output_and_progress_to_standard_error() {
    let bench = Bench::new();
    let loud = bench.ok(&["train", "--epochs", "1", "--out", "loud", "--json"]);
    assert!(loud.stderr.contains("epoch   1/1 | train loss"), "{}", loud.stderr);
    assert!(serde_json::from_str::<Value>(&loud.stdout).is_ok());
    let quiet = bench.ok(&["train", "--epochs", "1", "--out", "quiet", "--quiet"]);
    assert_eq!(quiet.stderr, "");
    assert!(quiet.stdout.contains("95 % interval"));
}
