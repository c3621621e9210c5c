//! What ends a run, and what becomes of its weights: limits, targets, folds, refits, dry runs.

use crate::support::Bench;
use serde_json::Value;

const SMALL: [&str; 2] = ["--set", "model.hidden=[16]"];

fn with(arguments: &[&'static str]) -> Vec<&'static str> {
    [&SMALL[..], arguments].concat()
}

#[test]
fn steps_and_minutes_end_a_run_within_an_epoch_and_it_is_tested_all_the_same() {
    let bench = Bench::new();
    let summary = bench.train("steps", &with(&["--max-steps", "13"]));
    let last = bench.metrics("steps").pop().unwrap();
    assert_eq!((&last["epoch"], &last["step"]), (&2.into(), &13.into()));
    assert_eq!((&summary["stopped_by"], &summary["epochs_run"], &summary["test_evaluations"]), (&"max_steps".into(), &2.into(), &1.into()));
    let summary = bench.train("minutes", &with(&["--max-minutes", "0.0001", "--epochs", "100000"]));
    assert_eq!((&summary["stopped_by"], &summary["test_evaluations"]), (&"max_minutes".into(), &1.into()));
}

#[test]
fn a_target_that_is_reached_ends_the_run_and_one_that_is_missed_fails_it_after_saving() {
    let bench = Bench::new();
    let summary = bench.train("reached", &["--epochs", "100", "--target-accuracy", "0.9"]);
    assert_eq!(summary["stopped_by"], "target_accuracy");
    assert!(summary["epochs_run"].as_u64().unwrap() < 100 && summary["validation"]["accuracy"].as_f64().unwrap() >= 0.9);

    let ended = bench.run(&[&["train", "--out", "missed", "--epochs", "1", "--target-accuracy", "0.999"], &SMALL[..]].concat());
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("error: the target accuracy of 99.90 % was missed"), "{}", ended.stderr);
    assert!(ended.stdout.contains("run: missed"), "{}", ended.stdout);
    assert_eq!(bench.json("missed/summary.json")["status"], "finished");
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
    // A fold is a run like any other: its recipe trains it again.
    bench.train("again", &["cv/fold-2/recipe.toml"]);
    assert_eq!(bench.read("again/checkpoints/best.safetensors"), bench.read("cv/fold-2/checkpoints/best.safetensors"));
}

/// The refit sees train and validation rows for the steps that validation chose, and its weights are the tested ones.
#[test]
fn a_refit_trains_on_all_rows_but_the_test_rows_for_the_steps_of_the_best_epoch() {
    let bench = Bench::new();
    let arguments = ["--epochs", "6", "--set", "train.refit=true", "--set", "data.scale=standard", "--set", "optimizer.schedule=cosine"];
    let summary = bench.train("run", &with(&arguments));
    let metrics = bench.metrics("run");
    let best = metrics.iter().rfind(|line| line["best"] == true).unwrap();
    assert_eq!((&summary["weights"], &summary["refit"]["rows"]), (&"refit".into(), &1438.into()));
    assert_eq!((&summary["refit"]["steps"], &summary["validation"]), (&best["step"], &best["validation"]));
    assert_ne!(bench.read("run/checkpoints/refit.safetensors"), bench.read("run/checkpoints/best.safetensors"));
    let again: Value = serde_json::from_str(&bench.ok(&["test", "run", "--json"]).stdout).unwrap();
    assert_eq!(
        (&again["weights"], &again["accuracy"], &again["loss"]),
        (&"refit".into(), &summary["test"]["accuracy"], &summary["test"]["loss"])
    );
    let best: Value = serde_json::from_str(&bench.ok(&["test", "run", "--weights", "best", "--json"]).stdout).unwrap();
    assert_ne!(best["loss"], again["loss"]);
    assert_eq!(bench.json("run/summary.json")["test"], summary["test"], "other weights do not take the place of the tested ones");
}

#[test]
fn early_stopping_can_watch_the_accuracy_and_keep_the_last_weights() {
    let bench = Bench::new();
    let early = "train.early_stopping={ patience = 2, monitor = \"accuracy\", restore_best = false }";
    let summary = bench.train("run", &["--epochs", "200", "--set", early, "--set", "optimizer.learning_rate=0.05"]);
    assert_eq!((&summary["stopped_by"], &summary["weights"]), (&"early_stopping".into(), &"last".into()));
    assert_eq!(summary["validation"], bench.metrics("run").last().unwrap()["validation"]);
    let last: Value = serde_json::from_str(&bench.ok(&["test", "run", "--json"]).stdout).unwrap();
    assert_eq!((&last["weights"], &last["loss"]), (&"last".into(), &summary["test"]["loss"]));
}

#[test]
fn a_few_batches_can_be_fitted_and_nothing_is_tested() {
    let bench = Bench::new();
    let arguments = ["--overfit-batches", "2", "--epochs", "60", "--target-accuracy", "1.0", "--set", "model.dropout=0"];
    let summary = bench.train("run", &arguments);
    assert_eq!((&summary["train_rows"], &summary["validation_rows"], &summary["test_evaluations"]), (&256.into(), &256.into(), &0.into()));
    assert_eq!(summary["validation"]["accuracy"], 1.0);
}

#[test]
fn a_dry_run_takes_a_step_and_writes_nothing() {
    let bench = Bench::new();
    let ended = bench.ok(&["train", "--dry-run", "--out", "run"]);
    assert!(ended.stdout.contains("10 steps an epoch, 400 in all") && ended.stdout.contains("nothing was written"), "{}", ended.stdout);
    assert_eq!(std::fs::read_dir(bench.path(".")).unwrap().count(), 0);
    let ended = bench.run(&["train", "--dry-run", "--set", "data.validation=5000"]);
    assert_eq!(ended.code, Some(2), "what a run would refuse, a dry run refuses: {}", ended.stderr);
}

/// The learning rate in the metrics is that of the next step.
#[test]
fn a_plateau_of_the_validation_loss_lowers_the_learning_rate() {
    let bench = Bench::new();
    let schedule = "optimizer.schedule={ name = \"reduce_on_plateau\", patience = 0, threshold = 10.0, threshold_mode = \"abs\" }";
    bench.train("run", &with(&["--epochs", "3", "--set", schedule, "--set", "optimizer.learning_rate=0.001"]));
    let rates: Vec<f64> = bench.metrics("run").iter().map(|line| line["learning_rate"].as_f64().unwrap()).collect();
    for (rate, expected) in rates.iter().zip([1e-3, 1e-4, 1e-5]) {
        assert!((rate / expected - 1.0).abs() < 1e-12, "{rates:?}");
    }
}

/// Two batches of 64 accumulated are one of 128, up to the rounding of sums: the same masks, the same steps.
#[test]
fn accumulated_batches_train_like_one_large_one() {
    let bench = Bench::new();
    let loss = |run: &str, batch: &str, accumulate: &str| {
        bench.train(
            run,
            &with(&["--epochs", "3", "--set", batch, "--set", accumulate].map(|text| Box::leak(text.to_owned().into_boxed_str()) as &str)),
        );
        bench.metrics(run).iter().map(|line| (line["step"].as_u64().unwrap(), line["train"]["loss"].as_f64().unwrap())).collect::<Vec<_>>()
    };
    let whole = loss("whole", "train.batch_size=128", "train.accumulate=1");
    let parts = loss("parts", "train.batch_size=64", "train.accumulate=2");
    for ((steps, whole), (steps_of_parts, parts)) in whole.into_iter().zip(parts) {
        assert_eq!(steps, steps_of_parts);
        assert!((whole / parts - 1.0).abs() < 1e-4, "{whole} and {parts}");
    }
}

/// Every optimiser, activation, initialiser and schedule by its name alone, through the whole program.
#[test]
fn every_kind_trains_by_its_name() {
    let bench = Bench::new();
    for (key, names) in [
        ("optimizer.name", &["sgd", "adam", "adamw", "rmsprop", "adagrad", "adadelta", "nadam", "lion"][..]),
        ("model.activation", relumine_model::Activation::NAMES),
        ("model.init", relumine_model::Initializer::NAMES),
        ("model.norm", relumine_model::Norm::NAMES),
        ("optimizer.schedule", &["polynomial", "cosine", "one_cycle", "reduce_on_plateau"]),
    ] {
        for name in names {
            let setting = format!("{key}={name}");
            let ended = bench.run(&["train", "--dry-run", "--set", &setting]);
            assert_eq!(ended.code, Some(0), "{setting}: {}", ended.stderr);
        }
    }
}
