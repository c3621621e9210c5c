//! Every bad input gets one sentence that names the file or key and the remedy, exit code 1 or 2, and leaves no run behind.

use crate::support::Bench;
use std::io::Write;

fn idx(sizes: &[u32], values: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, sizes.len() as u8];
    bytes.extend(sizes.iter().flat_map(|size| size.to_be_bytes()));
    bytes.extend(values);
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A good folder of 20 images of 2x2 pixels, which a test then breaks.
fn mnist_folder(bench: &Bench) -> String {
    let pixels: Vec<u8> = (0..80).collect();
    let labels: Vec<u8> = (0..20).map(|row| row % 10).collect();
    for part in ["train", "t10k"] {
        bench.write(&format!("idx/{part}-images-idx3-ubyte.gz"), gzip(&idx(&[20, 2, 2], &pixels)));
        bench.write(&format!("idx/{part}-labels-idx1-ubyte.gz"), gzip(&idx(&[20], &labels)));
    }
    "idx".into()
}

/// Trains on `arguments` and checks that it fails as it should.
fn assert_refused(bench: &Bench, arguments: &[&str], code: i32, expected: &[&str]) {
    let ended = bench.run(&[&["train", "--out", "out/run"], arguments].concat());
    let message = ended.stderr.trim_end();
    assert_eq!(ended.code, Some(code), "{arguments:?}: {message}");
    assert_eq!(message.lines().count(), 1, "{arguments:?} takes more than one line: {message}");
    assert!(message.starts_with("error: "), "{arguments:?}: {message}");
    for part in expected {
        assert!(message.contains(part), "{arguments:?} should say {part:?}: {message}");
    }
    assert_eq!(ended.stdout, "");
    assert!(!bench.path("out").exists(), "{arguments:?} left something behind");
}

#[test]
fn tables_as_pandas_and_spreadsheets_write_them_and_folders_as_macos_leaves_them() {
    let bench = Bench::new();
    let rows = |cut: &str| (0..40).map(|row| ["", "a", "y"].map(|_| (row % 2).to_string()).join(cut) + "\n").collect::<String>();
    bench.write("index.csv", format!(",a,y\n{}", rows(",")));
    let expected = "index.csv has no name for column 1: is it pandas' index? write the table with index=False";
    assert_refused(&bench, &["--data", "index.csv"], 1, &[expected]);
    bench.write("semicolons.csv", format!("a;b;y\n{}", rows(";")));
    assert_refused(&bench, &["--data", "semicolons.csv"], 1, &["semicolons.csv has one column only", "semicolons seem to stand"]);
    assert_refused(&bench, &["--data", ""], 2, &["data.name = \"\" names no data", "digits"]);
    bench.write("folder/train.csv", format!("a,b,y\n{}", rows(",")));
    bench.write("folder/._train.csv", [0, 5, 22, 7]);
    bench.train("run", &["--data", "folder", "--epochs", "1"]);
}

#[cfg(unix)]
#[test]
fn an_argument_that_is_no_text_gets_one_sentence() {
    use std::os::unix::ffi::OsStrExt;
    let bench = Bench::new();
    let mut command = bench.command();
    let ended =
        crate::support::Ended::of(command.args(["train", "--data"]).arg(std::ffi::OsStr::from_bytes(b"caf\xe9.csv")).output().unwrap());
    assert_eq!((ended.code, ended.stderr.lines().count()), (Some(2), 1), "{}", ended.stderr);
    assert!(ended.stderr.starts_with("error: an argument is not UTF-8 text"), "{}", ended.stderr);
}

#[test]
fn the_good_folder_is_good() {
    let bench = Bench::new();
    let folder = mnist_folder(&bench);
    bench.train("run", &["--data", &folder, "--epochs", "1"]);
}

