//! Runs whose data was moved, and whose files were edited since.

use crate::support::Bench;

fn table() -> String {
    let row = |i: u32| format!("{},{},{}\n", i * 37 % 101, i * 53 % 89, i % 2);
    format!("a,b,y\n{}", (0..200).map(row).collect::<String>())
}

#[test]
fn a_run_goes_on_where_its_data_is_now() {
    let bench = Bench::new();
    bench.write("before/table.csv", table());
    bench.train("whole", &["--data", "before/table.csv", "--epochs", "4"]);
    bench.train("run", &["--data", "before/table.csv", "--epochs", "2"]);
    std::fs::rename(bench.path("before"), bench.path("after")).unwrap();
    let resumed = |more: &[&str]| bench.run(&[&["train", "--resume", "run", "--epochs", "4", "--quiet"], more].concat());
    for (ended, remedy) in [
        (resumed(&[]), "if it was moved, say where with --data"),
        (bench.run(&["test", "run"]), "if it was moved, say where by data.name in the run's recipe.toml"),
    ] {
        assert_eq!(ended.code, Some(2), "{}", ended.stderr);
        assert!(ended.stderr.contains("before/table.csv is not there: ") && ended.stderr.contains(remedy), "{}", ended.stderr);
    }
    // Other data in the same place is none of the run's.
    bench.write("other.csv", table().replace("\n0,0,0\n", "\n0,0,1\n"));
    let ended = resumed(&["--data", "other.csv"]);
    assert!(ended.code == Some(1) && ended.stderr.contains("the data or its division has changed"), "{}", ended.stderr);
    let ended = resumed(&["--data", "after/table.csv"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    for file in ["checkpoints/best.safetensors", "checkpoints/last.safetensors", "test/predictions.csv"] {
        assert_eq!(bench.read(&format!("run/{file}")), bench.read(&format!("whole/{file}")), "{file}");
    }
    bench.ok(&["test", "run"]);
}

#[test]
fn weights_are_not_used_by_another_recipe_than_their_own() {
    let bench = Bench::new();
    bench.train("run", &["quickstart", "--epochs", "2"]);
    let (recipe, summary) = (String::from_utf8(bench.read("run/recipe.toml")).unwrap(), bench.read("run/summary.json"));
    bench.write("run/recipe.toml", recipe.replace("activation = \"relu\"", "activation = \"tanh\""));
    let export = ["export", "run", "--format", "npz", "--out", "a.npz"];
    let predict = ["predict", "run", "a.npy"];
    for arguments in [&["test", "run"][..], &export, &predict] {
        let ended = bench.run(arguments);
        assert_eq!(ended.code, Some(1), "{arguments:?}: {}", ended.stderr);
        let expected = "error: cannot use run: its recipe.toml is not the one that its weights were trained by: restore it, or train anew";
        assert_eq!(ended.stderr.trim_end(), expected, "{arguments:?}");
    }
    assert_eq!(bench.read("run/summary.json"), summary);
    bench.write("run/recipe.toml", recipe);
    bench.ok(&["test", "run"]);
}

/// The time of a run that went on is that of all processes.
#[test]
fn the_seconds_of_a_run_that_went_on_are_those_of_all_its_processes() {
    let bench = Bench::new();
    let first = bench.train("run", &["quickstart", "--epochs", "30"]);
    let ended = bench.ok(&["train", "--resume", "run", "--epochs", "31", "--quiet", "--json"]);
    let all: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    let [first, all] = [&first, &all].map(|summary| summary["wall_seconds"].as_f64().unwrap());
    assert!(all > first, "{all} s in all after {first} s");
}

#[test]
fn one_fold_does_not_train_longer_than_the_others_and_a_name_stays() {
    let bench = Bench::new();
    bench.ok(&["train", "quickstart", "--folds", "3", "--epochs", "1", "--set", "model.hidden=[8]", "--quiet", "--out", "cv"]);
    let ended = bench.run(&["train", "--resume", "cv/fold-1", "--epochs", "4"]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("train.epochs = 4 is not usable: cv/fold-1 is a fold, and all train for 1 epochs"), "{}", ended.stderr);
    // As a kill after the first fold leaves it.
    let mut record = bench.json("cv/cross-validation.json");
    record["folds"].as_array_mut().unwrap().truncate(1);
    record["status"] = "running".into();
    bench.write("cv/cross-validation.json", record.to_string());
    std::fs::remove_dir_all(bench.path("cv/fold-3")).unwrap();
    bench.ok(&["train", "--resume", "cv", "--quiet"]);
    for file in ["cv/fold-3/summary.json", "cv/fold-3/environment.json", "cv/cross-validation.json"] {
        assert_eq!(bench.json(file)["recipe"], "quickstart", "{file}");
    }
}

/// As a kill before the first checkpoint leaves it.
#[test]
fn a_run_that_had_only_begun_goes_on_from_the_weights_that_its_recipe_draws() {
    let bench = Bench::new();
    bench.train("run", &["quickstart", "--epochs", "2"]);
    let weights = bench.read("run/checkpoints/last.safetensors");
    std::fs::remove_dir_all(bench.path("run/checkpoints")).unwrap();
    for file in ["summary.json", "metrics.jsonl", "metrics.csv"] {
        std::fs::remove_file(bench.path("run").join(file)).unwrap();
    }
    let initial = bench.read("run/initial.safetensors");
    let mut damaged = initial.clone();
    *damaged.last_mut().unwrap() ^= 1;
    bench.write("run/initial.safetensors", damaged);
    let ended = bench.run(&["train", "--resume", "run", "--quiet"]);
    assert_eq!(ended.code, Some(1));
    let expected = "error: run/initial.safetensors is not what the run began with: restore it, or train anew";
    assert_eq!(ended.stderr.trim_end(), expected);
    bench.write("run/initial.safetensors", initial);
    bench.ok(&["train", "--resume", "run", "--quiet"]);
    assert_eq!(bench.read("run/checkpoints/last.safetensors"), weights);
}

#[test]
fn a_damaged_summary_can_be_written_anew() {
    let bench = Bench::new();
    let before = bench.train("run", &["quickstart", "--epochs", "2"]);
    bench.write("run/summary.json", "{");
    let ended = bench.run(&["test", "run"]);
    let remedy = "restore it, or remove it and have relumine train --resume run write it anew";
    assert!(ended.code == Some(1) && ended.stderr.trim_end().ends_with(remedy), "{}", ended.stderr);
    std::fs::remove_file(bench.path("run/summary.json")).unwrap();
    bench.ok(&["train", "--resume", "run", "--quiet"]);
    for key in ["train", "validation", "test", "best_epoch", "epochs_run"] {
        assert_eq!(bench.json("run/summary.json")[key], before[key], "{key}");
    }
}
