//! Running the real program in a folder of its own.

use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A temporary folder and the program in it, with no data but what a test gives it.
pub(crate) struct Bench {
    folder: tempfile::TempDir,
}

/// What a call printed and how it ended.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, contents).unwrap();
        path
    }

    /// The command, ready to be given arguments: the program that Cargo built, or what `RELUMINE_PROGRAM` names, as scripts/arm-check does. No
    /// data set of this machine can be seen.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(std::env::var_os("RELUMINE_PROGRAM").unwrap_or_else(|| env!("CARGO_BIN_EXE_relumine").into()));
        command.current_dir(self.folder.path());
        // Many programs at once on a few cores: one thread each is fastest, and a test that is about threads says so.
        command.env("RAYON_NUM_THREADS", "1").env("CANDLE_NUM_THREADS", "1");
        command.env("RELUMINE_CACHE", self.path("cache")).env("HF_ENDPOINT", "http://127.0.0.1:9").env_remove("RELUMINE_MNIST");
        command.env_remove("RELUMINE_LOG").env_remove("RELUMINE_OFFLINE").env_remove("RELUMINE_ISA").env("NO_PROXY", "127.0.0.1");
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        Ended::of(self.command().args(arguments).output().unwrap())
    }

    /// Runs and insists on success.
    pub(crate) fn ok(&self, arguments: &[&str]) -> Ended {
        let ended = self.run(arguments);
        assert_eq!(ended.code, Some(0), "{arguments:?}: {}", ended.stderr);
        ended
    }

    /// Runs `train --json` quietly into `out` and returns the summary.
    pub(crate) fn train(&self, out: &str, arguments: &[&str]) -> Value {
        let ended = self.ok(&[&["train", "--json", "--quiet", "--device", "cpu", "--out", out], arguments].concat());
        serde_json::from_str(&ended.stdout).unwrap()
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        let path = self.path(name);
        assert!(path.is_file(), "{name} is missing");
        std::fs::read(path).unwrap()
    }

    pub(crate) fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&self.read(name)).unwrap()
    }

    /// The lines of a run's `metrics.jsonl` without their times.
    pub(crate) fn metrics(&self, run: &str) -> Vec<Value> {
        let text = String::from_utf8(self.read(&format!("{run}/metrics.jsonl"))).unwrap();
        let without_times = |line: &str| {
            let mut record: Value = serde_json::from_str(line).unwrap();
            for time in ["seconds", "samples_per_second"] {
                assert!(record.as_object_mut().unwrap().remove(time).is_some(), "{line}");
            }
            record
        };
        text.lines().map(without_times).collect()
    }
}

impl Ended {
    pub(crate) fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

/// A file that ships with the project.
pub(crate) fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name)
}

/// Starts `train` with these arguments.
pub(crate) fn start(bench: &Bench, arguments: &[&str]) -> Child {
    let mut command = bench.command();
    command.arg("train").args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Sends `-INT`, `-TERM` or `-KILL`, at once: a program that does it would take longer to start than some runs last.
#[cfg(unix)]
pub(crate) fn signal(child: &Child, name: &str) {
    use nix::sys::signal::{Signal, kill};
    let signal: Signal = name.replace('-', "SIG").parse().unwrap();
    kill(nix::unistd::Pid::from_raw(i32::try_from(child.id()).unwrap()), signal).unwrap();
}

/// Waits until `is_time`, then sends the signal; the end of a process that was too fast is an end, too.
#[cfg(unix)]
pub(crate) fn stop(mut child: Child, signal_name: &str, is_time: impl Fn() -> bool) -> Ended {
    let deadline = Instant::now() + Duration::from_secs(60);
    while child.try_wait().unwrap().is_none() {
        if is_time() {
            signal(&child, signal_name);
            break;
        }
        assert!(Instant::now() < deadline, "the moment has not come");
        std::thread::sleep(Duration::from_micros(500));
    }
    Ended::of(child.wait_with_output().unwrap())
}

/// The steps of the checkpoint under the contract's name; 0 where there is none.
pub(crate) fn saved_steps(run: &Path) -> u64 {
    let text = std::fs::read(run.join("checkpoints/manifest.json")).unwrap_or_default();
    serde_json::from_slice::<Value>(&text).map_or(0, |manifest| manifest["step"].as_u64().unwrap())
}

/// The folder of MNIST's IDX files; where there is none, a visible line says that `test` was left out.
pub(crate) fn mnist(test: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("RELUMINE_MNIST");
    if folder.is_none() {
        skipped(test, "RELUMINE_MNIST, a folder of MNIST's four IDX files");
    }
    folder.map(|folder| std::path::absolute(folder).unwrap())
}

/// Says that a test was left out and what it needs, past the test harness, which would keep a passing test's words to itself.
pub(crate) fn skipped(test: &str, needs: &str) {
    let mut stderr = std::io::stderr();
    writeln!(stderr, "SKIPPED: {test} needs {needs}").unwrap();
}
