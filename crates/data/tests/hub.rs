//! The hub data sets as a user opens them, against a server of our own.
//!
//! The client is configured by environment variables, which a running process cannot set safely. So each test runs this same program
//! again with the environment it needs, and only for the test `child`, which opens the data set and reports what came of it.
#![cfg(feature = "hub")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

#[path = "support/hub_file.rs"]
mod hub_file;
#[path = "support/hub_server.rs"]
mod hub_server;

use hub_file::{SCHEMA, png};
use hub_server::HubServer;
use relumine_data::{Catalog, Dataset, Features, ReadOptions};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const REPOSITORY: &str = "zalando-datasets/fashion_mnist";
const TRAIN_FILE: &str = "fashion_mnist/train/0000.parquet";
const TEST_FILE: &str = "fashion_mnist/test/0000.parquet";
/// Where `child` is to write what it found; without it, `child` has nothing to do.
const REPORT_VARIABLE: &str = "RELUMINE_TEST_REPORT";
/// What `child` is to open; `fashion-mnist` without it. Starting with `offline `, it may not use the network.
const NAME_VARIABLE: &str = "RELUMINE_TEST_NAME";
/// An address where nobody listens.
const NOBODY: &str = "http://127.0.0.1:9";

/// What a user's machine keeps between two runs.
struct Machine {
    home: TempDir,
}

impl Machine {
    fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap() }
    }

    fn cache(&self) -> std::path::PathBuf {
        self.home.path().join("cache")
    }

    /// Opens `fashion-mnist` in a process of its own, and gives its report.
    fn open(&self, endpoint: &str) -> String {
        self.open_name(endpoint, "fashion-mnist")
    }

    /// Opens the data set `name` in a process of its own, and gives its report.
    fn open_name(&self, endpoint: &str, name: &str) -> String {
        let report = self.home.path().join("report");
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["child", "--exact"]).stdout(Stdio::null()).env("NO_PROXY", "127.0.0.1");
        for name in ["HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HUB_DISABLE_IMPLICIT_TOKEN"] {
            command.env_remove(name);
        }
        command.env("HF_ENDPOINT", endpoint).env("HF_TOKEN", "hf_test").env("HF_HOME", self.home.path().join("huggingface"));
        command.env("RELUMINE_CACHE", self.cache()).env(REPORT_VARIABLE, &report).env(NAME_VARIABLE, name);
        assert!(command.status().unwrap().success());
        std::fs::read_to_string(report).unwrap()
    }
}

#[test]
fn child() {
    let Some(report) = std::env::var_os(REPORT_VARIABLE) else { return };
    let name = std::env::var(NAME_VARIABLE).unwrap();
    let (name, offline) = name.strip_prefix("offline ").map_or((name.as_str(), false), |name| (name, true));
    let words = match Catalog::from_environment().open(name, &ReadOptions { offline, ..ReadOptions::default() }) {
        Ok(source) => format!("train {}; test {}", described(&source.train), described(&source.test.unwrap())),
        Err(error) => format!("refused: {error}"),
    };
    std::fs::write(report, words).unwrap();
}

fn described(data: &Dataset) -> String {
    let Features::U8 { values, full_scale } = data.features() else { panic!("images are bytes") };
    format!("{:?} {:?} {values:?} of {full_scale}", data.example_shape(), data.labels())
}

/// A file of `rows` images of 2 x 2 pixels, labelled 0, 1, ...; the first pixel counts the rows from `first`.
fn file(rows: u8, first: u8) -> Vec<u8> {
    let images: Vec<_> = (0..rows).map(|row| Some(png(2, 2, &[first + row, 50, 100, 255]))).collect();
    let path = tempfile::NamedTempFile::new().unwrap();
    hub_file::write(path.path(), SCHEMA, &images, 0);
    std::fs::read(path.path()).unwrap()
}

