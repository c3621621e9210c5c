//! `[augment]` as a user gives it.

use crate::support::{Bench, shipped};
use serde_json::Value;

const CHANGES: [&str; 8] = [
    "--set",
    "augment.shift=1.0",
    "--set",
    "augment.rotation=10",
    "--set",
    "augment.scale=0.1",
    "--set",
    "augment.elastic={ alpha = 6.0, sigma = 2.0 }",
];

fn train(bench: &Bench, run: &str, more: &[&str]) {
    bench.train(run, &[&["quickstart", "--epochs", "2"], &CHANGES[..], more].concat());
}

fn weights(bench: &Bench, run: &str) -> Vec<u8> {
    bench.read(&format!("{run}/checkpoints/last.safetensors"))
}

#[test]
fn augmented_training_repeats_to_the_byte_at_any_number_of_threads_and_follows_the_seed() {
    let bench = Bench::new();
    for threads in ["1", "2", "3"] {
        train(&bench, threads, &["--threads", threads]);
        assert!(weights(&bench, threads) == weights(&bench, "1"), "{threads} threads");
        assert_eq!(bench.metrics(threads), bench.metrics("1"));
    }
    train(&bench, "other", &["--seed", "1"]);
    bench.train("plain", &["quickstart", "--epochs", "2"]);
    assert!(weights(&bench, "other") != weights(&bench, "1") && weights(&bench, "plain") != weights(&bench, "1"));
}

#[test]
fn the_reference_step_sees_the_same_images() {
    let bench = Bench::new();
    train(&bench, "fused", &["--step", "fused"]);
    train(&bench, "reference", &["--step", "reference"]);
    let losses = |run: &str| -> Vec<f64> { bench.metrics(run).iter().map(|epoch| epoch["train"]["loss"].as_f64().unwrap()).collect() };
    let (ours, theirs) = (losses("fused"), losses("reference"));
    assert_eq!(ours.len(), 2);
    for (ours, theirs) in ours.into_iter().zip(theirs) {
        assert!((ours - theirs).abs() < 1e-4, "{ours} and {theirs}");
    }
}

/// At a learning rate this small both keep their first weights, but for biases of 1e-31, which change the rounding of ties: what is
/// evaluated gives the same results, and what is trained on does not.
#[test]
fn validation_and_test_rows_stay_as_they_are() {
    let bench = Bench::new();
    let still = ["--set", "optimizer.name=sgd", "--set", "optimizer.learning_rate=1e-30", "--epochs", "1", "--set", "model.dropout=0"];
    let augmented = bench.train("augmented", &[&["quickstart"], &CHANGES[..], &still[..]].concat());
    let plain = bench.train("plain", &[&["quickstart"], &still[..]].concat());
    let difference = |ours: &Value, theirs: &Value| (ours["loss"].as_f64().unwrap() - theirs["loss"].as_f64().unwrap()).abs();
    for part in ["train", "validation", "test"] {
        assert!(difference(&augmented[part], &plain[part]) < 1e-6, "{part}");
        assert_eq!(augmented[part]["accuracy"], plain[part]["accuracy"], "{part}");
    }
    assert!(difference(&bench.metrics("augmented")[0]["train"], &bench.metrics("plain")[0]["train"]) > 1e-4);
}

#[test]
fn a_run_s_own_recipe_says_how_it_was_augmented_and_trains_the_same() {
    let bench = Bench::new();
    train(&bench, "run", &[]);
    let recipe = String::from_utf8(bench.read("run/recipe.toml")).unwrap();
    assert!(recipe.contains("[augment]\nshift = 1.0\nrotation = 10.0\nscale = 0.1\nfill = 0.0\n"), "{recipe}");
    assert!(recipe.contains("[augment.elastic]\nalpha = 6.0\nsigma = 2.0\n"), "{recipe}");
    bench.train("again", &["run/recipe.toml"]);
    assert!(weights(&bench, "again") == weights(&bench, "run"));
    bench.train("plain", &["quickstart", "--epochs", "1"]);
    assert!(!String::from_utf8(bench.read("plain/recipe.toml")).unwrap().contains("augment"));
}

