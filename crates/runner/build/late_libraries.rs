//! CUDA's libraries, found when they are first called rather than when the program starts.
//!
//! Candle links them the usual way, and such a program dies in the loader (exit code 127) on a machine without NVIDIA's driver. Here each
//! of them becomes a static archive of the same name that has the same functions: each jumps through a table whose entry is filled by
//! `dlopen` and `dlsym` at the first call (`late_libraries.c`). Cargo puts folders of its own before those of the toolkit, so the linker
//! takes the archives. Without the library every call returns an error code, which the program can explain.
//!
//! For Linux on x86-64 with glibc. Elsewhere, and for `cudnn` and `nccl`, linking stays as Candle does it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// Where toolkits say they are, as cudarc reads it.
const VARIABLES: [&str; 4] = ["CUDA_HOME", "CUDA_PATH", "CUDA_ROOT", "CUDA_TOOLKIT_ROOT_DIR"];
/// Where they are else.
const PLACES: [&str; 4] = ["/usr/local/cuda", "/opt/cuda", "/usr/lib/cuda", "/usr"];

/// A library that is opened late.
struct Library {
    name: &'static str,
    /// What is opened, less the toolkit's major version where `is_versioned`.
    file: &'static str,
    is_versioned: bool,
    /// What its functions are called and where they are declared.
    prefix: &'static str,
    headers: &'static [&'static str],
    /// What a call returns without the library, and without the function in it.
    missing: u32,
    outdated: u32,
}

const LIBRARIES: [Library; 5] = [
    Library {
        name: "cuda",
        file: "libcuda.so.1",
        is_versioned: false,
        prefix: "cu",
        headers: &["cuda.h", "cudaProfilerTypedefs.h"],
        missing: 34,  // CUDA_ERROR_STUB_LIBRARY: there is no driver behind this library
        outdated: 36, // CUDA_ERROR_CALL_REQUIRES_NEWER_DRIVER
    },
    Library {
        name: "cublas",
        file: "libcublas.so.",
        is_versioned: true,
        prefix: "cublas",
        headers: &["cublas_api.h", "cublas_v2.h"],
        missing: 1,   // CUBLAS_STATUS_NOT_INITIALIZED
        outdated: 15, // CUBLAS_STATUS_NOT_SUPPORTED
    },
    Library {
        name: "cublasLt",
        file: "libcublasLt.so.",
        is_versioned: true,
        prefix: "cublasLt",
        headers: &["cublasLt.h"],
        missing: 1,
        outdated: 15,
    },
    Library {
        name: "curand",
        file: "libcurand.so.10",
        is_versioned: false,
        prefix: "curand",
        headers: &["curand.h"],
        missing: 203,  // CURAND_STATUS_INITIALIZATION_FAILED
        outdated: 100, // CURAND_STATUS_VERSION_MISMATCH
    },
    Library {
        name: "nvrtc",
        file: "libnvrtc.so.",
        is_versioned: true,
        prefix: "nvrtc",
        headers: &["nvrtc.h"],
        missing: 7, // NVRTC_ERROR_BUILTIN_OPERATION_FAILURE
        outdated: 7,
    },
];

/// Makes the archives and tells Cargo about them. Does nothing where there is no toolkit: then nothing is linked either.
pub(super) fn build() -> io::Result<()> {
    println!("cargo:rerun-if-changed=build/late_libraries.rs");
    println!("cargo:rerun-if-changed=build/late_libraries.c");
    for variable in VARIABLES {
        println!("cargo:rerun-if-env-changed={variable}");
    }
    let target = ["OS", "ARCH", "ENV"].map(|part| env::var(format!("CARGO_CFG_TARGET_{part}")).unwrap_or_default());
    let Some(toolkit) = toolkit().filter(|_| target == ["linux", "x86_64", "gnu"]) else { return Ok(()) };
    let header = fs::read_to_string(toolkit.join("include/cuda.h"))?;
    let Some(version) = version(&header) else { return Ok(()) };
    println!("cargo:rustc-env=RELUMINE_CUDA_VERSION={version}");

    let folder = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("late");
    for library in &LIBRARIES {
        archive(library, &toolkit, version / 1000, &folder)?;
    }
    // NVIDIA's own static runtime opens the driver late by itself.
    let runtime =
        ["lib64", "lib", "targets/x86_64-linux/lib", "lib/x86_64-linux-gnu"].map(|part| toolkit.join(part).join("libcudart_static.a"));
    if let Some(runtime) = runtime.iter().find(|path| path.is_file()) {
        fs::copy(runtime, folder.join("libcudart.a"))?;
    }
    println!("cargo:rustc-link-search=native={}", folder.display());
    Ok(())
}

fn toolkit() -> Option<PathBuf> {
    let on_path = env::split_paths(&env::var_os("PATH").unwrap_or_default())
        .find(|folder| folder.join("nvcc").is_file())
        .and_then(|folder| folder.canonicalize().ok()?.parent().map(Path::to_owned));
    let named = VARIABLES.iter().filter_map(env::var_os).map(PathBuf::from);
    named.chain(on_path).chain(PLACES.map(PathBuf::from)).find(|folder| folder.join("include/cuda.h").is_file())
}

