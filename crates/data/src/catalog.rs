//! Data sets by name or path, and where their files are looked for.

use crate::fetch::download;
use crate::hub_address::HubAddress;
use crate::{DataError, ReadOptions, Source, digits, formats, idx, images};
use std::path::{Path, PathBuf};

/// Names the folder of MNIST's IDX files.
pub(crate) const MNIST_VARIABLE: &str = "RELUMINE_MNIST";
/// Names the folder for downloaded data; by default `relumine` in the user's cache folder.
pub(crate) const CACHE_VARIABLE: &str = "RELUMINE_CACHE";

/// A data set that has a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// As `--data` and `data.name` spell it.
    pub name: &'static str,
    /// What it is.
    pub description: &'static str,
    /// Under which terms it is published.
    pub licence: &'static str,
    /// The repository on the Hugging Face hub; `None` for the embedded set.
    pub hub: Option<&'static str>,
    /// Train and test rows as published; all rows of a set without test rows of its own come first.
    pub rows: [u64; 2],
    /// The size of its files in bytes, unpacked.
    pub bytes: u64,
}

/// Four IDX files of 70,000 images of 28 x 28 and their labels, with their headers.
const IDX_BYTES: u64 = 70_000 * (28 * 28 + 1) + 2 * 16 + 2 * 8;

pub(crate) const ENTRIES: [Entry; 3] = [
    Entry {
        name: "digits",
        description: "1,797 handwritten digits, 8x8, 10 classes (Alpaydin and Kaynak, UCI)",
        licence: "CC BY 4.0",
        hub: None,
        rows: [1_797, 0],
        bytes: 1_797 * 65,
    },
    Entry {
        name: "mnist",
        description: "70,000 handwritten digits, 28x28, 10 classes (LeCun, Cortes and Burges)",
        licence: "MIT, as on the hub",
        hub: Some("ylecun/mnist"),
        rows: [60_000, 10_000],
        bytes: IDX_BYTES,
    },
    Entry {
        name: "fashion-mnist",
        description: "70,000 articles of clothing, 28x28, 10 classes (Xiao, Rasul and Vollgraf)",
        licence: "MIT",
        hub: Some("zalando-datasets/fashion_mnist"),
        rows: [60_000, 10_000],
        bytes: IDX_BYTES,
    },
];

/// Where data is found on this machine.
#[derive(Clone, Debug)]
pub struct Catalog {
    mnist: Option<PathBuf>,
    pub(crate) cache: Option<PathBuf>,
}

