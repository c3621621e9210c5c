//! `relumine predict`: the answers are those of the run's own test, from every kind of file.

use crate::support::{Bench, Ended, shipped, signal};
use serde_json::Value;
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::Stdio;

const BREAST_CANCER: &str = "models/data/breast-cancer/breast_cancer.csv";

fn idx(sizes: &[u32], values: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, sizes.len() as u8];
    bytes.extend(sizes.iter().flat_map(|size| size.to_be_bytes()));
    bytes.extend(values);
    bytes
}

fn npy(descr: &str, shape: &str, bytes: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    [b"\x93NUMPY\x01\0", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), bytes].concat()
}

/// 40 + 25 images of 3x3 pixels in two classes, told apart by their brightness, as a set in MNIST's format.
fn images(bench: &Bench) -> Vec<u8> {
    let pixels = |count: u32| -> Vec<u8> { (0..count * 9).map(|i| (i / 9 % 2 * 120 + i * 37 % 130) as u8).collect() };
    let labels = |count: u32| -> Vec<u8> { (0..count).map(|row| (row % 2) as u8).collect() };
    for (part, count) in [("train", 40), ("t10k", 25)] {
        bench.write(&format!("set/{part}-images-idx3-ubyte"), idx(&[count, 3, 3], &pixels(count)));
        bench.write(&format!("set/{part}-labels-idx1-ubyte"), idx(&[count], &labels(count)));
    }
    pixels(25)
}

fn trained_on_images(bench: &Bench) -> Vec<u8> {
    let pixels = images(bench);
    bench.train("run", &["--data", "set", "--epochs", "2", "--set", "model.hidden=[8]", "--set", "data.num_classes=2"]);
    pixels
}

/// `row -> (prediction, probabilities as predictions.csv writes them)`.
type Answers = HashMap<String, (String, Vec<String>)>;

fn of_test(bench: &Bench, run: &str) -> Answers {
    let text = String::from_utf8(bench.read(&format!("{run}/test/predictions.csv"))).unwrap();
    let row = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        (cells[0].to_owned(), (cells[2].to_owned(), cells[3..].iter().map(|cell| (*cell).to_owned()).collect()))
    };
    text.lines().skip(1).map(row).collect()
}

fn of_predict(ended: &Ended) -> Answers {
    let row = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        let shares = cells[5..].iter().map(|cell| format!("{:.6}", cell.parse::<f64>().unwrap()));
        (cells[1].to_owned(), (cells[3].to_owned(), shares.collect()))
    };
    ended.stdout.lines().skip(1).map(row).collect()
}

#[test]
fn idx_files_get_the_answers_of_the_run_s_own_test() {
    let bench = Bench::new();
    trained_on_images(&bench);
    // Nothing of the data is needed but what is to be predicted.
    std::fs::rename(bench.path("set/t10k-images-idx3-ubyte"), bench.path("images")).unwrap();
    std::fs::remove_dir_all(bench.path("set")).unwrap();
    let answers = of_predict(&bench.ok(&["predict", "run", "images", "--format", "csv"]));
    assert_eq!(answers.len(), 25);
    assert_eq!(answers, of_test(&bench, "run"));
}

