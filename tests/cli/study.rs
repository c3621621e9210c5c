//! `relumine study`.

use crate::support::{Bench, Ended, shipped};
use serde_json::Value;

/// Four cells with two seeds, a second in all.
pub(crate) const SMALL: &str = r#"
title = "width by dropout"
seeds = 2
columns = ["accuracy_gap"]
baseline = { model.width = 8, model.dropout = 0.0 }
[base]
data.validation = 0.2
train = { epochs = 2, batch_size = 32 }
probes = { every = 20 }
[grid]
model.width = [8, 16]
model.dropout = [0.0, 0.5]
[[contrasts]]
name = "wider"
cell = { model.width = 16 }
against = { model.width = 8 }
[[findings]]
name = "learns"
statement = "the baseline is better than guessing"
check = { of = { model.width = 8, model.dropout = 0.0 }, at_least = 0.15 }
"#;

pub(crate) fn study(bench: &Bench, text: &str, arguments: &[&str]) -> Ended {
    bench.write("s.toml", text);
    bench.run(&[&["study", "s.toml", "--device", "cpu"], arguments].concat())
}

/// The lines of `trials.jsonl` without their times, by trial.
pub(crate) fn trials(bench: &Bench, folder: &str) -> Vec<Value> {
    let text = String::from_utf8(bench.read(&format!("{folder}/trials.jsonl"))).unwrap();
    let mut lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for line in &mut lines {
        line.as_object_mut().unwrap().remove("seconds").unwrap();
        line["measures"].as_object_mut().unwrap().remove("seconds");
    }
    lines.sort_by_key(|line| line["trial"].as_str().unwrap().to_owned());
    lines
}

/// `study.json` without its times and the number of jobs.
pub(crate) fn results(bench: &Bench, folder: &str) -> Value {
    let mut study = bench.json(&format!("{folder}/study.json"));
    for key in ["wall_seconds", "trial_seconds", "jobs"] {
        study.as_object_mut().unwrap().remove(key).unwrap();
    }
    for cell in study["cells"].as_array_mut().unwrap() {
        cell["measures"].as_object_mut().unwrap().remove("seconds").unwrap();
    }
    study
}

