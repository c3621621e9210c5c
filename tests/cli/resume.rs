//! Runs that are killed or interrupted, and go on.

#![cfg(unix)]

use crate::support::{Bench, Ended, saved_steps, start, stop};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// Everything that a loop has to remember: masks, running statistics, an average of the weights, a schedule and a patience that watch
/// validation, and checkpoints within epochs.
const RECIPE: &str = "
[data]
name = 'digits'
[model]
hidden = [32, 16]
norm = 'batch'
dropout = 0.3
[optimizer]
name = 'adam'
learning_rate = 0.02
ema_decay = 0.9
schedule = { name = 'reduce_on_plateau', factor = 0.5, patience = 0 }
[train]
epochs = 8
batch_size = 100
checkpoint_steps = 1
early_stopping = { patience = 3 }
";

/// Files of a run by their names, without what depends on the clock.
fn timeless(bench: &Bench, run: &str) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut add = |name: String| drop(files.insert(name.clone(), bench.read(&format!("{run}/{name}"))));
    for name in ["initial.safetensors", "recipe.toml", "model.json"] {
        add(name.into());
    }
    for folder in ["checkpoints", "test"] {
        let Ok(entries) = std::fs::read_dir(bench.path(run).join(folder)) else { continue };
        entries.for_each(|entry| add(format!("{folder}/{}", entry.unwrap().file_name().to_string_lossy())));
    }
    files.insert("metrics.jsonl".into(), format!("{:?}", bench.metrics(run)).into_bytes());
    let mut summary = bench.json(&format!("{run}/summary.json"));
    for time in ["epoch_seconds_median", "samples_per_second", "seconds_to_first_step", "wall_seconds", "peak_rss_mb"] {
        summary.as_object_mut().unwrap().remove(time);
    }
    files.insert("summary.json".into(), summary.to_string().into_bytes());
    files
}

fn assert_same(bench: &Bench, one: &str, two: &str) {
    let (one_files, two_files) = (timeless(bench, one), timeless(bench, two));
    assert_eq!(one_files.keys().collect::<Vec<_>>(), two_files.keys().collect::<Vec<_>>(), "files of {one} and {two}");
    for (name, bytes) in &one_files {
        let text = |bytes: &[u8]| String::from_utf8_lossy(&bytes[..bytes.len().min(3000)]).into_owned();
        assert!(*bytes == two_files[name], "{name} differs: {} {}", text(bytes), text(&two_files[name]));
    }
}

/// Lines of `metrics.jsonl`, whole or not.
fn epochs_written(run: &Path) -> usize {
    std::fs::read_to_string(run.join("metrics.jsonl")).unwrap_or_default().lines().count()
}

/// Kills a run whenever it has gone `every` steps further, until it ends; gives how often.
fn train_killed(bench: &Bench, run: &str, begin: &[&str], every: u64) -> usize {
    let path = bench.path(run);
    let mut kills = 0;
    loop {
        let before = saved_steps(&path);
        let arguments = if path.exists() { vec!["--resume", run] } else { [&["--out", run], begin].concat() };
        let ended = stop(start(bench, &arguments), "-KILL", || saved_steps(&path) >= before + every);
        match ended.code {
            None => kills += 1,
            code => {
                assert_eq!(code, Some(0), "{}", ended.stderr);
                return kills;
            }
        }
        assert!(kills < 200, "no end: {before} steps");
    }
}

#[test]
fn a_run_that_is_killed_again_and_again_ends_with_the_bytes_of_one_that_never_was() {
    for step in ["fused", "reference"] {
        let bench = Bench::new();
        bench.write("recipe.toml", RECIPE);
        let arguments = ["recipe.toml", "--step", step];
        let summary = bench.train("whole", &arguments);
        assert!(summary["epochs_run"].as_u64().unwrap() > 3, "{summary}");
        let kills = train_killed(&bench, "killed", &arguments, 7);
        assert!(kills > 3, "only {kills} kills of the {step} step");
        assert_same(&bench, "whole", "killed");
        let resumed = String::from_utf8(bench.read("killed/resumed.jsonl")).unwrap();
        assert!(resumed.lines().count() <= kills, "one line for each time that it went on");
        assert!(!bench.path("killed/checkpoints/previous").exists() && !bench.path("killed/checkpoints/next").exists());
    }
}

