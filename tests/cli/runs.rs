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
    assert_eq!(summary["test_metrics"]["confusion"], matrix);
    let of_validation = summary["validation_metrics"]["confusion"].as_array().unwrap().iter().flat_map(|row| row.as_array().unwrap());
    assert_eq!(of_validation.map(|count| count.as_u64().unwrap()).sum::<u64>(), summary["validation_rows"].as_u64().unwrap());
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
    let confusion: Vec<&str> = table.split("\n\n").last().unwrap().lines().collect();
    assert!(confusion.len() == 11 && confusion[0].starts_with("true \\ predicted"), "{table}");
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
    assert_eq!(group[..8], ["all/a", "and", "1", "more", "quickstart", "digits", "cpu", "2"], "{listed}");
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

/// What `inspect` says of rows and steps is what a dry run says, and it refuses what a run refuses.
#[test]
fn inspect_plans_as_training_does() {
    let bench = Bench::new();
    for settings in [
        &["train.accumulate=3"][..],
        &["train.max_steps=7"],
        &["train.overfit_batches=2", "train.batch_size=50"],
        &["data.limit_train=100", "train.step=reference"],
    ] {
        let arguments: Vec<&str> = settings.iter().flat_map(|setting| ["--set", setting]).collect();
        let shown = bench.ok(&[&["inspect", "quickstart"], &arguments[..]].concat()).stdout;
        let dry = bench.ok(&[&["train", "--dry-run", "--json"], &arguments[..]].concat()).stdout;
        let dry: Value = serde_json::from_str(&dry).unwrap();
        let rows = format!("data digits: {} train, {} validation, {} test", dry["train_rows"], dry["validation_rows"], dry["test_rows"]);
        let steps = format!("{} steps an epoch, {} in all", dry["steps_per_epoch"], dry["total_steps"]);
        let step = format!("\n{} step; device", dry["step"].as_str().unwrap());
        assert!(shown.contains(&rows) && shown.contains(&steps) && shown.contains(&step), "{settings:?}: {shown}");
    }
    for (setting, expected) in [
        ("train.label_smoothing=2", "train.label_smoothing = 2"),
        ("train.class_weights=[1.0]", "one weight for each of the 10 classes"),
        ("data.validation=5000", "data.validation = 5000"),
    ] {
        let ended = bench.run(&["inspect", "quickstart", "--set", setting]);
        assert_eq!(ended.code, Some(2), "{setting}: {}", ended.stdout);
        assert!(ended.stderr.contains(expected), "{setting}: {}", ended.stderr);
    }
}

#[test]
fn inspect_names_the_classes_the_step_and_whether_zeros_are_skipped() {
    let bench = Bench::new();
    // Of 40 features one in five is not zero, and there are 24 classes.
    let rows: Vec<String> = (0..96)
        .map(|row| (0..40).map(|i| if (row + i) % 5 == 0 { "3," } else { "0," }).collect::<String>() + &format!("c{:02}", row % 24))
        .collect();
    let header: String = (0..40).map(|i| format!("f{i},")).collect();
    bench.write("table.csv", format!("{header}class\n{}\n", rows.join("\n")));
    let of_table = ["inspect", "quickstart", "--set", "data.name=table.csv", "--device", "cpu"];
    let inspect = |setting: &str| bench.ok(&[&of_table[..], &["--set", setting]].concat()).stdout;
    let shown = inspect("data.scale=unit");
    assert!(shown.contains("\n24 classes: c00, c01, ") && shown.contains(", c19, and 4 more\n"), "{shown}");
    assert!(shown.contains("\nfused step; device cpu (asked for by name)\ninputs: 20 % not zero: products skip zeros\n"), "{shown}");
    assert!(inspect("data.scale=standard").contains("inputs: 100 % not zero: products do not skip zeros"));
    assert!(inspect("model.input_dropout=0.5").contains("inputs: 10 % not zero"));
    let shown = inspect("train.step=reference");
    assert!(shown.contains("\nreference step; device cpu") && !shown.contains("inputs:"), "{shown}");
}

#[test]
fn averaged_weights_are_called_so() {
    let bench = Bench::new();
    let ended = bench.ok(&[&["train", "--quiet", "--out", "run", "--set", "optimizer.ema_decay=0.9"], &SMALL[..]].concat());
    assert!(ended.stdout.contains("averaged weights of epoch "), "{}", ended.stdout);
    let page = String::from_utf8(bench.read("run/report.html")).unwrap();
    assert!(page.contains("by the averaged weights of epoch "), "{page}");
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
