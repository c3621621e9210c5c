//! Runs beside each other.

use crate::support::Bench;
use serde_json::Value;

const SMALL: [&str; 6] = ["--epochs", "2", "--set", "model.hidden=[16]", "--set", "optimizer.learning_rate=0.01"];

fn train(bench: &Bench, out: &str, settings: &[&str]) -> Value {
    let overrides = settings.iter().flat_map(|setting| ["--set", setting]);
    bench.train(out, &SMALL.into_iter().chain(overrides).collect::<Vec<_>>())
}

#[test]
fn keys_that_differ_and_results_stand_side_by_side() {
    let bench = Bench::new();
    let one = train(&bench, "one", &[]);
    let other = train(&bench, "other", &["model.dropout=0.25", "model.activation=elu", "train.early_stopping.patience=9"]);
    let shown = bench.ok(&["compare", "one", "other"]).stdout;
    let row = |name: &str| -> Vec<String> {
        assert!(shown.contains(&format!("\n{name}  ")), "no {name} in {shown}");
        let line = shown.lines().find(|line| line.starts_with(&format!("{name}  "))).unwrap();
        line[name.len()..].split("  ").map(|cell| cell.trim().to_owned()).filter(|cell| !cell.is_empty()).collect()
    };
    assert_eq!(row("model.dropout"), ["0.5", "0.25"]);
    assert_eq!(row("train.early_stopping.patience"), ["-", "9"]);
    let percent = |run: &Value, part: &str| format!("{:.2} %", 100.0 * run[part]["accuracy"].as_f64().unwrap());
    for part in ["train", "validation", "test"] {
        assert_eq!(row(&format!("{part} accuracy")), [percent(&one, part), percent(&other, part)]);
    }
    assert!(!shown.contains("optimizer.learning_rate") && !shown.contains("note:") && !shown.contains("seeds"), "{shown}");

    let json: Value = serde_json::from_str(&bench.ok(&["compare", "one", "other", "--json"]).stdout).unwrap();
    assert_eq!(json["differences"]["model.dropout"], serde_json::json!([0.5, 0.25]));
    assert_eq!((&json["same_data"], &json["runs"][1]["summary"]), (&Value::Bool(true), &other));
    assert!(bench.ok(&["compare", "one", "one"]).stdout.starts_with("the recipes do not differ\n"));
}

#[test]
fn runs_on_other_rows_are_said_not_to_compare() {
    let bench = Bench::new();
    train(&bench, "one", &[]);
    train(&bench, "other", &["data.split_seed=1"]);
    let shown = bench.ok(&["compare", "one", "other"]).stdout;
    assert!(shown.contains("their accuracies may not be compared") && shown.contains("\ndata fingerprint"), "{shown}");
    let json: Value = serde_json::from_str(&bench.ok(&["compare", "one", "other", "--json"]).stdout).unwrap();
    assert_eq!(json["same_data"], false);
}

