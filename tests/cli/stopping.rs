//! What ends a run, and what becomes of its weights: limits, targets, refits, dry runs.

use crate::support::Bench;
use serde_json::Value;

const SMALL: [&str; 2] = ["--set", "model.hidden=[16]"];

fn with(arguments: &[&'static str]) -> Vec<&'static str> {
    [&SMALL[..], arguments].concat()
}

#[test]
fn steps_and_minutes_end_a_run_within_an_epoch_and_it_is_tested_all_the_same() {
    let bench = Bench::new();
    let summary = bench.train("steps", &with(&["--max-steps", "13"]));
    let last = bench.metrics("steps").pop().unwrap();
    assert_eq!((&last["epoch"], &last["step"]), (&2.into(), &13.into()));
    assert_eq!((&summary["stopped_by"], &summary["epochs_run"], &summary["test_evaluations"]), (&"max_steps".into(), &2.into(), &1.into()));
    let summary = bench.train("minutes", &with(&["--max-minutes", "0.0001", "--epochs", "100000"]));
    assert_eq!((&summary["stopped_by"], &summary["test_evaluations"]), (&"max_minutes".into(), &1.into()));
}

#[test]
fn a_target_that_is_reached_ends_the_run_and_one_that_is_missed_fails_it_after_saving() {
    let bench = Bench::new();
    let summary = bench.train("reached", &["--epochs", "100", "--target-accuracy", "0.9"]);
    assert_eq!(summary["stopped_by"], "target_accuracy");
    assert!(summary["epochs_run"].as_u64().unwrap() < 100 && summary["validation"]["accuracy"].as_f64().unwrap() >= 0.9);

    let ended = bench.run(&[&["train", "--out", "missed", "--epochs", "1", "--target-accuracy", "0.999"], &SMALL[..]].concat());
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("error: the target accuracy of 99.90 % was missed"), "{}", ended.stderr);
    assert!(ended.stdout.contains("run: missed"), "{}", ended.stdout);
    assert_eq!(bench.json("missed/summary.json")["status"], "finished");
}

/// The best epoch by loss, or the last one, need not be the one of the highest accuracy: the message tells both.
#[test]
fn a_missed_target_names_the_highest_accuracy_and_that_of_the_weights_that_are_kept() {
    let bench = Bench::new();
    let early = "train.early_stopping={ patience = 100, restore_best = false }";
    let settings = ["--epochs", "12", "--target-accuracy", "1.0", "--set", early, "--set", "optimizer.learning_rate=0.1"];
    let ended = bench.run(&[&["train", "--quiet", "--out", "run"], &with(&settings)[..]].concat());
    assert_eq!(ended.code, Some(1));
    let accuracies: Vec<f64> = bench.metrics("run").iter().map(|line| line["validation"]["accuracy"].as_f64().unwrap()).collect();
    let highest = accuracies.iter().copied().fold(0.0, f64::max);
    let last = accuracies[11];
    assert!(last < highest, "the case is no case: {accuracies:?}");
    let summary = bench.json("run/summary.json");
    assert_eq!((&summary["highest_validation_accuracy"], &summary["validation"]["accuracy"]), (&highest.into(), &last.into()));
    let sentence = format!(
        "the highest validation accuracy of 12 epochs is {:.2} %, that of the weights of epoch 12, the last one {:.2} %;",
        100.0 * highest,
        100.0 * last
    );
    assert!(ended.stderr.contains(&sentence), "{} lacks {sentence}", ended.stderr);
}

#[test]
fn minutes_are_one_budget_however_often_a_run_goes_on() {
    let bench = Bench::new();
    bench.train("run", &with(&["--max-minutes", "10", "--epochs", "3"]));
    let used = |bench: &Bench| bench.json("run/elapsed.json")["seconds"].as_f64().unwrap();
    let text = String::from_utf8(bench.read("run/metrics.jsonl")).unwrap();
    let training: f64 = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["seconds"].as_f64().unwrap()).sum();
    assert!(used(&bench) > training && used(&bench) < 600.0, "validation counts, too");
    bench.write("run/elapsed.json", "{\"seconds\": 600}");
    bench.ok(&["train", "--resume", "run", "--epochs", "6", "--quiet"]);
    let summary = bench.json("run/summary.json");
    assert_eq!((&summary["stopped_by"], &summary["epochs_run"]), (&"max_minutes".into(), &4.into()));
    assert!(used(&bench) > 600.0);
    bench.train("free", &with(&["--epochs", "1"]));
    assert!(!bench.path("free/elapsed.json").exists(), "only a limit needs the time");
}

