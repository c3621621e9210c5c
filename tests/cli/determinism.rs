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

/// Recipes whose kernels, together, are all that the fused step has, and the first digits of what they come to.
///
/// The digits were made on an AMD EPYC (AVX2); the same recipes gave the same files in emulators of an Intel processor with AVX-512 and of an
/// Arm one. Where a change of arithmetic is meant, take those that the test prints, and see that another kind of processor prints the same.
const ANYWHERE: [(&str, &[&str], &str); 8] = [
    ("quickstart", &[], "5693eca3964ffb06"),
    (
        "quickstart",
        &["model.activation=gelu", "model.norm=batch", "optimizer={ name = 'sgd', learning_rate = 0.1, momentum = 0.9, nesterov = true }"],
        "fa0522b329fd94e2",
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
        "54a9ec44f5030636",
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
        "2f0d29b409e9ea42",
    ),
    (
        "quickstart",
        &[
            "model.activation={ name = 'maxout', pieces = 2 }",
            "optimizer={ name = 'rmsprop', learning_rate = 0.001, centered = true, momentum = 0.5 }",
            "optimizer.schedule=cosine",
        ],
        "6c150ca0fc6f0597",
    ),
    (
        "quickstart",
        &[
            "model.activation=softplus",
            "model.input_dropout=0.2",
            "optimizer={ name = 'lion', learning_rate = 0.001 }",
            "optimizer.clip_norm=1",
        ],
        "2ca2b8c576b9e1dc",
    ),
    (
        "quickstart",
        &["augment={ shift = 1, rotation = 10, scale = 0.1, elastic = { alpha = 8, sigma = 2 } }", "model.activation=tanh"],
        "f800c433f971c77a",
    ),
    ("models/breast-cancer.toml", &["model.hidden=[64, 64]", "model.activation=elu", "optimizer.max_norm=3"], "c59c6ded216bc759"),
];

/// A processor without a fused multiply-add rounds otherwise, and says so in its environment.
#[test]
fn the_fused_step_gives_the_same_bytes_on_every_kind_of_processor() {
    let mut made = String::new();
    for (recipe, settings, expected) in ANYWHERE {
        let of = |isa: Option<&str>| {
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
            let mut sum = Sha256::new();
            for file in
                ["initial.safetensors", "checkpoints/last.safetensors", "checkpoints/last.state.safetensors", "test/predictions.csv"]
            {
                sum.update(bench.read(&format!("run/{file}")));
            }
            sum.update(format!("{:?}", bench.metrics("run")));
            let digits = sum.finalize().iter().take(8).fold(String::new(), |digits, byte| digits + &format!("{byte:02x}"));
            (isa.is_some() || bench.json("run/environment.json")["isa"] != "portable").then_some(digits)
        };
        let sets: Vec<String> = [None, Some("avx512"), Some("avx2"), Some("neon")].into_iter().filter_map(of).collect();
        if sets.is_empty() {
            return skipped("the_fused_step_gives_the_same_bytes_on_every_kind_of_processor", "a processor with a fused multiply-add");
        }
        if sets.iter().any(|digits| digits != expected) {
            writeln!(made, "{recipe} {settings:?}: {sets:?} for {expected:?}").unwrap();
        }
    }
    assert!(made.is_empty(), "by the processor's fastest instruction set, then AVX-512, AVX2, NEON as far as it has them:\n{made}");
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
