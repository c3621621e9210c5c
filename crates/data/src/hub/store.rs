//! The downloaded set as the four gzip-compressed IDX files of MNIST, so that later runs need no network.

use super::decode::Images;
use crate::idx::{TEST, TRAIN, UNSIGNED_BYTE, is_whole};
use flate2::{Compression, write::GzEncoder};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::Path;

/// Whether `folder` can become the set's: there is nothing there, or nothing but a part of such a set.
///
/// Asked before the download, which would otherwise be for nothing; a file that is none of ours is never removed.
pub(super) fn check_place(folder: &Path) -> Result<(), String> {
    let unreadable = |error: io::Error| format!("{} cannot be used: {error}", folder.display());
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(unreadable)?,
    };
    for entry in entries {
        let name = entry.map_err(unreadable)?.file_name();
        if !is_of_set(&name) {
            return Err(format!("{} holds `{}`, which belongs to no such set and would be lost", folder.display(), name.display()));
        }
    }
    Ok(())
}

/// Writes the set beside `folder` and moves it into place whole: what is in `folder` is never a half of it.
pub(super) fn store(folder: &Path, train: &Images, test: &Images) -> Result<(), String> {
    // A link to a folder cannot be replaced by a folder, what it leads to can.
    let resolved = fs::canonicalize(folder);
    let folder = resolved.as_deref().unwrap_or(folder);
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let unwritable = |error: io::Error| format!("cannot write to {}: {error}", parent.display());
    fs::create_dir_all(parent).map_err(unwritable)?;
    let temporary = tempfile::Builder::new().prefix(".download-").tempdir_in(parent).map_err(unwritable)?;
    // A folder inside, because only this user may read the temporary one, and a cache may be shared.
    let set = temporary.path().join("set");
    fs::create_dir(&set).map_err(unwritable)?;
    for ([images, labels], split) in [(TRAIN, train), (TEST, test)] {
        let rows = u32::try_from(split.labels.len()).map_err(|_| "there are more rows than an IDX file can hold".to_owned())?;
        write_idx(&set.join(gzip_name(images)), &[rows, split.height, split.width], &split.pixels).map_err(unwritable)?;
        write_idx(&set.join(gzip_name(labels)), &[rows], &split.labels).map_err(unwritable)?;
    }
    move_into_place(&set, folder)
}

fn move_into_place(set: &Path, folder: &Path) -> Result<(), String> {
    let moved = remove_part(folder).and_then(|()| fs::rename(set, folder));
    match moved {
        // Another relumine has put the same set there in the meantime.
        Err(_) if is_whole(folder) => Ok(()),
        moved => moved.map_err(|error| format!("cannot put the files into {}: {error}", folder.display())),
    }
}

/// Removes what an interrupted copy left in `folder`; fails where there is a whole set, or anything that is none of ours.
fn remove_part(folder: &Path) -> io::Result<()> {
    if is_whole(folder) {
        return Err(ErrorKind::AlreadyExists.into());
    }
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if is_of_set(&entry.file_name()) {
            fs::remove_file(entry.path())?;
        }
    }
    fs::remove_dir(folder)
}

fn is_of_set(name: &OsStr) -> bool {
    stems().any(|stem| name == stem || *name == *gzip_name(stem))
}

fn stems() -> impl Iterator<Item = &'static str> {
    TRAIN.into_iter().chain(TEST)
}

fn gzip_name(stem: &str) -> String {
    format!("{stem}.gz")
}

fn write_idx(path: &Path, sizes: &[u32], values: &[u8]) -> io::Result<()> {
    let mut header = vec![0, 0, UNSIGNED_BYTE, sizes.len() as u8];
    header.extend(sizes.iter().flat_map(|size| size.to_be_bytes()));
    let mut encoder = GzEncoder::new(File::create(path)?, Compression::fast());
    encoder.write_all(&header)?;
    encoder.write_all(values)?;
    // On the disk before the folder gets its name, so that a power cut cannot leave a named but empty set.
    encoder.finish()?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn images(label: u8) -> Images {
        Images { height: 1, width: 2, pixels: vec![3, 4], labels: vec![label] }
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn an_absent_an_empty_and_a_partial_folder_become_whole() {
        let cache = tempfile::tempdir().unwrap();
        for left_over in [None, Some(vec![]), Some(vec!["train-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte"])] {
            let folder = cache.path().join("set");
            if let Some(files) = left_over {
                fs::remove_dir_all(&folder).unwrap();
                fs::create_dir(&folder).unwrap();
                files.into_iter().for_each(|file| fs::write(folder.join(file), "half").unwrap());
            }
            check_place(&folder).unwrap();
            store(&folder, &images(1), &images(2)).unwrap();
            assert_eq!(names(&folder), stems().map(gzip_name).collect::<std::collections::BTreeSet<_>>().into_iter().collect::<Vec<_>>());
            assert_eq!(names(cache.path()), ["set"], "nothing temporary is left");
        }
    }

    #[test]
    fn a_whole_set_is_never_replaced() {
        let cache = tempfile::tempdir().unwrap();
        stems().for_each(|stem| fs::write(cache.path().join(stem), "mine").unwrap());
        store(cache.path(), &images(1), &images(2)).unwrap();
        assert_eq!(fs::read_to_string(cache.path().join(TRAIN[0])).unwrap(), "mine");
    }

    #[test]
    fn a_file_of_another_kind_is_named_and_kept() {
        let cache = tempfile::tempdir().unwrap();
        fs::write(cache.path().join("notes.txt"), "mine").unwrap();
        assert!(check_place(cache.path()).unwrap_err().contains("holds `notes.txt`"));
        assert!(store(cache.path(), &images(1), &images(2)).unwrap_err().contains("cannot put the files into"));
        assert_eq!(names(cache.path()), ["notes.txt"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_linked_folder_is_filled_where_it_really_is() {
        let (cache, disk) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (link, real) = (cache.path().join("mnist"), disk.path().join("real"));
        fs::create_dir(&real).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        store(&link, &images(1), &images(2)).unwrap();
        assert!(is_whole(&real) && link.is_symlink());
    }
}
