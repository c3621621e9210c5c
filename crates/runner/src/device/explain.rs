//! What CUDA's error codes mean, in sentences.

use super::Unavailable;

/// Codes, what has happened, and what to do. `{driver}`, `{major}` and `{places}` are filled in.
type Meaning = (&'static [&'static str], &'static str, &'static str);

const MEANINGS: [Meaning; 14] = [
    (
        &["CUDA_ERROR_STUB_LIBRARY"],
        "NVIDIA's driver is not there (no libcuda.so.1)",
        "install it, so that nvidia-smi lists the GPU, or use --device cpu",
    ),
    (
        &["CUDA_ERROR_NO_DEVICE"],
        "the driver finds no GPU",
        "see what nvidia-smi lists and what CUDA_VISIBLE_DEVICES hides, or use --device cpu",
    ),
    (
        &["CUDA_ERROR_INVALID_DEVICE"],
        "there is no CUDA device of that number",
        "relumine devices lists those there are, counted from 0; CUDA_VISIBLE_DEVICES hides and renumbers them",
    ),
    (
        &[
            "CUDA_ERROR_UNSUPPORTED_PTX_VERSION",
            "CUDA_ERROR_CALL_REQUIRES_NEWER_DRIVER",
            "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH",
            "CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE",
            "CURAND_STATUS_VERSION_MISMATCH",
        ],
        "NVIDIA's driver is too old for this program",
        "update it to {driver}, or build with an older CUDA toolkit",
    ),
    (
        &["CUDA_ERROR_NO_BINARY_FOR_GPU", "CUDA_ERROR_INVALID_PTX", "CUBLAS_STATUS_ARCH_MISMATCH", "CURAND_STATUS_ARCH_MISMATCH"],
        "this program's kernels do not fit this GPU",
        "build with CUDA_COMPUTE_CAP set to the GPU's compute capability, such as 75 for 7.5, or use --device cpu",
    ),
    (
        &["CUDA_ERROR_JIT_COMPILER_NOT_FOUND"],
        "the driver's kernel compiler is not there (no libnvidia-ptxjitcompiler.so.1)",
        "install the whole driver; a container needs its compute libraries too",
    ),
    (
        &["CUBLAS_STATUS_NOT_INITIALIZED"],
        "cuBLAS was not found (libcublas.so.{major} and libcublasLt.so.{major}) or could not start",
        "install the CUDA {major} toolkit, or PyTorch for CUDA {major}; {places}",
    ),
    (
        &["CURAND_STATUS_INITIALIZATION_FAILED"],
        "cuRAND was not found (libcurand.so.10) or could not start",
        "install the CUDA {major} toolkit, or PyTorch for CUDA {major}; {places}",
    ),
    (
        &["CUDA_ERROR_OUT_OF_MEMORY", "CUBLAS_STATUS_ALLOC_FAILED", "CURAND_STATUS_ALLOCATION_FAILED"],
        "the GPU's memory is full",
        "nvidia-smi lists who holds it; lower train.batch_size or the model's widths, or take another device; what was saved is intact",
    ),
    (
        &["CUDA_ERROR_DEVICE_UNAVAILABLE"],
        "the GPU is reserved by another process",
        "wait for it or take another device: nvidia-smi lists who holds it and its compute mode",
    ),
    (
        &["CUDA_ERROR_NOT_PERMITTED", "CUDA_ERROR_MPS_CONNECTION_FAILED", "CUDA_ERROR_DEVICE_NOT_LICENSED"],
        "this process may not use the GPU",
        "see the rights of /dev/nvidia*, the container's GPU access and the GPU's licence, or use --device cpu",
    ),
    (
        &["CUDA_ERROR_ECC_UNCORRECTABLE", "CUDA_ERROR_NVLINK_UNCORRECTABLE", "CUDA_ERROR_HARDWARE_STACK_ERROR", "CUDA_ERROR_CONTAINED"],
        "the GPU reports a fault of its hardware",
        "reset or replace it; what was saved is intact: go on with relumine train --resume RUN on another device",
    ),
    (
        &[
            "CUDA_ERROR_UNKNOWN",
            "CUDA_ERROR_SYSTEM_NOT_READY",
            "CUDA_ERROR_EXTERNAL_DEVICE",
            "CUDA_ERROR_CONTEXT_IS_DESTROYED",
            "CUDA_ERROR_NOT_INITIALIZED",
            "CUDA_ERROR_DEINITIALIZED",
            "CUDA_ERROR_OPERATING_SYSTEM",
        ],
        "the GPU or its driver was lost or does not run",
        "see nvidia-smi and the system's log; what was saved is intact: go on with relumine train --resume RUN",
    ),
    (
        &[
            "CUDA_ERROR_ILLEGAL_ADDRESS",
            "CUDA_ERROR_ILLEGAL_INSTRUCTION",
            "CUDA_ERROR_MISALIGNED_ADDRESS",
            "CUDA_ERROR_LAUNCH_FAILED",
            "CUDA_ERROR_LAUNCH_TIMEOUT",
            "CUDA_ERROR_ASSERT",
            "CUBLAS_STATUS_EXECUTION_FAILED",
        ],
        "a kernel failed on the GPU, and nothing more can be computed there by this process",
        "what was saved is intact: go on with relumine train --resume RUN; if it comes again, it is a fault of this program to report",
    ),
];

