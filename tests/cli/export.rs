//! `relumine export`: files that other programs read, made without the data.

use crate::support::Bench;
use candle_core::npy::NpzTensors;
use safetensors::SafeTensors;
use serde_json::Value;

/// A table whose two classes lie apart, with columns of very different sizes.
fn table(rows: usize) -> String {
    let row = |i: usize| format!("{},{},{}\n", i % 2 * 3 + i % 5, (i * 7919) % 1000 * 1000, if i.is_multiple_of(2) { "no" } else { "yes" });
    std::iter::once("width,area,class\n".to_owned()).chain((0..rows).map(row)).collect()
}

/// A run whose data is gone.
fn run_without_data(settings: &[&str]) -> Bench {
    let bench = Bench::new();
    bench.write("table.csv", table(100));
    let small = ["--data", "table.csv", "--epochs", "2", "--set", "model.hidden=[5]", "--set", "data.scale=standard"];
    bench.train("run", &[&small, settings].concat());
    std::fs::remove_file(bench.path("table.csv")).unwrap();
    bench
}

/// Name, shape and bytes of a tensor.
type Stored = (String, Vec<usize>, Vec<u8>);

/// Every tensor of a safetensors file, and what its metadata says.
fn tensors(bytes: &[u8]) -> (Vec<Stored>, Value) {
    let file = SafeTensors::deserialize(bytes).unwrap();
    let mut tensors: Vec<_> = file.tensors().into_iter().map(|(name, view)| (name, view.shape().to_vec(), view.data().to_vec())).collect();
    tensors.sort();
    let (_, metadata) = SafeTensors::read_metadata(bytes).unwrap();
    let described = metadata.metadata().as_ref().map_or(Value::Null, |map| serde_json::from_str(&map["relumine"]).unwrap());
    (tensors, described)
}

#[test]
fn every_format_holds_the_weights_of_the_run_and_needs_no_data() {
    let bench = run_without_data(&["--set", "model.norm=batch"]);
    for format in ["onnx", "safetensors", "npz"] {
        let first = format!("first.{format}");
        let second = format!("second.{format}");
        let said = bench.ok(&["export", "run", "--format", format, "--out", &first]).stdout;
        assert!(said.contains(&first) && said.contains("the best weights of run"), "{said}");
        bench.ok(&["export", "run", "--format", format, "--out", &second]);
        assert_eq!(bench.read(&first), bench.read(&second), "the same model is the same bytes");
    }
    let (weights, _) = tensors(&bench.read("run/checkpoints/best.safetensors"));
    assert_eq!(weights.len(), 8);
    let (exported, described) = tensors(&bench.read("first.safetensors"));
    assert_eq!(exported, weights);
    assert_eq!(described["signature"], bench.json("run/model.json"));
    assert_eq!(described["signature"]["classes"], serde_json::json!(["no", "yes"]));
    let arrays = NpzTensors::new(bench.path("first.npz")).unwrap();
    for (name, shape, bytes) in &weights {
        let array = arrays.get(name).unwrap().unwrap();
        let found = array.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert_eq!((array.dims(), found.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>()), (&shape[..], bytes.clone()));
        // ONNX stores the same little-endian bytes somewhere in its message.
        let onnx = bench.read("first.onnx");
        assert!(onnx.windows(bytes.len()).any(|window| window == bytes), "{name} is not in the ONNX file");
    }
}

#[test]
fn an_onnx_file_says_what_it_takes_and_gives() {
    let bench = run_without_data(&[]);
    let said = bench.ok(&["export", "run", "--format", "onnx", "--out", "plain.onnx"]).stdout;
    assert!(said.contains("input [batch, 2] f32: features scaled as in training") && said.contains("logits [batch, 2] f32"), "{said}");
    let said = bench.ok(&["export", "run", "--format", "onnx", "--out", "whole.onnx", "--raw-input", "--probabilities"]).stdout;
    assert!(said.contains("measurements as they are") && said.contains("probabilities [batch, 2] f32"), "{said}");
    let contains = |file: &str, text: &str| bench.read(file).windows(text.len()).any(|window| window == text.as_bytes());
    assert!(contains("whole.onnx", "scaling.divisor") && contains("whole.onnx", "Softmax") && contains("whole.onnx", "[\"no\",\"yes\"]"));
    assert!(!contains("plain.onnx", "scaling.divisor") && !contains("plain.onnx", "Softmax"));
}