#[test]
fn a_study_has_the_same_results_at_any_number_of_jobs_and_finishes_once() {
    let bench = Bench::new();
    let ended = study(&bench, SMALL, &["--out", "one", "--threads", "1", "--quiet"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stdout.contains("found:     learns: the baseline") && ended.stdout.contains("dropout 0.5, width 16"), "{}", ended.stdout);
    assert_eq!(study(&bench, SMALL, &["--out", "three", "--threads", "3", "--quiet"]).code, Some(0));
    assert_eq!(trials(&bench, "one"), trials(&bench, "three"));
    assert_eq!(results(&bench, "one"), results(&bench, "three"));
    let before = bench.read("one/trials.jsonl");
    assert_eq!(study(&bench, SMALL, &["--out", "one", "--quiet"]).code, Some(0));
    assert_eq!(bench.read("one/trials.jsonl"), before, "a study that is done trains nothing");
    assert_eq!(results(&bench, "one"), results(&bench, "three"));
}

#[test]
fn a_trial_has_the_bits_of_the_single_run_of_its_recipe_and_is_a_run_itself() {
    let bench = Bench::new();
    assert_eq!(study(&bench, SMALL, &["--out", "s", "--threads", "2", "--quiet"]).code, Some(0));
    let study = bench.json("s/study.json");
    let winner = study["winner"].as_str().unwrap();
    for cell in study["cells"].as_array().unwrap() {
        for trial in cell["trials"].as_array().unwrap() {
            let folder = format!("s/trials/{}", trial.as_str().unwrap());
            let single = format!("single-{}", trial.as_str().unwrap());
            bench.train(&single, &[&format!("{folder}/recipe.toml")]);
            assert_eq!(bench.metrics(&folder), bench.metrics(&single));
            assert_eq!(bench.read(&format!("{folder}/probes.jsonl")), bench.read(&format!("{single}/probes.jsonl")));
            let (ours, theirs) = (bench.json(&format!("{folder}/summary.json")), bench.json(&format!("{single}/summary.json")));
            assert_eq!((&ours["train"], &ours["validation"]), (&theirs["train"], &theirs["validation"]));
            let is_chosen = [&study["winner"], &study["baseline"]].contains(&&cell["name"]);
            assert_eq!(ours["test_evaluations"], u64::from(is_chosen), "winner {winner}, cell {}", cell["name"]);
            let weights = format!("{folder}/checkpoints/best.safetensors");
            assert_eq!(bench.path(&weights).is_file(), is_chosen, "only what may be tested keeps its weights");
            if is_chosen {
                assert_eq!(ours["test"], theirs["test"]);
                assert_eq!(bench.read(&weights), bench.read(&format!("{single}/checkpoints/best.safetensors")));
                bench.ok(&["inspect", &folder]);
            }
        }
    }
    let listed = bench.ok(&["runs", "s/trials"]).stdout;
    for cell in study["cells"].as_array().unwrap() {
        let stem = cell["name"].as_str().unwrap().replace(", ", "-").replace(' ', "-");
        let mean = 100.0 * cell["measures"]["validation_accuracy"]["mean"].as_f64().unwrap();
        let group = listed
            .lines()
            .find(|line| line.contains(" and 1 more ") && line.contains(&format!(" {stem} ")))
            .unwrap_or_else(|| panic!("{listed}"));
        assert!(group.contains(&format!(" 2 {:>26} ", format!("{mean:.2} %"))), "{group}");
    }
    assert!(study["cells"][0]["trials"].as_array().unwrap().iter().all(|trial| listed.contains(trial.as_str().unwrap())), "{listed}");
}

#[test]
fn means_intervals_and_contrasts_are_those_of_the_trials() {
    let bench = Bench::new();
    assert_eq!(study(&bench, SMALL, &["--out", "s", "--seeds", "3", "--quiet"]).code, Some(0));
    let (study, trials) = (bench.json("s/study.json"), trials(&bench, "s"));
    let accuracy = |cell: &Value| -> Vec<f64> {
        let ids: Vec<&Value> = cell["trials"].as_array().unwrap().iter().collect();
        let of =
            |id: &Value| trials.iter().find(|trial| trial["trial"] == *id).unwrap()["measures"]["validation_accuracy"].as_f64().unwrap();
        ids.into_iter().map(of).collect()
    };
    for cell in study["cells"].as_array().unwrap() {
        let (values, estimate) = (accuracy(cell), &cell["measures"]["validation_accuracy"]);
        let mean = values.iter().sum::<f64>() / 3.0;
        let sd = (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / 2.0).sqrt();
        // Of two degrees of freedom t has a closed form: 0.95 sqrt(2 / (1 - 0.95^2)).
        let half = 4.302_652_729_749_464 * sd / 3_f64.sqrt();
        for (ours, expected) in [(&estimate["mean"], mean), (&estimate["sd"], sd), (&estimate["interval"][1], mean + half)] {
            assert!((ours.as_f64().unwrap() - expected).abs() < 1e-12, "{estimate}");
        }
    }
    let contrast = &study["contrasts"][0];
    assert_eq!(study["contrasts"].as_array().unwrap().len(), 2, "one for each dropout rate");
    let named = |name: &Value| accuracy(study["cells"].as_array().unwrap().iter().find(|cell| cell["name"] == *name).unwrap());
    let differences: Vec<f64> = named(&contrast["cell"]).iter().zip(named(&contrast["against"])).map(|(a, b)| a - b).collect();
    let mean = differences.iter().sum::<f64>() / 3.0;
    assert!((contrast["test"]["mean"].as_f64().unwrap() - mean).abs() < 1e-12);
    assert!(contrast["holm_p"].as_f64() >= contrast["test"]["p"].as_f64());
}

#[test]
fn evidence_is_told_in_percent_and_in_points_with_what_was_expected() {
    let bench = Bench::new();
    let text = format!(
        "{SMALL}[[findings]]\nname = \"more\"\nstatement = \"it gains\"\ncheck = {{ contrast = \"wider\", at_least = -0.07, at_most = 1 }}\n"
    );
    let ended = study(&bench, &text, &["--out", "s", "--quiet"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let study = bench.json("s/study.json");
    let percent = |value: &Value| format!("{:.2}", 100.0 * value.as_f64().unwrap());
    let baseline = percent(&study["cells"][0]["measures"]["validation_accuracy"]["mean"]);
    let gain = percent(&study["contrasts"][0]["test"]["mean"]);
    for evidence in [
        format!(": validation_accuracy {baseline} % (expected at least 15 %)\n"),
        format!(": validation_accuracy {gain} points (expected -7 to 100 points); corrected p "),
        format!("  {gain} points  "),
    ] {
        assert!(ended.stdout.contains(&evidence), "{evidence} is not in {}", ended.stdout);
    }
}

/// The layers before training are the same at any learning rate, so that the cells tie by them.
#[test]
fn a_cell_whose_trials_failed_does_not_win() {
    let bench = Bench::new();
    let text = "title = \"t\"\nseeds = 2\nmeasure = \"gradient_ratio_at_start\"\nbaseline = { optimizer.learning_rate = 0.01 }\n[base]\n\
        data.validation = 0.2\ntrain = { epochs = 2 }\nprobes = { every = 20 }\noptimizer.name = \"sgd\"\n[grid]\n\
        optimizer.learning_rate = [1e30, 0.01]\n";
    let ended = study(&bench, text, &["--out", "s", "--quiet"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let study = bench.json("s/study.json");
    let [failed, done] = [0, 1].map(|cell| &study["cells"][cell]);
    assert_eq!((&failed["failed"], &study["winner"]), (&2.into(), &done["name"]));
    let ratio = "gradient_ratio_at_start";
    assert_eq!(failed["measures"][ratio]["values"], done["measures"][ratio]["values"], "the case is no case");
}

#[test]
fn a_trial_that_diverges_is_a_result() {
    let bench = Bench::new();
    let text = "title = \"t\"\nseeds = 2\nbaseline = { optimizer.learning_rate = 0.01 }\n[base]\ndata.validation = 0.2\n\
        train = { epochs = 2 }\noptimizer.name = \"sgd\"\n[grid]\noptimizer.learning_rate = [0.01, 1e30]\n";
    let ended = study(&bench, text, &["--out", "s", "--quiet"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let study = bench.json("s/study.json");
    assert_eq!((&study["failed_trials"], &study["cells"][1]["failed"]), (&2.into(), &2.into()));
    assert_eq!(study["winner"], study["cells"][0]["name"]);
    assert!(study["cells"][1]["measures"]["validation_accuracy"].is_null());
    assert!(ended.stdout.contains("2 failed"), "{}", ended.stdout);
}

#[test]
fn a_finding_that_does_not_appear_fails_the_small_form_alone() {
    let bench = Bench::new();
    let text = SMALL.replace("at_least = 0.15", "at_least = 1.5") + "[quick]\nseeds = 1\n";
    let full = study(&bench, &text, &["--out", "full", "--quiet"]);
    assert_eq!(full.code, Some(0), "{}", full.stderr);
    assert!(full.stdout.contains("NOT found: learns"), "{}", full.stdout);
    let quick = study(&bench, &text, &["--out", "quick", "--quiet", "--quick"]);
    assert_eq!(quick.code, Some(1));
    assert!(
        quick.stderr.contains("error: an expected finding did not appear: learns (the baseline is better than guessing"),
        "{}",
        quick.stderr
    );
    assert_eq!(quick.stderr.trim_end().lines().count(), 1, "{}", quick.stderr);
}

#[test]
fn a_study_file_that_is_wrong_is_refused_before_anything_runs() {
    let bench = Bench::new();
    let wrong = |from: &str, to: &str| SMALL.replace(from, to);
    let cases = [
        (wrong("title", "titel"), "titel is no study key; did you mean title?"),
        (wrong("model.width = [8, 16]", "model.widht = [8, 16]"), "model.widht is no recipe key"),
        (wrong("model.width = [8, 16]", "model.width = [8, 8]"), "grid.model.width has 8 twice"),
        (wrong("model.width = [8, 16]", "model.width = []"), "grid.model.width has no values"),
        (wrong("model.width = [8, 16]", "model.width = [8, 16]\nmodel.hidden = [[3]]"), "contradict each other"),
        (wrong("model.width = [8, 16]", "model.width = [8, -1]"), "model.width = -1 is not usable"),
        (wrong("baseline = { model.width = 8, model.dropout = 0.0 }", ""), "the study has no baseline"),
        (
            wrong("baseline = { model.width = 8, model.dropout = 0.0 }", "baseline = { model.width = 8 }"),
            "baseline: 2 cells have model.width = 8",
        ),
        (wrong("baseline = { model.width = 8,", "baseline = { model.width = 9,"), "baseline: no cell has"),
        (
            wrong("baseline = { model.width = 8,", "baseline = { model.with = 8,"),
            "model.with is no axis of the study; did you mean model.width?",
        ),
        (wrong("\"accuracy_gap\"", "\"acuracy_gap\""), "acuracy_gap is no measure; did you mean accuracy_gap?"),
        (wrong("seeds = 2", "seeds = 0"), "seeds = 0 trains nothing"),
        (wrong("seeds = 2", "seeds = [1, 1]"), "seeds names 1 twice"),
        (wrong("seeds = 2", "seeds = 1000"), "confirm with --yes"),
        (wrong("data.validation = 0.2", "data.validation = 0"), "compared on validation rows, and it has none"),
        (wrong("epochs = 2,", "epochs = 2, refit = true,"), "train.refit"),
        (wrong("at_least = 0.15", "at_least = 0.15, p_at_most = 0.1"), "only planned contrasts have p-values"),
        (wrong(", at_least = 0.15", ""), "its check has no bounds"),
        (wrong("at_least = 0.15", "compare = \"ratio\", at_least = 0.15"), "compare needs a cell to compare with; give against"),
        (wrong("at_least = 0.15", "contrast = \"wider\", at_least = 0.15"), "its check cannot use of beside contrast"),
        (wrong("at_least = 0.15", "at_least = 0.15, fit = \"over\""), "its check cannot use at_least beside fit"),
        (wrong("\"accuracy_gap\"", "\"accuracy_gap\", \"accuracy_gap\""), "columns names accuracy_gap, which is shown already"),
        (format!("{SMALL}\n[quick]\nmeasure = \"acuracy\"\n"), "acuracy is no measure"),
        (wrong("against = { model.width = 8 }", "against = { model.width = 9 }"), "no cell has a counterpart"),
        (format!("{SMALL}\n[halving]\nfirst = 1\n"), "halving drops cells"),
        (format!("{SMALL}\n[quick]\nseed = 3\n"), "seed is no study key; did you mean seeds?"),
        (wrong("[grid]", "[grd]"), "did you mean grid?"),
        ("title = \"t\"\nseeds = 1\nbaseline = {}".into(), "the study has no cells"),
        ("seeds = 1".into(), "the study has no title"),
        ("title = ".into(), "s.toml: line 1"),
    ];
    for (text, expected) in cases {
        let ended = study(&bench, &text, &["--out", "s"]);
        assert_eq!(ended.code, Some(2), "{expected}: {}", ended.stderr);
        assert!(ended.stderr.starts_with("error: ") && ended.stderr.contains(expected), "{expected}: {}", ended.stderr);
        assert_eq!(ended.stderr.trim_end().lines().count(), 1, "{}", ended.stderr);
        assert!(!bench.path("s").exists(), "{expected}: nothing is written");
    }
    let missing = bench.run(&["study", "nope.toml"]);
    assert_eq!(
        (missing.code, missing.stderr.starts_with("error: cannot read the study nope.toml: ")),
        (Some(2), true),
        "{}",
        missing.stderr
    );
    bench.write("taken/file", "");
    let taken = study(&bench, SMALL, &["--out", "taken"]);
    assert_eq!(taken.code, Some(2));
    assert!(taken.stderr.contains("exists and is no study"), "{}", taken.stderr);
}

#[test]
fn random_cells_are_the_same_every_time_and_within_their_ranges() {
    let bench = Bench::new();
    let text = |count: u32| {
        format!(
            "title = \"t\"\nseeds = 1\nbaseline = {{ model.width = 8, optimizer.learning_rate = 1e-3 }}\n[base]\ndata.validation = 0.2\n\
             train.epochs = 1\n[[list]]\nmodel.width = 8\noptimizer.learning_rate = 1e-3\n[random]\ncount = {count}\n[random.keys]\n\
             model.width = {{ low = 4, high = 12, whole = true }}\noptimizer.learning_rate = {{ low = 1e-4, high = 1e-2, log = true }}\n"
        )
    };
    let cells = |count: u32, out: &str| {
        let ended = study(&bench, &text(count), &["--out", out, "--quiet"]);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        let cells = bench.json(&format!("{out}/study.json"))["cells"].as_array().unwrap().clone();
        cells.into_iter().skip(1).map(|cell| cell["settings"].clone()).collect::<Vec<_>>()
    };
    let (few, more) = (cells(3, "few"), cells(6, "more"));
    assert_eq!((few.len(), more.len()), (3, 6));
    assert_eq!(few, more[..3], "a larger sample begins with the smaller one");
    for cell in more {
        let (width, rate) = (cell["model.width"].as_i64().unwrap(), cell["optimizer.learning_rate"].as_f64().unwrap());
        assert!((4..=12).contains(&width) && (1e-4..=1e-2).contains(&rate), "{cell}");
    }
}

/// The findings of the note, on the digits inside the binary.
fn finds(name: &str) {
    let bench = Bench::new();
    let file = shipped(&format!("models/studies/{name}.toml"));
    let ended = bench.run(&["study", &file.to_string_lossy(), "--quick", "--threads", "2", "--out", "s", "--quiet"]);
    assert_eq!(ended.code, Some(0), "{}\n{}", ended.stdout, ended.stderr);
    let study = bench.json("s/study.json");
    let findings = study["findings"].as_array().unwrap();
    assert!(!findings.is_empty() && findings.iter().all(|finding| finding["found"] == true), "{findings:?}");
}

#[test]
fn vanishing_gradients_are_found() {
    finds("vanishing-gradient");
}

#[test]
fn initialisation_matters() {
    finds("initialisation");
}

#[test]
fn overfitting_is_found() {
    finds("overfitting");
}

#[test]
fn dropout_helps_and_hurts_where_it_should() {
    finds("dropout");
}

#[test]
fn the_labs_are_found() {
    finds("labs");
}

#[test]
fn a_study_has_a_page_of_its_own_and_its_charts_as_files() {
    let bench = Bench::new();
    assert_eq!(study(&bench, SMALL, &["--out", "s", "--quiet"]).code, Some(0));
    let page = String::from_utf8(bench.read("s/report.html")).unwrap();
    for words in
        ["Found: the baseline is better than guessing.", "aria-label=\"Validation error\"", "aria-label=\"Loss: width 8\"", "[[contrasts]]"]
    {
        assert!(page.contains(words), "{words} is missing");
    }
    std::fs::remove_file(bench.path("s/report.html")).unwrap();
    assert!(bench.ok(&["report", "s"]).stdout.ends_with(" of the study s\n"));
    assert_eq!(String::from_utf8(bench.read("s/report.html")).unwrap(), page, "made of its files");
    bench.ok(&["report", "s", "--format", "svg", "--out", "charts"]);
    assert!(
        bench.path("charts/by-setting-validation-error.svg").is_file() && bench.path("charts/weight-gradients-2-width-16.svg").is_file()
    );
    bench.train("run", &["quickstart", "--epochs", "1"]);
    let refused = bench.run(&["report", "run", "s"]);
    assert_eq!((refused.code, refused.stderr.contains("s is a study, which has a page of its own")), (Some(2), true), "{}", refused.stderr);
}
