//! A data set of the hub as the Parquet files that the hub converts it to, stored as they are.

use super::reason::{hub_reason, one_line};
use super::{PARQUET_REVISION, PATIENCE, client, listing};
use crate::Reporter;
use crate::checksums::{SUMS_FILE, sha256};
use crate::hub_address::HubAddress;
use crate::parquet_files::quietly;
use hf_hub::progress::{DownloadEvent, ProgressEvent, ProgressHandler};
use parquet::file::reader::SerializedFileReader;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// A file on the hub: `config/split/0000.parquet`.
#[derive(Debug, PartialEq, Eq)]
struct Remote<'a> {
    path: &'a str,
    config: &'a str,
    split: &'a str,
    file: &'a str,
}

/// Downloads the train, validation and test files of `address` into `folder`, which is there whole or not at all.
///
/// # Errors
/// The reason as one clause without a line break, to be shown in brackets.
pub(crate) fn fetch(address: &HubAddress, folder: &Path, reporter: &Reporter) -> Result<(), String> {
    let parent = folder.parent().unwrap_or(Path::new("."));
    let unwritable = |error: io::Error| format!("cannot write to {}: {error}", parent.display());
    let client = client()?;
    let files = listing(&client, &format!("{}/{}", address.owner, address.name), PATIENCE)?;
    let chosen = choose(&files, address)?;
    fs::create_dir_all(parent).map_err(unwritable)?;
    let temporary = tempfile::Builder::new().prefix(".download-").tempdir_in(parent).map_err(unwritable)?;
    let set = temporary.path().join("set");
    let mut sums = String::new();
    for remote in &chosen {
        let relay = Relay { reporter: reporter.clone(), what: remote.path.to_owned() };
        let request = client.dataset(address.owner.clone(), address.name.clone());
        let request = request.download_file().filename(remote.path).revision(PARQUET_REVISION).local_dir(temporary.path().join("raw"));
        let downloaded = request.progress(relay).send().map_err(|error| hub_reason(&error))?;
        check(&downloaded).map_err(|error| format!("the download of {} is damaged ({error})", remote.path))?;
        let name = format!("{}/{}", remote.split, remote.file);
        let place = set.join(&name);
        fs::create_dir_all(place.parent().unwrap_or(&set)).map_err(unwritable)?;
        fs::rename(&downloaded, &place).map_err(unwritable)?;
        sums += &format!("{}  {name}\n", sha256(&place).map_err(|error| error.to_string())?);
    }
    let mut list = File::create(set.join(SUMS_FILE)).map_err(unwritable)?;
    list.write_all(sums.as_bytes()).and_then(|()| list.sync_all()).map_err(unwritable)?;
    match fs::rename(&set, folder) {
        // Another relumine has put the same set there in the meantime.
        Err(_) if folder.join(SUMS_FILE).is_file() => Ok(()),
        moved => moved.map_err(|error| format!("cannot put the files into {}: {error}", folder.display())),
    }
}

/// Whether a file is Parquet to its end, and on the disk.
fn check(path: &Path) -> Result<(), String> {
    let file = File::open(path).and_then(|file| file.sync_all().map(|()| file)).map_err(|error| error.to_string())?;
    let opened = quietly(|| SerializedFileReader::new(file).map(drop));
    opened.ok_or("the Parquet library cannot read it")?.map_err(|error| one_line(&error))
}

