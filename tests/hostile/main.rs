//! Hostile files: whatever bytes a reader is given, it answers with a value or with the user's error, in bounded memory.
//!
//! `seeds/` has small valid files, which fuzzing starts from and which must be readable here. `inputs/` has what fuzzing (`scripts/fuzz`)
//! has found: each file in it once made its reader panic, hang, or take too much memory, and is read again by every `cargo test`.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stderr, reason = "a failure must say which file it was, even where the process dies")]
#![expect(unreachable_pub, reason = "the fuzz targets take these modules into a library")]

mod data;
mod memory;
mod runs;
mod scratch;

use data::Outcome;
use std::path::{Path, PathBuf};

#[global_allocator]
static ALLOCATOR: memory::Counted = memory::Counted;

type Reader = fn(&[u8]) -> Outcome;

/// Every reader, by the name of its folder in `seeds/` and `inputs/`, and of its fuzz target.
const READERS: [(&str, Reader); 11] = [
    ("table", data::table),
    ("idx", data::idx),
    ("npy", data::npy),
    ("npz", data::npz),
    ("parquet", data::parquet),
    ("image", data::image),
    ("recipe", runs::recipe),
    ("manifest", runs::manifest),
    ("model_json", runs::model_json),
    ("safetensors", runs::safetensors),
    ("init_from", runs::init_from),
];

/// The files in a folder beside this one; none where there is no such folder.
fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/hostile").join(folder);
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn whatever_fuzzing_found_is_an_error_or_a_value_and_takes_little_memory() {
    let mut count = 0;
    for (name, read) in READERS {
        for path in files(&format!("inputs/{name}")) {
            eprintln!("{}", path.display());
            let bytes = std::fs::read(&path).unwrap();
            if let Err(message) = memory::bounded(|| read(&bytes)) {
                assert!(!message.trim().is_empty(), "{}", path.display());
            }
            count += 1;
        }
    }
    assert!(count > 0, "tests/hostile/inputs is not where it was");
}

#[test]
fn what_fuzzing_starts_from_is_readable_and_cut_short_anywhere_it_does_no_harm() {
    for (name, read) in READERS {
        let seeds = files(&format!("seeds/{name}"));
        assert!(!seeds.is_empty(), "{name} has no seeds");
        let mut read_whole = 0;
        for path in seeds {
            let bytes = std::fs::read(&path).unwrap();
            read_whole += usize::from(memory::bounded(|| read(&bytes)).is_ok());
            for length in (0..bytes.len()).step_by(7) {
                let _ = memory::bounded(|| read(&bytes[..length]));
            }
        }
        assert!(read_whole > 0, "{name}: no seed can be read");
    }
}

#[test]
fn memory_is_counted() {
    // Far over the limit: another test may give a little back meanwhile.
    let result = std::panic::catch_unwind(|| memory::bounded(|| Vec::<u8>::with_capacity(2 * memory::MOST_BYTES).capacity()));
    assert!(result.is_err());
    assert_eq!(memory::bounded(|| Vec::<u8>::with_capacity(1000).capacity()), 1000);
}
