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