#[test]
fn tables_get_the_answers_of_the_run_s_own_test_and_an_accuracy_where_they_have_labels() {
    let bench = Bench::new();
    let table = shipped(BREAST_CANCER);
    let table = table.to_str().unwrap();
    let summary = bench.train("run", &[shipped("models/breast-cancer.toml").to_str().unwrap(), "--epochs", "3"]);
    let label = std::fs::read_to_string(table).unwrap().lines().next().unwrap().rsplit(',').next().unwrap().to_owned();
    let ended = bench.ok(&["predict", "run", table, "--format", "csv", "--label", &label]);
    let answers = of_predict(&ended);
    let tested = of_test(&bench, "run");
    assert_eq!((answers.len(), tested.len() as u64), (569, summary["test_rows"].as_u64().unwrap()));
    assert!(tested.iter().all(|(row, answer)| answers[row] == *answer));
    assert!(ended.stderr.starts_with("accuracy ") && ended.stderr.contains(" of the 569 rows whose class is known"), "{}", ended.stderr);

    let text = std::fs::read(table).unwrap();
    let mut child =
        bench.command().args(["predict", "run", "-", "--format", "csv"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(&text).unwrap();
    let ended = Ended::of(child.wait_with_output().unwrap());
    assert!(ended.stdout.lines().nth(1).unwrap().starts_with("standard input,0,,"), "{}", ended.stdout);
    assert_eq!(of_predict(&ended), answers);
}

/// One row in ten is left out by both.
#[test]
fn rows_after_skipped_ones_have_the_same_numbers_in_the_test_and_in_the_prediction() {
    let bench = Bench::new();
    let label = |row: u32| if row.is_multiple_of(2) { "even" } else { "odd" };
    let first = |row: u32| if row % 10 == 3 { "?".to_owned() } else { (row % 7).to_string() };
    let rows: String = (0..100).map(|row| format!("{},{},{}\n", first(row), row % 11, label(row))).collect();
    bench.write("table.csv", format!("a,b,y\n{rows}"));
    let skip = ["--skip-bad-rows", "--epochs", "1", "--set", "model.hidden=[4]"];
    assert_eq!(bench.train("run", &[&["--data", "table.csv"][..], &skip].concat())["test_rows"], 18);
    let answers = of_predict(&bench.ok(&["predict", "run", "table.csv", "--format", "csv", "--skip-bad-rows"]));
    for (row, answer) in of_test(&bench, "run") {
        assert_eq!(answers.get(&row), Some(&answer), "row {row}");
    }
}

/// The scaling of a refit is not that of the training before it.
#[test]
fn every_kind_of_saved_weights_gives_its_own_answers() {
    let bench = Bench::new();
    let table = shipped(BREAST_CANCER);
    let recipe = shipped("models/breast-cancer.toml");
    bench.train("run", &[recipe.to_str().unwrap(), "--epochs", "4", "--set", "train.refit=true", "--set", "data.scale=standard"]);
    let arguments = ["predict", "run", table.to_str().unwrap(), "--format", "csv"];
    let with = |weights| of_predict(&bench.ok(&[&arguments[..], &["--weights", weights]].concat()));
    let tested = of_test(&bench, "run");
    assert!(tested.iter().all(|(row, answer)| with("refit")[row] == *answer));
    assert_eq!(of_predict(&bench.ok(&arguments)), with("refit"), "the tested weights are the default");
    bench.ok(&["test", "run", "--weights", "last"]);
    assert_ne!(with("last"), with("refit"));
}

#[test]
fn the_same_numbers_in_any_kind_of_file_and_on_any_number_of_threads_have_the_same_logits() {
    let bench = Bench::new();
    let pixels = trained_on_images(&bench);
    let floats: Vec<u8> = pixels.iter().flat_map(|value| f32::from(*value).to_le_bytes()).collect();
    bench.write("f.npy", npy("<f4", "(25, 3, 3, 1)", &floats));
    bench.write("u.npy", npy("|u1", "(25, 9)", &pixels));
    let rows = pixels.chunks(9).map(|row| row.iter().map(ToString::to_string).collect::<Vec<_>>().join(","));
    bench.write("t.csv", format!("a,b,c,d,e,f,g,h,i\n{}\n", rows.collect::<Vec<_>>().join("\n")));
    for (index, image) in pixels.chunks(9).enumerate() {
        bench.write(&format!("pictures/{index:02}.png"), png(3, 3, image));
    }
    let logits = |arguments: &[&str]| -> Vec<String> {
        let ended = bench.ok(&[&["predict", "run", "--format", "csv", "--logits"], arguments].concat());
        ended.stdout.lines().skip(1).map(|line| line.splitn(3, ',').nth(2).unwrap().to_owned()).collect()
    };
    let expected = logits(&["set/t10k-images-idx3-ubyte"]);
    assert_eq!(expected.len(), 25);
    for input in ["f.npy", "u.npy", "t.csv", "pictures"] {
        assert_eq!(logits(&[input]), expected, "{input}");
    }
    assert_eq!(logits(&["u.npy", "--threads", "3"]), expected);
    assert_eq!(logits(&["u.npy", "pictures"]), [expected.clone(), expected].concat());
}

fn png(height: u32, width: u32, pixels: &[u8]) -> Vec<u8> {
    use image::ImageEncoder;
    let mut file = Vec::new();
    let encoder = image::codecs::png::PngEncoder::new(&mut file);
    encoder.write_image(pixels, width, height, image::ExtendedColorType::L8).unwrap();
    file
}

#[test]
fn the_shipped_model_reads_the_drawn_digits() {
    let bench = Bench::new();
    let model = shipped("models/mnist");
    let examples = model.join("examples");
    let mut files: Vec<_> = std::fs::read_dir(&examples).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending != "py"));
    files.sort();
    assert!(files.len() >= 5);
    let paths: Vec<&str> = files.iter().map(|path| path.to_str().unwrap()).collect();
    let ended = bench.ok(&[&["predict", model.to_str().unwrap(), "--format", "json", "--top", "2"], &paths[..]].concat());
    for (line, path) in ended.stdout.lines().zip(&files) {
        let answer: Value = serde_json::from_str(line).unwrap();
        let drawn = &path.file_name().unwrap().to_str().unwrap()[..1];
        assert_eq!(answer["prediction"], drawn, "{line}");
        assert!(answer["probability"].as_f64().unwrap() > 0.9, "{line}");
        assert_eq!(answer["top"].as_array().unwrap().len(), 2);
    }
    assert_eq!(ended.stdout.lines().count(), files.len());
}

