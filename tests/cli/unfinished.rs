//! Runs that are read by several processes at once, that have not ended, that were killed at their very end, or that are broken.

#![cfg(unix)]

use crate::support::{Bench, Ended, signal};
use serde_json::Value;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const SMALL: [&str; 4] = ["--epochs", "2", "--set", "model.hidden=[16]"];
const EVENTS: &str = "run/events.out.tfevents.relumine";

/// A training that goes on until it is stopped; it has saved a checkpoint.
fn endless(bench: &Bench, arguments: &[&str], run: &str) -> Child {
    let mut command = bench.command();
    command.arg("train").args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    let checkpoint = bench.path(&format!("{run}/checkpoints/manifest.json"));
    while !checkpoint.is_file() {
        assert!(Instant::now() < deadline, "no checkpoint");
        std::thread::sleep(Duration::from_millis(5));
    }
    child
}

fn stop(child: Child, name: &str) -> Ended {
    signal(&child, name);
    Ended::of(child.wait_with_output().unwrap())
}

#[test]
fn every_reading_of_the_test_rows_is_counted_however_many_read_at_once() {
    let bench = Bench::new();
    bench.train("run", &SMALL);
    let test = |weights| {
        let mut command = bench.command();
        command.args(["test", "run", "--json", "--weights", weights]).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    let readers: Vec<Child> = (0..8).map(|reader| test(if reader % 2 == 0 { "best" } else { "last" })).collect();
    let mut counts: Vec<u64> = readers
        .into_iter()
        .map(|reader| {
            let ended = Ended::of(reader.wait_with_output().unwrap());
            assert_eq!(ended.code, Some(0), "{}", ended.stderr);
            serde_json::from_str::<Value>(&ended.stdout).unwrap()["test_evaluations"].as_u64().unwrap()
        })
        .collect();
    counts.sort_unstable();
    assert_eq!(counts, (2..10).collect::<Vec<_>>(), "each is told a number of its own");
    assert_eq!(bench.json("run/summary.json")["test_evaluations"], 9);
}

#[test]
fn a_training_that_goes_on_is_not_tested_and_keeps_the_count() {
    let bench = Bench::new();
    bench.train("run", &SMALL);
    bench.ok(&["test", "run"]);
    std::fs::remove_file(bench.path("run/checkpoints/manifest.json")).unwrap();
    for file in ["best", "last", "last.state"] {
        std::fs::remove_file(bench.path(&format!("run/checkpoints/{file}.safetensors"))).unwrap();
    }
    let training = endless(&bench, &["--resume", "run", "--epochs", "100000"], "run");
    let summary = bench.json("run/summary.json");
    assert_eq!((&summary["status"], &summary["test_evaluations"]), (&"running".into(), &2.into()));
    for score in ["train", "validation", "test", "test_metrics"] {
        assert!(summary[score].is_null(), "the {score} score is of the recipe before");
    }
    let refused = bench.run(&["test", "run"]);
    assert_eq!((refused.code, refused.stderr.lines().count()), (Some(1), 1), "{}", refused.stderr);
    assert!(refused.stderr.contains("run is being written by another process: wait until it ends"), "{}", refused.stderr);
    assert_eq!(stop(training, "-TERM").code, Some(130));
    assert_eq!(bench.json("run/summary.json")["test_evaluations"], 2);
    let told = bench.ok(&["test", "run"]).stdout;
    assert!(told.contains("these rows have now been read 3 times"), "{told}");
}

#[test]
fn one_reading_is_called_once() {
    let bench = Bench::new();
    let training = endless(&bench, &["--epochs", "100000", "--out", "run"], "run");
    assert_eq!(stop(training, "-TERM").code, Some(130));
    let told = bench.ok(&["test", "run"]).stdout;
    assert!(told.contains("these rows have now been read once\n"), "{told}");
}

#[test]
fn runs_lists_what_is_running_and_what_was_killed() {
    let bench = Bench::new();
    bench.train("all/done", &SMALL);
    let training = endless(&bench, &["--epochs", "100000", "--seed", "7", "--out", "all/run"], "all/run");
    let row = || {
        let listed = bench.ok(&["runs", "all"]).stdout;
        let row = listed.lines().find(|line| line.starts_with("all/run ")).unwrap();
        row.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    let running = row();
    assert_eq!(
        (&running[1..5], running.last().unwrap().as_str()),
        (&["quickstart", "digits", "cpu", "7"].map(String::from)[..], "running")
    );
    assert_eq!(stop(training, "-KILL").code, None);
    let stopped = row();
    assert_eq!((stopped[5].parse::<u64>().unwrap() > 0, stopped.last().unwrap().as_str()), (true, "stopped"));
    let json = bench.ok(&["runs", "all", "--json"]).stdout;
    let lines: Vec<Value> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["status"], &lines[0]["summary"]["seed"]), (&Value::from("finished"), &Value::from(0)));
    assert_eq!((&lines[1]["status"], &lines[1]["unfinished"]["seed"]), (&Value::from("stopped"), &Value::from(7)));

    let remedy = "all/run has no summary.json, as it is running or was killed: follow it with relumine watch all/run, \
                  or go on with relumine train --resume all/run";
    for arguments in [&["test", "all/run"][..], &["compare", "all/done", "all/run"], &["report", "all/run"]] {
        let ended = bench.run(arguments);
        assert_eq!((ended.code, ended.stderr.lines().count()), (Some(1), 1), "{arguments:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(remedy), "{arguments:?}: {}", ended.stderr);
    }
}

#[test]
fn a_broken_run_is_named_and_the_others_are_listed_and_reported() {
    let bench = Bench::new();
    for run in ["a", "b", "c"] {
        bench.train(&format!("all/{run}"), &SMALL);
    }
    bench.write("all/a/summary.json", "{\n");
    bench.write("all/b/metrics.jsonl", "{\"epoch\": 1}\n");
    bench.write("all/none/recipe.toml", "[train");
    bench.write("all/none/environment.json", "{}");
    let listed = bench.ok(&["runs", "all"]);
    let warnings: Vec<&str> = listed.stderr.lines().collect();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].starts_with("warning: all/a/summary.json is not what a run writes ("), "{warnings:?}");
    assert!(warnings[0].ends_with("restore it, or leave this run out"), "{warnings:?}");
    assert!(warnings[1].starts_with("warning: all/none/recipe.toml is no TOML"), "{warnings:?}");
    assert!(listed.stdout.contains("all/b ") && listed.stdout.contains("all/c "), "{}", listed.stdout);

    let reported = bench.ok(&["report", "all", "--out", "page.html"]);
    assert!(reported.stdout.ends_with(" of 1 run\n"), "{}", reported.stdout);
    let sentence = "warning: all/b/metrics.jsonl is not what a run writes (line 1, column 12: missing field";
    assert!(reported.stderr.contains("warning: all/a/summary.json") && reported.stderr.contains(sentence), "{}", reported.stderr);
    std::fs::remove_dir_all(bench.path("all/c")).unwrap();
    let ended = bench.run(&["report", "all", "--out", "none.html"]);
    assert_eq!((ended.code, ended.stderr.lines().count()), (Some(1), 1), "{}", ended.stderr);
    assert!(!bench.path("none.html").exists());
}

