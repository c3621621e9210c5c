//! The same seed gives the same bytes.

use crate::support::{Bench, Ended, shipped, skipped};
use sha2::{Digest, Sha256};
use std::fmt::Write;

const FILES: [&str; 7] = [
    "initial.safetensors",
    "checkpoints/best.safetensors",
    "checkpoints/last.safetensors",
    "checkpoints/last.state.safetensors",
    "checkpoints/manifest.json",
    "test/predictions.csv",
    "test/confusion.json",
];

fn assert_same(bench: &Bench, one: &str, two: &str) {
    for file in FILES {
        assert!(bench.read(&format!("{one}/{file}")) == bench.read(&format!("{two}/{file}")), "{file} of {one} and {two} differ");
    }
    assert_eq!(bench.metrics(one), bench.metrics(two), "metrics of {one} and {two}");
}

/// The note's network with dropout, large enough that matrix products are divided among threads.
const NETWORK: [&str; 3] = ["quickstart", "--epochs", "3"];

#[test]
fn a_repeated_run_is_the_same_bytes_and_another_seed_is_not() {
    let bench = Bench::new();
    bench.train("one", &NETWORK);
    bench.train("two", &NETWORK);
    assert_same(&bench, "one", "two");
    bench.train("other", &[&NETWORK[..], &["--seed", "1"]].concat());
    assert_ne!(bench.read("one/initial.safetensors"), bench.read("other/initial.safetensors"));
}

#[test]
fn one_two_three_and_four_threads_give_the_same_bytes_by_either_step() {
    let bench = Bench::new();
    for step in ["fused", "reference"] {
        let run = |threads: &str| format!("{step}-{threads}");
        for threads in ["1", "2", "3", "4"] {
            let summary = bench.train(&run(threads), &["quickstart", "--epochs", "1", "--step", step, "--threads", threads]);
            assert_eq!((summary["threads"].to_string().as_str(), &summary["step"]), (threads, &step.into()));
        }
        for threads in ["2", "3", "4"] {
            assert_same(&bench, &run("1"), &run(threads));
        }
    }
}

/// Recipes that together use most of the fused step's kernels, and the first digits of what they come to.
///
/// The digits were made on an AMD EPYC (AVX2); the same recipes gave the same files in emulators of an Arm processor and, but for the fourth
/// and the fifth, of an Intel one with AVX-512. Where a change of arithmetic is meant, take those that the test prints, and see that another kind of processor prints the same.
const ANYWHERE: [(&str, &[&str], &str); 10] = [
    ("quickstart", &[], "9b974ab7b526e83e"),
    (
        "quickstart",
        &["model.activation=gelu", "model.norm=batch", "optimizer={ name = 'sgd', learning_rate = 0.1, momentum = 0.9, nesterov = true }"],
        "5a1694b14bf7a23b",
    ),
    (
        "quickstart",
        &[
            "model.activation=mish",
            "model.norm=layer",
            "model.noise=0.1",
            "model.init=orthogonal",
            "optimizer.name=adamw",
            "train.accumulate=2",
        ],
        "712bc7311be05eb0",
    ),
    (
        "quickstart",
        &[
            "model.activation=selu",
            "model.dropout_kind=alpha_dropout",
            "model.dropout=0.1",
            "optimizer.name=nadam",
            "train.label_smoothing=0.1",
        ],
        "97714da968a55756",
    ),
    (
        "quickstart",
        &[
            "model.activation={ name = 'maxout', pieces = 2 }",
            "optimizer={ name = 'rmsprop', learning_rate = 0.001, centered = true, momentum = 0.5 }",
            "optimizer.schedule=cosine",
        ],
        "0c69d31e14ec594e",
    ),
    (
        "quickstart",
        &[
            "model.activation=softplus",
            "model.input_dropout=0.2",
            "optimizer={ name = 'lion', learning_rate = 0.001 }",
            "optimizer.clip_norm=1",
        ],
        "4aa82d968ee3453f",
    ),
    (
        "quickstart",
        &["augment={ shift = 1, rotation = 10, scale = 0.1, elastic = { alpha = 8, sigma = 2 } }", "model.activation=tanh"],
        "6e6e31a27889c82b",
    ),
    (
        "models/breast-cancer.toml",
        &[
            "model.hidden=[64, 64]",
            "model.activation=elu",
            "optimizer.max_norm=3",
            "optimizer.clip_value=0.01",
            "optimizer.weight_decay=1e-3",
        ],
        "fa72b25057d13c47",
    ),
    (
        "quickstart",
        &[
            "model.activation=silu",
            "optimizer={ name = 'adagrad', learning_rate = 0.02 }",
            "optimizer.l1=1e-5",
            "optimizer.l2=1e-4",
            "optimizer.ema_decay=0.9",
        ],
        "f5df926a754d6ec2",
    ),
    (
        "quickstart",
        &[
            "model.hidden=[100, 40]",
            "model.activation=sigmoid",
            "optimizer={ name = 'adadelta', learning_rate = 1.0 }",
            "train.class_weights=balanced",
        ],
        "ff08b88656f10ef4",
    ),
];