impl Catalog {
    /// The places that the environment names: `RELUMINE_MNIST` and `RELUMINE_CACHE`.
    #[must_use]
    pub fn from_environment() -> Self {
        let folder = |variable| std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from);
        Self { mnist: folder(MNIST_VARIABLE), cache: folder(CACHE_VARIABLE).or_else(|| Some(dirs::cache_dir()?.join("relumine"))) }
    }

    /// Every data set that has a name.
    #[must_use]
    pub fn entries(&self) -> &'static [Entry] {
        &ENTRIES
    }

    /// Whether `name` is a data set's, and so no path.
    #[must_use]
    pub fn is_name(name: &str) -> bool {
        ENTRIES.iter().any(|entry| entry.name == name)
    }

    /// The folder where `entry`'s files are or would be; `None` for the embedded set, or where there is no cache folder.
    #[must_use]
    pub fn folder(&self, entry: &Entry) -> Option<PathBuf> {
        entry.hub?;
        match (&self.mnist, entry.name) {
            (Some(folder), "mnist") => Some(folder.clone()),
            _ => Some(self.cache.as_ref()?.join(entry.name)),
        }
    }

    /// Whether `entry` can be opened without a network.
    #[must_use]
    pub fn is_available(&self, entry: &Entry) -> bool {
        entry.hub.is_none() || self.folder(entry).is_some_and(|folder| idx::is_whole(&folder))
    }

    /// Opens a data set by name (`digits`, `mnist`, `fashion-mnist`; downloaded once if need be), or the file or folder of that path in any
    /// format that is known.
    ///
    /// # Errors
    /// A name or path that does not exist, and everything that can be wrong with the files.
    pub fn open(&self, name: &str, options: &ReadOptions) -> Result<Source, DataError> {
        self.read(name, options).map_err(|error| match error {
            DataError::Download { name, reason, remedy } if Self::is_name(&name) => {
                DataError::Download { name, reason, remedy: format!("{remedy}, or use --data digits, which needs no network") }
            }
            error => error,
        })
    }

    /// As [`Catalog::open`], for callers that have no use for other data.
    pub(crate) fn read(&self, name: &str, options: &ReadOptions) -> Result<Source, DataError> {
        let path = Path::new(name);
        if name.trim().is_empty() {
            let names = ENTRIES.map(|entry| entry.name).join(", ");
            let remedy = format!("give one of {names}, a file or a folder");
            return Err(DataError::setting("data.name", format!("{name:?}"), "names no data", remedy));
        }
        if let Some(address) = HubAddress::parse(name)? {
            let folder = self.fetch_address(&address, options)?.folder;
            return Ok(Source { name: address.to_string(), ..formats::open(&folder, name, options)? });
        }
        if let Some(entry) = ENTRIES.iter().find(|entry| entry.name == name) {
            formats::check_settings(name, options, false, entry.hub.is_some())?;
            images::check_settings(name, options)?;
            return match self.folder(entry) {
                None if entry.hub.is_none() => digits::digits(),
                Some(folder) if self.is_mnist_variable(&folder) => {
                    idx::read_folder(&folder, name, options.num_classes).map_err(|error| of_variable(&folder, error))
                }
                Some(folder) if idx::is_whole(&folder) => idx::read_folder(&folder, name, options.num_classes),
                folder => {
                    let folder = download(entry, folder.as_deref(), options.offline)?;
                    idx::read_folder(&folder, name, options.num_classes)
                }
            };
        }
        let shown = path.file_name().map_or_else(|| name.to_owned(), |file| file.to_string_lossy().into_owned());
        if path.is_dir() || path.is_file() {
            Ok(Source { name: shown, ..formats::open(path, name, options)? })
        } else {
            let names = ENTRIES.map(|entry| entry.name).join(", ");
            let remedy = format!("give one of {names}, or {}", formats::KNOWN);
            let reason = if path.exists() { "it is neither a file nor a folder" } else { "there is no such data set, file or folder" };
            Err(DataError::unreadable(path, reason, remedy))
        }
    }

    /// A folder that the user named is read as it is, so that what is wrong with it is said; it is never downloaded into.
    fn is_mnist_variable(&self, folder: &Path) -> bool {
        self.mnist.as_deref() == Some(folder)
    }
}

