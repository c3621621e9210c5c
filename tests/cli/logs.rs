//! Logs that other tools read. What TensorBoard makes of the event file is checked by `tests/peers/tensorboard.py`.

use crate::support::Bench;
use serde_json::Value;

const SMALL: [&str; 4] = ["--epochs", "3", "--set", "model.hidden=[16]"];
const EVENTS: &str = "events.out.tfevents.relumine";

/// The cells of `metrics.csv`, checked against the JSON lines, digit for digit.
fn assert_table_is_the_log(bench: &Bench, run: &str, prefix: &str) {
    let text = |name: &str| String::from_utf8(bench.read(&format!("{run}/{prefix}{name}"))).unwrap();
    let (table, log) = (text("metrics.csv"), text("metrics.jsonl"));
    let mut lines = table.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    let records: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let rows: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
    assert!(!rows.is_empty() && rows.len() == records.len(), "{table}");
    for (row, record) in rows.iter().zip(&records) {
        for (column, cell) in header.iter().zip(row) {
            let value = match column.split_once('_') {
                Some((part @ ("train" | "validation"), number)) => &record[part][number],
                _ => &record[column],
            };
            let same = match value {
                Value::Null => cell.is_empty(),
                Value::Number(number) => cell.parse::<f64>().unwrap() == number.as_f64().unwrap(),
                Value::Bool(truth) => cell.parse() == Ok(*truth),
                _ => false,
            };
            assert!(same, "{column} is {cell} in the table and {value} in the log");
        }
    }
}

#[test]
fn the_table_holds_the_numbers_of_the_log() {
    let bench = Bench::new();
    bench.train("run", &[&SMALL[..], &["--set", "train.refit=true"]].concat());
    assert_table_is_the_log(&bench, "run", "");
    assert_table_is_the_log(&bench, "run", "refit.");
    bench.train("none", &[&SMALL[..], &["--set", "data.validation=0"]].concat());
    assert_table_is_the_log(&bench, "none", "");
}

#[test]
fn a_resumed_run_has_one_row_per_epoch_in_order() {
    let bench = Bench::new();
    bench.train("run", &SMALL);
    // What was written after the checkpoint, or half written, is said again.
    let mut table = String::from_utf8(bench.read("run/metrics.csv")).unwrap();
    table.push_str("4,9,0.1,0");
    bench.write("run/metrics.csv", table);
    bench.ok(&["train", "--resume", "run", "--epochs", "5", "--quiet"]);
    assert_table_is_the_log(&bench, "run", "");
    assert_eq!(bench.metrics("run").len(), 5);
    bench.train("whole", &["--epochs", "5", "--set", "model.hidden=[16]"]);
    let cells = |run: &str| {
        let text = String::from_utf8(bench.read(&format!("{run}/metrics.csv"))).unwrap();
        text.lines().map(|line| line.split(',').take(8).collect::<Vec<_>>().join(",")).collect::<Vec<_>>()
    };
    assert_eq!(cells("run"), cells("whole"), "all but the times");
}

#[test]
fn tensorboard_is_written_when_asked_for_and_changes_nothing_else() {
    let bench = Bench::new();
    bench.train("without", &SMALL);
    bench.train("with", &[&SMALL[..], &["--tensorboard"]].concat());
    assert!(!bench.path("without").join(EVENTS).exists());
    assert!(bench.read(&format!("with/{EVENTS}")).windows(13).any(|bytes| bytes == b"brain.Event:2"));
    let recipe = String::from_utf8(bench.read("with/recipe.toml")).unwrap();
    assert!(recipe.contains("\ntensorboard = true\n"), "{recipe}");
    for file in ["checkpoints/best.safetensors", "checkpoints/last.safetensors", "test/predictions.csv", "products.json"] {
        assert!(bench.read(&format!("with/{file}")) == bench.read(&format!("without/{file}")), "{file}");
    }
    assert_eq!(bench.metrics("with"), bench.metrics("without"));
    let listed = bench.ok(&["runs", "."]).stdout;
    assert!(!listed.contains("seeds"), "how a run is logged makes no second seed of it: {listed}");
}

#[test]
fn the_environment_says_what_was_built_and_what_it_ran_on() {
    let bench = Bench::new();
    bench.train("run", &SMALL);
    let environment = bench.json("run/environment.json");
    for key in ["version", "candle", "rustc", "profile", "platform", "os", "cpu", "device"] {
        assert!(environment[key].as_str().is_some_and(|text| !text.is_empty()), "{key}: {environment:#}");
    }
    assert!(environment["rustc"].as_str().unwrap().starts_with("rustc 1."), "{environment:#}");
    for key in ["cores", "memory_mb", "threads"] {
        assert!(environment[key].as_u64().is_some_and(|number| number > 0), "{key}: {environment:#}");
    }
    match &environment["git_commit"] {
        Value::Null => assert_eq!(environment["git_dirty"], Value::Null),
        commit => {
            let commit = commit.as_str().unwrap();
            assert!(commit.len() >= 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit()), "{commit}");
            assert!(environment["git_dirty"].is_boolean(), "{environment:#}");
        }
    }
}

/// Folds are planned one by one, and the user has one mistake to mend.
#[test]
fn an_average_that_is_too_young_is_noticed_once() {
    let bench = Bench::new();
    let ended = bench.ok(&["train", "--quiet", "--epochs", "1", "--folds", "3", "--out", "folds", "--set", "optimizer.ema_decay=0.999"]);
    assert_eq!(ended.stderr.matches("optimizer.ema_decay averages over").count(), 1, "{}", ended.stderr);
}
