//! What a recipe or a run computes, before and after it has been trained.

use crate::support::Bench;
use serde_json::Value;

/// Wide enough that products have a choice.
const NETWORK: [&str; 4] = ["--set", "model.hidden=[96, 80]", "--set", "model.dropout=0.5"];

fn inspect(bench: &Bench, arguments: &[&str]) -> Value {
    serde_json::from_str(&bench.ok(&[&["inspect", "--json", "--device", "cpu"], arguments].concat()).stdout).unwrap()
}

/// Little-endian f32 values of one tensor of a safetensors file.
fn values(bytes: &[u8], name: &str) -> Vec<f64> {
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header: Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    let [start, end] = [0, 1].map(|place| 8 + length + header[name]["data_offsets"][place].as_u64().unwrap() as usize);
    bytes[start..end].chunks_exact(4).map(|bytes| f64::from(f32::from_le_bytes(bytes.try_into().unwrap()))).collect()
}

fn assert_is_spread_of(told: &Value, values: &[f64]) {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let sd = (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64).sqrt();
    let (min, max) = values.iter().fold((f64::MAX, f64::MIN), |(min, max), value| (min.min(*value), max.max(*value)));
    for (key, expected) in [("mean", mean), ("sd", sd), ("min", min), ("max", max)] {
        assert!((told[key].as_f64().unwrap() - expected).abs() < 1e-12, "{key} of {told} is not {expected}");
    }
}

#[test]
fn a_run_s_weights_are_those_of_its_files_and_a_recipe_s_are_those_it_would_start_with() {
    let bench = Bench::new();
    let train = [&NETWORK[..], &["--set", "model.norm=batch"]].concat();
    bench.train("run", &[&["--epochs", "2", "--seed", "4"], &train[..]].concat());
    let told = inspect(&bench, &["run"]);
    let tensors = told["tensors"].as_array().unwrap();
    assert_eq!(tensors.len(), 3 * 2 + 2 * 4, "weights, biases and four of each normalisation");
    for (when, file) in [("initial", "run/initial.safetensors"), ("best", "run/checkpoints/best.safetensors")] {
        let bytes = bench.read(file);
        for tensor in tensors {
            assert_is_spread_of(&tensor[when], &values(&bytes, tensor["name"].as_str().unwrap()));
        }
    }
    let recipe = inspect(&bench, &[&["quickstart", "--set", "train.seed=4"], &train[..]].concat());
    for (of_recipe, of_run) in recipe["tensors"].as_array().unwrap().iter().zip(tensors) {
        assert_eq!((&of_recipe["initial"], &of_recipe["best"]), (&of_run["initial"], &Value::Null));
    }
    // Starting weights that look at the data are calibrated as training does it.
    let lsuv = ["--set", "model.init=lsuv"];
    bench.train("lsuv", &[&["--epochs", "1"], &lsuv[..]].concat());
    let (of_run, of_recipe) = (inspect(&bench, &["lsuv"]), inspect(&bench, &[&["quickstart"], &lsuv[..]].concat()));
    assert_eq!(of_run["tensors"][0]["initial"], of_recipe["tensors"][0]["initial"]);
    let shown = bench.ok(&["inspect", "run"]).stdout;
    assert!(shown.contains("layers.1.norm.running_var") && shown.contains(" best "), "{shown}");
}

#[test]
fn layers_have_their_sizes_and_costs() {
    let bench = Bench::new();
    let told = inspect(&bench, &[&["quickstart"], &NETWORK[..]].concat());
    let of = |key: &str| told["layers"].as_array().unwrap().iter().map(|layer| layer[key].clone()).collect::<Vec<_>>();
    assert_eq!(of("inputs"), [64, 96, 80]);
    assert_eq!(of("outputs"), [96, 80, 10]);
    assert_eq!(of("parameters"), [64 * 96 + 96, 96 * 80 + 80, 80 * 10 + 10]);
    assert_eq!(of("forward_flops"), [2 * 64 * 96, 2 * 96 * 80, 2 * 80 * 10]);
    assert_eq!(of("training_flops"), [2 * 2 * 64 * 96, 3 * 2 * 96 * 80, 3 * 2 * 80 * 10]);
    assert_eq!(of("input_dropout"), [0.0, 0.5, 0.5]);
    assert_eq!(of("activation"), ["relu", "relu", "identity"]);
    assert_eq!(told["parameters"], 64 * 96 + 96 + 96 * 80 + 80 + 80 * 10 + 10);
    let shown = bench.ok(&["inspect", "quickstart"]).stdout;
    assert!(shown.contains("hidden layers: how many of their outputs are zero is known after training"), "{shown}");
}

/// Dropout takes half of what a ReLU leaves, so that about a quarter is left: products skip the rest; without zeros they do not, and say why.
#[test]
fn a_run_says_which_products_skipped_zeros_and_why() {
    let bench = Bench::new();
    bench.train("relu", &[&["--epochs", "3"], &NETWORK[..]].concat());
    let products = bench.json("relu/products.json");
    assert_eq!((&products["epoch"], &products["step"]), (&Value::from(3), &Value::from("fused")));
    let steps = bench.metrics("relu")[0]["step"].clone();
    for layer in [1, 2] {
        let inputs = &products["layers"][layer]["inputs"];
        let share = inputs["nonzero_share"].as_f64().unwrap();
        assert!((0.1..0.45).contains(&share), "{inputs}");
        assert_eq!((&inputs["skipped"], &inputs["passes"]), (&steps, &steps), "{inputs}");
        assert_eq!(inputs["reason"], format!("{:.0} % not zero, under 45 %", 100.0 * share));
    }
    assert_eq!(products["layers"][0]["slopes"], Value::Null, "the network's inputs need no gradient");
    assert_eq!(products["layers"][1]["slopes"]["skipped"], steps);
    assert_eq!(products["layers"][2]["slopes"]["reason"], "sums over 10 outputs, fewer than 64, are not worth choosing among");
    assert_eq!(inspect(&bench, &["relu"])["zeros"]["products"], products);
    let shown = bench.ok(&["inspect", "relu"]).stdout;
    assert!(shown.contains("zeros in training, as of epoch 3:\nlayer     products"), "{shown}");
    // With another recipe than the run's there is nothing to tell.
    assert_eq!(inspect(&bench, &["relu", "--set", "model.dropout=0.1"])["zeros"]["products"], Value::Null);

    for (setting, reason) in [
        ("model.activation=tanh", "tanh gives no zeros, and a dropout of 0.5 too few"),
        ("model.noise=0.1", "noise leaves few zeros"),
        (
            "model.norm={ name = \"batch\", position = \"after_activation\" }",
            "the normalisation after relu moves its zeros, and a dropout of 0.5 too few",
        ),
    ] {
        bench.train(setting, &[&["--epochs", "1", "--set", setting], &NETWORK[..]].concat());
        let inputs = bench.json(&format!("{setting}/products.json"))["layers"][1]["inputs"].clone();
        assert_eq!((&inputs["nonzero_share"], &inputs["skipped"]), (&Value::Null, &Value::from(0)), "{inputs}");
        assert_eq!(inputs["reason"], reason);
    }
    bench.train("reference", &["--epochs", "1", "--step", "reference"]);
    assert_eq!(bench.json("reference/products.json")["layers"], serde_json::json!([]));
}