/// What cannot be read in the folder that `RELUMINE_MNIST` names: the fault is the variable's as often as the file's.
fn of_variable(folder: &Path, error: DataError) -> DataError {
    let DataError::Unreadable { path, reason, .. } = error else { return error };
    let remedy = format!("unset {MNIST_VARIABLE} to have MNIST fetched, or set it to the folder of the four IDX files");
    if folder.is_dir() {
        return DataError::unreadable(&path, format!("{MNIST_VARIABLE} names its folder, and {reason}"), remedy);
    }
    let problem = if folder.exists() { "it is no folder" } else { "there is no such folder" };
    DataError::unreadable(folder, format!("{MNIST_VARIABLE} names it, and {problem}"), remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let catalog = Catalog { mnist: None, cache: None };
        let message = catalog.open("mnits", &ReadOptions::default()).unwrap_err().to_string();
        assert!(message.contains("mnits") && message.contains("digits, mnist, fashion-mnist"), "{message}");
    }

    #[test]
    fn an_empty_name_is_a_setting_that_names_nothing() {
        let catalog = Catalog { mnist: None, cache: None };
        for name in ["", " "] {
            let error = catalog.open(name, &ReadOptions::default()).unwrap_err();
            assert!(matches!(error, DataError::Setting { key: "data.name", .. }), "{error}");
        }
    }

    #[test]
    fn a_folder_named_for_mnist_is_never_downloaded_into() {
        let empty = tempfile::tempdir().unwrap();
        let catalog = Catalog { mnist: Some(empty.path().to_owned()), cache: None };
        let message = catalog.open("mnist", &ReadOptions::default()).unwrap_err().to_string();
        assert!(message.contains("train-images-idx3-ubyte") && message.contains("there is no such file"), "{message}");
        assert_eq!(std::fs::read_dir(empty.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_folder_named_for_mnist_that_is_wrong_is_told_with_the_variable() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let missing = "train-images-idx3-ubyte: RELUMINE_MNIST names its folder, and there is no such file";
        for (path, expected) in [
            (folder.path().to_owned(), missing),
            (folder.path().join("typo"), "typo: RELUMINE_MNIST names it, and there is no such folder"),
            (file, "file: RELUMINE_MNIST names it, and it is no folder"),
        ] {
            let catalog = Catalog { mnist: Some(path), cache: None };
            let message = catalog.open("mnist", &ReadOptions::default()).unwrap_err().to_string();
            assert!(message.contains(expected) && message.contains("unset RELUMINE_MNIST to have MNIST fetched"), "{message}");
        }
    }

    #[test]
    fn what_cannot_be_fetched_is_replaced_only_where_other_data_will_do() {
        let cache = tempfile::tempdir().unwrap();
        let catalog = Catalog { mnist: None, cache: Some(cache.path().to_owned()) };
        let offline = ReadOptions { offline: true, ..ReadOptions::default() };
        let advice = "or use --data digits, which needs no network";
        let message = catalog.open("mnist", &offline).unwrap_err().to_string();
        assert!(message.ends_with(&format!("or point RELUMINE_MNIST at a folder that has them, {advice}")), "{message}");
        for error in [catalog.fetch("mnist", &offline).unwrap_err(), catalog.verify("mnist", &offline).unwrap_err()] {
            let message = error.to_string();
            assert!(message.ends_with("or point RELUMINE_MNIST at a folder that has them"), "{message}");
        }
    }

    #[test]
    fn data_is_called_by_its_path_in_errors_and_by_its_name_in_results() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog { mnist: None, cache: None };
        let open = |text: &str| {
            let path = folder.path().join("t.csv");
            std::fs::write(&path, text).unwrap();
            catalog.open(path.to_str().unwrap(), &ReadOptions::default()).map_err(|error| error.to_string())
        };
        let path = folder.path().join("t.csv").display().to_string();
        let source = open("a,y\n1,0\n2,1\n").unwrap();
        assert_eq!((&*source.name, &source.given), ("t.csv", &path));
        for (text, expected) in [("a,y\n1,0\n2,0\n", "has rows of one class only"), ("a,y\n", "has no rows")] {
            let message = open(text).unwrap_err();
            assert!(message.starts_with(&format!("{path} {expected}")), "{message}");
        }
    }

    #[test]
    fn a_part_of_a_download_is_not_the_set() {
        let cache = tempfile::tempdir().unwrap();
        let folder = cache.path().join("mnist");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join(idx::TRAIN[0]), b"").unwrap();
        let catalog = Catalog { mnist: None, cache: Some(cache.path().to_owned()) };
        let entry = ENTRIES.iter().find(|entry| entry.name == "mnist").unwrap();
        assert!(!catalog.is_available(entry));
        let message = catalog.open("mnist", &ReadOptions { offline: true, ..ReadOptions::default() }).unwrap_err().to_string();
        assert!(message.contains("mnist") && !message.contains("there is no such file"), "{message}");
    }
}
