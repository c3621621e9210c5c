//! `probes.jsonl`: what flows through the layers, taken without a trace in anything else.

#![cfg(unix)]

use crate::support::{Bench, saved_steps, start, stop};
use relumine_report::{ProbeRecord, read_probes};
use std::process::Child;

/// 13 steps an epoch, of 100 rows and at last 58; checkpoints at every one of them.
const RECIPE: &str = "
[data]
name = 'digits'
[model]
hidden = [32, 16]
norm = 'batch'
dropout = 0.3
[train]
epochs = 3
batch_size = 100
checkpoint_steps = 1
";

fn probes(bench: &Bench, run: &str) -> Vec<ProbeRecord> {
    read_probes(&bench.path(run).join("probes.jsonl")).unwrap()
}

fn steps(bench: &Bench, run: &str) -> Vec<u64> {
    probes(bench, run).iter().map(|record| record.step).collect()
}

#[test]
fn probes_are_taken_at_the_start_on_the_way_and_at_the_end_and_change_nothing_else() {
    let bench = Bench::new();
    for step in ["fused", "reference"] {
        let recipe = bench.write("recipe.toml", RECIPE);
        let train = |name: &str, more: &[&str]| {
            let run = format!("{step}-{name}");
            bench.train(&run, &[&[recipe.to_str().unwrap(), "--step", step], more].concat());
            run
        };
        let (without, with, again) =
            (train("without", &[]), train("with", &["--probe-every", "10"]), train("again", &["--probe-every", "10"]));
        assert!(!bench.path(&without).join("probes.jsonl").exists());
        for file in ["best.safetensors", "last.safetensors", "last.state.safetensors", "manifest.json"] {
            let read = |run: &str| bench.read(&format!("{run}/checkpoints/{file}"));
            assert!(read(&without) == read(&with), "{file} of the {step} step");
        }
        assert_eq!(bench.metrics(&without), bench.metrics(&with));
        assert_eq!(bench.read(&format!("{without}/products.json")), bench.read(&format!("{with}/products.json")));
        assert_eq!(bench.read(&format!("{with}/probes.jsonl")), bench.read(&format!("{again}/probes.jsonl")));
        let found: Vec<_> = probes(&bench, &with).iter().map(|record| (record.step, record.epoch, record.rows)).collect();
        assert_eq!(found, [(0, 0, 256), (10, 1, 256), (20, 2, 256), (30, 3, 256), (39, 3, 256)]);
    }
}

#[test]
fn a_probe_says_what_a_layer_does() {
    let bench = Bench::new();
    let sigmoid = ["quickstart", "--epochs", "1", "--probe-every", "4", "--set", "probes.rows=60000", "--set", "model.activation=sigmoid"];
    bench.train("run", &[&sigmoid[..], &["--set", "model.hidden=[32,16]", "--set", "train.max_steps=7"]].concat());
    let records = probes(&bench, "run");
    assert_eq!(records.iter().map(|record| (record.step, record.rows)).collect::<Vec<_>>(), [(0, 1258), (4, 1258), (7, 1258)]);
    for record in &records {
        assert!(record.loss > 0.0 && record.loss < 5.0);
        let layers: Vec<_> = record.layers.iter().map(|layer| (layer.layer.as_str(), layer.activation.as_str())).collect();
        assert_eq!(layers, [("layers.0", "sigmoid"), ("layers.1", "sigmoid"), ("layers.2", "identity")]);
        for layer in &record.layers {
            assert_eq!(layer.update_ratio.is_some(), record.step > 0, "{layer:?}");
            assert_eq!((layer.saturated.is_some(), layer.dead), (layer.activation == "sigmoid", None));
            assert!(layer.activations.percentiles.is_sorted() && layer.gradients.norm > 0.0 && layer.weight_norm > 0.0, "{layer:?}");
        }
    }
}

