//! Pages and charts of runs.

use crate::support::Bench;
use serde_json::Value;
use std::collections::BTreeSet;

/// Probed where probes exist.
const DEEP: [&str; 6] = ["quickstart", "--epochs", "3", "--set", "model.hidden=[24,16]", "--quiet"];

fn page(bench: &Bench, name: &str) -> String {
    // A number is kept on the line of its percent sign.
    String::from_utf8(bench.read(name)).unwrap().replace('\u{a0}', " ")
}

fn titles(page: &str) -> BTreeSet<String> {
    page.split("aria-label=\"").skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect()
}

fn has_title(page: &str, beginning: &str) -> bool {
    titles(page).iter().any(|title| title.starts_with(beginning))
}

#[test]
fn the_page_of_a_run_shows_its_curves_layers_weights_and_mistakes() {
    let bench = Bench::new();
    bench.train("run", &[&DEEP[..5], &["--set", "probes.every=10"]].concat());
    let page = page(&bench, "run/report.html");
    let charts = [
        "Loss",
        "Accuracy",
        "Gradient by layer",
        "Outputs of each layer",
        "Update of the weights by layer",
        "Dead units by layer",
        "Weights of layer 0 (24 by 64)",
        "Weights of layer 2",
        "Weights of 24 of 24 units of layer 0",
        "Confusion matrix of the test rows",
        "Calibration of the test rows: ECE ",
        "Test rows by confidence",
    ];
    for chart in charts {
        assert!(has_title(&page, chart), "no {chart} among {:?}", titles(&page));
    }
    let wrong = bench.json("run/test/mistakes.json")["wrong"].as_u64().unwrap();
    assert!(has_title(&page, &format!("{} of {wrong} wrong test rows", wrong.min(24))), "{:?}", titles(&page));
    assert!(page.len() < 2_000_000, "{} bytes", page.len());
    for forbidden in ["<script", "http://", "https://", "NaN", "inf "] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    let summary = bench.json("run/summary.json");
    let claim = format!("<li>Test accuracy is {:.2} % (", 100.0 * summary["test"]["accuracy"].as_f64().unwrap());
    assert!(page.contains(&claim), "{claim}");
    assert!(
        page.contains("<li>The gradient&#39;s norm in the first layer is ")
            || page.contains("<li>The gradient's norm in the first layer is ")
    );
}

/// The same rows by an own computation from the predictions, and the pixels by the data's own file.
#[test]
fn mistakes_are_the_most_confident_wrong_rows_with_their_pixels() {
    let bench = Bench::new();
    let arguments = ["quickstart", "--epochs", "1"];
    bench.train("one", &arguments);
    bench.train("two", &arguments);
    let bytes = bench.read("one/test/mistakes.json");
    assert!(bytes == bench.read("two/test/mistakes.json"), "identical runs have identical mistakes");
    let mistakes: Value = serde_json::from_slice(&bytes).unwrap();
    let predictions = page(&bench, "one/test/predictions.csv");
    let rows: Vec<Vec<&str>> = predictions.lines().skip(1).map(|line| line.split(',').collect()).collect();
    let confidence = |row: &Vec<&str>| row[3 + row[2].parse::<usize>().unwrap()].parse::<f64>().unwrap();
    let mut wrong: Vec<&Vec<&str>> = rows.iter().filter(|row| row[1] != row[2]).collect();
    assert_eq!(mistakes["wrong"], wrong.len());
    wrong.sort_by(|one, other| confidence(other).total_cmp(&confidence(one)));
    let told = mistakes["rows"].as_array().unwrap();
    assert_eq!(told.len(), wrong.len().min(24));
    for (told, row) in told.iter().zip(&wrong) {
        assert!((told["probability"].as_f64().unwrap() - confidence(row)).abs() < 1e-6, "{told} and {row:?}");
        let found = rows.iter().find(|row| row[0].parse().ok() == told["row"].as_u64()).unwrap();
        assert_eq!((told["label"].as_str().unwrap(), told["predicted"].as_str().unwrap()), (found[1], found[2]));
    }
    // The digits as they ship: 64 pixels from 0 to 16 and the class, a row each.
    let file = std::fs::File::open(crate::support::shipped("crates/data/assets/digits/digits.csv.gz")).unwrap();
    let table = std::io::read_to_string(flate2::read::GzDecoder::new(file)).unwrap();
    let lines: Vec<Vec<f64>> = table.lines().filter_map(|line| line.split(',').map(|cell| cell.parse().ok()).collect()).collect();
    let expected: Vec<u8> =
        lines[told[0]["row"].as_u64().unwrap() as usize][..64].iter().map(|v| (v * 255.0 / 16.0).round() as u8).collect();
    assert_eq!(decode(told[0]["pixels"].as_str().unwrap()), expected);
}