/// Where the libraries of a toolkit are looked for: the order of `build/late_libraries.c`.
const PLACES: &str = "they are looked for on the loader's path, in $CUDA_LIB_DIR, in cuda/ beside this program, in $CUDA_HOME/lib64 and \
    /usr/local/cuda/lib64, and among the packages of $VIRTUAL_ENV and python3";

/// How cudarc introduces a code.
const WRAPPERS: [&str; 3] = ["DriverError(", "CublasError(", "CurandError("];

/// What an error of CUDA means; `None` for any other text, and for a code without a meaning here.
pub(super) fn explain(text: &str) -> Option<Unavailable> {
    let (_, code) = find_code(text)?;
    let (_, reason, remedy) = MEANINGS.iter().find(|(codes, ..)| codes.contains(&code))?;
    Some(Unavailable { reason: format!("{} [{code}]", filled(reason)), remedy: filled(remedy) })
}

/// The text with the code of CUDA in it, and what the code came with, replaced by what it means.
#[must_use]
pub fn explained(text: String) -> String {
    let Some((start, Unavailable { reason, remedy })) = find_code(&text).map(|(start, _)| start).zip(explain(&text)) else { return text };
    format!("{}{reason}; {remedy}", &text[..start])
}

/// The first code, and where its wrapper begins.
fn find_code(text: &str) -> Option<(usize, &str)> {
    WRAPPERS
        .iter()
        .filter_map(|wrapper| {
            let start = text.find(wrapper)?;
            let code = &text[start + wrapper.len()..];
            let end =
                code.find(|letter: char| !letter.is_ascii_uppercase() && !letter.is_ascii_digit() && letter != '_').unwrap_or(code.len());
            Some((start, &code[..end]))
        })
        .min_by_key(|(start, _)| *start)
}

fn filled(text: &str) -> String {
    let driver = minimum_driver(CUDA_VERSION)
        .map_or_else(|| "that of this program's CUDA or newer".to_owned(), |number| format!("{number} or newer"));
    let major = CUDA_VERSION.map_or(13, |version| version / 1000);
    text.replace("{driver}", &driver).replace("{major}", &major.to_string()).replace("{places}", PLACES)
}

/// The toolkit that built this program: 13000 is 13.0.
const CUDA_VERSION: Option<u32> = match option_env!("RELUMINE_CUDA_VERSION") {
    Some(text) => match u32::from_str_radix(text, 10) {
        Ok(version) => Some(version),
        Err(_) => None,
    },
    None => None,
};