#[test]
fn ctrl_c_within_an_epoch_and_another_number_of_threads_change_nothing() {
    let bench = Bench::new();
    bench.write("recipe.toml", RECIPE);
    let rare = ["recipe.toml", "--set", "train.checkpoint_steps=1000", "--set", "train.early_stopping=", "--epochs", "300"];
    bench.train("whole", &rare);
    let path = bench.path("run");
    let begun = start(&bench, &[&["--out", "run", "--threads", "1"], &rare[..]].concat());
    let ended = stop(begun, "-INT", || epochs_written(&path) > 5);
    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
    let remedy = "what there is was saved in run: go on with relumine train --resume run\n";
    assert!(ended.stderr.contains("interrupted after step") && ended.stderr.contains(remedy), "{}", ended.stderr);
    assert_eq!(bench.json("run/summary.json")["status"], "interrupted");
    // With the same recipe and flags, or without them.
    let again = start(&bench, &[&["--resume", "run", "--threads", "3"], &rare[..]].concat());
    let (steps, epochs) = (saved_steps(&path), epochs_written(&path));
    let ended = stop(again, "-TERM", || epochs_written(&path) > epochs + 3);
    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
    assert!(ended.stderr.contains(&format!("run goes on after step {steps}, with ")), "{}", ended.stderr);
    bench.ok(&["train", "--resume", "run", "--threads", "1"]);
    assert_same(&bench, "whole", "run");
}

#[test]
fn a_run_without_a_checkpoint_starts_over_from_its_initial_weights() {
    let bench = Bench::new();
    bench.write("recipe.toml", RECIPE);
    bench.train("whole", &["recipe.toml"]);
    bench.train("run", &["recipe.toml"]);
    for path in ["checkpoints", "test"] {
        std::fs::remove_dir_all(bench.path("run").join(path)).unwrap();
    }
    std::fs::remove_file(bench.path("run/summary.json")).unwrap();
    let ended = bench.ok(&["train", "--resume", "run"]);
    assert!(ended.stderr.contains("run has no checkpoint: training starts over from its initial weights"), "{}", ended.stderr);
    assert_same(&bench, "whole", "run");
}

#[test]
fn a_finished_run_stays_as_it_is_and_says_its_results_again() {
    let bench = Bench::new();
    let small = ["--epochs", "2", "--set", "model.hidden=[16]"];
    let before = bench.ok(&[&["train", "--quiet", "--out", "run"], &small[..]].concat());
    let files = timeless(&bench, "run");
    let ended = bench.ok(&["train", "--resume", "run"]);
    assert_eq!(ended.stdout, before.stdout);
    assert!(ended.stderr.contains("run is finished after 2 epochs: nothing to do; more with --epochs\n"), "{}", ended.stderr);
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    assert_eq!(timeless(&bench, "run"), files);
    assert!(!bench.path("run/resumed.jsonl").exists());
    let json = bench.ok(&["train", "--resume", "run", "--json"]).stdout;
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), bench.json("run/summary.json"));

    let early = ["--set", "train.early_stopping.patience=1", "--set", "optimizer.learning_rate=0.3", "--epochs", "30"];
    bench.train("early", &[&early[..], &["--set", "model.hidden=[16]"]].concat());
    let ended = bench.ok(&["train", "--resume", "early", "--epochs", "40"]);
    let said = "which more epochs would not change: nothing to do";
    assert!(ended.stderr.contains("early stopping ended it in epoch") && ended.stderr.contains(said), "{}", ended.stderr);
}

#[test]
fn more_epochs_go_on_as_one_longer_run_and_the_test_rows_are_counted_twice() {
    let bench = Bench::new();
    bench.write("recipe.toml", RECIPE);
    let without = ["recipe.toml", "--set", "train.early_stopping="];
    bench.train("long", &[&without[..], &["--epochs", "9"]].concat());
    bench.train("short", &[&without[..], &["--epochs", "4"]].concat());
    bench.ok(&["train", "--resume", "short", "--epochs", "6"]);
    let kills = train_killed(&bench, "short", &[], 1);
    assert_eq!(kills, 0, "a finished run has nothing to be killed in");
    bench.ok(&["train", "--resume", "short", "--epochs", "9"]);
    let mut summary = bench.json("short/summary.json");
    assert_eq!((&summary["test_evaluations"], &summary["epochs_run"]), (&3.into(), &9.into()));
    // But for that count they are the same.
    summary["test_evaluations"] = 1.into();
    bench.write("short/summary.json", summary.to_string());
    assert_same(&bench, "long", "short");
}