/// The first digits of the sum of what a recipe comes to, by the instruction set of that name, or else by the fastest, and the set's name;
/// `None` where this processor has no such set.
fn digits(recipe: &str, settings: &[&str], isa: Option<&str>) -> Option<(String, String)> {
    let (bench, recipe) = (Bench::new(), if recipe.ends_with(".toml") { shipped(recipe) } else { recipe.into() });
    let mut command = bench.command();
    command.args(["train", "--quiet", "--json", "--device", "cpu", "--out", "run", "--epochs", "3", "--step", "fused"]).arg(recipe);
    for setting in settings {
        command.args(["--set", setting]);
    }
    if let Some(isa) = isa {
        command.env("RELUMINE_ISA", isa);
    }
    let ended = Ended::of(command.output().unwrap());
    if isa.is_some() && ended.code == Some(2) {
        assert!(ended.stderr.contains("is none of this processor's instruction sets"), "{}", ended.stderr);
        return None;
    }
    assert_eq!(ended.code, Some(0), "{settings:?}: {}", ended.stderr);
    let environment = bench.json("run/environment.json");
    assert!(isa.is_none_or(|isa| environment["isa"] == isa), "{isa:?} was asked for: {environment}");
    assert!(environment["library"].is_null(), "a library rounds as it likes: run this test without one");
    let mut sum = Sha256::new();
    for file in ["initial.safetensors", "checkpoints/last.safetensors", "checkpoints/last.state.safetensors", "test/predictions.csv"] {
        sum.update(bench.read(&format!("run/{file}")));
    }
    sum.update(serde_json::to_vec(&bench.metrics("run")).unwrap());
    let digits = sum.finalize().iter().take(8).fold(String::new(), |digits, byte| digits + &format!("{byte:02x}"));
    Some((environment["isa"].as_str().unwrap().to_owned(), digits))
}

/// By every instruction set of this processor but the portable one, which rounds a multiply-add twice.
#[test]
fn the_fused_step_gives_the_same_bytes_on_every_kind_of_processor() {
    let (fastest, by_default) = digits(ANYWHERE[0].0, ANYWHERE[0].1, None).unwrap();
    if fastest == "portable" {
        return skipped("the_fused_step_gives_the_same_bytes_on_every_kind_of_processor", "AVX2, AVX-512 or NEON");
    }
    assert_eq!(by_default, ANYWHERE[0].2, "by {fastest}, which is taken by itself");
    let mut made = String::new();
    for (recipe, settings, expected) in ANYWHERE {
        let by_name = ["avx512", "avx2", "neon"].iter().filter_map(|isa| digits(recipe, settings, Some(isa)));
        let found: Vec<(String, String)> = by_name.collect();
        assert!(found.iter().any(|(isa, _)| *isa == fastest), "{fastest} is one of them: {found:?}");
        if found.iter().any(|(_, digits)| digits != expected) {
            writeln!(made, "{recipe} {settings:?}: {found:?} for {expected:?}").unwrap();
        }
    }
    assert!(made.is_empty(), "other digits than elsewhere:\n{made}");
}

/// Other features in the test rows change neither the scaling, nor the weights, nor the metrics of any epoch.
#[test]
fn training_does_not_look_at_the_test_rows() {
    let bench = Bench::new();
    let mut table: Vec<String> = (0..200).map(|i| format!("{},{},{}", i * 37 % 101, i * 53 % 89, i % 2)).collect();
    let train = |run: &str, table: &[String]| {
        bench.write("table.csv", format!("a,b,y\n{}\n", table.join("\n")));
        bench.train(run, &["--data", "table.csv", "--epochs", "3", "--set", "data.scale=standard"]);
    };
    train("before", &table);
    let predictions = String::from_utf8(bench.read("before/test/predictions.csv")).unwrap();
    let test_rows: Vec<usize> = predictions.lines().skip(1).map(|line| line.split(',').next().unwrap().parse().unwrap()).collect();
    assert_eq!(test_rows.len(), 40);
    for row in test_rows {
        table[row] = format!("1000000,-1000000,{}", row % 2);
    }
    train("after", &table);
    for file in ["checkpoints/best.safetensors", "checkpoints/last.safetensors", "checkpoints/last.state.safetensors"] {
        assert!(bench.read(&format!("before/{file}")) == bench.read(&format!("after/{file}")), "{file}");
    }
    assert_eq!(bench.metrics("before"), bench.metrics("after"));
    assert_ne!(bench.read("before/test/predictions.csv"), bench.read("after/test/predictions.csv"));
}

/// What is saved on the way, and how often, changes nothing.
#[test]
fn checkpoints_along_the_way_change_nothing() {
    let bench = Bench::new();
    bench.train("without", &NETWORK);
    bench.train("with", &[&NETWORK[..], &["--set", "train.checkpoint_steps=3"]].concat());
    assert_same(&bench, "without", "with");
}
