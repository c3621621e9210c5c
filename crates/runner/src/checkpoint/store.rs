//! Saving sets of checkpoint files.

use super::operation::Operation;
use super::search::{self, Found, Place};
use super::{FileRecord, Manifest};
use crate::run_directory::json;
use anyhow::Context;
use std::fs;
use std::path::{Path, PathBuf};

/// The folder of a run's checkpoints.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    /// The files of the whole set that lies under the contract's names, as far as this process knows.
    current: Option<Vec<String>>,
}

/// What a file is called while it is written beside one that must stay.
pub(crate) const WRITING: &str = ".writing-";

impl Store {
    /// The store in this folder, which need not be there yet.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), current: None }
    }

    /// The newest whole set that `is_usable`, from which training goes on: what a kill left of other sets on their way is tidied up.
    /// `None` where there has never been one.
    ///
    /// # Errors
    /// Files without any whole usable set, with the reason; or a folder that cannot be written. Nothing has been lost then.
    pub fn recover(&mut self, is_usable: impl Fn(&Manifest) -> Result<(), String>) -> anyhow::Result<Option<Found>> {
        let found = search::newest(&self.folder, is_usable)?;
        if let Some(found) = &found {
            self.perform(&self.finish_move(found))?;
            if found.place == Place::Next || (found.place == Place::Current && found.is_together) {
                self.current = Some(found.files.keys().cloned().collect());
            }
        }
        self.remove_folder(Place::Next)?;
        remove_unfinished(&self.folder)?;
        Ok(found)
    }

    /// Makes `files` and `manifest` the current set, and the current one the previous.
    ///
    /// # Errors
    /// A full disk, or a folder that cannot be written: the sets that were whole are still on the disk.
    pub fn save(&mut self, files: &[(String, Vec<u8>)], mut manifest: Manifest) -> anyhow::Result<()> {
        manifest.files = files.iter().map(|(name, bytes)| (name.clone(), FileRecord::of(bytes))).collect();
        let text = json(&manifest)?;
        self.perform(&self.write_next(files, &text))?;
        // From here on the contract's names are in motion, until the end. The last set of a training needs no other beside it.
        let names: Vec<String> = manifest.files.into_keys().collect();
        let current = self.current.take().filter(|_| manifest.stopped_by.is_none());
        self.perform(&self.keep_previous(current.as_deref()))?;
        self.perform(&self.take_next(&names))?;
        self.current = Some(names);
        Ok(())
    }

    /// Adds a file to the current set.
    ///
    /// # Errors
    /// A full disk, or a set that is not there; the set is whole with the file or without it.
    pub fn add(&self, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let path = self.path(Place::Current, Manifest::NAME);
        let text = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut manifest = Manifest::parse(&text).with_context(|| format!("cannot use {}", path.display()))?;
        manifest.files.insert(name.to_owned(), FileRecord::of(bytes));
        let text = json(&manifest)?;
        let mut operations = Vec::new();
        for (name, bytes) in [(name, bytes), (Manifest::NAME, text.as_slice())] {
            let (writing, target) = (self.path(Place::Current, &format!("{WRITING}{name}")), self.path(Place::Current, name));
            operations.extend([Operation::Write(writing.clone(), bytes), Operation::Rename(writing, target)]);
            operations.push(Operation::Sync(self.folder.clone()));
        }
        self.perform(&operations)
    }

    /// Takes away all but the current set, at the end of training: a finished run leaves the same files whether it was interrupted or not.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn settle(&self) -> anyhow::Result<()> {
        self.remove_folder(Place::Previous)?;
        self.remove_folder(Place::Next)?;
        remove_unfinished(&self.folder)
    }

    /// Writes a whole set beside the others, its manifest last.
    fn write_next<'a>(&self, files: &'a [(String, Vec<u8>)], manifest: &'a [u8]) -> Vec<Operation<'a>> {
        let path = |name: &str| self.path(Place::Next, name);
        let folder = Place::Next.in_folder(&self.folder);
        // What is left of a set that could not be saved: without its manifest it is none.
        let mut operations = vec![Operation::MakeFolder(folder.clone()), Operation::Remove(path(Manifest::NAME))];
        if !folder.is_dir() {
            operations.push(Operation::Sync(self.folder.clone()));
        }
        operations.extend(files.iter().map(|(name, bytes)| Operation::Write(path(name), bytes)));
        let writing = path(&format!("{WRITING}{}", Manifest::NAME));
        operations.extend([
            Operation::Write(writing.clone(), manifest),
            Operation::Rename(writing, path(Manifest::NAME)),
            Operation::Sync(folder),
        ]);
        operations
    }

    /// Gives the current set a second home. What was there before goes, its manifest first; it is the third whole set.
    fn keep_previous(&self, current: Option<&[String]>) -> Vec<Operation<'static>> {
        let Some(names) = current else { return Vec::new() };
        let folder = Place::Previous.in_folder(&self.folder);
        let mut operations = vec![Operation::MakeFolder(folder.clone()), Operation::Remove(self.path(Place::Previous, Manifest::NAME))];
        for name in names.iter().map(String::as_str).chain([Manifest::NAME]) {
            let (from, to) = (self.path(Place::Current, name), self.path(Place::Previous, name));
            operations.extend([Operation::Remove(to.clone()), Operation::Link(from, to)]);
        }
        operations.push(Operation::Sync(folder));
        operations
    }

    /// Moves the next set to the contract's names, its manifest last.
    fn take_next(&self, names: &[String]) -> Vec<Operation<'static>> {
        let names = names.iter().map(String::as_str).chain([Manifest::NAME]);
        let mut operations: Vec<_> =
            names.map(|name| Operation::Rename(self.path(Place::Next, name), self.path(Place::Current, name))).collect();
        operations.push(Operation::Sync(self.folder.clone()));
        operations
    }

    /// What is left to do of a move that was cut off.
    fn finish_move(&self, found: &Found) -> Vec<Operation<'static>> {
        if found.place != Place::Next {
            return Vec::new();
        }
        let names: Vec<String> = found.files.keys().cloned().collect();
        let is_left = |operation: &Operation<'_>| !matches!(operation, Operation::Rename(from, _) if !from.is_file());
        self.take_next(&names).into_iter().filter(is_left).collect()
    }

    fn perform(&self, operations: &[Operation<'_>]) -> anyhow::Result<()> {
        for operation in operations {
            let run = self.folder.parent().unwrap_or(&self.folder);
            operation.perform().with_context(|| no_room(operation.target(), run))?;
        }
        Ok(())
    }

    fn path(&self, place: Place, name: &str) -> PathBuf {
        place.in_folder(&self.folder).join(name)
    }

    fn remove_folder(&self, place: Place) -> anyhow::Result<()> {
        let folder = place.in_folder(&self.folder);
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot remove {}", folder.display()))
            }
            _ => Ok(()),
        }
    }
}

/// What is said where a file of the run that is training cannot be written.
pub(crate) fn no_room(path: &Path, run: &Path) -> String {
    format!(
        "cannot write {}: make room on the disk, and go on with relumine train --resume {}; what was saved before is still there",
        path.display(),
        run.display()
    )
}

/// Removes from `folder` what was being written when a process was killed.
pub(crate) fn remove_unfinished(folder: &Path) -> anyhow::Result<()> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(WRITING)) {
            fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