/// The refit sees train and validation rows for the steps that validation chose, and its weights are the tested ones.
#[test]
fn a_refit_trains_on_all_rows_but_the_test_rows_for_the_steps_of_the_best_epoch() {
    let bench = Bench::new();
    let arguments = ["--epochs", "6", "--set", "train.refit=true", "--set", "data.scale=standard", "--set", "optimizer.schedule=cosine"];
    let summary = bench.train("run", &with(&arguments));
    let metrics = bench.metrics("run");
    let best = metrics.iter().rfind(|line| line["best"] == true).unwrap();
    assert_eq!((&summary["weights"], &summary["refit"]["rows"]), (&"refit".into(), &1438.into()));
    assert_eq!((&summary["refit"]["steps"], &summary["validation"]), (&best["step"], &best["validation"]));
    assert_ne!(bench.read("run/checkpoints/refit.safetensors"), bench.read("run/checkpoints/best.safetensors"));
    let refit = String::from_utf8(bench.read("run/refit.metrics.jsonl")).unwrap();
    let last: Value = serde_json::from_str(refit.lines().last().unwrap()).unwrap();
    assert_eq!((&last["step"], &last["validation"]), (&best["step"], &Value::Null));
    let page = String::from_utf8(bench.read("run/report.html")).unwrap();
    assert!(page.contains(&format!("by the weights of {} steps on 1438 train and validation rows;", best["step"])), "{page}");
    let again: Value = serde_json::from_str(&bench.ok(&["test", "run", "--json"]).stdout).unwrap();
    assert_eq!(
        (&again["weights"], &again["accuracy"], &again["loss"]),
        (&"refit".into(), &summary["test"]["accuracy"], &summary["test"]["loss"])
    );
    let best: Value = serde_json::from_str(&bench.ok(&["test", "run", "--weights", "best", "--json"]).stdout).unwrap();
    assert_ne!(best["loss"], again["loss"]);
    assert_eq!(bench.json("run/summary.json")["test"], summary["test"], "other weights do not take the place of the tested ones");
}

/// One row has values that training cannot survive. Where it is a validation row, it is the refit that meets it.
#[test]
fn a_refit_that_diverges_keeps_the_first_training_whose_weights_can_be_tested() {
    let bench = Bench::new();
    let row = |i: i32| if i == 30 { "2,1e30,1".to_owned() } else { format!("{},{},{}", i % 7, i % 5, i % 2) };
    let rows: Vec<String> = (0..60).map(row).collect();
    bench.write("table.csv", format!("a,b,y\n{}\n", rows.join("\n")));
    let of_data = ["--data", "table.csv", "--set", "data.scale=none", "--set", "data.validation=0.4"];
    let of_training = ["--epochs", "2", "--set", "train.refit=true", "--set", "model.hidden=[]", "--set", "optimizer.name=sgd"];
    let fails_late = |seed: &u32| {
        let (out, setting) = (format!("run-{seed}"), format!("data.split_seed={seed}"));
        let ended = bench.run(&[&["train", "--quiet", "--out", &out, "--set", &setting], &of_data[..], &of_training].concat());
        ended.code == Some(1) && ended.stderr.contains("(train.refit): the ")
    };
    let seed = (0..20).find(fails_late).expect("of 20 divisions one has the row among 40 % of them");
    let summary = bench.json(&format!("run-{seed}/summary.json"));
    assert_eq!((&summary["status"], &summary["stopped_by"], &summary["test_evaluations"]), (&"failed".into(), &"epochs".into(), &0.into()));
    assert!(summary["error"].as_str().unwrap().starts_with("training again on train and validation rows (train.refit): the "), "{summary}");
    assert_eq!(summary["validation_metrics"]["accuracy"], summary["validation"]["accuracy"]);
    let ended = bench.run(&["test", &format!("run-{seed}")]);
    assert_eq!(ended.code, Some(2));
    let sentence = "has no refit weights (checkpoints/refit.safetensors): use --weights best or --weights last";
    assert!(ended.stderr.contains(sentence), "{}", ended.stderr);
    assert!(bench.ok(&["test", &format!("run-{seed}"), "--weights", "best"]).stdout.contains("test of the best weights"));
}