/// The program that drew them lies among them.
#[test]
fn a_folder_of_pictures_may_hold_other_files_and_they_are_counted() {
    let bench = Bench::new();
    let model = shipped("models/mnist");
    let ended = bench.ok(&["predict", model.to_str().unwrap(), model.join("examples").to_str().unwrap(), "--format", "csv"]);
    assert_eq!(ended.stdout.lines().count(), 1 + 6);
    assert!(ended.stderr.starts_with("passed over 1 file that is no picture, such as ") && ended.stderr.ends_with("draw.py\n"));
}

#[test]
fn a_label_without_a_table_is_refused() {
    let bench = Bench::new();
    trained_on_images(&bench);
    let ended = bench.run(&["predict", "run", "set/t10k-images-idx3-ubyte", "--label", "y"]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("--label y names a table's column, and there is no table"), "{}", ended.stderr);
}

/// On MNIST itself, where it is to be found. Another CPU may round another way, and so may take a row or two for another class.
#[test]
fn the_shipped_model_is_a_run_that_can_be_inspected_and_tested() {
    let Some(folder) = std::env::var_os("RELUMINE_MNIST") else {
        // Written past the test harness, which would keep a passing test's words to itself.
        let line = "SKIPPED: the_shipped_model_is_a_run_that_can_be_inspected_and_tested needs RELUMINE_MNIST";
        return writeln!(std::io::stderr(), "{line}").unwrap();
    };
    let folder = std::path::absolute(folder).unwrap();
    let bench = Bench::new();
    // A test of it writes into it.
    for file in ["recipe.toml", "model.json", "summary.json", "checkpoints/best.safetensors", "checkpoints/manifest.json"] {
        bench.write(&format!("model/{file}"), std::fs::read(shipped("models/mnist").join(file)).unwrap());
    }
    let told = bench.json("model/summary.json")["test"]["accuracy"].as_f64().unwrap();
    let run = |arguments: &[&str]| Ended::of(bench.command().env("RELUMINE_MNIST", &folder).args(arguments).output().unwrap());
    let ended = run(&["test", "model", "--json"]);
    let tested: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert!((tested["accuracy"].as_f64().unwrap() - told).abs() <= 2e-4, "{}", ended.stdout);
    assert_eq!(bench.json("model/summary.json")["test_evaluations"], 2);
    let ended = run(&["inspect", "model"]);
    assert!(ended.stdout.contains("269322 parameters") && ended.stdout.contains("layers.0.weight"), "{} {}", ended.stdout, ended.stderr);
}