#[test]
fn broken_idx_files() {
    let images = "idx/train-images-idx3-ubyte.gz";
    let labels = "idx/train-labels-idx1-ubyte.gz";
    let whole = gzip(&idx(&[20, 2, 2], &[9; 80]));
    let cases: [(&str, Vec<u8>, &[&str]); 8] = [
        (images, whole[..whole.len() - 6].to_vec(), &["train-images-idx3-ubyte.gz", "not a whole gzip file"]),
        (images, gzip(&idx(&[20, 4], &[9; 80])), &["train-images-idx3-ubyte.gz", "IDX magic"]),
        (images, gzip(&idx(&[21, 2, 2], &[9; 80])), &["train-images-idx3-ubyte.gz", "promises 21 x 2 x 2", "holds only 80"]),
        (images, gzip(&idx(&[100_000_000, 1000, 1000], &[9; 80])), &["promises 100000000 x 1000 x 1000"]),
        (images, Vec::new(), &["train-images-idx3-ubyte.gz", "has 0 bytes"]),
        (images, gzip(&idx(&[19, 2, 2], &[9; 80])), &["promises 19 x 2 x 2 values in its header and holds more: its header is damaged"]),
        (labels, gzip(&idx(&[19], &[1; 19])), &["holds 19 labels", "holds 20 images"]),
        (labels, gzip(&idx(&[20], &[200; 20])), &["label 200 at row 0", "0..9"]),
    ];
    for (file, contents, expected) in cases {
        let bench = Bench::new();
        let folder = mnist_folder(&bench);
        bench.write(file, contents);
        assert_refused(&bench, &["--data", &folder], 1, expected);
    }
}

#[test]
fn one_class_only_and_missing_data() {
    let bench = Bench::new();
    let folder = mnist_folder(&bench);
    bench.write("idx/train-labels-idx1-ubyte.gz", gzip(&idx(&[20], &[3; 20])));
    assert_refused(&bench, &["--data", &folder], 1, &["one class only"]);
    assert_refused(&bench, &["--data", "no/such/folder"], 1, &["no/such/folder", "digits, mnist, fashion-mnist"]);
    std::fs::remove_file(bench.path("idx/train-labels-idx1-ubyte.gz")).unwrap();
    assert_refused(&bench, &["--data", &folder], 1, &["train-labels-idx1-ubyte", "no such file"]);
}

#[test]
fn mnist_without_a_network_names_the_cache_and_the_offline_choices() {
    let bench = Bench::new();
    let cache = bench.path("cache/mnist");
    assert_refused(&bench, &["--data", "mnist"], 1, &[cache.to_str().unwrap(), "RELUMINE_MNIST", "--data digits"]);
    for arguments in [["data", "fetch", "mnist", "--offline"], ["data", "verify", "mnist", "--json"]] {
        let message = bench.run(&arguments).stderr;
        assert!(message.contains(cache.to_str().unwrap()) && !message.contains("--data"), "{message}");
    }
}

#[test]
fn a_wrong_relumine_mnist_is_named() {
    let bench = Bench::new();
    let typo = bench.path("typo");
    for arguments in [&["train", "seed-relu", "--out", "run"][..], &["data", "verify", "mnist"]] {
        let ended = crate::support::Ended::of(bench.command().env("RELUMINE_MNIST", &typo).args(arguments).output().unwrap());
        let problem = format!("cannot read {}: RELUMINE_MNIST names it, and there is no such folder", typo.display());
        assert_eq!(ended.code, Some(1));
        assert_eq!(
            ended.stderr,
            format!("error: {problem}; unset RELUMINE_MNIST to have MNIST fetched, or set it to the folder of the four IDX files\n")
        );
    }
}

#[test]
fn data_is_named_by_its_path() {
    let bench = Bench::new();
    for (file, text, expected) in
        [("tables/oneclass.csv", "a,y\n1,0\n2,0\n", "has rows of one class only"), ("tables/header.csv", "a,y\n", "has no rows")]
    {
        let path = bench.write(file, text).canonicalize().unwrap().display().to_string();
        assert_refused(&bench, &["--data", file], 1, &[&format!("error: {path} {expected}")]);
    }
    let pixels: Vec<u8> = (0..80).collect();
    mnist_folder(&bench);
    bench.write("idx/t10k-images-idx3-ubyte.gz", gzip(&idx(&[20, 4, 1], &pixels)));
    let folder = bench.path("idx").canonicalize().unwrap().display().to_string();
    assert_refused(&bench, &["--data", "idx"], 1, &[&format!("error: {folder} has test examples of shape [4, 1, 1]")]);
}

#[test]
fn broken_tables() {
    for (text, expected) in [
        ("a,b,y\n1,2,0\n3,1\n", "has 2 columns in line 3 and 3 in its header"),
        ("a,b,y\n1,2,0\n3,x,1\n", "has \"x\" in line 3, column `b`"),
        ("a,b,y\n1,2,0\n3,NaN,1\n", "has \"NaN\" in line 3, column `b`"),
        ("a,b,y\n1,2,1\n3,4,1\n", "one class only"),
        ("", "is empty"),
    ] {
        let bench = Bench::new();
        bench.write("table.csv", text);
        assert_refused(&bench, &["--data", "table.csv"], 1, &["table.csv", expected]);
    }
}