/// The recipe of a run that goes on with more epochs is its recipe from then on, whenever it is killed.
#[test]
fn more_epochs_survive_a_kill() {
    let bench = Bench::new();
    bench.write("recipe.toml", RECIPE);
    let without = ["recipe.toml", "--set", "train.early_stopping="];
    bench.train("long", &[&without[..], &["--epochs", "9"]].concat());
    bench.train("short", &[&without[..], &["--epochs", "4"]].concat());
    let (path, before) = (bench.path("short"), saved_steps(&bench.path("short")));
    let ended = stop(start(&bench, &["--resume", "short", "--epochs", "9"]), "-KILL", || saved_steps(&path) > before + 5);
    assert_eq!((ended.code, &bench.json("short/summary.json")["status"]), (None, &"running".into()));
    bench.ok(&["train", "--resume", "short"]);
    let mut summary = bench.json("short/summary.json");
    assert_eq!((&summary["test_evaluations"], &summary["status"]), (&2.into(), &"finished".into()));
    summary["test_evaluations"] = 1.into();
    bench.write("short/summary.json", summary.to_string());
    assert_same(&bench, "long", "short");
}

#[test]
fn another_recipe_is_refused_with_the_key_and_both_values() {
    let bench = Bench::new();
    bench.train("run", &["--epochs", "2", "--set", "model.hidden=[16]"]);
    let files = timeless(&bench, "run");
    for (arguments, sentence) in [
        (&["--set", "model.dropout=0.25"][..], "model.dropout is 0.5 in the run and 0.25 here"),
        (&["--seed", "3"], "train.seed is 0 in the run and 3 here"),
        (&["--max-steps", "3"], "train.max_steps is absent in the run and 3 here"),
        (&["quickstart"], "model.hidden is [16] in the run and [256, 256] here"),
        (&["--epochs", "1"], "train.epochs = 1 is not usable: run has done 2 epochs; give 2 at least, or leave it out"),
        (&["--folds", "3"], "run is a single run, which has no folds to go on with; leave out --folds"),
        (&["--out", "new"], "the argument '--resume <DIR>' cannot be used with '--out <DIR>'"),
    ] {
        let ended = bench.run(&[&["train", "--resume", "run"], arguments].concat());
        assert_eq!(ended.code, Some(2), "{}", ended.stderr);
        assert!(ended.stderr.contains(sentence), "{} lacks {sentence}", ended.stderr);
        assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    }
    let ended = bench.run(&["train", "--resume", "nowhere"]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("nowhere is no run directory"), "{}", ended.stderr);
    assert_eq!(timeless(&bench, "run"), files);
}

#[test]
fn more_epochs_are_refused_where_the_schedule_runs_over_all_of_them() {
    let bench = Bench::new();
    let arguments = ["--epochs", "3", "--set", "model.hidden=[16]", "--set"];
    bench.train("cosine", &[&arguments[..], &["optimizer.schedule=cosine"]].concat());
    let ended = bench.run(&["train", "--resume", "cosine", "--epochs", "5"]);
    assert_eq!(ended.code, Some(2));
    let sentence = "optimizer.schedule runs over the whole training, which was planned for 3";
    assert!(ended.stderr.contains("train.epochs = 5") && ended.stderr.contains(sentence), "{}", ended.stderr);
    bench.train("fixed", &[&arguments[..], &["optimizer.schedule={ name = \"cosine\", period = 20 }"]].concat());
    bench.ok(&["train", "--resume", "fixed", "--epochs", "5"]);
}

#[test]
fn a_run_that_another_process_writes_is_left_alone() {
    let bench = Bench::new();
    let path = bench.path("run");
    let child = start(&bench, &["--epochs", "100000", "--out", "run"]);
    let refused = std::cell::RefCell::new(None);
    let ended = stop(child, "-TERM", || {
        let is_there = path.join("checkpoints/manifest.json").is_file();
        if is_there {
            *refused.borrow_mut() = Some(bench.run(&["train", "--resume", "run"]));
        }
        is_there
    });
    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
    let refused = refused.into_inner().unwrap();
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("run is being written by another process: wait until it ends"), "{}", refused.stderr);
}

/// A run that was interrupted has two sets of checkpoint files.
fn interrupted(bench: &Bench) {
    let path = bench.path("run");
    bench.write("recipe.toml", RECIPE);
    let begun = start(bench, &["recipe.toml", "--out", "run"]);
    let ended = stop(begun, "-INT", || saved_steps(&path) >= 20);
    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
}