/// The files of the splits `train`, `validation` and `test` of one configuration.
fn choose<'a>(files: &'a [String], address: &HubAddress) -> Result<Vec<Remote<'a>>, String> {
    let remotes: Vec<Remote<'a>> = files.iter().filter_map(|path| remote(path)).collect();
    let configs: BTreeSet<&str> = remotes.iter().map(|remote| remote.config).collect();
    let listed = configs.iter().copied().collect::<Vec<_>>().join(", ");
    let config = match (&address.config, configs.len()) {
        (_, 0) => return Err("the hub has no Parquet files of it".into()),
        (Some(config), _) => configs.get(config.as_str()).copied().ok_or_else(|| format!("its configurations are {listed}"))?,
        (None, 1) => listed.as_str(),
        (None, _) if configs.contains("default") => "default",
        (None, _) => {
            let first = configs.first().copied().unwrap_or_default();
            return Err(format!("it has the configurations {listed}; name one, as in hf://{address}/{first}"));
        }
    };
    let of_config: Vec<Remote<'a>> = remotes.into_iter().filter(|remote| remote.config == config).collect();
    let splits: BTreeSet<&str> = of_config.iter().map(|remote| remote.split).collect();
    if let Some(partial) = splits.iter().find(|split| split.starts_with("partial-")) {
        return Err(format!("it is so large that the hub has converted only a part of it (`{partial}`)"));
    }
    if !splits.contains("train") {
        return Err(format!("it has no split called train, only {}", splits.into_iter().collect::<Vec<_>>().join(", ")));
    }
    let is_wanted = |split: &str| matches!(split, "train" | "validation" | "valid" | "val" | "dev" | "test");
    Ok(of_config.into_iter().filter(|remote| is_wanted(remote.split)).collect())
}

fn remote(path: &str) -> Option<Remote<'_>> {
    let parts: Vec<&str> = path.split('/').collect();
    match parts[..] {
        // Names of our own making are below the temporary folder, whatever a server sends.
        [config, split, file] if file.ends_with(".parquet") && parts.iter().all(|part| !part.starts_with('.') && !part.contains('\\')) => {
            Some(Remote { path, config, split, file })
        }
        _ => None,
    }
}

/// Passes the client's progress on.
struct Relay {
    reporter: Reporter,
    what: String,
}

impl ProgressHandler for Relay {
    fn on_progress(&self, event: &ProgressEvent) {
        if let ProgressEvent::Download(DownloadEvent::Progress { files }) = event {
            for file in files.iter().filter(|file| file.total_bytes > 0) {
                self.reporter.report(&self.what, file.bytes_completed, file.total_bytes);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(files: &[&str], config: Option<&str>) -> Result<Vec<String>, String> {
        let files: Vec<String> = files.iter().map(|file| (*file).to_owned()).collect();
        let address = HubAddress { owner: "a".into(), name: "b".into(), config: config.map(str::to_owned) };
        Ok(choose(&files, &address)?.into_iter().map(|remote| remote.path.to_owned()).collect())
    }

    #[test]
    fn the_parts_of_one_configuration_are_taken() {
        let files = ["README.md", "c/train/0000.parquet", "c/train/0001.parquet", "c/test/0000.parquet", "c/unlabelled/0000.parquet"];
        assert_eq!(chosen(&files, None).unwrap(), [files[1], files[2], files[3]]);
        assert_eq!(chosen(&["x/train/0.parquet", "default/train/0.parquet"], None).unwrap(), ["default/train/0.parquet"]);
        assert_eq!(chosen(&["x/train/0.parquet", "default/train/0.parquet"], Some("x")).unwrap(), ["x/train/0.parquet"]);
    }

    #[test]
    fn what_cannot_be_chosen_says_what_there_is() {
        for (files, config, expected) in [
            (&["README.md"][..], None, "no Parquet files"),
            (&["x/train/0.parquet", "y/train/0.parquet"], None, "the configurations x, y; name one, as in hf://a/b/x"),
            (&["x/train/0.parquet"], Some("z"), "its configurations are x"),
            (&["x/test/0.parquet", "x/dev/0.parquet"], None, "no split called train, only dev, test"),
            (&["x/partial-train/0.parquet"], None, "converted only a part"),
            (&["../train/0.parquet", "x/../0.parquet", "x/train/..\\0.parquet"], None, "no Parquet files"),
        ] {
            let message = chosen(files, config).unwrap_err();
            assert!(message.contains(expected), "{message}");
        }
    }
}