#[test]
fn early_stopping_keeps_the_weights_of_what_it_watches() {
    let bench = Bench::new();
    let best_epoch = |seed: u64, monitor: &str| {
        let run = format!("{monitor}-{seed}");
        let early = format!("train.early_stopping={{ patience = 100, monitor = \"{monitor}\" }}");
        let settings = ["--epochs", "25", "--seed", &seed.to_string(), "--set", &early, "--set", "optimizer.learning_rate=0.02"];
        let summary = bench.train(&run, &settings);
        let metrics = bench.metrics(&run);
        let of = |key: &str| metrics.iter().map(|line| line["validation"][key].as_f64().unwrap()).collect::<Vec<_>>();
        let (losses, accuracies) = (of("loss"), of("accuracy"));
        let better = |a: usize, b: usize| match monitor {
            "loss" => losses[a] < losses[b],
            _ => (accuracies[a], -losses[a]) > (accuracies[b], -losses[b]),
        };
        let best = (0..losses.len()).fold(0, |best, epoch| if better(epoch, best) { epoch } else { best });
        assert_eq!(summary["best_epoch"].as_u64(), Some(best as u64 + 1), "{monitor}");
        assert_eq!(summary["validation"]["loss"].as_f64(), Some(losses[best]));
        best
    };
    // The two mostly choose different epochs; which seeds they agree for is a matter of rounding.
    assert!((0..8).any(|seed| best_epoch(seed, "loss") != best_epoch(seed, "accuracy")), "no seed tells the two apart");
}

#[test]
fn early_stopping_can_watch_the_accuracy_and_keep_the_last_weights() {
    let bench = Bench::new();
    let early = "train.early_stopping={ patience = 2, monitor = \"accuracy\", restore_best = false }";
    let ended = bench.ok(&["train", "--out", "run", "--epochs", "200", "--set", early, "--set", "optimizer.learning_rate=0.05"]);
    let summary = bench.json("run/summary.json");
    assert_eq!((&summary["stopped_by"], &summary["weights"]), (&"early_stopping".into(), &"last".into()));
    let last = &summary["epochs_run"];
    let line = format!("training ended in epoch {last}, as validation had stopped improving\n");
    assert!(ended.stdout.starts_with(&line), "{}", ended.stdout);
    assert!(ended.stderr.contains(&format!("epoch {:>3}/200 | ", last.as_u64().unwrap())), "{}", ended.stderr);
    assert_eq!(summary["validation"], bench.metrics("run").last().unwrap()["validation"]);
    let page = String::from_utf8(bench.read("run/report.html")).unwrap();
    assert!(page.contains(&format!("by the weights of epoch {}, the last one;", summary["epochs_run"])), "{page}");
    let last: Value = serde_json::from_str(&bench.ok(&["test", "run", "--json"]).stdout).unwrap();
    assert_eq!((&last["weights"], &last["loss"]), (&"last".into(), &summary["test"]["loss"]));
}

#[test]
fn a_few_batches_can_be_fitted_and_nothing_is_tested() {
    let bench = Bench::new();
    let arguments = ["--overfit-batches", "2", "--epochs", "60", "--target-accuracy", "1.0", "--set", "model.dropout=0"];
    let summary = bench.train("run", &arguments);
    assert_eq!((&summary["train_rows"], &summary["validation_rows"], &summary["test_evaluations"]), (&256.into(), &256.into(), &0.into()));
    assert_eq!(summary["validation"]["accuracy"], 1.0);
}

#[test]
fn a_dry_run_takes_a_step_and_writes_nothing() {
    let bench = Bench::new();
    let ended = bench.ok(&["train", "--dry-run", "--out", "run"]);
    assert!(ended.stdout.contains("10 steps an epoch, 400 in all") && ended.stdout.contains("nothing was written"), "{}", ended.stdout);
    assert_eq!(std::fs::read_dir(bench.path(".")).unwrap().count(), 0);
    let ended = bench.run(&["train", "--dry-run", "--set", "data.validation=5000"]);
    assert_eq!(ended.code, Some(2), "what a run would refuse, a dry run refuses: {}", ended.stderr);
}

/// Without dropout the loss in evaluation mode before the step is the one that the step sees.
#[test]
fn a_dry_run_compares_like_with_like_and_prints_json_if_asked() {
    let bench = Bench::new();
    let dry = |setting: &str| -> Value {
        serde_json::from_str(&bench.ok(&["train", "--dry-run", "--json", "--set", "train.batch_size=100000", "--set", setting]).stdout)
            .unwrap()
    };
    let (with, without) = (dry("model.dropout=0.9"), dry("model.dropout=0"));
    assert_eq!(with["loss_before"], without["loss_before"], "no mask is in it");
    assert!(without["loss_after"].as_f64().unwrap() < without["loss_before"].as_f64().unwrap(), "{without}");
    bench.train("run", &["--epochs", "1", "--set", "train.batch_size=100000", "--set", "model.dropout=0"]);
    let (seen, told) = (bench.metrics("run")[0]["train"]["loss"].as_f64().unwrap(), without["loss_before"].as_f64().unwrap());
    assert!((seen / told - 1.0).abs() < 1e-6, "{seen} and {told}");
}

