//! The same seed gives the same bytes.

use crate::support::Bench;

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
fn one_two_three_and_four_threads_give_the_same_bytes() {
    let bench = Bench::new();
    for threads in ["1", "2", "3", "4"] {
        let summary = bench.train(&format!("threads-{threads}"), &["quickstart", "--epochs", "1", "--threads", threads]);
        assert_eq!(summary["threads"].to_string(), threads);
    }
    for threads in ["2", "3", "4"] {
        assert_same(&bench, "threads-1", &format!("threads-{threads}"));
    }
}

/// What is saved on the way, and how often, changes nothing.
#[test]
fn checkpoints_along_the_way_change_nothing() {
    let bench = Bench::new();
    bench.train("without", &NETWORK);
    bench.train("with", &[&NETWORK[..], &["--set", "train.checkpoint_steps=3"]].concat());
    assert_same(&bench, "without", "with");
}
