//! Studies that were stopped or changed and go on, and trials that go on after a rung of successive halving.

use crate::study::{SMALL, results, study, trials};
use crate::support::{Bench, signal};
use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[test]
fn a_study_that_is_killed_goes_on_with_the_results_of_one_that_never_was() {
    let bench = Bench::new();
    let long = SMALL.replace("epochs = 2", "epochs = 80");
    bench.write("s.toml", &long);
    let start = |command: &mut Command| {
        command.args(["study", "s.toml", "--out", "killed", "--threads", "2", "--quiet"]).stderr(Stdio::null()).spawn()
    };
    let mut child = start(&mut bench.command()).unwrap();
    let deadline = Instant::now() + Duration::from_secs(120);
    // Killed with some trials done and others in the middle.
    while std::fs::read_to_string(bench.path("killed/trials.jsonl")).unwrap_or_default().lines().count() < 2 {
        assert!(Instant::now() < deadline, "no trial came to its end");
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let done = std::fs::read_to_string(bench.path("killed/trials.jsonl")).unwrap();
    assert!(done.lines().count() < 8, "it was killed too late to show anything");
    // As a kill within a write leaves it.
    bench.write("killed/trials.jsonl", format!("{done}{{\"trial\": \"half"));
    for file in ["summary.json", "recipe.toml"] {
        bench.write(&format!("killed/trials/.trial-left/{file}"), "");
    }
    assert_eq!(study(&bench, &long, &["--out", "killed", "--quiet"]).code, Some(0));
    assert!(String::from_utf8(bench.read("killed/trials.jsonl")).unwrap().starts_with(&done), "what was done is kept");
    assert_eq!(study(&bench, &long, &["--out", "whole", "--quiet"]).code, Some(0));
    assert_eq!(results(&bench, "killed"), results(&bench, "whole"));
    let leftovers = std::fs::read_dir(bench.path("killed/trials")).unwrap().count();
    assert_eq!(leftovers, 8, "nothing half-written is left");
}

#[cfg(unix)]
#[test]
fn a_signal_ends_a_study_with_130_and_the_same_command_goes_on() {
    let bench = Bench::new();
    let long = SMALL.replace("epochs = 2", "epochs = 2000");
    bench.write("s.toml", &long);
    let mut child = bench.command().args(["study", "s.toml", "--out", "s", "--quiet"]).stderr(Stdio::piped()).spawn().unwrap();
    // By then it listens to signals.
    let deadline = Instant::now() + Duration::from_secs(60);
    while !bench.path("s/trials.jsonl").is_file() {
        assert!(Instant::now() < deadline, "the study has not begun");
        std::thread::sleep(Duration::from_millis(10));
    }
    signal(&child, "-TERM");
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{stderr}");
    assert!(stderr.contains("the same command goes on"), "{stderr}");
    assert_eq!(bench.json("s/study.json")["status"], "interrupted");
}

#[test]
fn halving_keeps_the_better_cells_with_the_bits_of_whole_trials() {
    let bench = Bench::new();
    let (whole, _) = SMALL.split_once("[[contrasts]]").unwrap();
    let whole = whole.replace("epochs = 2", "epochs = 6");
    let halved = format!("{whole}\n[halving]\nfirst = 2\nfactor = 2\n");
    assert_eq!(study(&bench, &whole, &["--out", "whole", "--quiet"]).code, Some(0));
    let ended = study(&bench, &halved, &["--out", "halved", "--quiet"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let (whole, halved) = (bench.json("whole/study.json"), bench.json("halved/study.json"));
    let pairs = whole["cells"].as_array().unwrap().iter().zip(halved["cells"].as_array().unwrap());
    let (dropped, kept): (Vec<_>, Vec<_>) = pairs.partition(|(_, cell)| !cell["halted_after"].is_null());
    assert!(!dropped.is_empty() && !kept.is_empty(), "{} dropped", dropped.len());
    for (whole, halved) in &kept {
        for measure in ["validation_loss", "last_train_loss", "gradient_ratio_at_end"] {
            assert_eq!(whole["measures"][measure], halved["measures"][measure], "{}: {measure}", whole["name"]);
        }
    }
    assert!(dropped.iter().all(|(_, cell)| cell["measures"]["epochs"]["mean"].as_f64().unwrap() < 6.0));
    for trial in kept.iter().flat_map(|(_, cell)| cell["trials"].as_array().unwrap()) {
        let probes = |study: &str| bench.read(&format!("{study}/trials/{}/probes.jsonl", trial.as_str().unwrap()));
        assert!(probes("whole") == probes("halved"), "{trial} was looked at where a whole one is not");
    }
}

/// The end of a rung is the end of the trial's plan to whoever looks at its layers, and a whole trial that stops there did not plan to.
#[test]
fn a_trial_that_stops_early_at_the_end_of_a_rung_has_the_probes_of_a_whole_one() {
    let bench = Bench::new();
    let (whole, _) = SMALL.split_once("[[contrasts]]").unwrap();
    let whole = whole.replace("epochs = 2", "epochs = 6, target_accuracy = 0.01");
    assert_eq!(study(&bench, &whole, &["--out", "whole", "--quiet"]).code, Some(0));
    assert_eq!(study(&bench, &format!("{whole}\n[halving]\nfirst = 1\n"), &["--out", "halved", "--quiet"]).code, Some(0));
    for trial in trials(&bench, "whole") {
        let probes = |study: &str| bench.read(&format!("{study}/trials/{}/probes.jsonl", trial["trial"].as_str().unwrap()));
        assert_eq!(String::from_utf8(probes("whole")), String::from_utf8(probes("halved")));
    }
}

/// One cell for each width.
fn widths(title: &str, epochs: u32, widths: &str) -> String {
    format!(
        "title = \"{title}\"\nseeds = 1\nbaseline = {{ model.width = 8 }}\n[base]\ndata.validation = 0.2\ntrain.epochs = {epochs}\n[grid]\n\
        model.width = [{widths}]\n"
    )
}

#[test]
fn a_study_of_the_same_name_leaves_another_one_as_it_is() {
    let bench = Bench::new();
    let run = |folder: &str, text: &str, arguments: &[&str]| {
        bench.write(&format!("{folder}/mine.toml"), text);
        bench.run(&[&["study", &format!("{folder}/mine.toml"), "--device", "cpu", "--quiet"], arguments].concat())
    };
    let in_folder = |ended: crate::support::Ended, folder: &str| {
        assert!(ended.code == Some(0) && ended.stdout.ends_with(&format!("study: {folder}\n")), "{}{}", ended.stdout, ended.stderr);
    };
    in_folder(run("one", &widths("a", 1, "8, 16"), &[]), "runs/study-mine");
    let files = || ["study.json", "study.toml", "trials.jsonl", "report.html"].map(|file| bench.read(&format!("runs/study-mine/{file}")));
    let before = files();

    let other = widths("b", 2, "8, 16");
    in_folder(run("other", &other, &[]), "runs/study-mine-2");
    in_folder(run("other", &other, &[]), "runs/study-mine-2");
    // One trial is the same, and the title says that it is another study.
    in_folder(run("third", &widths("c", 1, "8, 32"), &[]), "runs/study-mine-3");
    let refused = run("other", &other, &["--out", "runs/study-mine"]);
    assert_eq!(
        (refused.code, refused.stderr.as_str()),
        (Some(2), "error: --out runs/study-mine holds another study, with trials that are none of this one's: give another --out\n")
    );
    assert!(before == files(), "it was written over");

    let done = String::from_utf8(before[2].clone()).unwrap();
    for edited in [widths("retitled", 1, "8, 16, 24"), format!("patience = 1\n{}", widths("retitled", 1, "8, 24"))] {
        in_folder(run("one", &edited, &[]), "runs/study-mine");
    }
    assert!(String::from_utf8(bench.read("runs/study-mine/trials.jsonl")).unwrap().starts_with(&done), "what was done is kept");
}

#[test]
fn trials_that_a_study_leaves_out_are_told_and_kept() {
    let bench = Bench::new();
    let text = widths("a", 1, "8, 16");
    assert_eq!(study(&bench, &text, &["--out", "s", "--seeds", "3", "--quiet"]).stderr, "");
    let before = results(&bench, "s");
    let fewer = study(&bench, &text, &["--out", "s", "--seeds", "1", "--quiet"]);
    assert!(
        fewer.code == Some(0) && fewer.stderr.starts_with("warning: 4 of the trials that are done in s are of cells or seeds"),
        "{}",
        fewer.stderr
    );
    assert_eq!((&bench.json("s/study.json")["trials"], &bench.json("s/study.json")["seeds"]), (&2.into(), &serde_json::json!([0])));
    assert_eq!(study(&bench, &text, &["--out", "s", "--seeds", "3", "--quiet"]).stderr, "");
    let [before, after] = [before, results(&bench, "s")].map(|study| study["cells"][0]["measures"]["validation_accuracy"].clone());
    assert_eq!(before, after);
}

#[test]
fn a_study_does_not_go_on_over_other_data() {
    let bench = Bench::new();
    let rows = |changed: i32| {
        let row = |i: i32| format!("{},{},{}\n", i % 7, if i == 30 { changed } else { i % 5 }, i % 2);
        format!("a,b,y\n{}", (0..60).map(row).collect::<String>())
    };
    let text = |seeds: u32| {
        format!(
            "title = \"t\"\nseeds = {seeds}\nbaseline = {{ model.width = 4 }}\n[base]\ndata = {{ name = \"table.csv\", validation = 0.2 }}\n\
            train.epochs = 2\n[grid]\nmodel.width = [4, 8]\n"
        )
    };
    bench.write("table.csv", rows(0));
    let ended = study(&bench, &text(1), &["--out", "s", "--quiet"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let before = bench.read("s/trials.jsonl");

    bench.write("table.csv", rows(9));
    let refused = study(&bench, &text(2), &["--out", "s", "--quiet"]);
    assert_eq!(refused.code, Some(1), "{}", refused.stderr);
    for words in ["error: cannot go on with s: the data or its division has changed since trial", "give another folder with --out"] {
        assert!(refused.stderr.contains(words), "{}", refused.stderr);
    }
    assert_eq!((refused.stderr.trim_end().lines().count(), bench.read("s/trials.jsonl") == before), (1, true), "{}", refused.stderr);

    bench.write("table.csv", rows(0));
    assert_eq!(study(&bench, &text(2), &["--out", "s", "--quiet"]).code, Some(0));
    assert!(bench.read("s/trials.jsonl").starts_with(&before), "what was done is kept");
}

#[test]
fn what_is_done_is_measured_by_the_target_and_the_patience_that_the_study_file_has_now() {
    let bench = Bench::new();
    let (whole, _) = SMALL.split_once("[[contrasts]]").unwrap();
    let whole = whole.replace("epochs = 2", "epochs = 6");
    let halved = format!("{whole}\n[halving]\nfirst = 2\nfactor = 2\n");
    for (name, text) in [("whole", whole), ("halved", halved)] {
        let (edited, anew) = (format!("{name}-edited"), format!("{name}-anew"));
        let other = format!("target_accuracy = 0.5\npatience = 1\n{text}");
        assert_eq!(study(&bench, &text, &["--out", &edited, "--quiet"]).code, Some(0));
        let before = results(&bench, &edited);
        for out in [&edited, &anew] {
            assert_eq!(study(&bench, &other, &["--out", out, "--quiet"]).code, Some(0));
        }
        assert_eq!(results(&bench, &edited), results(&bench, &anew), "{name}");
        assert_ne!(results(&bench, &edited), before, "the case is no case");
    }
}

/// A kill while a dropped winner is trained again, between taking its folder away and putting the new one there.
#[test]
fn a_trial_whose_folder_is_gone_is_trained_again() {
    let bench = Bench::new();
    assert_eq!(study(&bench, SMALL, &["--out", "s", "--quiet"]).code, Some(0));
    let before = results(&bench, "s");
    let trial = trials(&bench, "s")[0]["trial"].as_str().unwrap().to_owned();
    std::fs::remove_dir_all(bench.path(&format!("s/trials/{trial}"))).unwrap();
    let ended = study(&bench, SMALL, &["--out", "s", "--quiet"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(results(&bench, "s"), before);
}