#[test]
fn a_dry_run_whose_step_ruins_the_weights_fails_as_training_would() {
    let bench = Bench::new();
    for validation in ["data.validation=0.1", "data.validation=0"] {
        let ruinous = ["--set", "train.batch_size=100000", "--set", "optimizer.name=sgd", "--set", "optimizer.learning_rate=1e38"];
        let settings = [&ruinous[..], &["--set", validation]].concat();
        let dry = bench.run(&[&["train", "--dry-run"], &settings[..]].concat());
        let real = bench.run(&[&["train", "--epochs", "1", "--quiet", "--out", validation], &settings[..]].concat());
        assert_eq!((dry.code, dry.stderr.as_str()), (Some(1), real.stderr.as_str()), "{}", dry.stdout);
        assert!(dry.stderr.contains("the weights after step 1 give a loss of"), "{}", dry.stderr);
    }
}

/// The learning rate in the metrics is that of the next step.
#[test]
fn a_plateau_of_the_validation_loss_lowers_the_learning_rate() {
    let bench = Bench::new();
    let schedule = "optimizer.schedule={ name = \"reduce_on_plateau\", patience = 0, threshold = 10.0, threshold_mode = \"abs\" }";
    bench.train("run", &with(&["--epochs", "3", "--set", schedule, "--set", "optimizer.learning_rate=0.001"]));
    let rates: Vec<f64> = bench.metrics("run").iter().map(|line| line["learning_rate"].as_f64().unwrap()).collect();
    for (rate, expected) in rates.iter().zip([1e-3, 1e-4, 1e-5]) {
        assert!((rate / expected - 1.0).abs() < 1e-12, "{rates:?}");
    }
}

/// Two batches of 64 accumulated are one of 128, up to the rounding of sums: the same masks, the same steps.
#[test]
fn accumulated_batches_train_like_one_large_one() {
    let bench = Bench::new();
    let loss = |run: &str, batch: &str, accumulate: &str| {
        bench.train(
            run,
            &with(&["--epochs", "3", "--set", batch, "--set", accumulate].map(|text| Box::leak(text.to_owned().into_boxed_str()) as &str)),
        );
        bench.metrics(run).iter().map(|line| (line["step"].as_u64().unwrap(), line["train"]["loss"].as_f64().unwrap())).collect::<Vec<_>>()
    };
    let whole = loss("whole", "train.batch_size=128", "train.accumulate=1");
    let parts = loss("parts", "train.batch_size=64", "train.accumulate=2");
    for ((steps, whole), (steps_of_parts, parts)) in whole.into_iter().zip(parts) {
        assert_eq!(steps, steps_of_parts);
        assert!((whole / parts - 1.0).abs() < 1e-4, "{whole} and {parts}");
    }
}

/// Every optimiser, activation, initialiser, norm and schedule by its name, with no more than it must be given, through the whole program.
#[test]
fn every_kind_trains_by_its_name() {
    let bench = Bench::new();
    let required = |kind: &str, name: &str| match (kind, name) {
        ("schedule", "step") => ", step_size = 1".to_owned(),
        ("schedule", "exponential") => ", gamma = 0.5".to_owned(),
        ("schedule", "inverse_time") => ", decay_rate = 1.0".to_owned(),
        ("momentum_schedule", "linear") => ", duration = 2".to_owned(),
        _ => String::new(),
    };
    let table = |kind: &'static str, names: &'static [&str]| {
        names.iter().map(move |name| format!("optimizer.{kind}={{ name = \"{name}\"{} }}", required(kind, name)))
    };
    let by_name = |key: &'static str, names: &'static [&str]| names.iter().map(move |name| format!("{key}={name}"));
    let optimizers = by_name("optimizer.name", &["sgd", "adam", "adamw", "rmsprop", "adagrad", "adadelta", "nadam", "lion"]);
    let settings = optimizers
        .chain(by_name("model.activation", relumine_model::Activation::NAMES))
        .chain(by_name("model.init", relumine_model::Initializer::NAMES))
        .chain(by_name("model.norm", relumine_model::Norm::NAMES))
        .chain(table("schedule", relumine_engine::Schedule::NAMES))
        .chain(table("momentum_schedule", relumine_engine::MomentumSchedule::NAMES));
    for (number, setting) in settings.enumerate() {
        let tiny = ["--epochs", "2", "--set", "model.hidden=[8]", "--set", "data.limit_train=200", "--set", &setting];
        let summary = bench.train(&format!("run-{number}"), &tiny);
        assert_eq!((&summary["status"], &summary["epochs_run"]), (&"finished".into(), &2.into()), "{setting}");
    }
}
