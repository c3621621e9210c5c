//! What a run ran on.

use serde::Serialize;
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

/// `environment.json`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Environment {
    /// This program's version.
    pub version: String,
    /// Candle's version.
    pub candle: String,
    /// The compiler that built this program, such as `rustc 1.95.0 (..)`.
    pub rustc: Option<&'static str>,
    /// `release` or `debug`.
    pub profile: Option<&'static str>,
    /// Cargo features that it was built with.
    pub features: Vec<&'static str>,
    /// The commit that it was built from; `None` where it was not built in its git repository.
    pub git_commit: Option<&'static str>,
    /// Whether its sources differed from that commit when it was built.
    pub git_dirty: Option<bool>,
    /// Operating system and architecture.
    pub platform: String,
    /// The operating system's name and version.
    pub os: Option<String>,
    /// The kernel's version.
    pub kernel: Option<String>,
    /// The processor's name.
    pub cpu: String,
    /// Logical cores that the process may use.
    pub cores: usize,
    /// The machine's memory, in MiB.
    pub memory_mb: Option<u64>,
    /// The vector instructions that matter to matrix products.
    pub simd: Vec<String>,
    /// The instruction set that the fused step's kernels take on the CPU.
    pub isa: String,
    /// The library that does the fused step's dense products on the CPU, where one does.
    pub library: Option<&'static str>,
    /// CPU threads used.
    pub threads: usize,
    /// The device, such as `cpu`.
    pub device: String,
    /// Why that device.
    pub device_reason: String,
}

/// This program's version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The version of Candle that the workspace pins.
pub const CANDLE: &str = "0.11.1";

impl Environment {
    /// Looks at this machine.
    #[must_use]
    pub fn probe(device: &str, device_reason: &str) -> Self {
        Self {
            version: VERSION.into(),
            candle: CANDLE.into(),
            rustc: option_env!("RELUMINE_RUSTC"),
            profile: option_env!("RELUMINE_PROFILE"),
            features: features(),
            git_commit: option_env!("RELUMINE_COMMIT"),
            git_dirty: option_env!("RELUMINE_DIRTY").map(|dirty| dirty == "true"),
            platform: format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH),
            os: System::long_os_version().ok(),
            kernel: System::kernel_version().ok(),
            cpu: cpu_name(),
            cores: cores(),
            memory_mb: memory_bytes().map(|bytes| bytes >> 20),
            simd: simd().into_iter().map(Into::into).collect(),
            isa: relumine_kernels::Isa::current().name().into(),
            library: relumine_kernels::product::LIBRARY,
            threads: crate::threads::count(),
            device: device.into(),
            device_reason: device_reason.into(),
        }
    }
}

/// The Cargo features that change what the program can do or how it computes.
fn features() -> Vec<&'static str> {
    let features = [
        ("hub", cfg!(feature = "hub")),
        ("cuda", cfg!(feature = "cuda")),
        ("cudnn", cfg!(feature = "cudnn")),
        ("nccl", cfg!(feature = "nccl")),
        ("metal", cfg!(feature = "metal")),
        ("accelerate", cfg!(feature = "accelerate")),
        ("mkl", cfg!(feature = "mkl")),
        ("blas", cfg!(feature = "blas")),
        ("onednn", cfg!(feature = "onednn")),
    ];
    features.into_iter().filter_map(|(name, is_on)| is_on.then_some(name)).collect()
}

/// The processor's name.
#[must_use]
pub fn cpu_name() -> String {
    let system = System::new_with_specifics(RefreshKind::nothing().with_cpu(CpuRefreshKind::nothing())).ok();
    let name = system.as_ref().and_then(|system| system.cpus().first()).map(|cpu| cpu.brand().trim().to_owned());
    name.unwrap_or_else(|| "unknown".into())
}

/// The machine's memory; `None` where the system does not tell.
#[must_use]
pub fn memory_bytes() -> Option<u64> {
    let system = System::new_with_specifics(RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram())).ok()?;
    Some(system.total_memory()).filter(|bytes| *bytes > 0)
}

/// Logical cores that this process may use.
#[must_use]
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The vector instructions of this processor that matter to matrix products.
#[cfg(target_arch = "x86_64")]
#[must_use]
pub fn simd() -> Vec<&'static str> {
    let features = [
        ("avx2", is_x86_feature_detected!("avx2")),
        ("fma", is_x86_feature_detected!("fma")),
        ("avx512f", is_x86_feature_detected!("avx512f")),
    ];
    features.into_iter().filter_map(|(name, found)| found.then_some(name)).collect()
}

/// The vector instructions of this processor that matter to matrix products.
#[cfg(not(target_arch = "x86_64"))]
#[must_use]
pub fn simd() -> Vec<&'static str> {
    if cfg!(target_arch = "aarch64") { vec!["neon"] } else { Vec::new() }
}

/// The largest resident memory this process has had, in MiB.
#[cfg(unix)]
#[must_use]
pub fn peak_rss_mb() -> Option<f64> {
    use nix::sys::resource::{UsageWho, getrusage};
    let peak = getrusage(UsageWho::RUSAGE_SELF).ok()?.max_rss() as f64;
    // Bytes on Apple's systems, KiB elsewhere.
    Some(if cfg!(target_vendor = "apple") { peak / 1_048_576.0 } else { peak / 1024.0 })
}

/// The largest resident memory this process has had, in MiB.
#[cfg(not(unix))]
#[must_use]
pub fn peak_rss_mb() -> Option<f64> {
    None
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_recorded_candle_is_the_one_in_the_lock_file() {
        let lock = include_str!("../../../Cargo.lock");
        assert!(lock.contains(&format!("name = \"candle-core\"\nversion = \"{}\"", super::CANDLE)));
    }
}