/// The card says which bytes it is about.
#[test]
fn the_shipped_model_s_card_and_manifest_have_its_checksum() {
    let model = shipped("models/mnist");
    let manifest: Value = serde_json::from_slice(&std::fs::read(model.join("checkpoints/manifest.json")).unwrap()).unwrap();
    let checksum = manifest["files"]["best.safetensors"]["sha256"].as_str().unwrap();
    assert_eq!(relumine::checkpoint::sha256(&std::fs::read(model.join("checkpoints/best.safetensors")).unwrap()), checksum);
    assert!(std::fs::read_to_string(model.join("README.md")).unwrap().contains(checksum));
}

#[test]
fn a_file_is_written_whole_and_never_over_another_without_force() {
    let bench = Bench::new();
    trained_on_images(&bench);
    let arguments = ["predict", "run", "set/t10k-images-idx3-ubyte", "--out", "answers.csv"];
    assert_eq!(bench.ok(&arguments).stdout, "");
    let text = String::from_utf8(bench.read("answers.csv")).unwrap();
    assert!(text.starts_with("input,row,label,prediction,probability,p_0,p_1\n"), "the ending names the format: {text}");
    assert_eq!(text.lines().count(), 26);
    let ended = bench.run(&arguments);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("--out answers.csv exists already"), "{}", ended.stderr);
    bench.ok(&[&arguments[..], &["--force"]].concat());
    bench.write("bad.csv", "a\n1\n");
    let ended = bench.run(&["predict", "run", "set/t10k-images-idx3-ubyte", "bad.csv", "--out", "never.csv"]);
    assert_eq!((ended.code, bench.path("never.csv").exists()), (Some(1), false));
}

