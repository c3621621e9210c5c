//! Signals: finish the step, save, exit 130.

#![cfg(unix)]

use crate::support::{Bench, Ended, signal};
use std::process::Stdio;
use std::time::{Duration, Instant};

/// Starts a long training, sends the signals in quick succession once it has written `awaited`, and waits for it to end.
fn interrupted_by(bench: &Bench, signals: &[&str], awaited: &str, arguments: &[&str]) -> Ended {
    let mut command = bench.command();
    command.args(["train", "--out", "run"]).args(arguments);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while !bench.path(awaited).is_file() {
        assert!(Instant::now() < deadline, "training has not begun");
        std::thread::sleep(Duration::from_millis(10));
    }
    signals.iter().for_each(|name| signal(&child, name));
    Ended::of(child.wait_with_output().unwrap())
}

#[test]
fn ctrl_c_and_sigterm_save_what_there_is_and_exit_130() {
    // `timeout` sends its signal twice: to the program and to its group.
    for signals in [&["-INT"][..], &["-TERM"], &["-TERM", "-TERM"]] {
        let bench = Bench::new();
        let ended = interrupted_by(&bench, signals, "run/checkpoints/manifest.json", &["--epochs", "100000"]);
        assert_eq!(ended.code, Some(130), "{signals:?}: {}", ended.stderr);
        assert!(ended.stderr.contains("interrupted after step"), "{}", ended.stderr);
        let summary = bench.json("run/summary.json");
        assert_eq!(summary["status"], "interrupted");
        assert_eq!(summary["test_evaluations"], 0, "an interrupted run has not read the test rows");
        let epochs = bench.metrics("run").len() as u64;
        assert_eq!(summary["epochs_run"].as_u64(), Some(epochs));
        let manifest = bench.json("run/checkpoints/manifest.json");
        assert!(manifest["step"].as_u64().unwrap() >= epochs * 10, "{manifest}");
        assert_eq!(manifest["epoch"].as_u64(), Some(epochs));
        assert!(bench.ok(&["test", "run"]).stdout.contains("test of the best weights"));
    }
}

#[test]
fn an_interrupted_refit_keeps_the_first_training_and_says_how_to_test_it() {
    let bench = Bench::new();
    // At this learning rate the loss falls in every epoch, so that the refit takes as long as the training before it.
    let slow = ["--epochs", "10", "--set", "train.batch_size=8", "--set", "optimizer.learning_rate=1e-5"];
    let refit = ["--set", "train.refit=true", "--set", "train.early_stopping.patience=100"];
    let ended = interrupted_by(&bench, &["-INT"], "run/refit.metrics.jsonl", &[&slow[..], &refit].concat());
    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
    let said = "interrupted while training again on train and validation rows; what came before was saved in run: \
                test the weights that validation chose with relumine test run --weights best, \
                or go on with relumine train --resume run";
    assert!(ended.stderr.contains(said), "{}", ended.stderr);
    let summary = bench.json("run/summary.json");
    assert_eq!((&summary["status"], &summary["stopped_by"], &summary["epochs_run"]), (&"interrupted".into(), &"epochs".into(), &10.into()));
    assert_eq!(summary["validation_metrics"]["accuracy"], summary["validation"]["accuracy"]);
    assert_eq!((&summary["refit"], &summary["test_evaluations"]), (&serde_json::Value::Null, &0.into()));
    let ended = bench.run(&["test", "run"]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("--weights best"), "{}", ended.stderr);
    bench.ok(&["test", "run", "--weights", "best"]);
}

#[test]
fn an_interrupted_cross_validation_keeps_its_record_and_names_its_folder() {
    let bench = Bench::new();
    let awaited = "run/fold-2/checkpoints/manifest.json";
    // Enough epochs for a signal to come in time, in the second fold of many.
    let ended = interrupted_by(&bench, &["-INT"], awaited, &["--folds", "3", "--epochs", "60", "--set", "train.checkpoint_steps=1"]);
    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
    assert!(
        ended.stderr.contains(
            "the cross-validation was interrupted in fold 2 of 3; what there is was saved in run: \
             go on with relumine train --resume run\n"
        ),
        "{}",
        ended.stderr
    );
    let record = bench.json("run/cross-validation.json");
    assert_eq!((&record["status"], &record["planned_folds"]), (&"interrupted".into(), &3.into()));
    let folds = record["folds"].as_array().unwrap();
    assert_eq!((folds.len(), &folds[0]["validation_accuracy"]), (1, &record["validation_accuracy_mean"]));
    assert!(bench.ok(&["runs", "."]).stdout.contains("1 of 3"), "what there is, is listed");
}
