//! The command line for shells and manuals, read by the real ones where they are installed.

use crate::support::{Bench, Ended};
use std::io::Write;
use std::process::{Command, Stdio};

const SHELLS: [&str; 5] = ["bash", "zsh", "fish", "elvish", "powershell"];
const COMMANDS: [&str; 9] = ["train", "test", "inspect", "runs", "compare", "devices", "data", "completions", "man"];

fn is_installed(program: &str) -> bool {
    let found = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !found {
        // Written past the test harness, which would keep a passing test's words to itself.
        let mut stderr = std::io::stderr();
        writeln!(stderr, "SKIPPED: {program} is not installed, and was not asked").unwrap();
    }
    found
}

#[test]
fn every_shell_gets_a_script_that_knows_every_command() {
    let bench = Bench::new();
    for shell in SHELLS {
        let script = bench.ok(&["completions", shell]).stdout;
        for name in COMMANDS.into_iter().chain(["--tensorboard", "--dry-run"]) {
            // Fish's scripts name options without their dashes.
            assert!(script.contains(name.trim_start_matches('-')), "{shell}: no {name}");
        }
        // Syntax alone: nothing is run.
        if is_installed(shell) && ["bash", "zsh", "fish"].contains(&shell) {
            let path = bench.write(&format!("completions.{shell}"), &script);
            let ended = Ended::of(Command::new(shell).arg("-n").arg(path).output().unwrap());
            assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{shell}");
        }
    }
    let ended = bench.run(&["completions", "tcsh"]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("possible values: bash, elvish, fish, powershell, zsh"), "{}", ended.stderr);
}

#[test]
fn bash_completes_commands_options_and_values() {
    if !is_installed("bash") {
        return;
    }
    let bench = Bench::new();
    let script = bench.write("completions.bash", bench.ok(&["completions", "bash"]).stdout);
    for (typed, expected) in [
        ("relumine com", &["compare", "compare-devices", "completions"][..]),
        ("relumine train --tens", &["--tensorboard"]),
        ("relumine runs --sort te", &["test"]),
        ("relumine completions f", &["fish"]),
    ] {
        let words: Vec<&str> = typed.split(' ').collect();
        let last = words.len() - 1;
        let program = format!(
            "source {}; COMP_WORDS=({typed}); COMP_CWORD={last}; _relumine relumine {} {}; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            script.display(),
            words[last],
            words[last - 1]
        );
        let ended = Ended::of(Command::new("bash").args(["--norc", "-c", &program]).output().unwrap());
        assert_eq!(ended.stdout.lines().collect::<Vec<_>>(), expected, "{typed}: {}", ended.stderr);
    }
}

#[test]
fn every_command_has_a_manual_page_that_groff_takes_without_a_warning() {
    let bench = Bench::new();
    let page = bench.ok(&["man"]).stdout;
    assert!(page.contains(".TH relumine 1") && page.contains("relumine\\-train(1)"), "{page}");
    bench.ok(&["man", "--out", "pages"]);
    assert_eq!(bench.read("pages/relumine.1"), page.as_bytes());
    std::fs::remove_file(bench.path("pages/relumine.1")).unwrap();
    let refused = bench.run(&["man", "--out", "pages"]);
    assert!(refused.code == Some(2) && refused.stderr.contains("exists already: give another name, or replace it with --force"));
    assert!(!bench.path("pages/relumine.1").exists(), "either all pages are written or none");
    bench.ok(&["man", "--out", "pages", "--force"]);
    for command in COMMANDS {
        let page = String::from_utf8(bench.read(&format!("pages/relumine-{command}.1"))).unwrap();
        assert!(page.contains(&format!("relumine {command}")) || page.contains(&format!("relumine\\-{command}")), "{command}: {page}");
    }
    if is_installed("groff") {
        for file in std::fs::read_dir(bench.path("pages")).unwrap() {
            let path = file.unwrap().path();
            let ended = Ended::of(Command::new("groff").args(["-man", "-Tutf8", "-ww", "-z"]).arg(&path).output().unwrap());
            assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{}", path.display());
        }
    }
    bench.write("file", "");
    let ended = bench.run(&["man", "--out", "file/pages"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("choose another folder with --out") && ended.stderr.lines().count() == 1, "{}", ended.stderr);
}

#[test]
fn help_says_how_to_leave_a_key_out() {
    let bench = Bench::new();
    for command in ["train", "inspect"] {
        let help = bench.ok(&[command, "--help"]).stdout;
        // Long lines are broken.
        let words = help.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains("--set KEY= leaves a key out"), "{help}");
    }
}
