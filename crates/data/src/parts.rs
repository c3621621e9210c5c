//! Data in several files: which of them hold train, validation and test rows, by their names.

use crate::DataError;
use crate::images::is_hidden;
use std::path::{Path, PathBuf};

/// The rows of a data set as its publisher divides them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    Train,
    Validation,
    Test,
}

/// Files by part, each list in the order of the names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parts {
    pub(crate) train: Vec<PathBuf>,
    pub(crate) validation: Vec<PathBuf>,
    pub(crate) test: Vec<PathBuf>,
}

/// What was read of each part: validation rows follow the train rows.
#[derive(Debug)]
pub(crate) struct ReadParts<R> {
    pub(crate) train: R,
    pub(crate) own_validation: usize,
    pub(crate) test: Option<R>,
}

/// Rows that grow file by file.
pub(crate) trait Rows: Default {
    /// How many rows there are.
    fn count(&self) -> usize;
}

impl Part {
    /// The part that a file or folder called `name` holds, by the words in it: `train-00000-of-00001.parquet`, `my_test.csv`.
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        let name = name.to_lowercase();
        name.split(|character: char| !character.is_ascii_alphabetic()).find_map(Self::of_word)
    }

    /// The part that is called so, in small letters.
    pub(crate) fn of_word(word: &str) -> Option<Self> {
        match word {
            "train" | "training" => Some(Self::Train),
            "validation" | "valid" | "val" | "dev" => Some(Self::Validation),
            "test" | "testing" => Some(Self::Test),
            _ => None,
        }
    }
}

impl Parts {
    /// One file with all rows.
    pub(crate) fn of_file(path: &Path) -> Self {
        Self { train: vec![path.to_owned()], ..Self::default() }
    }

    /// The files in `folder`, in its folder `data` and in its folders named after a part, whose names `is_wanted`; `None` where there are none.
    ///
    /// # Errors
    /// A folder that cannot be read, and several files of which not every one names its part.
    pub(crate) fn find(folder: &Path, is_wanted: impl Fn(&Path) -> bool) -> Result<Option<Self>, DataError> {
        let mut files = Vec::new();
        for path in sorted(folder)? {
            let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
            let part = Part::of_name(&name);
            if !path.is_dir() {
                files.extend(is_wanted(&path).then_some((path, part)));
            } else if part.is_some() || name == "data" {
                let inner = sorted(&path)?.into_iter().filter(|path| path.is_file() && is_wanted(path));
                files.extend(inner.map(|path| (path.clone(), part.or_else(|| Part::of_name(&path.file_name()?.to_string_lossy())))));
            }
        }
        let mut parts = Self::default();
        let only = files.len() == 1;
        for (path, part) in files {
            match part {
                None if !only => {
                    let problem = "says neither train, validation nor test in its name, and is not the only file of its kind";
                    return Err(DataError::malformed(&path, problem, "name it after its rows, or give a single file"));
                }
                // A folder with nothing but a test file has rows to learn from like any other single file.
                _ if only => parts.train.push(path),
                Some(Part::Train) | None => parts.train.push(path),
                Some(Part::Validation) => parts.validation.push(path),
                Some(Part::Test) => parts.test.push(path),
            }
        }
        match (&parts.train[..], only) {
            ([], _) if parts == Self::default() => Ok(None),
            ([], _) => {
                Err(DataError::malformed(folder, "has validation or test files and no train file", "name one of them after its train rows"))
            }
            _ => Ok(Some(parts)),
        }
    }

    /// Reads every file with `read`, train files first.
    pub(crate) fn read<R: Rows>(&self, mut read: impl FnMut(&Path, &mut R) -> Result<(), DataError>) -> Result<ReadParts<R>, DataError> {
        let mut train = R::default();
        self.train.iter().try_for_each(|path| read(path, &mut train))?;
        let train_rows = train.count();
        self.validation.iter().try_for_each(|path| read(path, &mut train))?;
        let own_validation = train.count() - train_rows;
        let mut test = R::default();
        self.test.iter().try_for_each(|path| read(path, &mut test))?;
        Ok(ReadParts { train, own_validation, test: (!self.test.is_empty()).then_some(test) })
    }
}

/// What is in a folder and not hidden.
fn sorted(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let unreadable = |error: std::io::Error| DataError::unreadable(folder, error, "give a folder that you may read");
    let entries = std::fs::read_dir(folder).map_err(unreadable)?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>().map_err(unreadable)?;
    paths.retain(|path| !path.file_name().is_some_and(is_hidden));
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(names: &[&str]) -> Result<Option<Parts>, String> {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let relative = |paths: Vec<PathBuf>| paths.iter().map(|path| path.strip_prefix(folder.path()).unwrap().to_owned()).collect();
        let parts = Parts::find(folder.path(), |path| path.extension().is_some_and(|ending| ending == "csv"));
        let parts = parts.map_err(|error| error.to_string())?;
        Ok(parts.map(|parts| Parts { train: relative(parts.train), validation: relative(parts.validation), test: relative(parts.test) }))
    }

    fn paths(names: &[&str]) -> Vec<PathBuf> {
        names.iter().map(PathBuf::from).collect()
    }

    #[test]
    fn parts_are_named_by_files_or_folders() {
        let expected =
            Parts { train: paths(&["train-0.csv", "train-1.csv"]), validation: paths(&["val.csv"]), test: paths(&["my_test.csv"]) };
        let names = ["train-1.csv", "train-0.csv", "val.csv", "my_test.csv", "notes.txt", "._train.csv"];
        assert_eq!(found(&names).unwrap().unwrap(), expected);
        let expected = Parts { train: paths(&["train/0.csv"]), validation: vec![], test: paths(&["test/0.csv"]) };
        assert_eq!(found(&["train/0.csv", "test/0.csv", "other/0.csv"]).unwrap().unwrap(), expected);
        let expected = Parts { train: paths(&["data/train.csv"]), validation: vec![], test: paths(&["data/test.csv"]) };
        assert_eq!(found(&["data/train.csv", "data/test.csv", "README.md"]).unwrap().unwrap(), expected);
    }

    #[test]
    fn a_single_file_needs_no_name_and_several_do() {
        assert_eq!(found(&["anything.csv"]).unwrap().unwrap().train, paths(&["anything.csv"]));
        assert_eq!(found(&["notes.txt"]).unwrap(), None);
        assert!(found(&["a.csv", "train.csv"]).unwrap_err().contains("a.csv says neither train, validation nor test"));
        assert!(found(&["test.csv", "val.csv"]).unwrap_err().contains("no train file"));
    }

    /// `latest`, `contest` and `devices` contain the words, but are none.
    #[test]
    fn only_whole_words_name_a_part() {
        for name in ["latest.csv", "contest.csv", "devices.csv", "trains.csv", "value.csv"] {
            assert_eq!(Part::of_name(name), None, "{name}");
        }
        assert_eq!(Part::of_name("Train_2024.csv"), Some(Part::Train));
    }
}
