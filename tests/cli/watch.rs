//! Following a run.

use crate::support::Bench;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[test]
fn without_a_terminal_a_finished_run_is_told_in_lines() {
    let bench = Bench::new();
    bench.train("run", &["quickstart", "--epochs", "3"]);
    let told = bench.ok(&["watch", "run"]);
    let lines: Vec<&str> = told.stdout.lines().collect();
    assert_eq!((lines.len(), lines[0]), (5, "run, 3 epochs planned"), "{}", told.stdout);
    assert!(lines[1].starts_with("epoch   1/3 | train loss ") && lines[3].starts_with("epoch   3/3 | "), "{}", told.stdout);
    let accuracy = 100.0 * bench.json("run/summary.json")["test"]["accuracy"].as_f64().unwrap();
    assert_eq!(lines[4], format!("finished: epoch 3 of 3, test accuracy {accuracy:.2} %"));
    let once = bench.ok(&["watch", "run", "--once"]).stdout;
    assert!(once.contains("finished: epoch 3 of 3") && once.contains("epoch   3/3"), "{once}");
}

#[test]
fn a_run_that_trains_is_followed_to_its_end() {
    let bench = Bench::new();
    // Each epoch takes long enough to be seen; the run ends within seconds.
    let mut train = bench.command();
    train.args(["train", "quickstart", "--quiet", "--step", "reference", "--epochs", "40", "--out", "run"]).stdout(Stdio::null());
    let mut training = train.spawn().unwrap();
    let begun = Instant::now();
    while !bench.path("run/.lock").is_file() && begun.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(10));
    }
    let told = bench.ok(&["watch", "run"]).stdout;
    assert!(training.wait().unwrap().success());
    assert_eq!(told.lines().filter(|line| line.starts_with("epoch ")).count(), 40, "{told}");
    assert!(told.trim_end().lines().last().unwrap().starts_with("finished: epoch 40 of 40"), "{told}");
}

#[test]
fn a_killed_run_says_how_to_go_on_and_what_is_no_run_is_an_error() {
    let bench = Bench::new();
    bench.train("run", &["quickstart", "--epochs", "2"]);
    std::fs::remove_file(bench.path("run/summary.json")).unwrap();
    let told = bench.ok(&["watch", "run"]).stdout;
    assert!(told.ends_with("stopped without a summary: epoch 2 of 2; go on with relumine train --resume run\n"), "{told}");
    let ended = bench.run(&["watch", "nowhere"]);
    assert_eq!((ended.code, ended.stderr.lines().count()), (Some(2), 1), "{}", ended.stderr);
    bench.write("run/metrics.jsonl", "{}\n");
    let ended = bench.run(&["watch", "run", "--once"]);
    assert!(ended.code == Some(1) && ended.stderr.contains("run/metrics.jsonl is not what a run writes"), "{}", ended.stderr);
}

/// On a pseudo-terminal of `script`, as a person sees it.
#[cfg(target_os = "linux")]
#[test]
fn on_a_terminal_charts_are_drawn_and_q_quits() {
    let bench = Bench::new();
    bench.train("run", &["quickstart", "--epochs", "5"]);
    if Command::new("script").arg("--version").output().is_err() {
        // Written past the test harness, which would keep a passing test's words to itself.
        let line = "SKIPPED: on_a_terminal_charts_are_drawn_and_q_quits needs `script` of util-linux, for a pseudo-terminal";
        return writeln!(std::io::stderr(), "{line}").unwrap();
    }
    let program = env!("CARGO_BIN_EXE_relumine");
    // The keys come when the screen has been drawn; a screen that ignores them is stopped, which is another exit code.
    let watch = format!("stty rows 40 cols 120; timeout 20 '{program}' watch run");
    let shell = format!("(sleep 2; printf q; sleep 1) | script --quiet --return --command \"{watch}\" screen.txt");
    let ended = Command::new("bash").args(["-c", &shell]).current_dir(bench.path("")).env("TERM", "xterm").output().unwrap();
    assert!(ended.status.success(), "{ended:?}");
    let screen = String::from_utf8_lossy(&bench.read("screen.txt")).into_owned();
    // A blank is a move of the cursor where the screen was blank before.
    for expected in ["epoch 5 of 5", "finished:", "┌loss", "┐┌accuracy", "q quits"] {
        assert!(screen.contains(expected), "{expected} is missing in {screen}");
    }
    assert!(screen.contains("\u{1b}[?1049h") && screen.contains("\u{1b}[?1049l"), "the terminal is given back");
}
