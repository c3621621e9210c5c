//! Data from the network, once, and what is known about files that are here.

use crate::catalog::{CACHE_VARIABLE, ENTRIES, MNIST_VARIABLE};
use crate::checksums::{self, FileCheck};
#[cfg(feature = "hub")]
use crate::hub::{fetch as download_idx, fetch_parquet as download_parquet};
use crate::hub_address::HubAddress;
use crate::{Catalog, DataError, Entry, ReadOptions, Source, idx};
use std::path::{Path, PathBuf};

/// Data that can be opened without a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Where it is; empty for data inside the program.
    pub folder: PathBuf,
    /// Whether it was there already.
    pub was_there: bool,
}

/// Data that was read whole.
#[derive(Clone, Debug)]
pub struct Verified {
    /// The data.
    pub source: Source,
    /// Its files, where there are checksums to tell or to compare; empty for other formats.
    pub files: Vec<FileCheck>,
}

impl Catalog {
    /// Makes sure that the data called `name` can be opened without a network, downloading it where need be.
    ///
    /// # Errors
    /// A name that is neither a data set's nor an address of the hub, and a download that fails.
    pub fn fetch(&self, name: &str, options: &ReadOptions) -> Result<Fetched, DataError> {
        if let Some(address) = HubAddress::parse(name)? {
            return self.fetch_address(&address, options);
        }
        let Some(entry) = ENTRIES.iter().find(|entry| entry.name == name) else {
            let remedy = format!("give one of {}, or hf://owner/name", ENTRIES.map(|entry| entry.name).join(", "));
            return Err(DataError::setting("data fetch", format!("{name:?}"), "is no data set that can be fetched", remedy));
        };
        match self.folder(entry) {
            None if entry.hub.is_none() => Ok(Fetched { folder: PathBuf::new(), was_there: true }),
            Some(folder) if self.is_available(entry) => Ok(Fetched { folder, was_there: true }),
            folder => Ok(Fetched { folder: download(entry, folder.as_deref(), options.offline)?, was_there: false }),
        }
    }

    /// The folder with the files of `address`, downloaded where need be.
    pub(crate) fn fetch_address(&self, address: &HubAddress, options: &ReadOptions) -> Result<Fetched, DataError> {
        let folder = self.cache.as_ref().map(|cache| address.folder(cache));
        let name = || format!("hf://{address}");
        let remedy = folder.as_ref().map_or_else(
            || format!("set {CACHE_VARIABLE} to a folder"),
            |folder| format!("where there is a network, run relumine data fetch {}, and copy the folder {}", name(), folder.display()),
        );
        let unavailable = |reason: String| DataError::Download { name: name(), reason, remedy: remedy.clone() };
        let folder = folder.clone().ok_or_else(|| unavailable("this user has no cache folder".into()))?;
        if folder.is_dir() {
            return Ok(Fetched { folder, was_there: true });
        }
        if options.offline {
            return Err(unavailable(OFFLINE.into()));
        }
        download_parquet(address, &folder, &options.progress).map_err(unavailable)?;
        Ok(Fetched { folder, was_there: false })
    }

    /// Reads and checks the data called `name` whole, without a network, and compares its files with the checksums that are known.
    ///
    /// # Errors
    /// As [`Catalog::open`]. Files that are not what they should be are no error here: see [`FileCheck::holds`].
    pub fn verify(&self, name: &str, options: &ReadOptions) -> Result<Verified, DataError> {
        let options = ReadOptions { offline: true, ..options.clone() };
        let entry = ENTRIES.iter().find(|entry| entry.name == name);
        let files = match (HubAddress::parse(name)?, entry) {
            (Some(address), _) => checksums::check_listed(&self.fetch_address(&address, &options)?.folder)?,
            (None, Some(entry)) => self.folder(entry).map_or_else(|| Ok(Vec::new()), |folder| checksums::check_idx(&folder, name))?,
            (None, None) if Path::new(name).is_dir() && idx::is_idx_folder(Path::new(name)) => checksums::check_idx(Path::new(name), "")?,
            _ => Vec::new(),
        };
        Ok(Verified { source: self.read(name, &options)?, files })
    }
}

/// Why nothing may be downloaded.
const OFFLINE: &str = "the network is forbidden by --offline or RELUMINE_OFFLINE";

/// Downloads a set into `folder`, which is then returned.
pub(crate) fn download(entry: &Entry, folder: Option<&Path>, offline: bool) -> Result<PathBuf, DataError> {
    let unavailable = |reason: String| DataError::Download { name: entry.name.into(), reason, remedy: offline_remedy(entry, folder) };
    let folder = folder.ok_or_else(|| unavailable("this user has no cache folder".into()))?;
    if offline {
        return Err(unavailable(OFFLINE.into()));
    }
    download_idx(entry.hub.unwrap_or_default(), folder).map_err(unavailable)?;
    Ok(folder.to_owned())
}

#[cfg(not(feature = "hub"))]
const NO_HUB: &str = "this relumine was built without the `hub` feature";

#[cfg(not(feature = "hub"))]
fn download_idx(_: &str, _: &Path) -> Result<(), String> {
    Err(NO_HUB.into())
}

#[cfg(not(feature = "hub"))]
fn download_parquet(_: &HubAddress, _: &Path, _: &crate::Reporter) -> Result<(), String> {
    Err(NO_HUB.into())
}

/// The choices that need no network.
fn offline_remedy(entry: &Entry, folder: Option<&Path>) -> String {
    let variable = if entry.name == "mnist" { format!(" or point {MNIST_VARIABLE} at a folder that has them") } else { String::new() };
    let place =
        folder.map_or_else(|| format!("set {CACHE_VARIABLE} to a folder"), |folder| format!("put its IDX files into {}", folder.display()));
    format!("{place}{variable}")
}
