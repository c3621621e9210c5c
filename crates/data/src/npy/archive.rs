//! Where arrays come from: the members of a `.npz` archive, or `.npy` files.

use super::array::Array;
use super::role;
use crate::DataError;
use crate::bytes::MOST_INFLATION;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use zip::ZipArchive;

/// Arrays by name.
pub(crate) struct Archive<'a> {
    pub(crate) path: &'a Path,
    places: BTreeMap<String, Place>,
    zip: Option<ZipArchive<BufReader<File>>>,
}

enum Place {
    File(PathBuf),
    Member(usize),
}

impl<'a> Archive<'a> {
    /// The arrays at `path`: a folder, an archive, or a `.npy` file with its neighbours.
    pub(crate) fn open(path: &'a Path) -> Result<Self, DataError> {
        if path.is_dir() {
            return Ok(Self { path, places: files(path)?, zip: None });
        }
        if starts_with(path, b"\x93NUMPY")? || path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("npy")) {
            return Ok(Self { path, places: neighbours(path)?, zip: None });
        }
        let broken = |error: zip::result::ZipError| {
            DataError::malformed(path, format!("is not a whole .npz file ({error})"), "save it again with numpy.savez, or copy it again")
        };
        let mut zip = ZipArchive::new(BufReader::new(open(path)?)).map_err(broken)?;
        let mut places = BTreeMap::new();
        for index in 0..zip.len() {
            let name = zip.by_index_raw(index).and_then(|member| Ok(member.name()?.into_owned())).map_err(broken)?;
            if let Some(name) = name.strip_suffix(".npy") {
                places.insert(name.to_owned(), Place::Member(index));
            }
        }
        Ok(Self { path, places, zip: Some(zip) })
    }

    /// The names of all arrays, without `.npy`, in alphabetical order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &String> {
        self.places.keys()
    }

    /// Opens the array `name`, one of [`Archive::names`].
    pub(crate) fn array(&mut self, name: &str) -> Result<Array<'_>, DataError> {
        let shown = format!("`{name}`");
        match (self.places.get(name), &mut self.zip) {
            (Some(Place::File(path)), _) => {
                let file = open(path)?;
                let most = file.metadata().map_or(0, |metadata| metadata.len());
                Array::open(path, String::new(), Box::new(BufReader::new(file)), most)
            }
            (Some(Place::Member(index)), Some(zip)) => {
                let member = zip.by_index(*index).map_err(|error| {
                    let problem = format!("has an array {shown} that cannot be read ({error})");
                    DataError::malformed(self.path, problem, "save it again with numpy.savez or numpy.savez_compressed")
                })?;
                let most = member.compressed_size().saturating_mul(MOST_INFLATION);
                Array::open(self.path, shown, Box::new(member), most)
            }
            _ => Err(DataError::malformed(self.path, format!("has no array {shown}"), "save it again with numpy.savez")),
        }
    }
}

/// The `.npy` files of a folder.
fn files(folder: &Path) -> Result<BTreeMap<String, Place>, DataError> {
    let unreadable = |error: std::io::Error| DataError::unreadable(folder, error, "give a folder that you may read");
    let mut places = BTreeMap::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if let (Some(stem), true) = (path.file_stem(), path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("npy"))) {
            places.insert(stem.to_string_lossy().into_owned(), Place::File(path));
        }
    }
    Ok(places)
}

/// The arrays that belong to a file of features: `y.npy` beside `x.npy`, and where a part is in the name, the other parts too.
fn neighbours(path: &Path) -> Result<BTreeMap<String, Place>, DataError> {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    if !role(&stem).is_some_and(|(is_x, _)| is_x) {
        let problem = "is one array, and not named as features are";
        return Err(DataError::malformed(
            path,
            problem,
            "call it X.npy and put the labels beside it as y.npy, or save both in one .npz file",
        ));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut places = files(folder)?;
    let has_part = stem.len() > 1;
    places.retain(|name, _| role(name).is_some() && (name.len() > 1) == has_part);
    Ok(places)
}

fn open(path: &Path) -> Result<File, DataError> {
    File::open(path).map_err(|error| DataError::unreadable(path, error, "give a file that exists and that you may read"))
}

fn starts_with(path: &Path, magic: &[u8]) -> Result<bool, DataError> {
    use std::io::Read;
    let mut start = Vec::new();
    let read = open(path)?.take(magic.len() as u64).read_to_end(&mut start);
    read.map_err(|error| DataError::unreadable(path, error, "give a file that you may read"))?;
    Ok(start == magic)
}