#[test]
fn an_end_that_validation_decides_is_probed_too() {
    let bench = Bench::new();
    let target = ["--probe-every", "1000", "--target-accuracy", "0.5", "--epochs", "30"];
    let summary = bench.train("run", &target);
    assert_eq!(summary["stopped_by"], "target_accuracy");
    let records = probes(&bench, "run");
    let steps = bench.json("run/checkpoints/manifest.json")["step"].as_u64().unwrap();
    assert_eq!(records.iter().map(|record| record.step).collect::<Vec<_>>(), [0, steps]);
    assert!(records[1].layers.iter().all(|layer| layer.update_ratio.is_none()), "nobody knew that this step would be the last");
}

/// Kills the program once its checkpoint has as many steps as that; `false` where it ended before.
fn kill_at(bench: &Bench, child: Child, step: u64) -> bool {
    let run = bench.path("killed");
    stop(child, "-KILL", || saved_steps(&run) >= step).code.is_none()
}

#[test]
fn a_run_that_is_killed_and_goes_on_has_the_probes_of_one_that_never_was() {
    for more in ["", "early_stopping = { patience = 1, min_delta = 1 }", "max_steps = 33", "target_accuracy = 0.2"] {
        let bench = Bench::new();
        let recipe = bench.write("recipe.toml", format!("{RECIPE}{more}\n[probes]\nevery = 3\nrows = 50\n"));
        let recipe = recipe.to_str().unwrap();
        bench.train("whole", &[recipe]);
        let mut kills = usize::from(kill_at(&bench, start(&bench, &[recipe, "--out", "killed"]), 2));
        for step in [5, 9, 12, 13, 14, 20, 26, 33, 38, 39] {
            kills += usize::from(kill_at(&bench, start(&bench, &["--resume", "killed"]), step));
        }
        assert!(kills > 0, "no kill came in time");
        bench.ok(&["train", "--resume", "killed"]);
        assert_eq!(steps(&bench, "killed"), steps(&bench, "whole"), "{more}");
        assert!(bench.read("killed/probes.jsonl") == bench.read("whole/probes.jsonl"), "{more}");
    }
}

#[test]
fn more_epochs_leave_no_probe_of_what_was_the_end() {
    let bench = Bench::new();
    let recipe = bench.write("recipe.toml", RECIPE);
    let train = |run: &str, epochs: &str| bench.train(run, &[recipe.to_str().unwrap(), "--probe-every", "10", "--epochs", epochs]);
    train("whole", "3");
    train("short", "2");
    assert_eq!(steps(&bench, "short"), [0, 10, 20, 26]);
    bench.ok(&["train", "--resume", "short", "--epochs", "3", "--quiet"]);
    assert_eq!(bench.read("short/probes.jsonl"), bench.read("whole/probes.jsonl"));
    // One that is finished stays as it is.
    bench.ok(&["train", "--resume", "short", "--quiet"]);
    assert_eq!(bench.read("short/probes.jsonl"), bench.read("whole/probes.jsonl"));
}

#[test]
fn runs_with_probes_and_without_are_runs_of_one_recipe() {
    let bench = Bench::new();
    for (seed, more) in [("0", &[][..]), ("1", &["--probe-every", "5"])] {
        let arguments = ["quickstart", "--epochs", "1", "--seed", seed, "--set", "train.early_stopping.patience=3"];
        bench.train(&format!("runs/quickstart-{seed}"), &[&arguments[..], more].concat());
    }
    let listed = bench.ok(&["runs"]).stdout;
    let of_group: Vec<&str> = listed.lines().last().unwrap().split_whitespace().skip(4).take(4).collect();
    assert_eq!(of_group, ["quickstart", "digits", "cpu", "2"], "{listed}");
}

#[test]
fn wrong_settings_are_named_and_exit_with_2() {
    let bench = Bench::new();
    for (arguments, said) in [
        (&["--set", "probes.rows=0"][..], "probes.rows"),
        (&["--set", "probes.rows=70000"], "give a whole number from 1 to 65536"),
        (&["--set", "probes.evry=3"], "every"),
        (&["--probe-every=-1"], "--probe-every"),
    ] {
        let ended = bench.run(&[&["train", "quickstart"], arguments].concat());
        assert_eq!(ended.code, Some(2), "{arguments:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(said), "{arguments:?}: {}", ended.stderr);
    }
    bench.train("off", &["--epochs", "1", "--probe-every", "0"]);
    assert!(!bench.path("off/probes.jsonl").exists());
}