/// What a kill after `summary.json` leaves undone is made up for.
#[test]
fn a_finished_run_that_was_killed_before_its_page_is_completed_by_resume() {
    let bench = Bench::new();
    bench.train("run", &[&SMALL[..], &["--tensorboard"]].concat());
    let (page, events) = (bench.read("run/report.html"), bench.read(EVENTS));
    bench.ok(&["train", "--resume", "run"]);
    assert!(bench.read(EVENTS) == events && bench.read("run/report.html") == page, "a complete run stays as it is");
    std::fs::remove_file(bench.path("run/report.html")).unwrap();
    bench.write("run/.writing-page", "half");
    bench.write(EVENTS, &events[..events.len() - 1]);
    bench.ok(&["train", "--resume", "run"]);
    assert!(!bench.path("run/.writing-page").exists());
    assert!(bench.read("run/report.html") == page);
    let completed = bench.read(EVENTS);
    assert_eq!(completed.len(), events.len(), "the last record is written again, with another time");
    assert!(completed.windows(13).any(|bytes| bytes == b"accuracy/test"));
}

#[test]
fn a_run_that_goes_on_may_be_saved_more_often_and_logged_from_then_on() {
    let bench = Bench::new();
    bench.train("whole", &["--epochs", "3", "--set", "model.hidden=[16]"]);
    bench.train("run", &SMALL);
    let more = ["train", "--resume", "run", "--epochs", "3", "--quiet", "--set", "train.checkpoint_steps=5"];
    bench.ok(&[&more[..], &["--tensorboard", "--probe-every", "10"]].concat());
    assert!(bench.path(EVENTS).is_file() && bench.path("run/probes.jsonl").is_file());
    for file in ["best", "last", "last.state"].map(|name| format!("checkpoints/{name}.safetensors")) {
        assert!(bench.read(&format!("run/{file}")) == bench.read(&format!("whole/{file}")), "{file}");
    }
    let ended = bench.run(&["train", "--resume", "run", "--epochs", "4", "--probe-every", "7"]);
    assert!(ended.code == Some(2) && ended.stderr.contains("probes.every is 10 in the run and 7 here"), "{}", ended.stderr);
}

