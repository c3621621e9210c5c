//! Finding the newest set of checkpoint files that is whole.

use super::Manifest;
use anyhow::anyhow;
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// A whole set.
#[derive(Clone, Debug)]
pub struct Found {
    /// What it is.
    pub manifest: Manifest,
    /// The contents of its files, by name.
    pub files: BTreeMap<String, Vec<u8>>,
    /// Where its manifest lies.
    pub place: Place,
    /// Whether every file lies in the place of its manifest.
    pub(super) is_together: bool,
    /// Why newer sets were passed over; nothing where it is the newest.
    pub problems: Vec<String>,
}

/// A folder that may hold a set, or parts of one that was on its way when the process was killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// `checkpoints/next/`.
    Next,
    /// `checkpoints/`.
    Current,
    /// `checkpoints/previous/`.
    Previous,
}

impl Place {
    /// In the order in which a set passes through.
    pub(super) const ALL: [Self; 3] = [Self::Next, Self::Current, Self::Previous];

    /// Inside the folder of checkpoints.
    pub(super) fn in_folder(self, folder: &Path) -> PathBuf {
        match self {
            Self::Next => folder.join("next"),
            Self::Current => folder.to_owned(),
            Self::Previous => folder.join("previous"),
        }
    }
}

/// The newest whole set in the folder of checkpoints that `is_usable`; `None` where there is no manifest at all. A manifest that is there
/// without its files, or with others, is a problem: it is written last.
///
/// # Errors
/// Manifests without any whole usable set.
pub(super) fn newest(folder: &Path, is_usable: impl Fn(&Manifest) -> Result<(), String>) -> anyhow::Result<Option<Found>> {
    let mut problems = Vec::new();
    let mut manifests = Vec::new();
    for place in Place::ALL {
        let path = place.in_folder(folder).join(Manifest::NAME);
        match std::fs::read(&path) {
            Ok(text) => match Manifest::parse(&text) {
                Ok(manifest) => manifests.push((place, manifest)),
                Err(error) => problems.push(format!("{} {error}", path.display())),
            },
            // The first set of all has its manifest elsewhere until it is in place.
            Err(error) if error.kind() == ErrorKind::NotFound => {
                if place == Place::Current && manifests.is_empty() && holds_tensors(folder) {
                    problems.push(format!("{} is missing", path.display()));
                }
            }
            Err(error) => problems.push(format!("{} cannot be read ({error})", path.display())),
        }
    }
    // A stable sort: of two manifests of one age the one that is further on its way comes later.
    manifests.sort_by_key(|(_, manifest)| std::cmp::Reverse(manifest.age()));
    for (place, manifest) in manifests {
        match is_usable(&manifest).and_then(|()| collect(folder, place, &manifest)) {
            Ok((files, is_together)) => return Ok(Some(Found { manifest, files, place, is_together, problems })),
            // Files of the previous set give way to those of the one after it, which is whole then.
            Err(_) if place == Place::Previous && !problems.is_empty() => {}
            Err(problem) => problems.push(problem),
        }
    }
    match problems.first() {
        None => Ok(None),
        Some(problem) => Err(anyhow!("{problem}; there is no older checkpoint that is whole: restore the file, or train again")),
    }
}

fn holds_tensors(folder: &Path) -> bool {
    let is_tensors = |entry: std::fs::DirEntry| entry.path().extension().is_some_and(|extension| extension == "safetensors");
    std::fs::read_dir(folder).is_ok_and(|entries| entries.flatten().any(is_tensors))
}

/// The files of a manifest, and whether they all lie beside it.
fn collect(folder: &Path, place: Place, manifest: &Manifest) -> Result<(BTreeMap<String, Vec<u8>>, bool), String> {
    let mut files = BTreeMap::new();
    let mut is_together = true;
    for (name, record) in &manifest.files {
        // Beside the manifest first, for the common case.
        let places = std::iter::once(place).chain(Place::ALL.into_iter().filter(|other| *other != place));
        let whole = |place: Place| {
            let bytes = std::fs::read(place.in_folder(folder).join(name)).ok();
            bytes.filter(|bytes| record.matches(bytes)).map(|bytes| (place, bytes))
        };
        let Some((found_in, bytes)) = places.into_iter().find_map(whole) else {
            return Err(problem_with(&place.in_folder(folder).join(name)));
        };
        is_together &= found_in == place;
        files.insert(name.clone(), bytes);
    }
    Ok((files, is_together))
}

/// What is wrong with a file that is not what its manifest says.
pub(super) fn problem_with(path: &Path) -> String {
    if path.is_file() {
        format!("{} is damaged: it does not match its checksum in {}", path.display(), Manifest::NAME)
    } else {
        format!("{} is missing: it is listed in {}", path.display(), Manifest::NAME)
    }
}