/// RFC 4648.
fn decode(text: &str) -> Vec<u8> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = text.bytes().filter(|byte| *byte != b'=').map(|byte| ALPHABET.iter().position(|letter| *letter == byte).unwrap() as u32);
    let digits: Vec<u32> = digits.collect();
    let group = |digits: &[u32]| {
        let bits = digits.iter().fold(0, |bits, digit| bits << 6 | digit) << (6 * (4 - digits.len()));
        bits.to_be_bytes()[1..digits.len()].to_vec()
    };
    digits.chunks(4).flat_map(group).collect()
}

#[test]
fn seeds_become_bands_and_recipes_become_lines() {
    let bench = Bench::new();
    for seed in ["1", "2", "3"] {
        for activation in ["relu", "sigmoid"] {
            let setting = format!("model.activation={activation}");
            let arguments = ["quickstart", "--epochs", "3", "--seed", seed, "--set", &setting];
            bench.train(&format!("runs/{activation}-{seed}"), &arguments);
        }
    }
    let seeds = bench.ok(&["report", "runs/relu-1", "runs/relu-2", "runs/relu-3", "--out", "seeds.html"]);
    assert!(seeds.stdout.starts_with("seeds.html: ") && seeds.stdout.ends_with(" charts of 3 runs\n"), "{}", seeds.stdout);
    let seeds = page(&bench, "seeds.html");
    assert!(seeds.contains("<h1>quickstart on digits, 3 seeds</h1>") && seeds.contains("class=\"band f0\""));
    assert!(seeds.contains("bands reach from the lowest to the highest"), "the page says what a band is");
    // The mean of the three runs, by their own files.
    let losses = ["1", "2", "3"].map(|seed| bench.metrics(&format!("runs/relu-{seed}"))[2]["validation"]["loss"].as_f64().unwrap());
    let mean = losses.iter().sum::<f64>() / 3.0;
    let hover = seeds.split("<title>validation, epoch 3: ").nth(1).unwrap().split(' ').next().unwrap().parse::<f64>().unwrap();
    assert!((hover - mean).abs() < 1e-3 * mean, "{hover}, not {mean}");

    bench.ok(&["report", "runs", "--out", "both.html"]);
    let both = page(&bench, "both.html");
    assert!(
        both.contains("<h1>2 recipes on digits</h1>") && both.contains(">activation relu</text>"),
        "recipes are told apart by what differs"
    );
    for chart in ["Train loss", "Validation accuracy", "Test accuracy of each run", "Confusion: activation sigmoid, seed 1"] {
        assert!(has_title(&both, chart), "no {chart} among {:?}", titles(&both));
    }
    assert!(both.contains("no probes were written (set probes.every)"), "what is missing is told");
}

#[test]
fn runs_that_are_left_out_or_did_not_finish_are_told_by_their_folders() {
    let bench = Bench::new();
    for name in ["runs/a", "runs/b"] {
        bench.train(name, &["quickstart", "--epochs", "1"]);
    }
    let diverging = ["--set", "optimizer.name=sgd", "--set", "optimizer.learning_rate=1e30", "--out", "runs/c", "--quiet"];
    let ended = bench.run(&[&["train", "quickstart", "--epochs", "2"], &diverging[..]].concat());
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    bench.ok(&["report", "runs/a", "runs/b", "--out", "one.html"]);
    bench.ok(&["report", "runs/a", "runs/b", "runs/c", "--out", "all.html"]);
    let left_out = "Of runs with the same recipe and seed the last one is shown; left out: runs/a.";
    for name in ["one.html", "all.html"] {
        assert!(page(&bench, name).contains(left_out), "{name}");
    }
    assert!(page(&bench, "all.html").contains("<li>runs/c did not finish: what it shows is from where it stopped.</li>"));
    bench.ok(&["report", "runs/a", "runs/c", "--out", "none.html"]);
    assert!(!page(&bench, "none.html").contains("left out"));
}

