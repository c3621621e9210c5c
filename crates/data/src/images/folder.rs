//! What lies in a folder of pictures: one folder per class, perhaps under `train`, `validation` and `test`.

use crate::DataError;
use crate::parts::Part;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// The pictures of one class.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ClassFolder {
    pub(super) name: String,
    pub(super) path: PathBuf,
    /// File names, sorted by their bytes; one that is no picture is here, too, to be complained about.
    pub(super) files: Vec<OsString>,
}

/// The folders of an image data set. Where there is no `train` folder, everything is to train on, and may be divided.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) train: PathBuf,
    pub(super) validation: Option<PathBuf>,
    pub(super) test: Option<PathBuf>,
}

/// Files that systems leave in folders: names that start with a dot, and Windows' thumbnails. They are passed over.
pub(crate) fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().first() == Some(&b'.') || name == "Thumbs.db" || name == "desktop.ini"
}

/// Whether a file's name ends in `.png`, `.jpg` or `.jpeg`, in capitals or not.
pub(crate) fn is_picture(name: &OsStr) -> bool {
    let extension = Path::new(name).extension().map(OsStr::to_ascii_lowercase);
    extension.is_some_and(|extension| extension == "png" || extension == "jpg" || extension == "jpeg")
}

/// Everything in `folder` that is not hidden, sorted by the bytes of its name on every system; links are followed.
pub(crate) fn entries(folder: &Path) -> Result<Vec<OsString>, DataError> {
    let unreadable = |error| DataError::unreadable(folder, error, "give a folder that exists and that you may read");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let name = entry.map_err(unreadable)?.file_name();
        if !is_hidden(&name) {
            names.push(name);
        }
    }
    names.sort_unstable_by(|a, b| a.as_encoded_bytes().cmp(b.as_encoded_bytes()));
    Ok(names)
}

/// Which folders hold what: `train` (with `validation` and `test` beside it) where `train` itself holds folders, else the folder as a
/// whole.
pub(super) fn layout(folder: &Path) -> Result<Layout, DataError> {
    let train = folder.join("train");
    if !train.is_dir() || subfolders(&train)?.is_empty() {
        return Ok(Layout { train: folder.to_owned(), validation: None, test: None });
    }
    let mut layout = Layout { train, validation: None, test: None };
    for name in subfolders(folder)?.into_iter().filter(|name| name != "train") {
        let (part, rows) = match name.to_str().and_then(Part::of_word) {
            Some(Part::Test) => (&mut layout.test, "test"),
            Some(Part::Validation) => (&mut layout.validation, "validation"),
            Some(Part::Train) => {
                let problem = format!("has a folder `{}` beside `train`", name.display());
                return Err(DataError::malformed(folder, problem, "keep one of them"));
            }
            None => {
                let problem = format!("has a folder `{}` beside `train`", name.display());
                return Err(DataError::malformed(folder, problem, "beside `train` only `validation` and `test` are known; move it away"));
            }
        };
        if part.replace(folder.join(&name)).is_some() {
            return Err(DataError::malformed(folder, format!("has more than one folder of {rows} pictures"), "keep one of them"));
        }
    }
    Ok(layout)
}

/// The names of the folders in `folder`, sorted.
pub(super) fn subfolders(folder: &Path) -> Result<Vec<OsString>, DataError> {
    Ok(entries(folder)?.into_iter().filter(|name| folder.join(name).is_dir()).collect())
}

/// The class folders of `folder`: in numeric order where all names are whole numbers, in the order of their bytes otherwise. Files beside
/// them (a licence, a list) are no pictures of any class, and passed over.
pub(super) fn class_folders(folder: &Path) -> Result<Vec<ClassFolder>, DataError> {
    let mut classes = Vec::new();
    for name in subfolders(folder)? {
        let path = folder.join(&name);
        let name =
            name.into_string().map_err(|_| DataError::malformed(&path, "has a name that is not UTF-8", "rename it: it names a class"))?;
        let files = entries(&path)?;
        if files.is_empty() {
            return Err(DataError::malformed(&path, "has no pictures", "put some there, or remove the folder: it is a class"));
        }
        classes.push(ClassFolder { name, path, files });
    }
    let number = |class: &ClassFolder| class.name.parse::<i64>().ok();
    if classes.iter().all(|class| number(class).is_some()) {
        classes.sort_by_key(number);
        if let Some([one, other]) = classes.array_windows().find(|[one, other]| number(one) == number(other)) {
            let problem = format!("has the folders `{}` and `{}`, which are the same number", one.name, other.name);
            return Err(DataError::malformed(folder, problem, "name every class once"));
        }
    }
    Ok(classes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        folder
    }

    #[test]
    fn classes_are_sorted_numbers_as_numbers_and_hidden_files_passed_over() {
        let names =
            |files: &[&str]| -> Vec<String> { class_folders(folder(files).path()).unwrap().into_iter().map(|class| class.name).collect() };
        assert_eq!(names(&["b/1.png", "A/1.png", "a/1.png", "README.md"]), ["A", "a", "b"]);
        assert_eq!(names(&["10/1.png", "9/1.png", "-1/1.png", ".git/x"]), ["-1", "9", "10"]);
        let files = folder(&["a/10.png", "a/2.png", "a/.DS_Store", "a/Thumbs.db", "a/notes.txt"]);
        assert_eq!(class_folders(files.path()).unwrap()[0].files, ["10.png", "2.png", "notes.txt"]);
    }

    #[test]
    fn train_validation_and_test_are_found_and_a_class_called_train_stays_a_class() {
        let parts = folder(&["train/a/1.png", "val/a/1.png", "test/a/1.png"]);
        let found = layout(parts.path()).unwrap();
        assert_eq!(found.validation, Some(parts.path().join("val")));
        assert_eq!(found.test, Some(parts.path().join("test")));
        let parts = folder(&["train/a/1.png", "dev/a/1.png"]);
        assert_eq!(layout(parts.path()).unwrap().validation, Some(parts.path().join("dev")));
        let twice = layout(folder(&["train/a/1.png", "dev/a/1.png", "val/a/1.png"]).path()).unwrap_err().to_string();
        assert!(twice.contains("has more than one folder of validation pictures"), "{twice}");
        let vehicles = folder(&["train/1.png", "tram/1.png"]);
        assert_eq!(layout(vehicles.path()).unwrap().train, vehicles.path());
        let message = layout(folder(&["train/a/1.png", "extra/a/1.png"]).path()).unwrap_err().to_string();
        assert!(message.contains("has a folder `extra` beside `train`"), "{message}");
    }

    #[test]
    fn two_folders_of_one_number_are_refused() {
        let message = class_folders(folder(&["1/1.png", "01/1.png", "2/1.png"]).path()).unwrap_err().to_string();
        assert!(message.contains("the same number") && message.contains("`1`") && message.contains("`01`"), "{message}");
        assert_eq!(class_folders(folder(&["1/1.png", "01/1.png", "b/1.png"]).path()).unwrap().len(), 3, "names, not numbers");
    }

    #[test]
    fn names_of_pictures() {
        assert!(["a.png", "B.PNG", "c.JPeG", "d.x.jpg"].into_iter().all(|name| is_picture(OsStr::new(name))));
        assert!(!["png", "a.gif", "a.png.txt"].into_iter().any(|name| is_picture(OsStr::new(name))));
    }
}