/// Every other format, broken in the ways that are its own.
#[test]
fn broken_files_of_every_format() {
    let header = |text: &str| [b"\x93NUMPY\x01\x00".as_slice(), &(text.len() as u16).to_le_bytes(), text.as_bytes()].concat();
    let pickled = header("{'descr': '|O', 'fortran_order': False, 'shape': (3,), }\n");
    let large = header("{'descr': '<f8', 'fortran_order': False, 'shape': (999999999, 999999999), }\n");
    let cases: [(&str, Vec<u8>, &[&str]); 11] = [
        ("X.npy", pickled, &["X.npy holds pickled Python objects"]),
        ("X.npy", large, &["X.npy promises [999999999, 999999999] values in its header and holds fewer"]),
        ("features.npy", header("{}"), &["features.npy is one array, and not named as features are", "call it X.npy"]),
        ("set.npz", b"PK\x03\x04".to_vec(), &["set.npz is not a whole .npz file"]),
        ("set.parquet", b"PAR1, and then nothing".to_vec(), &["set.parquet is not a whole Parquet file"]),
        ("set.tsv", b"a,b,y\n1,2,0\n".to_vec(), &["set.tsv has one column only", "by tabs"]),
        ("image.png", b"\x89PNG\r\n\x1a\n".to_vec(), &["image.png is one image or one IDX file"]),
        ("images-idx3-ubyte.gz", gzip(&idx(&[1, 1, 1], &[9])), &["images-idx3-ubyte.gz is one image or one IDX file"]),
        ("X.npy.gz", gzip(b"\x93NUMPY\x01\x00\x00\x00"), &["X.npy.gz is a compressed NumPy file: unpack it first"]),
        ("line\nbreak.csv", b"a,\"b\nc\",y\n1,x,0\n".to_vec(), &["line break.csv has \"x\" in line 3, column `b c`"]),
        ("notes.csv/notes.md", b"no data".to_vec(), &["notes.csv holds no data that this program reads"]),
    ];
    for (file, contents, expected) in cases {
        let bench = Bench::new();
        bench.write(file, contents);
        bench.write("y.npy", "");
        let name = file.split('/').next().unwrap();
        assert_refused(&bench, &["--data", name], 1, expected);
    }
}

#[test]
fn wrong_recipes_and_settings() {
    let bench = Bench::new();
    let recipe = bench.write("mine.toml", "[model]\ndropuot = 0.5\n");
    assert_refused(&bench, &[recipe.to_str().unwrap()], 2, &["mine.toml", "model.dropuot", "did you mean model.dropout?"]);
    bench.write("syntax.toml", "[model]\nhidden = [256\n");
    assert_refused(&bench, &["syntax.toml"], 2, &["syntax.toml, line"]);
    assert_refused(&bench, &["missing.toml"], 2, &["missing.toml", "quickstart"]);
    for (setting, expected) in [
        ("optimizer.learning_rate=-1", "optimizer.learning_rate = -1"),
        ("train.batch_size=0", "train.batch_size = 0"),
        ("train.batch_size=-3", "train.batch_size"),
        ("model.dropout=1.0", "model.dropout = 1"),
        ("model.activation=rellu", "did you mean \"relu\"?"),
        ("data.validation=5000", "data.validation = 5000"),
        ("data.validation=1.5", "data.validation"),
        ("model.head=sigmoid", "model.head = \"sigmoid\" with 10 classes"),
        ("train.step=fast", "train.step"),
        ("model.hidden=[16777216, 16777216]", "this machine has"),
        ("model=3", "a table of keys and values"),
        ("data.label=digit", "data.label = \"digit\" is for tables and Parquet files, not for digits"),
        ("data.num_classes=3", "data.num_classes = 3 is for MNIST-format folders"),
        ("train.epochs=9223372036854775807", "train.epochs"),
        ("data.test=0.0001", "data.test = 0.0001"),
        ("model", "--set model is not KEY=VALUE"),
    ] {
        assert_refused(&bench, &["--set", setting], 2, &[expected]);
    }
    let without_validation = ["--set", "data.validation=0", "--set", "train.early_stopping.patience=1"];
    assert_refused(&bench, &without_validation, 2, &["train.early_stopping", "data.validation = 0.1"]);
    assert_refused(&bench, &["--threads", "0"], 2, &["--threads", "1..=1024"]);
    assert_refused(&bench, &["--no-such-flag"], 2, &["--no-such-flag"]);
    assert_refused(&bench, &["--device", "gpu"], 2, &["--device gpu", "auto, cpu, cuda"]);
    assert_refused(&bench, &["--log", "=="], 2, &["--log =="]);
}