fn damage(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn a_damaged_checkpoint_gives_way_to_the_older_one_with_the_same_end() {
    let bench = Bench::new();
    interrupted(&bench);
    bench.train("whole", &["recipe.toml"]);
    damage(&bench.path("run/checkpoints/last.state.safetensors"));
    let ended = bench.ok(&["train", "--resume", "run"]);
    let warning = "warning: run/checkpoints/last.state.safetensors is damaged: it does not match its checksum in manifest.json; \
                   going on from the older checkpoint of step";
    assert!(ended.stderr.contains(warning), "{}", ended.stderr);
    assert_same(&bench, "whole", "run");
}

#[test]
fn damage_without_an_older_checkpoint_is_refused_by_every_command() {
    let bench = Bench::new();
    bench.train("run", &["--epochs", "2", "--set", "model.hidden=[16]"]);
    damage(&bench.path("run/checkpoints/best.safetensors"));
    let sentence = "run/checkpoints/best.safetensors is damaged: it does not match its checksum in manifest.json";
    for arguments in [&["train", "--resume", "run", "--epochs", "3"][..], &["test", "run"], &["inspect", "run"]] {
        let ended = bench.run(arguments);
        assert_eq!(ended.code, Some(1), "{arguments:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(sentence), "{arguments:?}: {}", ended.stderr);
        assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    }
    assert!(bench.run(&["train", "--resume", "run", "--epochs", "3"]).stderr.contains("no older checkpoint that is whole"));
    bench.ok(&["test", "run", "--weights", "last"]);
}

#[test]
fn a_checkpoint_of_another_format_recipe_or_data_is_refused_with_the_reason() {
    let bench = Bench::new();
    let rows: Vec<String> = (0..200).map(|i| format!("{},{},{}", i * 37 % 101, i * 53 % 89, i % 2)).collect();
    bench.write("table.csv", format!("a,b,y\n{}\n", rows.join("\n")));
    bench.train("run", &["--data", "table.csv", "--epochs", "2"]);
    let (manifest, recipe) = ("run/checkpoints/manifest.json", "run/recipe.toml");
    let refused = |sentence: &str| {
        let ended = bench.run(&["train", "--resume", "run", "--epochs", "3"]);
        assert_eq!(ended.code, Some(1), "{}", ended.stderr);
        assert!(ended.stderr.contains(sentence), "{} lacks {sentence}", ended.stderr);
    };
    let replaced = |file: &str, from: &str, to: &str| {
        let (before, text) = (bench.read(file), String::from_utf8(bench.read(file)).unwrap());
        assert!(text.contains(from), "{text}");
        bench.write(file, text.replace(from, to));
        before
    };
    let before = replaced(manifest, "\"format\": 2", "\"format\": 7");
    refused("run/checkpoints/manifest.json is of checkpoint format 7, and relumine");
    bench.write(manifest, before);
    let before = replaced(recipe, "dropout = 0.5", "dropout = 0.4");
    refused("cannot go on with run: its recipe.toml is not the one that its weights were trained by");
    bench.write(recipe, before);
    let before = replaced("table.csv", "\n0,0,0\n", "\n0,0,1\n");
    refused("cannot go on with run: the data or its division has changed since the checkpoint");
    bench.write("table.csv", before);
    bench.write("run/metrics.jsonl", "");
    refused("run/metrics.jsonl holds 0 epochs, and the checkpoint is of epoch 2");
}

/// A file size limit stands for a full disk: the checkpoint files do not fit, and what was saved before is still good.
#[test]
fn a_full_disk_and_a_folder_that_cannot_be_written_lose_nothing() {
    let bench = Bench::new();
    interrupted(&bench);
    bench.train("whole", &["recipe.toml"]);
    let resume = format!("trap '' XFSZ; ulimit -f 8; exec {} train --resume run", env!("CARGO_BIN_EXE_relumine"));
    let mut command = Command::new("bash");
    command.args(["-c", &resume]).current_dir(bench.path(""));
    let ended = Ended::of(command.output().unwrap());
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains("error: cannot write run/checkpoints/next/"), "{}", ended.stderr);
    assert!(ended.stderr.contains("make room on the disk, and go on with relumine train --resume run"), "{}", ended.stderr);

    let steps = saved_steps(&bench.path("run"));
    std::fs::remove_dir_all(bench.path("run/checkpoints/next")).unwrap();
    bench.write("run/checkpoints/next", "a file in the way");
    let ended = bench.run(&["train", "--resume", "run"]);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert_eq!(saved_steps(&bench.path("run")), steps);
    std::fs::remove_file(bench.path("run/checkpoints/next")).unwrap();
    bench.ok(&["train", "--resume", "run"]);
    assert_same(&bench, "whole", "run");
}

#[test]
fn a_cross_validation_goes_on_in_the_fold_that_was_killed() {
    let bench = Bench::new();
    bench.write("recipe.toml", RECIPE);
    let arguments = ["train", "recipe.toml", "--folds", "3", "--epochs", "3", "--quiet", "--set", "train.batch_size=20"];
    let before = bench.ok(&[&arguments[..], &["--out", "whole"]].concat());
    let path = bench.path("killed/fold-2");
    let ended = stop(start(&bench, &[&arguments[1..], &["--out", "killed"]].concat()), "-KILL", || saved_steps(&path) >= 12);
    assert_eq!((ended.code, &bench.json("killed/cross-validation.json")["status"]), (None, &"running".into()));
    for (refused, sentence) in [
        (["--folds", "4"], "--folds 4 is not the 3 of killed"),
        (["--seed", "4"], "train.seed is 0 in the run and 4 here"),
        (["--epochs", "4"], "the folds of killed train for 3 epochs each"),
    ] {
        let ended = bench.run(&[&["train", "--resume", "killed"], &refused[..]].concat());
        assert_eq!(ended.code, Some(2), "{}", ended.stderr);
        assert!(ended.stderr.contains(sentence), "{}", ended.stderr);
    }
    let ended = bench.ok(&["train", "--resume", "killed"]);
    assert!(ended.stderr.contains("fold 2 of 3\nkilled/fold-2 goes on after step"), "{}", ended.stderr);
    assert_eq!(ended.stdout.replace("killed", "whole"), before.stdout);
    assert_eq!(bench.read("whole/cross-validation.json"), bench.read("killed/cross-validation.json"));
    for fold in 1..=3 {
        assert_same(&bench, &format!("whole/fold-{fold}"), &format!("killed/fold-{fold}"));
    }
    let ended = bench.ok(&["train", "--resume", "killed"]);
    assert!(ended.stderr.contains("killed is finished with 3 folds: nothing to do"), "{}", ended.stderr);
}

#[test]
fn a_refit_that_is_killed_is_done_again_and_the_first_training_is_kept() {
    let bench = Bench::new();
    bench.write("recipe.toml", RECIPE.replace("schedule = { name = 'reduce_on_plateau', factor = 0.5, patience = 0 }", ""));
    let arguments = ["recipe.toml", "--set", "train.refit=true", "--set", "train.batch_size=10"];
    bench.train("whole", &arguments);
    let path = bench.path("killed");
    let begun = start(&bench, &[&["--out", "killed"], &arguments[..]].concat());
    let ended = stop(begun, "-KILL", || path.join("refit.metrics.jsonl").is_file());
    assert_eq!(ended.code, None, "{}", ended.stderr);
    bench.ok(&["train", "--resume", "killed"]);
    assert_same(&bench, "whole", "killed");
    assert!(bench.json("killed/checkpoints/manifest.json")["files"]["refit.safetensors"]["sha256"].is_string());
    let lines = |run: &str| String::from_utf8(bench.read(&format!("{run}/refit.metrics.jsonl"))).unwrap().lines().count();
    assert_eq!(lines("whole"), lines("killed"));
}

/// The fused step goes on with the same bits on another kind of processor, unless one of them rounds a multiply-add twice; the reference step's
/// products are those of one kind.
#[test]
fn a_run_that_goes_on_elsewhere_says_so_where_results_may_differ() {
    let bench = Bench::new();
    for (step, key, value, is_warned) in [
        ("fused", "cpu", "another", false),
        ("fused", "isa", "portable", true),
        ("fused", "library", "oneDNN", true),
        ("reference", "cpu", "another", true),
    ] {
        let run = format!("{step}-{key}");
        bench.train(&run, &["quickstart", "--epochs", "1", "--step", step]);
        let path = format!("{run}/environment.json");
        let mut environment = bench.json(&path);
        if environment["isa"] == "portable" {
            continue;
        }
        environment[key] = value.into();
        bench.write(&path, environment.to_string());
        let ended = bench.ok(&["train", "--resume", &run, "--epochs", "2", "--device", "cpu"]);
        let says_so = ended.stderr.contains("need not be bit for bit") && ended.stderr.contains(&format!("for \"{value}\""));
        assert_eq!(says_so, is_warned, "{step}, {key}: {}", ended.stderr);
    }
}