#[test]
fn what_cannot_be_augmented_is_refused_in_a_sentence() {
    let bench = Bench::new();
    bench.write("table.csv", "a,b,y\n1,2,0\n3,4,1\n5,6,0\n7,8,1\n9,1,0\n2,3,1\n4,5,0\n6,7,1\n8,9,0\n1,1,1\n");
    let cases: [(&[&str], &str); 4] = [
        (&["quickstart", "--data", "table.csv"], "augment = set for examples of shape [2] is not usable: only images"),
        (&["quickstart", "--set", "augment.scale=1.5"], "augment.scale = 1.5 is not usable"),
        (&["quickstart", "--set", "augment.shift=8"], "augment.shift = 8 is not usable: it moves images of 8 x 8 pixels out of sight"),
        (&["quickstart", "--set", "augment.elastic=34"], "augment.elastic"),
    ];
    for (arguments, expected) in cases {
        let ended = bench.run(&[&["train", "--out", "out"], &CHANGES[..], arguments].concat());
        assert_eq!(ended.code, Some(2), "{arguments:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(expected), "{}", ended.stderr);
        assert_eq!(ended.stderr.trim_end().lines().count(), 1, "{}", ended.stderr);
        assert!(!bench.path("out").exists());
    }
}

/// It says so in the overview, too.
#[test]
fn the_shipped_recipe_is_read() {
    let bench = Bench::new();
    let recipe = shipped("models/augmented-mnist.toml");
    let shown = bench.ok(&["inspect", recipe.to_str().unwrap(), "--set", "data.name=digits", "--set", "data.validation=0.1"]).stdout;
    assert!(shown.contains("training images are changed at random"), "{shown}");
}

/// Digits are 8 x 8 pixels, drawn 88 x 88 with 2 between them; the first column is the images themselves.
#[test]
fn a_picture_shows_each_class_as_it_is_and_changed() {
    let bench = Bench::new();
    let arguments = [&["augment", "quickstart", "--out", "grid.png"], &CHANGES[..]].concat();
    let said = bench.ok(&arguments).stdout;
    assert!(said.starts_with("grid.png: 10 training images") && said.contains("shifted by up to 1 pixels"), "{said}");
    let grid = image::open(bench.path("grid.png")).unwrap().into_luma8();
    assert_eq!(grid.dimensions(), (9 * 90 + 2, 10 * 90 + 2));
    let cell = |row: u32, column: u32| -> Vec<u8> {
        let pixels = (0..64).map(|i| grid.get_pixel(column * 90 + 2 + i % 8 * 11 + 5, row * 90 + 2 + i / 8 * 11 + 5).0[0]);
        pixels.collect()
    };
    for row in 0..10 {
        let original = cell(row, 0);
        assert!(original.iter().any(|pixel| *pixel > 200) && original.contains(&0));
        // Sixteen shades of grey.
        assert!(original.iter().all(|pixel| (0..=16).any(|shade| (shade as f32 / 16.0 * 255.0).round() as u8 == *pixel)));
        for column in 1..9 {
            assert_ne!(cell(row, column), original);
            assert_ne!(cell(row, column), cell(row, column % 8 + 1));
        }
    }
    let ended = bench.run(&arguments);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("--out grid.png exists already"), "{}", ended.stderr);
    bench.ok(&[&arguments[..], &["--force"]].concat());
}

#[test]
fn a_picture_needs_changes_and_images() {
    let bench = Bench::new();
    bench.write("table.csv", "a,b,y\n1,2,0\n3,4,1\n5,6,0\n7,8,1\n9,1,0\n2,3,1\n4,5,0\n6,7,1\n8,9,0\n1,1,1\n");
    let cases: [(&[&str], &str); 3] = [
        (&["quickstart"], "recipe quickstart has no [augment] section"),
        (&["quickstart", "--set", "augment.shift=0"], "augment = set to change nothing is not usable"),
        (&["quickstart", "--set", "data.name=table.csv", "--set", "augment.shift=1"], "only images"),
    ];
    for (arguments, expected) in cases {
        let ended = bench.run(&[&["augment", "--out", "grid.png"], arguments].concat());
        assert_eq!(ended.code, Some(2), "{arguments:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(expected), "{}", ended.stderr);
        assert!(!bench.path("grid.png").exists());
    }
}