#[test]
fn bad_inputs_get_one_sentence_with_file_and_row() {
    let bench = Bench::new();
    let recipe = shipped("models/breast-cancer.toml");
    bench.train("table", &[recipe.to_str().unwrap(), "--epochs", "1"]);
    trained_on_images(&bench);
    let names = std::fs::read_to_string(shipped(BREAST_CANCER)).unwrap();
    let lines: Vec<&str> = names.lines().collect();
    bench.write("nan.csv", format!("{}\n{}\nNaN{}\n", lines[0], lines[1], &lines[2][lines[2].find(',').unwrap()..]));
    let without_first = |line: &str| line.split_once(',').unwrap().1.to_owned();
    bench.write("column.csv", format!("{}\n{}\n", without_first(lines[0]), without_first(lines[1])));
    bench.write("fake.png", "not a picture");
    bench.write("x.bin", "what is this?");
    bench.write("wide.npy", npy("|u1", "(2, 5)", &[0; 10]));
    bench.write("cut.idx", idx(&[3, 3, 3], &[0; 20]));
    std::fs::create_dir(bench.path("empty")).unwrap();
    for (run, input, code, expected) in [
        ("table", "nan.csv", 1, "nan.csv has \"NaN\" in line 3, column `"),
        ("table", "column.csv", 1, "column.csv has no column `"),
        ("table", "wide.npy", 1, "wide.npy holds an array of shape [2, 5], and the model takes [N, 30]"),
        ("run", "fake.png", 1, "fake.png is neither a PNG nor a JPEG file"),
        ("run", "x.bin", 1, "x.bin is of no kind that can be predicted"),
        ("run", "cut.idx", 1, "cut.idx promises 3 rows in its header and holds only 2"),
        ("run", "empty", 1, "empty has no pictures"),
        ("run", "none.png", 1, "cannot read none.png"),
        ("empty", "fake.png", 2, "empty is no run directory"),
    ] {
        let ended = bench.run(&["predict", run, input]);
        assert_eq!(ended.code, Some(code), "{input}: {}", ended.stderr);
        assert!(ended.stderr.starts_with("error: ") && ended.stderr.contains(expected), "{expected}: {}", ended.stderr);
        assert_eq!(ended.stderr.trim_end().lines().count(), 1, "{}", ended.stderr);
    }
    let ended = bench.ok(&["predict", "table", "nan.csv", "--skip-bad-rows", "--format", "json"]);
    assert_eq!(ended.stdout.lines().count(), 1);
    assert!(ended.stderr.starts_with("left out 1 row that cannot be used; the first: nan.csv has \"NaN\" in line 3"), "{}", ended.stderr);
    bench.write("bad.csv", format!("{}\nNaN{}\n", lines[0], &lines[2][lines[2].find(',').unwrap()..]));
    let ended = bench.run(&["predict", "table", "bad.csv", "--skip-bad-rows", "--out", "bad.json"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.starts_with("error: none of 1 row can be used; the first: bad.csv has \"NaN\" in line 2"), "{}", ended.stderr);
    assert!(!bench.path("bad.json").exists());
    let ended = bench.run(&["predict", "table", "nan.csv", "--out", "nowhere/a.json"]);
    assert_eq!(ended.code, Some(2));
    let expected = "error: --out nowhere/a.json: there is no folder nowhere: make it, or choose another";
    assert_eq!(ended.stderr.trim_end(), expected);
    for arguments in [&["--top", "0"][..], &["--logits"], &["--format", "xml"], &["--device", "gpu"]] {
        assert_eq!(bench.run(&[&["predict", "table", "nan.csv"], arguments].concat()).code, Some(2), "{arguments:?}");
    }
}

#[test]
fn damaged_weights_and_signatures_are_named() {
    let bench = Bench::new();
    trained_on_images(&bench);
    let whole = bench.read("run/model.json");
    bench.write("run/model.json", &whole[..40]);
    let refused = |expected: &str| {
        let ended = bench.run(&["predict", "run", "set/t10k-images-idx3-ubyte"]);
        assert_eq!(ended.code, Some(1), "{}", ended.stderr);
        assert!(ended.stderr.contains(expected) && ended.stderr.trim_end().lines().count() == 1, "{}", ended.stderr);
    };
    refused("model.json");
    bench.write("run/model.json", whole);
    bench.write("run/checkpoints/best.safetensors", "not tensors");
    refused("best.safetensors");
}

#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let bench = Bench::new();
    trained_on_images(&bench);
    let rows = vec![7; 9 * 100_000];
    bench.write("many.npy", npy("|u1", "(100000, 9)", &rows));
    let mut child = bench
        .command()
        .args(["predict", "run", "many.npy", "--format", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ended = Ended::of(child.wait_with_output().unwrap());
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
}

/// Standard input that never ends: rows come until the signal does, and the file that was asked for is not there afterwards.
#[cfg(unix)]
#[test]
fn an_interrupt_stops_it_and_leaves_no_half_a_file() {
    let bench = Bench::new();
    trained_on_images(&bench);
    let mut command = bench.command();
    command.args(["predict", "run", "-", "--out", "answers.csv"]).stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"a,b,c,d,e,f,g,h,i\n").unwrap();
    let row = b"1,2,3,4,5,6,7,8,9\n".repeat(1000);
    let mut is_signalled = false;
    for round in 0..100_000 {
        if stdin.write_all(&row).is_err() {
            break;
        }
        if round >= 20 && !is_signalled {
            signal(&child, "-INT");
            is_signalled = true;
        }
    }
    drop(stdin);
    let ended = Ended::of(child.wait_with_output().unwrap());
    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
    assert!(ended.stderr.contains("interrupted after ") && ended.stderr.contains("answers.csv was not written"), "{}", ended.stderr);
    assert_left_nothing(&bench);
}

#[cfg(unix)]
fn assert_left_nothing(bench: &Bench) {
    let left: Vec<_> = std::fs::read_dir(bench.path(".")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(
        left.iter().all(|name| !name.to_string_lossy().contains("answers") && !name.to_string_lossy().starts_with(".writing")),
        "{left:?}"
    );
}

/// Runs `predict` on the images' model with `text` on standard input.
fn predict_standard_input(bench: &Bench, inputs: &[&str], text: &str) -> Ended {
    let mut command = bench.command();
    command.args(["predict", "run"]).args(inputs).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // What is refused before it is read closes the pipe.
    let _ = child.stdin.take().unwrap().write_all(text.as_bytes());
    Ended::of(child.wait_with_output().unwrap())
}

#[test]
fn what_is_wrong_with_standard_input_says_what_can_be_done() {
    let bench = Bench::new();
    trained_on_images(&bench);
    for (text, expected) in [
        ("", "standard input is empty: give a header line"),
        ("a,b,c,d,e,f,g,h,i\n", "standard input has no rows: give at least one row to predict"),
        (
            "a\tb\tc\td\te\tf\tg\th\ti\n1\t2\t3\t4\t5\t6\t7\t8\t9\n",
            "standard input has one column only: tabs seem to stand between its columns: save it with commas, or as a file whose name ends in \
             .tsv, and give that",
        ),
    ] {
        let ended = predict_standard_input(&bench, &["-"], text);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{}", ended.stderr);
        assert!(ended.stderr.starts_with(&format!("error: {expected}")), "{}", ended.stderr);
    }
}

/// The rows of the first were printed before the second was found to be empty.
#[test]
fn standard_input_is_named_once() {
    let bench = Bench::new();
    trained_on_images(&bench);
    let ended = predict_standard_input(&bench, &["-", "-"], "a,b,c,d,e,f,g,h,i\n1,2,3,4,5,6,7,8,9\n");
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{}", ended.stderr);
    assert!(ended.stderr.starts_with("error: - stands twice among the inputs"), "{}", ended.stderr);
}

/// As Ctrl-C ends what feeds standard input, too: the end of that is no empty table then.
#[cfg(unix)]
#[test]
fn an_interrupt_before_the_first_row_is_no_empty_table_and_a_second_one_leaves_nothing() {
    let bench = Bench::new();
    trained_on_images(&bench);
    for is_impatient in [false, true] {
        let mut command = bench.command();
        command.args(["predict", "run", "-", "--out", "answers.csv"]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let is_open = || {
            std::fs::read_dir(bench.path(".")).unwrap().any(|entry| entry.unwrap().file_name().to_string_lossy().starts_with(".writing"))
        };
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
        while !is_open() {
            assert!(std::time::Instant::now() < deadline, "nothing was opened");
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        signal(&child, "-INT");
        let (mut stderr, mut said) = (BufReader::new(child.stderr.take().unwrap()), String::new());
        stderr.read_line(&mut said).unwrap();
        assert_eq!(said, "stopping when this part is done; Ctrl-C again ends at once\n");
        if is_impatient {
            // Sooner it would be the same request.
            std::thread::sleep(std::time::Duration::from_millis(1300));
            signal(&child, "-INT");
            // Not with `wait`, which would close its standard input: that is to stay open.
            while child.try_wait().unwrap().is_none() {
                assert!(std::time::Instant::now() < deadline, "the second signal did not end it");
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
        }
        drop(child.stdin.take());
        stderr.read_to_string(&mut said).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(130), "{said}");
        assert_eq!(said.contains("interrupted after 0 rows"), !is_impatient, "{said}");
        assert_left_nothing(&bench);
    }
}

/// Memory for such a model was asked for before anything was compared, and the program aborted.
#[test]
fn a_model_json_that_promises_more_features_than_any_memory_holds_is_an_error() {
    let bench = Bench::new();
    trained_on_images(&bench);
    let mut signature: Value = serde_json::from_slice(&bench.read("run/model.json")).unwrap();
    signature["example_shape"] = serde_json::json!([1_000_000_000_000_u64]);
    bench.write("run/model.json", signature.to_string());
    bench.write("table.csv", "a,b\n1,2\n");
    let ended = bench.run(&["predict", "run", "table.csv"]);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains("has shape [8, 9], this model needs [8, 1000000000000]"), "{}", ended.stderr);
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
}
