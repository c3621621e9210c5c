//! Notes what this program was built from: the compiler, and the commit where there is a git repository. Neither is needed to build.

#[cfg(feature = "cuda")]
#[path = "build/late_libraries.rs"]
mod late_libraries;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// What the program is made of; tests and documents change nothing in it.
const SOURCES: [&str; 4] = ["crates", "models", "Cargo.toml", "Cargo.lock"];

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let compiler = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    if let Some(version) = output(Command::new(compiler).arg("--version")) {
        println!("cargo:rustc-env=RELUMINE_RUSTC={version}");
    }
    if let Ok(profile) = std::env::var("PROFILE") {
        println!("cargo:rustc-env=RELUMINE_PROFILE={profile}");
    }
    println!("cargo:rerun-if-changed=build.rs");
    if let Some(commit) = commit(&root) {
        println!("cargo:rustc-env=RELUMINE_COMMIT={commit}");
        println!("cargo:rustc-env=RELUMINE_DIRTY={}", is_dirty(&root));
        watch(&root);
    }
    #[cfg(feature = "cuda")]
    if let Err(error) = late_libraries::build() {
        println!("cargo::error=CUDA's libraries cannot be wrapped: {error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// The commit of the repository whose top is `root`; a source tree inside somebody else's repository has none.
fn commit(root: &Path) -> Option<String> {
    let top = output(git(root).args(["rev-parse", "--show-toplevel"]))?;
    let is_ours = Path::new(&top).canonicalize().ok()? == root.canonicalize().ok()?;
    if is_ours { output(git(root).args(["rev-parse", "HEAD"])) } else { None }
}

fn is_dirty(root: &Path) -> bool {
    output(git(root).args(["status", "--porcelain", "--"]).args(SOURCES)).is_some()
}

/// Runs this again after a commit, and after a change of the sources, which rebuilds the program anyway.
fn watch(root: &Path) {
    let log = output(git(root).args(["rev-parse", "--git-path", "logs/HEAD"])).map(|path| root.join(path));
    let sources = std::fs::read_dir(root.join("crates")).into_iter().flatten().flatten().map(|folder| folder.path().join("src"));
    let others = SOURCES[1..].iter().map(|name| root.join(name));
    for path in log.into_iter().chain(sources).chain(others).filter(|path: &PathBuf| path.exists()) {
        println!("cargo:rerun-if-changed={}", path.display());
    }
}

fn git(root: &Path) -> Command {
    let mut command = Command::new("git");
    // A build leaves the repository as it is, its index too.
    command.arg("--no-optional-locks").arg("-C").arg(root);
    command
}

/// What a command prints on one line; `None` where it fails or prints nothing.
fn output(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.lines().next().map(str::to_owned)
}
