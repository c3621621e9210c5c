//! Devices: what there is, what is refused, and how two of them compare.

use super::support::Bench;
use serde_json::Value;

/// The two steps of the CPU are two devices that any machine has.
const TWO: [&str; 3] = ["compare-devices", "--devices", "cpu:reference,cpu:fused"];

fn compare(bench: &Bench, arguments: &[&str]) -> Value {
    let ended = bench.ok(&[&TWO[..], &["--json"], arguments].concat());
    serde_json::from_str(&ended.stdout).unwrap()
}

/// The lines of the one comparison.
fn lines(report: &Value) -> Vec<Value> {
    report["comparisons"][0]["lines"].as_array().unwrap().clone()
}

#[test]
fn devices_lists_the_cpu_with_its_hardware_and_a_remedy_for_each_backend_that_is_not_there() {
    let ended = Bench::new().ok(&["devices", "--json"]);
    let devices: Vec<Value> = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(devices[0]["device"], "cpu");
    assert!(devices[0]["cores"].as_u64().unwrap() > 0 && devices[0]["simd"].is_array() && devices[0]["name"].is_string());
    for kind in ["cuda", "metal"] {
        let device = devices.iter().find(|device| device["device"].as_str().unwrap().starts_with(kind)).unwrap();
        assert!(device["available"].as_bool().unwrap() || !device["remedy"].as_str().unwrap().is_empty(), "{device}");
    }
}

#[test]
fn the_fused_and_the_reference_step_agree_on_losses_gradients_and_parameters() {
    let report = compare(&Bench::new(), &["--steps", "12", "--set", "model.dropout=0.3"]);
    assert_eq!(report["agrees"], true);
    assert_eq!((&report["first_step"], &report["comparisons"][0]["step"]), (&"reference".into(), &"fused".into()));
    let lines = lines(&report);
    for (kind, name) in [("initial", "layers.0.weight"), ("gradient", "layers.2.bias"), ("parameter", "layers.1.weight")] {
        assert!(lines.iter().any(|line| line["kind"] == kind && line["name"] == name), "no {kind} of {name}");
    }
    assert_eq!(lines.iter().filter(|line| line["kind"] == "loss").count(), 1);
    for line in lines {
        assert!(line["share"].as_f64().unwrap() <= 1.0, "{line}");
        // They compute in a different order: equal to the bit would mean that one of them was compared with itself.
        assert!(line["largest"].as_f64().unwrap() > 0.0 || line["name"].as_str().unwrap().ends_with("bias"), "{line}");
    }
}

#[test]
fn a_tolerance_that_rounding_exceeds_is_a_failure_that_names_the_worst() {
    let ended = Bench::new().run(&[&TWO[..], &["--tolerance", "1e-12"]].concat());
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stdout.contains("cpu:fused does not agree with cpu:reference"), "{}", ended.stdout);
    assert!(ended.stderr.contains("differs by") && ended.stderr.contains("of the tolerance"), "{}", ended.stderr);
}

#[test]
fn a_bias_that_batch_normalisation_takes_away_is_shown_but_not_judged() {
    let report = compare(&Bench::new(), &["--steps", "5", "--set", "model.norm=batch"]);
    assert_eq!(report["agrees"], true);
    let not_judged: Vec<_> = lines(&report).into_iter().filter(|line| line["is_judged"] == false).collect();
    assert!(not_judged.iter().any(|line| line["kind"] == "parameter" && line["name"] == "layers.0.bias"), "{not_judged:?}");
    assert!(not_judged.iter().all(|line| !line["name"].as_str().unwrap().ends_with("weight")), "{not_judged:?}");
}

#[test]
fn devices_that_cannot_be_compared_are_refused_in_a_sentence() {
    let bench = Bench::new();
    for (devices, part) in [("cpu", "name two or more"), ("cpu,gpu", "names no device"), ("cpu,cpu:quick", "names no device")] {
        let ended = bench.run(&["compare-devices", "--devices", devices]);
        assert_eq!(ended.code, Some(2), "{}", ended.stderr);
        assert!(ended.stderr.contains(part) && ended.stderr.lines().count() == 1, "{}", ended.stderr);
    }
    let ended = bench.run(&["compare-devices", "--tolerance", "0"]);
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
}

/// Without a GPU: what it finds on one is tested in emulation.
#[test]
fn kernels_are_checked_on_a_cuda_device_alone() {
    let bench = Bench::new();
    for (device, part) in [("cpu", "give --device cuda or cuda:N"), ("gpu", "is no device"), ("cuda:77", "--device cuda:77 cannot be had")]
    {
        let ended = bench.run(&["gpu-check", "--device", device]);
        assert_eq!(ended.code, Some(2), "{}", ended.stderr);
        assert!(ended.stderr.contains(part) && ended.stderr.lines().count() == 1, "{}", ended.stderr);
    }
    assert_eq!(bench.run(&["gpu-check", "--replicas", "0"]).code, Some(2));
}

/// Fewer digits are for CUDA; weights that were trained so can be tested and used anywhere.
#[test]
fn a_precision_that_the_device_does_not_have_is_refused_in_training_and_in_nothing_else() {
    let bench = Bench::new();
    for (precision, step) in [("tf32", "auto"), ("bf16", "fused"), ("tf32", "reference")] {
        let setting = format!("train.precision={precision}");
        let ended = bench.run(&["train", "--device", "cpu", "--step", step, "--set", &setting, "--out", "run"]);
        assert_eq!(ended.code, Some(2), "{}", ended.stderr);
        let sentences = [&format!("train.precision = {precision}"), "set it to f32, or train with --device cuda --step fused"];
        assert!(sentences.iter().all(|sentence| ended.stderr.contains(*sentence)), "{}", ended.stderr);
        assert!(!bench.path("run").exists());
    }
    let ended = bench.run(&["train", "--set", "train.precision=f16"]);
    assert!(ended.code == Some(2) && ended.stderr.contains("tf32"), "{}", ended.stderr);

    bench.train("run", &["--epochs", "2"]);
    let recipe = std::fs::read_to_string(bench.path("run/recipe.toml")).unwrap();
    let trained = recipe.replace("precision = \"f32\"", "precision = \"tf32\"");
    assert_ne!(trained, recipe);
    std::fs::write(bench.path("run/recipe.toml"), trained).unwrap();
    // A run that was trained so would have a manifest that says so.
    std::fs::remove_file(bench.path("run/checkpoints/manifest.json")).unwrap();
    assert!(bench.ok(&["test", "run", "--device", "cpu"]).stdout.contains("have now been read 2 times"));
    let row = |value: &dyn Fn(usize) -> String| (0..64).map(value).collect::<Vec<_>>().join(",");
    bench.write("row.csv", format!("{}\n{}\n", row(&|pixel| format!("p{pixel}")), row(&|pixel| (pixel % 17).to_string())));
    bench.ok(&["predict", "run", "row.csv", "--device", "cpu"]);
}