/// Their scaling was fitted on more rows.
#[test]
fn refitted_weights_go_with_the_scaling_they_were_trained_under() {
    let bench = run_without_data(&["--set", "train.refit=true"]);
    assert_ne!(bench.json("run/model.json")["offset"], bench.json("run/refit.model.json")["offset"]);
    for (weights, signature) in [("refit", "run/refit.model.json"), ("best", "run/model.json"), ("last", "run/model.json")] {
        let out = format!("{weights}.safetensors");
        bench.ok(&["export", "run", "--format", "safetensors", "--weights", weights, "--out", &out]);
        let (exported, described) = tensors(&bench.read(&out));
        assert_eq!(described["signature"], bench.json(signature));
        assert_eq!(exported, tensors(&bench.read(&format!("run/checkpoints/{weights}.safetensors"))).0);
    }
    bench.ok(&["export", "run", "--format", "safetensors", "--out", "default.safetensors"]);
    assert_eq!(bench.read("default.safetensors"), bench.read("refit.safetensors"), "the run tested its refitted weights");
}

#[test]
fn a_file_is_replaced_only_by_force_and_nothing_temporary_is_left() {
    let bench = run_without_data(&[]);
    bench.write("there/model.onnx", "mine");
    let refused = bench.run(&["export", "run", "--format", "onnx", "--out", "there/model.onnx"]);
    assert_eq!((refused.code, bench.read("there/model.onnx")), (Some(2), b"mine".to_vec()));
    assert!(refused.stderr.contains("there/model.onnx exists already") && refused.stderr.contains("--force"), "{}", refused.stderr);
    bench.ok(&["export", "run", "--format", "onnx", "--out", "there/model.onnx", "--force"]);
    assert!(bench.read("there/model.onnx").len() > 100);
    assert_eq!(std::fs::read_dir(bench.path("there")).unwrap().count(), 1);
}

#[test]
fn what_cannot_be_exported_is_refused_in_one_sentence() {
    let bench = run_without_data(&[]);
    bench.write("file", "");
    for (arguments, code, expected) in [
        (&["run", "--format", "pickle", "--out", "x"][..], 2, &["pickle", "onnx, safetensors, npz"][..]),
        (&["run", "--out", "x"], 2, &["--format"]),
        (&["cache", "--format", "npz", "--out", "x"], 2, &["cache is no run directory", "recipe.toml"]),
        (
            &["run", "--format", "npz", "--out", "x", "--weights", "refit"],
            2,
            &["run has no refit weights", "--weights best or --weights last"],
        ),
        (&["run", "--format", "npz", "--out", "no/such/x"], 2, &["--out no/such/x: there is no folder no/such"]),
        (&["run", "--format", "npz", "--out", "file/x"], 2, &["there is no folder file"]),
        (&["run", "--format", "npz", "--out", "run"], 2, &["--out run is a folder"]),
        (&["run", "--format", "npz", "--out", "x", "--raw-input"], 2, &["--raw-input", "--format onnx"]),
        (&["run", "--format", "safetensors", "--out", "x", "--probabilities"], 2, &["--probabilities", "--format onnx"]),
    ] {
        assert_refused(&bench, arguments, code, expected);
    }
}

#[test]
fn a_damaged_run_is_refused_by_the_name_of_the_file() {
    let bench = run_without_data(&[]);
    let export = &["run", "--format", "onnx", "--out", "x"];
    let signature = bench.read("run/model.json");
    bench.write("run/model.json", &signature[..signature.len() / 2]);
    assert_refused(&bench, export, 1, &["run/model.json is not what a run writes"]);
    let mut other: Value = serde_json::from_slice(&signature).unwrap();
    other["example_shape"] = serde_json::json!([3]);
    other["feature_names"] = serde_json::json!([]);
    other["offset"] = serde_json::json!([0.0]);
    other["divisor"] = serde_json::json!([1.0]);
    bench.write("run/model.json", other.to_string());
    assert_refused(&bench, export, 1, &["best.safetensors", "`layers.0.weight` has shape [5, 2], this model needs [5, 3]"]);
    std::fs::remove_file(bench.path("run/model.json")).unwrap();
    assert_refused(&bench, export, 1, &["cannot read run/model.json"]);
    bench.write("run/model.json", &signature);
    let weights = bench.read("run/checkpoints/best.safetensors");
    bench.write("run/checkpoints/best.safetensors", &weights[..weights.len() / 2]);
    assert_refused(&bench, export, 1, &["best.safetensors"]);
}

fn assert_refused(bench: &Bench, arguments: &[&str], code: i32, expected: &[&str]) {
    let ended = bench.run(&[&["export"], arguments].concat());
    assert_eq!(ended.code, Some(code), "{arguments:?}: {}", ended.stderr);
    assert_eq!(ended.stderr.trim_end().lines().count(), 1, "{arguments:?}: {}", ended.stderr);
    for part in expected {
        assert!(ended.stderr.contains(part), "{arguments:?} should say {part:?}: {}", ended.stderr);
    }
    assert_eq!(ended.stdout, "");
    assert!(!bench.path("x").exists(), "{arguments:?} left a file behind");
}