#[test]
fn several_seeds_speak_together_and_in_pairs() {
    let bench = Bench::new();
    let mut accuracies: [Vec<f64>; 2] = [Vec::new(), Vec::new()];
    for (recipe, dropout) in ["model.dropout=0.0", "model.dropout=0.5"].into_iter().enumerate() {
        for seed in ["train.seed=1", "train.seed=2", "train.seed=3"] {
            let summary = train(&bench, &format!("{recipe}-{}", &seed[11..]), &[dropout, seed]);
            accuracies[recipe].push(summary["test"]["accuracy"].as_f64().unwrap());
        }
    }
    // One seed of the second recipe is not compared in pairs: only the first has it.
    train(&bench, "0-9", &["model.dropout=0.0", "train.seed=9"]);
    let runs = ["0-1", "1-1", "0-2", "0-3", "1-2", "1-3", "0-9"];
    let json: Value = serde_json::from_str(&bench.ok(&[&["compare"], &runs[..], &["--json"]].concat()).stdout).unwrap();
    let number = |value: &Value| value.as_f64().unwrap();
    let (mean, sd) = mean_and_sd(&accuracies[1]);
    let second = &json["groups"][1];
    assert_eq!((&second["runs"], &second["seeds"]), (&serde_json::json!([1, 4, 5]), &serde_json::json!([1, 2, 3])));
    assert!((number(&second["test_accuracy"]["mean"]) - mean).abs() < 1e-12 && (number(&second["test_accuracy"]["sd"]) - sd).abs() < 1e-12);
    let differences: Vec<f64> = accuracies[1].iter().zip(&accuracies[0]).map(|(other, one)| other - one).collect();
    let (mean, sd) = mean_and_sd(&differences);
    let paired = &json["paired_differences"][0];
    assert_eq!((&paired["seeds"], &json["groups"][0]["seeds"]), (&serde_json::json!([1, 2, 3]), &serde_json::json!([1, 2, 3, 9])));
    assert!((number(&paired["test_accuracy"]["mean"]) - mean).abs() < 1e-12 && (number(&paired["test_accuracy"]["sd"]) - sd).abs() < 1e-12);
    let shown = bench.ok(&[&["compare"], &runs[..]].concat()).stdout;
    assert!(shown.contains("0-1 and 3 more") && shown.contains("1-1 and 2 more minus 0-1 and 3 more"), "{shown}");
}

fn mean_and_sd(values: &[f64]) -> (f64, f64) {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    (mean, (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (values.len() - 1) as f64).sqrt())
}

#[test]
fn what_cannot_be_compared_is_named() {
    let bench = Bench::new();
    train(&bench, "one", &[]);
    bench.ok(&["train", "--quiet", "--folds", "2", "--epochs", "1", "--out", "folds"]);
    bench.write("empty/recipe.toml", "");
    bench.write("broken/recipe.toml", "[model");
    bench.write("broken/summary.json", bench.read("one/summary.json"));
    for (arguments, code, expected) in [
        (&["compare", "one"][..], 2, "2 values required"),
        (&["compare", "one", "nothing"], 2, "nothing is no run directory"),
        (&["compare", "one", "folds"], 2, "folds is a cross-validation"),
        (&["compare", "one", "empty"], 1, "empty has no summary.json"),
        (&["compare", "one", "broken"], 1, "broken/recipe.toml is no TOML"),
    ] {
        let ended = bench.run(arguments);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(code), ""), "{arguments:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(expected) && ended.stderr.lines().count() == 1, "{arguments:?}: {}", ended.stderr);
    }
}

#[test]
fn runs_are_sorted_and_picked() {
    let bench = Bench::new();
    train(&bench, "all/c", &[]);
    bench.train("all/a", &["--epochs", "1", "--set", "model.hidden=[]", "--set", "optimizer.learning_rate=1e-6"]);
    train(&bench, "all/b", &["data.test=0"]);
    let names = |arguments: &[&str]| -> Vec<String> {
        let listed = bench.ok(&[&["runs", "all"], arguments].concat()).stdout;
        let runs = listed.lines().filter_map(|line| line.split_whitespace().next()?.strip_prefix("all/"));
        runs.map(str::to_owned).collect()
    };
    assert_eq!(names(&[]), ["a", "b", "c"]);
    assert_eq!(names(&["--sort", "test"]), ["c", "a", "b"], "the best first, and last the one that was not tested");
    assert_eq!(names(&["--recipe", "quickstart", "--data", "digits"]).len(), 3);
    assert!(bench.ok(&["runs", "all", "--recipe", "other"]).stdout.starts_with("no such runs in all"));
    let json = bench.ok(&["runs", "all", "--json", "--sort", "test"]).stdout;
    let first: Value = serde_json::from_str(json.lines().next().unwrap()).unwrap();
    assert_eq!(first["run"], "all/c");
}
