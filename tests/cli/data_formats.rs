//! The same rows in every format, `relumine data`, and life without a network.

use crate::support::{Bench, shipped};
use serde_json::Value;

/// A file of `crates/data/tests/fixtures/formats`, written by NumPy, pandas, pyarrow and Pillow.
fn fixture(name: &str) -> String {
    shipped("crates/data/tests/fixtures/formats").join(name).canonicalize().unwrap().to_str().unwrap().to_owned()
}

#[test]
fn every_format_of_a_table_trains_to_the_same_weights() {
    let bench = Bench::new();
    let settings = ["--epochs", "2", "--set", "data.validation=3", "--set", "data.test=3", "--set", "model.hidden=[4]"];
    let train = |out: &str, name: &str| bench.train(out, &[&["quickstart", "--data", &fixture(name)], &settings[..]].concat());
    let csv = train("csv", "table.csv");
    for (index, name) in ["table.tsv.gz", "table.parquet", "table_types.parquet", "table.npz", "table_fortran.npz"].into_iter().enumerate()
    {
        let out = format!("other-{index}");
        let other = train(&out, name);
        assert_eq!(other["data_fingerprint"], csv["data_fingerprint"], "{name}");
        let weights = "checkpoints/last.safetensors";
        assert_eq!(bench.read(&format!("{out}/{weights}")), bench.read(&format!("csv/{weights}")), "{name}");
    }
}

#[test]
fn images_of_the_hub_and_arrays_are_the_same_data() {
    let bench = Bench::new();
    let train =
        |out: &str, name: &str| bench.train(out, &["quickstart", "--data", &fixture(name), "--epochs", "1", "--set", "data.validation=1"]);
    let (parquet, arrays) = (train("parquet", "pictures"), train("arrays", "pictures.npz"));
    assert_eq!(parquet["data_fingerprint"], arrays["data_fingerprint"]);
    assert_eq!([&parquet["train_rows"], &parquet["validation_rows"], &parquet["test_rows"]], [4, 1, 3]);
}

#[test]
fn bad_rows_are_errors_until_they_are_skipped_and_then_counted() {
    let bench = Bench::new();
    let rows: String = (0..40).map(|row| format!("{},{},{}\n", row % 7, row % 5, row % 2)).collect();
    bench.write("t.csv", format!("a,b,y\n{rows}one,2,1\n3,,0\n"));
    let ended = bench.run(&["train", "--data", "t.csv", "--out", "refused"]);
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.stderr.contains("t.csv has \"one\" in line 42, column `a`") && ended.stderr.contains("--skip-bad-rows"),
        "{}",
        ended.stderr
    );
    let ended = bench.ok(&["train", "--data", "t.csv", "--out", "run", "--epochs", "1", "--skip-bad-rows", "--json", "--quiet"]);
    assert!(ended.stderr.contains("left out 2 rows that cannot be used; the first: "), "{}", ended.stderr);
    assert!(ended.stderr.contains("has \"one\" in line 42"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("--skip-bad-rows"), "it was given: {}", ended.stderr);
    assert_eq!(serde_json::from_str::<Value>(&ended.stdout).unwrap()["skipped_rows"], 2);
    assert_eq!(bench.json("run/summary.json")["skipped_rows"], 2);
    let recipe = String::from_utf8(bench.read("run/recipe.toml")).unwrap();
    assert!(recipe.contains("skip_bad_rows = true"), "{recipe}");
    bench.ok(&["test", "run"]);
}

#[test]
fn the_data_sets_are_listed_with_their_sizes_and_places() {
    let bench = Bench::new();
    let listed: Value = serde_json::from_str(&bench.ok(&["data", "list", "--json"]).stdout).unwrap();
    let digits = listed.as_array().unwrap().iter().find(|entry| entry["name"] == "digits").unwrap();
    assert_eq!((&digits["available"], &digits["train_rows"], &digits["folder"]), (&true.into(), &1797.into(), &Value::Null));
    let mnist = listed.as_array().unwrap().iter().find(|entry| entry["name"] == "mnist").unwrap();
    assert_eq!((&mnist["available"], &mnist["test_rows"]), (&false.into(), &10_000.into()));
    assert_eq!(mnist["folder"], bench.path("cache/mnist").to_str().unwrap());
    let table = bench.ok(&["data", "list"]).stdout;
    assert!(table.contains("60000 + 10000") && table.contains("relumine data fetch mnist puts it into"), "{table}");
}

#[test]
fn verify_reads_any_data_and_says_what_is_in_it() {
    let bench = Bench::new();
    let ended = bench.ok(&["data", "verify", &fixture("table.csv")]);
    assert!(ended.stdout.contains("12 train, 0 validation, 0 test rows of 4; 3 classes; fingerprint "), "{}", ended.stdout);
    let report = |name: &str| -> Value {
        let reports: Value = serde_json::from_str(&bench.ok(&["data", "verify", &fixture(name), "--json"]).stdout).unwrap();
        reports[0].clone()
    };
    let (parquet, arrays) = (report("pictures"), report("pictures.npz"));
    assert_eq!((&parquet["fingerprint"], &parquet["example_shape"]), (&arrays["fingerprint"], &serde_json::json!([3, 5, 1])));
    assert_eq!(parquet["rows_of_class"], serde_json::json!([3, 3, 2]));
    let digits = bench.ok(&["data", "verify"]).stdout;
    assert!(digits.starts_with("digits: 1797 train") && digits.lines().count() == 1, "only what is on this machine: {digits}");
    let ended = bench.run(&["data", "verify", &fixture("refused_null.parquet")]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("has no finite number in row 1, column `a`"), "{}", ended.stderr);
}