/// The oldest driver that compiles the kernels of a toolkit's nvcc (the release notes' table of toolkit and driver versions, Linux).
fn minimum_driver(cuda_version: Option<u32>) -> Option<u32> {
    Some(match cuda_version? / 10 {
        1200 => 525,
        1201 => 530,
        1202 => 535,
        1203 => 545,
        1204 => 550,
        1205 => 555,
        1206 => 560,
        1208 => 570,
        1209 => 575,
        1300 => 580,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// As cudarc 0.19 prints it.
    fn driver_error(code: &str) -> String {
        format!("DriverError({code}, \"what the driver says\")")
    }

    #[test]
    fn a_wrong_number_a_full_gpu_and_a_lost_one_are_told_apart() {
        for (code, reason, remedy) in [
            ("CUDA_ERROR_INVALID_DEVICE", "no CUDA device of that number", "relumine devices"),
            ("CUDA_ERROR_OUT_OF_MEMORY", "memory is full", "train.batch_size"),
            ("CUDA_ERROR_UNKNOWN", "was lost", "--resume"),
            ("CUDA_ERROR_STUB_LIBRARY", "driver is not there", "--device cpu"),
            ("CUDA_ERROR_NO_DEVICE", "finds no GPU", "CUDA_VISIBLE_DEVICES"),
            ("CUDA_ERROR_UNSUPPORTED_PTX_VERSION", "too old", "update it"),
        ] {
            let unavailable = explain(&driver_error(code)).unwrap();
            assert!(unavailable.reason.contains(reason) && unavailable.reason.contains(code), "{}", unavailable.reason);
            assert!(unavailable.remedy.contains(remedy), "{}", unavailable.remedy);
        }
    }

    #[test]
    fn a_missing_library_is_named_with_the_places_to_put_it() {
        let cublas = explain("CublasError(CUBLAS_STATUS_NOT_INITIALIZED)").unwrap();
        assert!(cublas.reason.contains("libcublas.so.1") && cublas.remedy.contains("CUDA_LIB_DIR"), "{cublas:?}");
        let curand = explain("CurandError(CURAND_STATUS_INITIALIZATION_FAILED)").unwrap();
        assert!(curand.reason.contains("libcurand.so.10") && curand.remedy.contains("CUDA_LIB_DIR"), "{curand:?}");
    }

    #[test]
    fn every_code_has_one_meaning_and_no_blank_is_left() {
        let codes: Vec<_> = MEANINGS.iter().flat_map(|(codes, ..)| *codes).collect();
        assert_eq!(codes.len(), codes.iter().collect::<BTreeSet<_>>().len());
        for code in codes {
            let Unavailable { reason, remedy } = explain(&driver_error(code)).unwrap();
            assert!(!format!("{reason}{remedy}").contains(['{', '}', '\n']), "{reason}; {remedy}");
        }
    }

    #[test]
    fn the_text_around_a_code_stays_and_other_errors_stay_whole() {
        let text = format!("cannot train: {} when loading affine\n   0: a backtrace", driver_error("CUDA_ERROR_OUT_OF_MEMORY"));
        let told = explained(text);
        assert!(told.starts_with("cannot train: the GPU's memory is full [CUDA_ERROR_OUT_OF_MEMORY]; "), "{told}");
        assert!(!told.contains("backtrace"), "{told}");
        for text in ["cannot read a.csv: not there".to_owned(), driver_error("CUDA_ERROR_MADE_UP"), "DriverError(".to_owned()] {
            assert_eq!(explained(text.clone()), text);
        }
    }

    #[test]
    fn cuda_13_needs_driver_580() {
        assert_eq!(minimum_driver(Some(13000)), Some(580));
        assert_eq!(minimum_driver(Some(12080)), Some(570));
        assert_eq!(minimum_driver(None), None);
    }
}
