//! Following a run.

use crate::support::Bench;
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc;
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
    assert!(told.ends_with("stopped before its end: epoch 2 of 2; go on with relumine train --resume run\n"), "{told}");
    let ended = bench.run(&["watch", "nowhere"]);
    assert_eq!((ended.code, ended.stderr.lines().count()), (Some(2), 1), "{}", ended.stderr);
    bench.write("run/metrics.jsonl", "{}\n");
    let ended = bench.run(&["watch", "run", "--once"]);
    assert!(ended.code == Some(1) && ended.stderr.contains("run/metrics.jsonl is not what a run writes"), "{}", ended.stderr);
}

#[cfg(unix)]
#[test]
fn on_a_terminal_charts_are_drawn_and_q_quits() {
    let screen = screen_until(|terminal, _| terminal.write_all(b"q").unwrap());
    // A blank is a move of the cursor where the screen was blank before.
    for expected in ["epoch 5 of 5", "finished:", "┌loss", "┐┌accuracy", "q quits"] {
        assert!(screen.contains(expected), "{expected} is missing in {screen}");
    }
}

/// As a connection that drops, or `timeout`, ends it.
#[cfg(unix)]
#[test]
fn a_signal_ends_it_like_a_key() {
    for signal in ["TERM", "INT", "HUP"] {
        screen_until(|_, process| assert!(Command::new("kill").args(["-s", signal, &process.to_string()]).status().unwrap().success()));
    }
}

/// What is drawn on a pseudo-terminal, as a person sees it, by a process that is asked to `end` once the screen stands.
#[cfg(unix)]
fn screen_until(end: impl Fn(&mut &pty_process::blocking::Pty, u32)) -> String {
    let bench = Bench::new();
    bench.train("run", &["quickstart", "--epochs", "5"]);
    let (terminal, child_end) = pty_process::blocking::open().unwrap();
    terminal.resize(pty_process::Size::new(40, 120)).unwrap();
    let watch = pty_process::blocking::Command::new(env!("CARGO_BIN_EXE_relumine")).args(["watch", "run"]);
    let mut watching = watch.current_dir(bench.path("")).env("TERM", "xterm").spawn(child_end).unwrap();

    // A program that draws nothing or does not hear the key is killed, and its exit status tells.
    let (drawn, parts) = mpsc::channel();
    let screen = std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut part = [0; 4096];
            // Linux reports an error where other systems report the end: nobody holds the other end any more.
            while let Ok(length @ 1..) = (&terminal).read(&mut part) {
                drawn.send(part[..length].to_vec()).unwrap();
            }
            drop(drawn);
        });
        let mut screen = Vec::new();
        let mut is_asked_to_quit = false;
        loop {
            match parts.recv_timeout(Duration::from_secs(60)) {
                Ok(part) => screen.extend(part),
                Err(mpsc::RecvTimeoutError::Timeout) => watching.kill().unwrap(),
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
            }
            if !is_asked_to_quit && String::from_utf8_lossy(&screen).contains("q quits") {
                end(&mut &terminal, watching.id());
                is_asked_to_quit = true;
            }
        }
        String::from_utf8(screen).unwrap()
    });
    let ended = watching.wait().unwrap();
    assert!(ended.success(), "{ended}: {screen}");
    assert!(screen.contains("\u{1b}[?1049h") && screen.contains("\u{1b}[?1049l"), "the terminal is given back");
    screen
}