#[test]
fn a_diverging_run_names_step_rate_and_gradient_and_keeps_what_there_is() {
    let bench = Bench::new();
    let settings = ["--set", "optimizer.name=sgd", "--set", "optimizer.learning_rate=1e30", "--set", "model.dropout=0"];
    let ended = bench.run(&[&["train", "--quiet", "--out", "run"], &settings[..]].concat());
    assert_eq!(ended.code, Some(1));
    for part in
        ["the loss is", "at step ", "learning rate 1000000000000000000000000000000", "largest gradient", "lower optimizer.learning_rate"]
    {
        assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
    }
    assert_eq!(bench.json("run/summary.json")["status"], "failed");
    assert!(bench.path("run/checkpoints/last.safetensors").is_file());
}

/// The loss of a step is seen before its update: the last update of an epoch must not go unseen.
#[test]
fn weights_ruined_by_an_epoch_s_last_step_are_never_tested() {
    let bench = Bench::new();
    let ruinous = ["--set", "train.batch_size=100000", "--set", "optimizer.name=sgd", "--set", "optimizer.learning_rate=1e38"];
    for (out, validation) in [("with", "data.validation=0.1"), ("without", "data.validation=0")] {
        let ended = bench.run(&[&["train", "--epochs", "1", "--quiet", "--out", out, "--set", validation], &ruinous[..]].concat());
        assert_eq!(ended.code, Some(1), "{}", ended.stdout);
        assert!(ended.stderr.contains("the weights after step 1 give a loss of"), "{}", ended.stderr);
        let summary = bench.json(&format!("{out}/summary.json"));
        assert_eq!((&summary["status"], &summary["test_evaluations"]), (&"failed".into(), &0.into()));
    }
}

#[test]
fn a_device_that_cannot_be_had_is_never_replaced_silently() {
    let bench = Bench::new();
    if !cfg!(feature = "cuda") {
        assert_refused(&bench, &["--device", "cuda"], 1, &["--device cuda:0 cannot be had", "built without it", "--device cpu"]);
    }
    if !cfg!(feature = "metal") {
        assert_refused(&bench, &["--device", "metal"], 1, &["--device metal:0 cannot be had", "built without it", "--device cpu"]);
    }
}

#[test]
fn an_output_folder_that_exists_or_cannot_be_written() {
    let bench = Bench::new();
    bench.write("taken/file", "precious");
    let ended = bench.run(&["train", "--out", "taken"]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("--out taken exists already"), "{}", ended.stderr);
    assert_eq!(bench.read("taken/file"), b"precious");
    // A file where a folder is needed fails for every user, the superuser included.
    let ended = bench.run(&["train", "--out", "taken/file/run"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("cannot write to taken/file: choose another folder with --out"), "{}", ended.stderr);
}

#[test]
fn test_refuses_data_that_has_changed_since_the_run() {
    let bench = Bench::new();
    let rows: Vec<String> = (0..60).map(|i| format!("{},{},{}", i * 7 % 11, i * 5 % 13, i % 2)).collect();
    bench.write("t.csv", format!("a,b,y\n{}\n", rows.join("\n")));
    bench.train("run", &["--data", "t.csv", "--epochs", "1"]);
    bench.ok(&["test", "run"]);
    let reversed: Vec<&str> = rows.iter().rev().map(String::as_str).collect();
    bench.write("t.csv", format!("a,b,y\n{}\n", reversed.join("\n")));
    let ended = bench.run(&["test", "run"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("has changed since the run"), "{}", ended.stderr);
    assert_eq!(bench.json("run/summary.json")["test_evaluations"], 2, "a refused test is not counted");
}

#[test]
fn test_and_inspect_refuse_what_is_no_run() {
    let bench = Bench::new();
    bench.write("folder/file", "");
    for arguments in [["test", "folder"], ["inspect", "folder"]] {
        let ended = bench.run(&arguments);
        assert_eq!(ended.code, Some(2));
        assert!(ended.stderr.contains("folder is no run directory"), "{}", ended.stderr);
    }
    bench.train("run", &["--epochs", "1"]);
    bench.write("run/checkpoints/best.safetensors", "not tensors");
    let ended = bench.run(&["test", "run"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("run/checkpoints/best.safetensors is damaged: it does not match its checksum"), "{}", ended.stderr);
}