#[test]
fn verify_brings_pictures_of_mixed_sizes_to_the_one_that_is_asked_for() {
    let bench = Bench::new();
    let png = |height: u32, width: u32| {
        use image::ImageEncoder;
        let mut file = Vec::new();
        let pixels = vec![7; (height * width) as usize];
        image::codecs::png::PngEncoder::new(&mut file).write_image(&pixels, width, height, image::ExtendedColorType::L8).unwrap();
        file
    };
    for (name, side) in [("a/1", 2), ("a/2", 2), ("b/1", 3), ("b/2", 2)] {
        bench.write(&format!("set/{name}.png"), png(2, side));
    }
    let ended = bench.run(&["data", "verify", "set"]);
    assert!(ended.code == Some(1) && ended.stderr.contains("(in data verify: --image-size 2 2)"), "{}", ended.stderr);
    let ended = bench.ok(&["data", "verify", "set", "--image-size", "2", "4", "--channels", "3"]);
    assert!(ended.stdout.contains("set: 4 train, 0 validation, 0 test rows of 2 x 4 x 3;"), "{}", ended.stdout);
    assert_eq!(bench.run(&["data", "verify", "set", "--image-size", "0", "4"]).code, Some(2));
}

/// A folder in MNIST's format whose files are not MNIST's: they are read, and the checksums tell.
#[test]
fn files_that_are_not_the_published_ones_fail_verification() {
    let bench = Bench::new();
    for (part, rows) in [("train", 20_u8), ("t10k", 10)] {
        let header = |dimensions: u8, sizes: &[u8]| {
            let mut bytes = vec![0, 0, 8, dimensions];
            sizes.iter().for_each(|size| bytes.extend([0, 0, 0, *size]));
            bytes
        };
        let pixels: Vec<u8> = (0..rows * 4).collect();
        let labels: Vec<u8> = (0..rows).map(|row| row % 10).collect();
        bench.write(&format!("cache/mnist/{part}-images-idx3-ubyte"), [header(3, &[rows, 2, 2]), pixels].concat());
        bench.write(&format!("cache/mnist/{part}-labels-idx1-ubyte"), [header(1, &[rows]), labels].concat());
    }
    let ended = bench.run(&["data", "verify", "mnist"]);
    assert_eq!(ended.code, Some(1));
    assert_eq!(ended.stdout.matches("WRONG: sha256 ").count(), 4, "{}", ended.stdout);
    assert!(ended.stderr.contains("mnist: a file is not what was published or fetched"), "{}", ended.stderr);
}

#[test]
fn mnist_is_the_published_one_and_other_bytes_are_not() {
    let Some(folder) = crate::support::mnist("mnist_is_the_published_one_and_other_bytes_are_not") else { return };
    let bench = Bench::new();
    let mut command = bench.command();
    command.env("RELUMINE_MNIST", folder).args(["data", "verify", "mnist"]);
    let ended = crate::support::Ended::of(command.output().unwrap());
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(ended.stdout.matches(" as it should be").count(), 4, "{}", ended.stdout);
}

#[test]
fn offline_names_what_would_be_fetched_and_where_it_belongs() {
    let bench = Bench::new();
    for (name, place) in [("mnist", "cache/mnist"), ("hf://someone/something", "cache/hub/someone--something")] {
        let place = bench.path(place);
        for arguments in
            [&["train", "--data", name, "--out", "run", "--offline"][..], &["--offline", "data", "fetch", name], &["data", "verify", name]]
        {
            let ended = bench.run(arguments);
            assert_eq!(ended.code, Some(1), "{arguments:?}");
            let message = &ended.stderr;
            assert!(message.starts_with(&format!("error: cannot download `{name}` (the network is forbidden by --offline")), "{message}");
            assert!(message.contains(place.to_str().unwrap()) && message.lines().count() == 1, "{message}");
        }
        let ended =
            crate::support::Ended::of(bench.command().env("RELUMINE_OFFLINE", "1").args(["train", "--data", name]).output().unwrap());
        assert!(ended.stderr.contains("RELUMINE_OFFLINE"), "{}", ended.stderr);
    }
    bench.ok(&["data", "fetch", "digits", "--offline"]);
    bench.train("run", &["--offline", "--epochs", "1"]);
}

#[test]
fn what_cannot_be_fetched_or_addressed_is_a_mistake_of_the_command_line() {
    let bench = Bench::new();
    for (arguments, expected) in [
        (&["data", "fetch", "minst"][..], "\"minst\" is no data set that can be fetched: give one of digits, mnist, fashion-mnist"),
        (&["data", "fetch", "hf://mnist"], "write hf://owner/name"),
        (&["train", "--data", "hf://../../etc", "--out", "run"], "write hf://owner/name"),
    ] {
        let ended = bench.run(arguments);
        assert_eq!(ended.code, Some(2), "{arguments:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(expected), "{}", ended.stderr);
    }
}
