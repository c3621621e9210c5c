//! Data sets by name or path, and where their files are looked for.

use crate::{DataError, Source, csv, digits, idx};
use std::path::{Path, PathBuf};

/// Names the folder of MNIST's IDX files.
const MNIST_VARIABLE: &str = "RELUMINE_MNIST";
/// Names the folder for downloaded data; by default `relumine` in the user's cache folder.
const CACHE_VARIABLE: &str = "RELUMINE_CACHE";

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
}

const ENTRIES: [Entry; 3] = [
    Entry {
        name: "digits",
        description: "1,797 handwritten digits, 8x8, 10 classes (Alpaydin and Kaynak, UCI)",
        licence: "CC BY 4.0",
        hub: None,
    },
    Entry {
        name: "mnist",
        description: "70,000 handwritten digits, 28x28, 10 classes (LeCun, Cortes and Burges)",
        licence: "MIT, as on the hub",
        hub: Some("ylecun/mnist"),
    },
    Entry {
        name: "fashion-mnist",
        description: "70,000 articles of clothing, 28x28, 10 classes (Xiao, Rasul and Vollgraf)",
        licence: "MIT",
        hub: Some("zalando-datasets/fashion_mnist"),
    },
];

/// Where data is found on this machine.
#[derive(Clone, Debug)]
pub struct Catalog {
    mnist: Option<PathBuf>,
    cache: Option<PathBuf>,
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
        entry.hub.is_none() || self.folder(entry).is_some_and(|folder| idx::is_idx_folder(&folder))
    }

    /// Opens a data set by name (`digits`, `mnist`, `fashion-mnist`; downloaded once if need be), an MNIST-format folder, or a CSV file.
    ///
    /// `label` names a table's class column; `num_classes` is for folders with other than 10 classes.
    ///
    /// # Errors
    /// A name or path that does not exist, and everything that can be wrong with the files.
    pub fn open(&self, name: &str, label: Option<&str>, num_classes: Option<usize>) -> Result<Source, DataError> {
        let path = Path::new(name);
        let is_table = path.is_file() && !Self::is_name(name);
        if let (false, Some(label)) = (is_table, label) {
            return Err(DataError::setting("data.label", format!("{label:?}"), format!("is for CSV files, not for {name}"), "remove it"));
        }
        if let (true, Some(classes)) = (is_table || name == "digits", num_classes) {
            let problem = format!("is for MNIST-format folders, not for {name}");
            return Err(DataError::setting("data.num_classes", classes, problem, "remove it"));
        }
        if let Some(entry) = ENTRIES.iter().find(|entry| entry.name == name) {
            return match self.folder(entry) {
                None if entry.hub.is_none() => digits::digits(),
                Some(folder) if idx::is_idx_folder(&folder) || self.is_mnist_variable(&folder) => {
                    idx::read_folder(&folder, name, num_classes)
                }
                folder => download(entry, folder.as_deref()),
            };
        }
        let shown = path.file_name().map_or_else(|| name.to_owned(), |file| file.to_string_lossy().into_owned());
        if path.is_dir() {
            idx::read_folder(path, &shown, num_classes)
        } else if is_table {
            csv::read_csv(path, &shown, label)
        } else {
            let names = ENTRIES.map(|entry| entry.name).join(", ");
            let remedy = format!("give an MNIST-format folder, a CSV file, or one of {names}");
            let reason = if path.exists() { "it is neither a file nor a folder" } else { "there is no such data set, file or folder" };
            Err(DataError::unreadable(path, reason, remedy))
        }
    }

    /// A folder that the user named is read as it is, so that what is wrong with it is said; it is never downloaded into.
    fn is_mnist_variable(&self, folder: &Path) -> bool {
        self.mnist.as_deref() == Some(folder)
    }
}

#[cfg(feature = "hub")]
fn download(entry: &Entry, folder: Option<&Path>) -> Result<Source, DataError> {
    let unavailable = |reason: String| DataError::Download { name: entry.name.into(), reason, remedy: offline_remedy(entry, folder) };
    let folder = folder.ok_or_else(|| unavailable("this user has no cache folder".into()))?;
    let repository = entry.hub.unwrap_or_default();
    crate::hub::fetch(repository, folder).map_err(unavailable)?;
    idx::read_folder(folder, entry.name, None)
}

#[cfg(not(feature = "hub"))]
fn download(entry: &Entry, folder: Option<&Path>) -> Result<Source, DataError> {
    let reason = "this relumine was built without the `hub` feature".into();
    Err(DataError::Download { name: entry.name.into(), reason, remedy: offline_remedy(entry, folder) })
}

/// The choices that need no network.
fn offline_remedy(entry: &Entry, folder: Option<&Path>) -> String {
    let variable = if entry.name == "mnist" { format!(" or point {MNIST_VARIABLE} at a folder that has them") } else { String::new() };
    let place =
        folder.map_or_else(|| format!("set {CACHE_VARIABLE} to a folder"), |folder| format!("put its IDX files into {}", folder.display()));
    format!("{place}{variable}, or use --data digits, which needs no network")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let catalog = Catalog { mnist: None, cache: None };
        let message = catalog.open("mnits", None, None).unwrap_err().to_string();
        assert!(message.contains("mnits") && message.contains("digits, mnist, fashion-mnist"), "{message}");
    }

    #[test]
    fn a_folder_named_for_mnist_is_never_downloaded_into() {
        let empty = tempfile::tempdir().unwrap();
        let catalog = Catalog { mnist: Some(empty.path().to_owned()), cache: None };
        let message = catalog.open("mnist", None, None).unwrap_err().to_string();
        assert!(message.contains("train-images-idx3-ubyte") && message.contains("there is no such file"), "{message}");
        assert_eq!(std::fs::read_dir(empty.path()).unwrap().count(), 0);
    }
}