/// The hub lists the test file first, as the alphabet has it.
fn server(test: Vec<u8>, train: Vec<u8>) -> HubServer {
    HubServer::start(REPOSITORY, vec![(TEST_FILE, test), (TRAIN_FILE, train)])
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn the_first_run_downloads_and_the_second_needs_no_network() {
    let machine = Machine::new();
    let server = server(file(2, 200), file(4, 0));
    let first = machine.open(&server.endpoint());
    let train = "train [2, 2, 1] [0, 1, 2, 3] [0, 50, 100, 255, 1, 50, 100, 255, 2, 50, 100, 255, 3, 50, 100, 255] of 255";
    assert_eq!(first, format!("{train}; test [2, 2, 1] [0, 1] [200, 50, 100, 255, 201, 50, 100, 255] of 255"));
    assert_eq!(names(&machine.cache()), ["fashion-mnist"], "nothing temporary is left");
    let requests = server.requests();
    assert!(requests.iter().all(|request| request.ends_with(" Bearer hf_test")), "{requests:#?}");
    assert!(names(machine.home.path()).contains(&"huggingface".to_owned()), "HF_HOME is honoured");
    drop(server);
    assert_eq!(machine.open(NOBODY), first);
}

#[test]
fn without_a_network_the_error_comes_soon_and_says_what_to_do() {
    let machine = Machine::new();
    let start = Instant::now();
    let message = machine.open(NOBODY);
    assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
    assert!(message.contains("(the hub at http://127.0.0.1:9 did not answer: ") && message.contains("(os error "), "{message}");
    let folder = machine.cache().join("fashion-mnist").display().to_string();
    assert!(message.contains(&folder) && message.contains("--data digits") && !message.contains('\n'), "{message}");
}

#[test]
fn what_the_hub_refuses_is_passed_on_and_leaves_nothing_behind() {
    let machine = Machine::new();
    let other = HubServer::start("somebody/else", vec![]);
    let message = machine.open(&other.endpoint());
    assert!(message.contains("the hub's client says: Revision not found: refs/convert/parquet in zalando-datasets"), "{message}");
    let three = HubServer::start(REPOSITORY, vec![("a.parquet", file(2, 0)), ("b.parquet", file(3, 0)), ("c.parquet", file(4, 0))]);
    let message = machine.open(&three.endpoint());
    assert!(message.contains("the hub has 3 parquet files"), "{message}");
    assert_eq!(three.requests().len(), 1, "only the listing");
    let message = machine.open(&server(file(2, 0), vec![]).endpoint());
    assert!(message.contains("503"), "{message}");
    assert!(!machine.cache().exists());
}

#[test]
fn a_damaged_download_is_named_with_the_folder_to_delete() {
    let machine = Machine::new();
    let message = machine.open(&server(file(2, 0), b"a login page, perhaps".to_vec()).endpoint());
    let cache = machine.home.path().join("huggingface").join("hub").display().to_string();
    assert!(message.contains("a downloaded file is damaged (") && message.contains(&cache), "{message}");
    assert!(!machine.cache().exists());
}

const ADDRESS: &str = "hf://zalando-datasets/fashion_mnist";

#[test]
fn any_data_set_of_the_hub_is_fetched_once_and_opened_without_a_network() {
    let machine = Machine::new();
    let server = server(file(2, 200), file(4, 0));
    let first = machine.open_name(&server.endpoint(), ADDRESS);
    let train = "train [2, 2, 1] [0, 1, 2, 3] [0, 50, 100, 255, 1, 50, 100, 255, 2, 50, 100, 255, 3, 50, 100, 255] of 255";
    assert_eq!(first, format!("{train}; test [2, 2, 1] [0, 1] [200, 50, 100, 255, 201, 50, 100, 255] of 255"));
    let folder = machine.cache().join("hub").join("zalando-datasets--fashion_mnist");
    assert_eq!(names(&folder), ["SHA256SUMS", "test", "train"]);
    assert_eq!(names(folder.parent().unwrap()).len(), 1, "nothing temporary is left");
    drop(server);
    assert_eq!(machine.open_name(NOBODY, ADDRESS), first);
    assert_eq!(machine.open_name(NOBODY, &format!("offline {ADDRESS}")), first);
}

#[test]
fn offline_nothing_is_asked_for_and_the_error_says_where_to_put_what() {
    let machine = Machine::new();
    let server = server(file(2, 200), file(4, 0));
    for (name, place) in [(ADDRESS, "hub/zalando-datasets--fashion_mnist"), ("fashion-mnist", "fashion-mnist")] {
        let message = machine.open_name(&server.endpoint(), &format!("offline {name}"));
        let folder = machine.cache().join(place).display().to_string();
        let forbidden = format!("cannot download `{name}` (the network is forbidden by --offline or RELUMINE_OFFLINE)");
        assert!(message.contains(&forbidden) && message.contains(&folder), "{message}");
    }
    assert_eq!(server.requests(), [""; 0]);
}

#[test]
fn a_damaged_or_refused_download_by_address_leaves_nothing_behind() {
    let machine = Machine::new();
    let message = machine.open_name(&server(file(2, 0), b"a login page, perhaps".to_vec()).endpoint(), ADDRESS);
    assert!(message.contains("the download of fashion_mnist/train/0000.parquet is damaged ("), "{message}");
    let message = machine.open_name(&server(file(2, 0), vec![]).endpoint(), ADDRESS);
    assert!(message.contains("503"), "{message}");
    let message = machine.open_name(&server(file(2, 0), file(3, 0)).endpoint(), &format!("{ADDRESS}/small"));
    assert!(message.contains("its configurations are fashion_mnist"), "{message}");
    assert_eq!(names(&machine.cache().join("hub")), [""; 0]);
}