#[test]
fn every_format_is_written_and_nothing_is_overwritten_unasked() {
    let bench = Bench::new();
    bench.train("run", &["quickstart", "--epochs", "2"]);
    bench.ok(&["report", "run", "--format", "md", "--out", "page.md"]);
    let markdown = page(&bench, "page.md");
    assert!(markdown.contains("# quickstart on digits, seed 0") && markdown.contains("| train | 1258 |"), "{markdown}");
    let images: Vec<&str> = markdown.split("](").skip(1).filter_map(|rest| rest.split(')').next()).collect();
    assert!(images.len() >= 8 && images.contains(&"page_charts/accuracy.svg"), "{images:?}");
    for image in &images {
        let svg = page(&bench, image);
        assert!(svg.starts_with("<?xml") && svg.contains("xmlns=\"http://www.w3.org/2000/svg\"") && !svg.contains("var("), "{image}");
    }
    bench.ok(&["report", "run", "--format", "svg", "--out", "svg"]);
    assert_eq!(std::fs::read_dir(bench.path("svg")).unwrap().count(), images.len());
    bench.ok(&["report", "run", "--format", "png", "--out", "png"]);
    let png = image::load_from_memory(&bench.read("png/accuracy.png")).unwrap().to_rgb8();
    assert_eq!(png.width(), 840);
    let blue = png.pixels().filter(|pixel| pixel.0 == [0x00, 0x72, 0xb2]).count();
    assert!(blue > 200, "{blue} pixels of the train curve");
    let mistakes = image::load_from_memory(&bench.read("png/mistakes.png")).unwrap().to_rgb8();
    let black = mistakes.pixels().filter(|pixel| pixel.0 == [0; 3]).count();
    assert!(black > 5_000, "{black} pixels of the background of digits");

    bench.ok(&["report", "run", "--out", "by_ending.md"]);
    assert_eq!(
        bench.read("by_ending.md"),
        String::from_utf8(bench.read("page.md")).unwrap().replace("page_charts", "by_ending_charts").into_bytes()
    );
    let unknown = bench.run(&["report", "run", "--out", "page.pdf"]);
    assert!(unknown.code == Some(2) && unknown.stderr.contains("--out page.pdf does not end in .html or .md"), "{}", unknown.stderr);
    let taken = bench.run(&["report", "run", "--format", "md", "--out", "page.md"]);
    assert_eq!(taken.code, Some(2));
    assert!(taken.stderr.contains("--out page.md exists already: give another name, or replace it with --force"), "{}", taken.stderr);
    bench.ok(&["report", "run", "--format", "md", "--out", "page.md", "--force"]);
    let before = bench.read("run/report.html");
    bench.ok(&["report", "run"]);
    assert!(before == bench.read("run/report.html"), "the page that train wrote is the one that report writes");
}

#[test]
fn what_is_no_run_is_told_in_one_sentence() {
    let bench = Bench::new();
    std::fs::create_dir(bench.path("empty")).unwrap();
    bench.write("killed/recipe.toml", "");
    bench.train("run", &["quickstart", "--epochs", "1"]);
    let missing = bench.run(&["report", "nowhere"]);
    assert_eq!((missing.code, missing.stderr.lines().count()), (Some(2), 1));
    assert!(missing.stderr.contains("there is no folder nowhere"), "{}", missing.stderr);
    let empty = bench.run(&["report", "empty"]);
    assert!(empty.code == Some(2) && empty.stderr.contains("empty is no run directory, and holds none"), "{}", empty.stderr);
    let killed = bench.run(&["report", "killed"]);
    assert!(killed.code == Some(1) && killed.stderr.contains("follow it with relumine watch killed"), "{}", killed.stderr);
    for (file, broken) in [
        ("test/predictions.csv", "row,label\n1,2\n"),
        ("test/mistakes.json", "{}"),
        ("checkpoints/best.safetensors", "no"),
        ("metrics.jsonl", "{\"epoch\": 1}\n"),
    ] {
        let whole = bench.read(&format!("run/{file}"));
        bench.write(&format!("run/{file}"), broken);
        let ended = bench.run(&["report", "run", "--out", "never.html"]);
        assert_eq!((ended.code, ended.stderr.lines().count()), (Some(1), 1), "{file}: {}", ended.stderr);
        assert!(ended.stderr.contains(file) && ended.stderr.contains("restore it, or leave this run out"), "{}", ended.stderr);
        bench.write(&format!("run/{file}"), whole);
    }
    assert!(!bench.path("never.html").exists());
}

/// A table has no pictures, and a run of an earlier version has fewer files.
#[test]
fn what_has_no_data_is_left_out_with_a_reason() {
    let bench = Bench::new();
    let rows: String = (0..120).map(|i| format!("{},{},{}\n", i % 7, i % 5, if i % 2 == 0 { "<b>yes" } else { "no" })).collect();
    bench.write("table.csv", format!("a,b,y\n{rows}"));
    bench.train("run", &["quickstart", "--data", "table.csv", "--epochs", "2"]);
    assert!(!bench.path("run/test/mistakes.json").exists());
    let html = page(&bench, "run/report.html");
    for sentence in ["the data are no images", "the examples are no images", "no probes were written (set probes.every)"] {
        assert!(html.contains(sentence), "{sentence}");
    }
    assert!(!html.contains("<b>") && html.contains("&lt;b&gt;yes"));
    for file in ["initial.safetensors", "test/predictions.csv", "test/confusion.json", "model.json", "environment.json"] {
        std::fs::remove_file(bench.path("run").join(file)).unwrap();
    }
    bench.ok(&["report", "run"]);
    let html = page(&bench, "run/report.html");
    assert!(html.contains("no predictions of test rows") && html.contains("no initial.safetensors"), "{html}");
    assert!(has_title(&html, "Confusion matrix of the test rows"), "summary.json has it, too");
}
