//! `train.init_from`: training that starts with weights from elsewhere.

use crate::support::Bench;
use safetensors::tensor::{Dtype, TensorView};

const SMALL: [&str; 4] = ["--set", "model.hidden=[6, 6]", "--set", "train.max_steps=3"];

/// A safetensors file of f32 tensors; number `i` of each counts on from the tensor's position.
fn weights(tensors: &[(&str, &[usize])]) -> Vec<u8> {
    let values = |position: usize, shape: &[usize]| (0..shape.iter().product::<usize>()).map(move |i| (position + i) as f32 / 1000.0);
    let bytes: Vec<Vec<u8>> =
        tensors.iter().enumerate().map(|(position, (_, shape))| values(position, shape).flat_map(f32::to_le_bytes).collect()).collect();
    let views =
        tensors.iter().zip(&bytes).map(|((name, shape), bytes)| (*name, TensorView::new(Dtype::F32, shape.to_vec(), bytes).unwrap()));
    safetensors::serialize(views, None).unwrap()
}

/// As `torch.nn.Sequential(Linear(64, 6), ReLU(), Linear(6, 6), ReLU(), Linear(6, 10))`.
const SEQUENTIAL: [(&str, &[usize]); 6] =
    [("0.weight", &[6, 64]), ("0.bias", &[6]), ("2.weight", &[6, 6]), ("2.bias", &[6]), ("4.weight", &[10, 6]), ("4.bias", &[10])];

#[test]
fn a_run_starts_with_the_last_weights_of_another() {
    let bench = Bench::new();
    bench.train("first", &SMALL);
    bench.train("second", &[&SMALL[..], &["--init-from", "first/checkpoints/last.safetensors", "--seed", "7"]].concat());
    assert_eq!(bench.read("second/initial.safetensors"), bench.read("first/checkpoints/last.safetensors"));
    bench.ok(&["export", "first", "--format", "safetensors", "--weights", "last", "--out", "exported.safetensors"]);
    bench.train("third", &[&SMALL[..], &["--init-from", "exported.safetensors", "--seed", "7"]].concat());
    assert_eq!(bench.read("third/checkpoints/last.safetensors"), bench.read("second/checkpoints/last.safetensors"));
}

#[test]
fn layers_of_other_names_are_matched_in_order_and_said_so() {
    let bench = Bench::new();
    bench.write("torch.safetensors", weights(&SEQUENTIAL));
    let train = [&["train", "--quiet", "--out", "run", "--init-from", "torch.safetensors", "--log", "relumine=info"], &SMALL[..]].concat();
    let said = bench.ok(&train).stderr;
    assert!(said.contains("matched by their order") && said.contains("2.weight as layers.1.weight"), "{said}");
    let renamed = SEQUENTIAL.map(|(name, shape)| {
        let (layer, part) = name.split_once('.').unwrap();
        (format!("layers.{}.{part}", layer.parse::<usize>().unwrap() / 2), shape)
    });
    let renamed: Vec<(&str, &[usize])> = renamed.iter().map(|(name, shape)| (name.as_str(), *shape)).collect();
    assert_eq!(bench.read("run/initial.safetensors"), weights(&renamed));
}

/// Beside the recipe, as data is; then in the recipe that the run keeps.
#[test]
fn a_path_is_looked_for_beside_the_recipe_and_a_changed_file_is_noticed() {
    let bench = Bench::new();
    bench.write("recipes/start.safetensors", weights(&SEQUENTIAL));
    bench.write("recipes/mine.toml", "[model]\nhidden = [6, 6]\n[train]\nmax_steps = 3\ninit_from = \"start.safetensors\"\n");
    bench.train("run", &["recipes/mine.toml"]);
    let kept = String::from_utf8(bench.read("run/recipe.toml")).unwrap();
    assert!(kept.contains("recipes/start.safetensors") && kept.contains("sha256 = \""), "{kept}");
    bench.train("again", &["run/recipe.toml"]);
    assert_eq!(bench.read("again/checkpoints/last.safetensors"), bench.read("run/checkpoints/last.safetensors"));

    let mut other = SEQUENTIAL;
    other.swap(0, 1);
    bench.write("recipes/start.safetensors", weights(&other));
    let refused = bench.run(&["train", "run/recipe.toml", "--out", "x"]);
    assert_eq!(refused.code, Some(1), "{}", refused.stderr);
    assert!(refused.stderr.contains("start.safetensors has changed since the recipe was written"), "{}", refused.stderr);
    bench.train("on-purpose", &["run/recipe.toml", "--init-from", "recipes/start.safetensors"]);
    // What has been trained needs the file no more.
    std::fs::remove_file(bench.path("recipes/start.safetensors")).unwrap();
    bench.ok(&["test", "run"]);
}

/// The averaged weights start there, too; a data-driven initialiser has nothing to do.
#[test]
fn the_weights_take_the_place_of_every_initialiser() {
    let bench = Bench::new();
    bench.write("torch.safetensors", weights(&SEQUENTIAL));
    for (out, extra) in [("plain", &[][..]), ("ema", &["--set", "optimizer.ema_decay=0.5"]), ("lsuv", &["--set", "model.init=lsuv"])] {
        bench.train(out, &[&SMALL[..], &["--init-from", "torch.safetensors"], extra].concat());
        assert_eq!(bench.read(&format!("{out}/initial.safetensors")), bench.read("plain/initial.safetensors"), "{out}");
    }
}

#[test]
fn weights_that_cannot_be_taken_are_refused_before_there_is_a_run() {
    let bench = Bench::new();
    bench.write("no.safetensors", "these are no weights");
    bench.write("short.safetensors", weights(&SEQUENTIAL[..4]));
    bench.write(
        "flat.safetensors",
        weights(&[("0.weight", &[6, 63]), SEQUENTIAL[1], SEQUENTIAL[2], SEQUENTIAL[3], SEQUENTIAL[4], SEQUENTIAL[5]]),
    );
    let nan = TensorView::new(Dtype::F32, vec![6], &[0xff; 24]).unwrap();
    let whole = weights(&SEQUENTIAL);
    let file = safetensors::SafeTensors::deserialize(&whole).unwrap();
    let views = file.tensors().into_iter().map(|(name, view)| if name == "2.bias" { (name, nan.clone()) } else { (name, view) });
    bench.write("nan.safetensors", safetensors::serialize(views, None).unwrap());
    for (file, code, expected) in [
        ("missing.safetensors", 1, &["cannot read missing.safetensors", "checkpoints/best.safetensors"][..]),
        ("cache", 1, &["train.init_from"]),
        ("no.safetensors", 1, &["no.safetensors", "not a whole safetensors file"]),
        ("nan.safetensors", 1, &["nan.safetensors", "`2.bias` holds NaN at position 0"]),
        (
            "short.safetensors",
            2,
            &["neither by name nor in order", "missing: `layers.0.weight` [6, 64]", "`layers.2.bias` [10]", "extra: `0.bias` [6]"],
        ),
        ("flat.safetensors", 2, &["of another shape: `0.weight` [6, 63] and not [6, 64], for `layers.0.weight`"]),
    ] {
        let ended = bench.run(&[&["train", "--quiet", "--out", "x", "--init-from", file], &SMALL[..]].concat());
        assert_eq!(ended.code, Some(code), "{file}: {}", ended.stderr);
        assert_eq!(ended.stderr.trim_end().lines().count(), 1, "{file}: {}", ended.stderr);
        for part in expected {
            assert!(ended.stderr.contains(part), "{file} should say {part:?}: {}", ended.stderr);
        }
        assert!(!bench.path("x").exists(), "{file} left something behind");
    }
}
