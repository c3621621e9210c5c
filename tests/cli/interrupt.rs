//! Signals: finish the step, save, exit 130.

#![cfg(unix)]

use crate::support::{Bench, Ended};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Starts a long training, sends the signals in quick succession once it has begun, and waits for it to end.
fn interrupted_by(bench: &Bench, signals: &[&str]) -> Ended {
    let arguments = ["train", "--epochs", "100000", "--out", "run"];
    let mut command = bench.command();
    let child = command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while !bench.path("run/checkpoints/manifest.json").is_file() {
        assert!(Instant::now() < deadline, "training has not begun");
        std::thread::sleep(Duration::from_millis(10));
    }
    for signal in signals {
        assert!(Command::new("kill").args([*signal, child.id().to_string().as_str()]).status().unwrap().success());
    }
    Ended::of(child.wait_with_output().unwrap())
}

#[test]
fn ctrl_c_and_sigterm_save_what_there_is_and_exit_130() {
    // `timeout` sends its signal twice: to the program and to its group.
    for signals in [&["-INT"][..], &["-TERM"], &["-TERM", "-TERM"]] {
        let bench = Bench::new();
        let ended = interrupted_by(&bench, signals);
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
