//! NVIDIA's kernel driver, as Linux shows it in files: can be told without CUDA.

use std::path::Path;

/// The driver and the GPUs that it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NvidiaDriver {
    /// Such as `580.95.05`.
    pub version: String,
    /// The models of its GPUs, such as `NVIDIA H100 80GB HBM3`; none where the system hides them, as some containers do.
    pub gpus: Vec<String>,
}

impl NvidiaDriver {
    /// The driver of this machine; `None` where there is none, and on systems other than Linux.
    #[must_use]
    pub fn find() -> Option<Self> {
        Self::find_in(Path::new("/proc/driver/nvidia"))
    }

    fn find_in(folder: &Path) -> Option<Self> {
        let text = std::fs::read_to_string(folder.join("version")).ok()?;
        let version = text.lines().next()?.split_whitespace().find(|word| is_version(word))?.to_owned();
        let mut gpus: Vec<String> =
            std::fs::read_dir(folder.join("gpus")).into_iter().flatten().flatten().filter_map(|gpu| model(&gpu.path())).collect();
        gpus.sort();
        Some(Self { version, gpus })
    }
}

impl std::fmt::Display for NvidiaDriver {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.gpus.as_slice() {
            [] => write!(formatter, "NVIDIA's driver {}", self.version),
            gpus => write!(formatter, "{} with driver {}", gpus.join(", "), self.version),
        }
    }
}

/// Digits and points, and two of each at least: 580.95.05 or 575.51.
fn is_version(word: &str) -> bool {
    word.contains('.') && word.split('.').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}

/// `Model:` in a GPU's `information`.
fn model(folder: &Path) -> Option<String> {
    let text = std::fs::read_to_string(folder.join("information")).ok()?;
    text.lines().find_map(|line| line.strip_prefix("Model:")).map(|model| model.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first lines of `/proc/driver/nvidia/version` of both kinds of kernel module.
    const OPEN: &str =
        "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build  (dvs-builder@U22)\nGCC version: gcc 12.3.0\n";
    const CLOSED: &str =
        "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5 22:23:56 UTC 2024\nGCC version: gcc 12.3.0\n";

    #[test]
    fn version_and_models_are_read_from_both_kinds_of_driver() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(NvidiaDriver::find_in(folder.path()), None);
        std::fs::write(folder.path().join("version"), CLOSED).unwrap();
        assert_eq!(NvidiaDriver::find_in(folder.path()).unwrap().to_string(), "NVIDIA's driver 550.54.15");
        std::fs::write(folder.path().join("version"), OPEN).unwrap();
        let gpu = folder.path().join("gpus/0000:0a:00.0");
        std::fs::create_dir_all(&gpu).unwrap();
        std::fs::write(gpu.join("information"), "Model: \t\t NVIDIA H100 80GB HBM3\nIRQ:   \t\t 18\n").unwrap();
        assert_eq!(NvidiaDriver::find_in(folder.path()).unwrap().to_string(), "NVIDIA H100 80GB HBM3 with driver 580.95.05");
    }

    #[test]
    fn a_file_without_a_version_is_no_driver() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("version"), "NVRM version: none.\n").unwrap();
        assert_eq!(NvidiaDriver::find_in(folder.path()), None);
    }
}
