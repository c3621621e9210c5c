//! Compiles the CUDA kernels where the `cuda` feature asks for them, and links the library of dense products that a feature names.

use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::{env, fs};

const FOLDER: &str = "src/gpu";

/// Machine code for compute capabilities 8.0 and 9.0, and text that the driver compiles for what came later.
const ARCHITECTURES: [&str; 3] = ["arch=compute_80,code=sm_80", "arch=compute_90,code=sm_90", "arch=compute_80,code=compute_80"];

fn main() -> ExitCode {
    println!("cargo:rerun-if-changed=build.rs");
    link_library();
    if env::var_os("CARGO_FEATURE_CUDA").is_none() {
        return ExitCode::SUCCESS;
    }
    match compile() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("cargo::error={}", error.replace('\n', "; "));
            ExitCode::FAILURE
        }
    }
}

/// The features and what they link.
fn link_library() {
    println!("cargo:rerun-if-env-changed=RELUMINE_BLAS");
    let blas = env::var("RELUMINE_BLAS").unwrap_or_else(|_| "openblas".into());
    let libraries = [("ONEDNN", "dylib=dnnl"), ("ACCELERATE", "framework=Accelerate"), ("BLAS", &format!("dylib={blas}"))];
    let mut asked = libraries.into_iter().filter(|(feature, _)| env::var_os(format!("CARGO_FEATURE_{feature}")).is_some());
    // Of several the first: a workspace may have all features on at once.
    if let Some((_, library)) = asked.next() {
        println!("cargo:rustc-link-lib={library}");
    }
}

fn compile() -> Result<(), String> {
    let sources = fs::read_dir(FOLDER).map_err(|error| format!("{FOLDER}: {error}"))?;
    for source in sources.flatten().map(|entry| entry.path()) {
        if source.extension().is_some_and(|extension| extension == "cu" || extension == "cuh") {
            println!("cargo:rerun-if-changed={}", source.display());
        }
    }
    for variable in ["NVCC", "CUDA_HOME", "NVCC_APPEND_FLAGS"] {
        println!("cargo:rerun-if-env-changed={variable}");
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo gave no OUT_DIR")?).join("kernels.fatbin");
    let nvcc = nvcc();
    let architectures = ARCHITECTURES.iter().flat_map(|architecture| ["-gencode", architecture]);
    // Warnings are errors, and arithmetic is IEEE 754's: no flag for fast math.
    let flags = ["-std=c++17", "-O3", "--Werror", "all-warnings", "-Xfatbin=-compress-all", "-fatbin", "-o"];
    let output = Command::new(&nvcc).args(architectures).args(flags).arg(&out).arg(format!("{FOLDER}/kernels.cu")).output();
    let output = output.map_err(|error| {
        format!("{}: {error}: install NVIDIA's CUDA toolkit, or run: eval \"$(scripts/cuda-toolkit --exports)\"", nvcc.display())
    })?;
    if output.status.success() { Ok(()) } else { Err(format!("nvcc refused the kernels: {}", String::from_utf8_lossy(&output.stderr))) }
}

/// What `NVCC` names, that of `CUDA_HOME`, or the one on the path.
fn nvcc() -> PathBuf {
    let home = |variable: &str| env::var_os(variable).map(|home| PathBuf::from(home).join("bin/nvcc")).filter(|nvcc| nvcc.exists());
    let named = env::var_os("NVCC").map(PathBuf::from);
    named.or_else(|| home("CUDA_HOME")).or_else(|| home("CUDA_PATH")).unwrap_or_else(|| "nvcc".into())
}
