//! SHA-256 of files: of the published sets as they are inside (gzip or not), and of what was downloaded.

use crate::DataError;
use crate::bytes::{Contents, read_error};
use crate::idx;
use sha2::{Digest, Sha256};
use std::io::Read;
use std::path::{Path, PathBuf};

/// The file beside downloaded data that holds its checksums, in the format of `sha256sum`.
pub(crate) const SUMS_FILE: &str = "SHA256SUMS";

/// MNIST's IDX files, unpacked, by their names without `.gz`. Their MD5 are the well-known ones of LeCun's files unpacked
/// (6bbc9ace898e44ae57da46a324031adb, a25bea736e30d166cdddb491f175f624, 2646ac647ad5339dbf082846283269ea,
/// 27ae3e4e09519cfbb04c329615203637).
const MNIST: [(&str, &str); 4] = [
    (idx::TRAIN[0], "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
    (idx::TRAIN[1], "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
    (idx::TEST[0], "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
    (idx::TEST[1], "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
];

/// A file beside what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileCheck {
    /// The file.
    pub file: PathBuf,
    /// The SHA-256 of its contents, unpacked where it is gzip.
    pub sha256: String,
    /// What it should be; `None` where nothing is known.
    pub expected: Option<String>,
}

impl FileCheck {
    /// Whether it is what it should be, or nothing is known about it.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.expected.as_ref().is_none_or(|expected| *expected == self.sha256)
    }
}

/// The IDX files of `folder` beside what is known of the set `name`.
pub(crate) fn check_idx(folder: &Path, name: &str) -> Result<Vec<FileCheck>, DataError> {
    let known = |stem: &str| MNIST.iter().find(|(file, _)| name == "mnist" && *file == stem).map(|(_, sum)| (*sum).to_owned());
    let stems = idx::TRAIN.into_iter().chain(idx::TEST);
    let files = stems.filter_map(|stem| Some((idx::find(folder, stem)?, known(stem))));
    files.map(|(file, expected)| Ok(FileCheck { sha256: sha256_unpacked(&file)?, file, expected })).collect()
}

/// The files that the checksum file of `folder` lists; none where there is no such file.
pub(crate) fn check_listed(folder: &Path) -> Result<Vec<FileCheck>, DataError> {
    let path = folder.join(SUMS_FILE);
    let text = match std::fs::read_to_string(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        text => {
            text.map_err(|error| DataError::unreadable(&path, error, "make it readable, or fetch the data again into an empty folder"))?
        }
    };
    let check = |line: &str| {
        let damaged = || DataError::malformed(&path, "is no list of checksums", "fetch the data again into an empty folder");
        let (sum, file) = line.split_once("  ").ok_or_else(damaged)?;
        let file = folder.join(file);
        Ok(FileCheck { sha256: sha256(&file)?, file, expected: Some(sum.to_owned()) })
    };
    text.lines().filter(|line| !line.trim().is_empty()).map(check).collect()
}

/// The SHA-256 of a file as it lies on the disk.
pub(crate) fn sha256(path: &Path) -> Result<String, DataError> {
    let file =
        std::fs::File::open(path).map_err(|error| DataError::unreadable(path, error, "fetch the data again into an empty folder"))?;
    digest(path, Box::new(file), false)
}

fn sha256_unpacked(path: &Path) -> Result<String, DataError> {
    let (reader, is_gzip) = Contents::open(path)?.into_reader();
    digest(path, reader, is_gzip)
}

fn digest(path: &Path, mut reader: Box<dyn Read>, is_gzip: bool) -> Result<String, DataError> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match reader.read(&mut buffer).map_err(|error| read_error(path, is_gzip, &error))? {
            0 => return Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()),
            read => hasher.update(&buffer[..read]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `printf abc | sha256sum`, and FIPS 180-2, appendix B.1.
    #[test]
    fn sha256_is_the_standard_s() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("abc");
        std::fs::write(&path, "abc").unwrap();
        assert_eq!(sha256(&path).unwrap(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn listed_files_are_compared_and_missing_ones_named() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(check_listed(folder.path()).unwrap(), []);
        std::fs::write(folder.path().join("abc"), "abd").unwrap();
        let sum = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        std::fs::write(folder.path().join(SUMS_FILE), format!("{sum}  abc\n")).unwrap();
        let checks = check_listed(folder.path()).unwrap();
        assert_eq!((checks.len(), checks[0].holds(), checks[0].expected.as_deref()), (1, false, Some(sum)));
        std::fs::write(folder.path().join(SUMS_FILE), format!("{sum}  gone\n")).unwrap();
        assert!(check_listed(folder.path()).unwrap_err().to_string().contains("gone"));
    }

    #[test]
    fn a_list_that_cannot_be_read_is_no_empty_list() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(SUMS_FILE), b"\xff\xfe").unwrap();
        let message = check_listed(folder.path()).unwrap_err().to_string();
        assert!(message.contains(SUMS_FILE), "{message}");
    }
}