/// Without a handler SIGXFSZ would end the process without a word.
#[test]
fn a_limit_on_the_size_of_files_is_told_like_a_full_disk() {
    let bench = Bench::new();
    let limited = format!("ulimit -f 8; exec {} train --quiet --out run", env!("CARGO_BIN_EXE_relumine"));
    let ended = Ended::of(Command::new("bash").args(["-c", &limited]).current_dir(bench.path("")).output().unwrap());
    assert_eq!((ended.code, ended.stderr.lines().count()), (Some(1), 1), "{}", ended.stderr);
    assert!(ended.stderr.contains("make room on the disk") && ended.stderr.contains("File too large"), "{}", ended.stderr);
}

#[test]
fn advice_about_a_damaged_file_of_a_finished_run_does_not_send_to_resume() {
    let bench = Bench::new();
    bench.train("run", &SMALL);
    let mut bytes = bench.read("run/checkpoints/best.safetensors");
    *bytes.last_mut().unwrap() ^= 1;
    bench.write("run/checkpoints/best.safetensors", bytes);
    let ended = bench.run(&["test", "run"]);
    assert!(ended.code == Some(1) && ended.stderr.ends_with("manifest.json: restore it, or train again\n"), "{}", ended.stderr);
}

#[test]
fn products_counted_in_a_part_of_an_epoch_say_so_and_a_bad_line_of_the_log_is_named() {
    let bench = Bench::new();
    let training = endless(&bench, &["--epochs", "100000", "--set", "train.checkpoint_steps=1", "--out", "run"], "run");
    assert_eq!(stop(training, "-TERM").code, Some(130));
    let manifest = bench.json("run/checkpoints/manifest.json");
    let last_epoch = manifest["epoch"].as_u64().unwrap() + 1;

    let log = bench.read("run/metrics.jsonl");
    bench.write("run/metrics.jsonl", [b"{\"epoch\"\n", &log[..]].concat());
    let ended = bench.run(&["train", "--resume", "run"]);
    assert_eq!((ended.code, ended.stderr.lines().count()), (Some(1), 1), "{}", ended.stderr);
    assert!(ended.stderr.contains("run/metrics.jsonl is not what a run writes (line 1, column 8: "), "{}", ended.stderr);
    assert!(ended.stderr.contains("restore it to go on from the checkpoint, or train anew"), "{}", ended.stderr);
    bench.write("run/metrics.jsonl", log);

    bench.ok(&["train", "--resume", "run", "--quiet", "--epochs", &last_epoch.to_string()]);
    let products = bench.json("run/products.json");
    let expected = if manifest["partial_epoch"].is_null() { &Value::Null } else { &manifest["step"] };
    assert_eq!((&products["epoch"], &products["after_step"]), (&Value::from(last_epoch), expected));
}