/// `CUDA_VERSION`: 13000 is 13.0.
fn version(header: &str) -> Option<u32> {
    let line = header.lines().find_map(|line| line.strip_prefix("#define CUDA_VERSION "))?;
    line.trim().parse().ok()
}

/// `lib<name>.a` in `folder`.
fn archive(library: &Library, toolkit: &Path, major: u32, folder: &Path) -> io::Result<()> {
    let mut functions = BTreeSet::new();
    for header in library.headers {
        // Which headers there are differs between versions.
        if let Ok(text) = fs::read_to_string(toolkit.join("include").join(header)) {
            functions.extend(names(&text, library.prefix));
        }
    }
    if functions.is_empty() {
        return Err(io::Error::other(format!("{} declares nothing in {}", library.headers[0], toolkit.display())));
    }
    fs::create_dir_all(folder)?;
    let assembly = folder.join(format!("{}.s", library.name));
    fs::write(&assembly, trampolines(library.name, &functions))?;
    let file = if library.is_versioned { format!("{}{major}", library.file) } else { library.file.to_owned() };
    cc::Build::new()
        .file(&assembly)
        .file("build/late_libraries.c")
        .define("LIBRARY", library.name)
        .define("FILE_NAME", format!("\"{file}\"").as_str())
        .define("TOOLKIT", format!("\"cu{major}\"").as_str())
        .define("MISSING", library.missing.to_string().as_str())
        .define("OUTDATED", library.outdated.to_string().as_str())
        .opt_level(2)
        .cargo_metadata(false)
        .out_dir(folder)
        .try_compile(library.name)
        .map_err(io::Error::other)
}

/// Every word of `text` that begins as a function of the library does: a prefix and a capital. Types among them do no harm.
fn names(text: &str, prefix: &str) -> Vec<String> {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    let is_name = |word: &&str| word.strip_prefix(prefix).is_some_and(|rest| rest.starts_with(|letter: char| letter.is_ascii_uppercase()));
    words.filter(is_name).map(str::to_owned).collect()
}

/// Assembly: a table of addresses, one of names, and for each name a function that jumps through the table or to the resolver.
fn trampolines(library: &str, functions: &BTreeSet<String>) -> String {
    let mut text = format!(".data\n.balign 8\n.globl late_table_{library}\nlate_table_{library}:\n.zero {}\n", 8 * functions.len());
    text += ".section .rodata\n";
    for (index, function) in functions.iter().enumerate() {
        let _ = writeln!(text, ".Lname{index}: .string \"{function}\"");
    }
    let _ = writeln!(text, ".section .data.rel.ro,\"aw\"\n.balign 8\n.globl late_names_{library}\nlate_names_{library}:");
    for index in 0..functions.len() {
        let _ = writeln!(text, ".quad .Lname{index}");
    }
    text += ".text\n";
    for (index, function) in functions.iter().enumerate() {
        let offset = 8 * index;
        let _ = writeln!(
            text,
            ".balign 16\n.globl {function}\n.type {function},@function\n{function}:\n endbr64\n movq late_table_{library}+{offset}(%rip), %r11\n \
             testq %r11, %r11\n jz 1f\n jmp *%r11\n1: movl ${index}, %r11d\n jmp .Lresolve\n.size {function}, .-{function}"
        );
    }
    text + &RESOLVE.replace("LIBRARY", library)
}

/// Keeps the arguments of the call (System V: six registers, eight vectors, and the count of vectors in al) while the resolver runs.
const RESOLVE: &str = "
.Lresolve:
 .cfi_startproc
 pushq %rdi
 pushq %rsi
 pushq %rdx
 pushq %rcx
 pushq %r8
 pushq %r9
 pushq %rax
 subq $128, %rsp
 .cfi_adjust_cfa_offset 184
 movups %xmm0, 0(%rsp)
 movups %xmm1, 16(%rsp)
 movups %xmm2, 32(%rsp)
 movups %xmm3, 48(%rsp)
 movups %xmm4, 64(%rsp)
 movups %xmm5, 80(%rsp)
 movups %xmm6, 96(%rsp)
 movups %xmm7, 112(%rsp)
 movl %r11d, %edi
 call late_resolve_LIBRARY
 movq %rax, %r11
 movups 0(%rsp), %xmm0
 movups 16(%rsp), %xmm1
 movups 32(%rsp), %xmm2
 movups 48(%rsp), %xmm3
 movups 64(%rsp), %xmm4
 movups 80(%rsp), %xmm5
 movups 96(%rsp), %xmm6
 movups 112(%rsp), %xmm7
 addq $128, %rsp
 popq %rax
 popq %r9
 popq %r8
 popq %rcx
 popq %rdx
 popq %rsi
 popq %rdi
 .cfi_adjust_cfa_offset -184
 jmp *%r11
 .cfi_endproc
.section .note.GNU-stack,\"\",@progbits
";
