//! A folder of pictures as a data set.

use super::folder::{ClassFolder, class_folders, entries, is_picture, layout, subfolders};
use super::{DecodedImage, Fit, Invert, Pictures, Shaper, decode, fill};
use crate::{DataError, Dataset, Features, ReadOptions, RowNumbers, Skipped, Source};
use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// A picture's file is read whole; none that can be decoded is larger.
const MOST_FILE_BYTES: u64 = 1 << 28;

/// A file that should be a picture, and its class.
struct Listed<'a> {
    label: u32,
    folder: &'a ClassFolder,
    file: &'a OsString,
}

/// Pictures, `[pictures, height, width, channels]`, and their labels.
struct Part {
    pixels: Vec<u8>,
    labels: Vec<u32>,
    /// Which of the listed files are left out, ascending.
    failed: Vec<usize>,
}

/// The shape of the data set, as the recipe or its first picture has it.
struct Shape {
    shaper: Shaper,
    /// Whether pictures of other sizes are brought to this one.
    is_resized: bool,
    /// Whether colour is turned grey.
    has_asked_channels: bool,
    first: PathBuf,
}

/// Whether `folder` looks like a folder of pictures: a folder in it holds one, or its `train` does.
pub(crate) fn is_image_folder(folder: &Path) -> bool {
    let holds_pictures = |folder: &Path| {
        let classes = subfolders(folder).unwrap_or_default();
        classes.iter().any(|class| entries(&folder.join(class)).is_ok_and(|files| files.iter().any(|file| is_picture(file))))
    };
    holds_pictures(folder) || holds_pictures(&folder.join("train"))
}

/// Refuses the settings of image folders, for data that is none.
pub(crate) fn check_settings(name: &str, options: &ReadOptions) -> Result<(), DataError> {
    let refused = |key, found: String| Err(DataError::setting(key, found, format!("is for image folders, not for {name}"), "remove it"));
    match (options.image_size, options.channels) {
        (Some(size), _) => refused("data.image_size", format!("{size:?}")),
        (_, Some(channels)) => refused("data.channels", channels.to_string()),
        _ => Ok(()),
    }
}

/// Reads a folder of pictures: a folder per class, or `train`, and perhaps `validation` and `test`, which hold a folder per class.
///
/// All pictures have one size, or are brought to `data.image_size` (as [`Fit::Pad`]); they are grey if the first one is, or as
/// `data.channels` says.
pub(crate) fn read_image_folder(path: &Path, name: &str, options: &ReadOptions) -> Result<Source, DataError> {
    let folders = layout(path)?;
    let train = class_folders(&folders.train)?;
    if train.is_empty() {
        return Err(DataError::malformed(&folders.train, "has no folders", "give one folder of pictures per class, named after it"));
    }
    let classes: Vec<String> = train.iter().map(|class| class.name.clone()).collect();
    let mut skipped = Skipped::default();
    let shape = Shape::of(&train, options)?;
    let validation = folders.validation.as_deref().map_or_else(|| Ok(Vec::new()), class_folders)?;
    let test = folders.test.as_deref().map(class_folders).transpose()?;

    let mut listed = list(&train, &classes)?;
    let first_validation = listed.len();
    listed.extend(list(&validation, &classes)?);
    let part = shape.read(&listed, name, options, &mut skipped)?;
    let own_validation = (first_validation..listed.len()).filter(|index| part.failed.binary_search(index).is_err()).count();
    let mut read_test = |test: Vec<ClassFolder>| shape.read(&list(&test, &classes)?, name, options, &mut skipped);
    let test = test.map(&mut read_test).transpose()?.map(|part| shape.dataset(part));
    let train = shape.dataset(part);
    Source { own_validation, skipped, ..Source::new(name, classes, train, test) }.validated()
}

/// The files of these folders, class by class.
fn list<'a>(folders: &'a [ClassFolder], classes: &[String]) -> Result<Vec<Listed<'a>>, DataError> {
    let mut listed = Vec::new();
    for folder in folders {
        let label = classes.iter().position(|class| *class == folder.name).ok_or_else(|| {
            DataError::malformed(&folder.path, "is a class that `train` does not have", "give every part the same class folders")
        })?;
        listed.extend(folder.files.iter().map(|file| Listed { label: label as u32, folder, file }));
    }
    Ok(listed)
}

/// Reads and decodes a picture.
pub(crate) fn read_picture(path: &Path) -> Result<DecodedImage, DataError> {
    let unreadable = |error: std::io::Error| DataError::unreadable(path, error, "give a file that exists and that you may read");
    let mut bytes = Vec::new();
    File::open(path).map_err(unreadable)?.take(MOST_FILE_BYTES).read_to_end(&mut bytes).map_err(unreadable)?;
    decode(&bytes).map_err(|problem| DataError::malformed(path, problem, "give another PNG or JPEG file, or remove it"))
}

impl Shape {
    /// What the recipe asks for, and for the rest the shape of the first picture that can be read.
    fn of(folders: &[ClassFolder], options: &ReadOptions) -> Result<Self, DataError> {
        let mut failure = None;
        for (folder, file) in folders.iter().flat_map(|folder| folder.files.iter().map(move |file| (folder, file))) {
            let path = folder.path.join(file);
            let image = match read_listed(&path) {
                Ok(image) => image,
                Err(error) if options.skip_bad_rows => {
                    failure.get_or_insert(error);
                    continue;
                }
                Err(error) => return Err(error),
            };
            let [height, width] = options.image_size.unwrap_or([image.height, image.width]);
            let channels = options.channels.unwrap_or(image.channels);
            let shaper = Shaper { height, width, channels, fit: Fit::Pad, invert: Invert::No };
            return Ok(Self {
                shaper,
                is_resized: options.image_size.is_some(),
                has_asked_channels: options.channels.is_some(),
                first: path,
            });
        }
        // Every class has a file, so that what is left is that none can be used.
        Err(failure.unwrap_or_else(|| DataError::unusable("the folder", "has no pictures", "give a folder per class")))
    }

    /// Decodes the listed files on all cores, into a buffer of just their size.
    fn read(&self, listed: &[Listed<'_>], name: &str, options: &ReadOptions, skipped: &mut Skipped) -> Result<Part, DataError> {
        let size = self.shaper.len();
        let mut pixels = zeros(listed.len(), size, name)?;
        let each = Pictures { size, stop_at_failure: !options.skip_bad_rows, what: name, progress: &options.progress };
        let failures = fill(&mut pixels, &each, |index, slot| {
            let Listed { folder, file, .. } = &listed[index];
            slot.copy_from_slice(&self.picture(&folder.path.join(file))?);
            Ok::<_, DataError>(())
        });
        options.progress.check()?;
        let failed: Vec<usize> = failures.iter().map(|(index, _)| *index).collect();
        for (_, failure) in failures {
            skipped.take(failure, options)?;
        }
        close_gaps(&mut pixels, size, &failed);
        let kept = listed.iter().enumerate().filter(|(index, _)| failed.binary_search(index).is_err());
        let labels = kept.map(|(_, listed)| listed.label).collect();
        Ok(Part { pixels, labels, failed })
    }

    fn picture(&self, path: &Path) -> Result<Vec<u8>, DataError> {
        let image = read_listed(path)?;
        let Shaper { height, width, channels, .. } = self.shaper;
        if !self.is_resized && (image.height, image.width) != (height, width) {
            let problem = format!("has {} x {} pixels, and {} has {height} x {width}", image.height, image.width, self.first.display());
            let verify = format!("in data verify: --image-size {height} {width}");
            let remedy = format!("set data.image_size = [{height}, {width}] to bring all pictures to one size ({verify})");
            return Err(DataError::malformed(path, problem, remedy));
        }
        if !self.has_asked_channels && image.channels > channels {
            let problem = format!("is in colour, and {} is grey", self.first.display());
            let remedy = "set data.channels = 1 to read all in grey, or 3 to read all in colour (in data verify: --channels)";
            return Err(DataError::malformed(path, problem, remedy));
        }
        self.shaper.shape(image).map_err(|problem| DataError::malformed(path, problem, "remove it"))
    }

    fn dataset(&self, part: Part) -> Dataset {
        let Shaper { height, width, channels, .. } = self.shaper;
        let dataset = Dataset::new(Features::U8 { values: part.pixels, full_scale: u8::MAX }, vec![height, width, channels], part.labels);
        dataset.numbered(RowNumbers::without(part.failed.into_iter()))
    }
}

/// A file of a class folder, which must be a picture by its name, too.
fn read_listed(path: &Path) -> Result<DecodedImage, DataError> {
    if path.is_dir() {
        return Err(DataError::malformed(path, "is a folder inside a class's folder", "put the pictures into the class's folder itself"));
    }
    if !path.file_name().is_some_and(is_picture) {
        let remedy = "remove it, or leave out what cannot be used with --skip-bad-rows";
        return Err(DataError::malformed(path, "lies among pictures and is neither .png nor .jpg", remedy));
    }
    read_picture(path)
}

fn zeros(count: usize, size: usize, name: &str) -> Result<Vec<u8>, DataError> {
    let mut pixels = Vec::new();
    let bytes = count.checked_mul(size).filter(|bytes| pixels.try_reserve_exact(*bytes).is_ok()).ok_or_else(|| {
        let problem = format!("has {count} pictures of {size} bytes, more than this machine's memory");
        DataError::unusable(name, problem, "give fewer, or set a smaller data.image_size")
    })?;
    pixels.resize(bytes, 0);
    Ok(pixels)
}

/// Moves the slots together that are not among `failed`, which is sorted.
pub(crate) fn close_gaps(pixels: &mut Vec<u8>, size: usize, failed: &[usize]) {
    let mut kept = 0;
    for index in 0..pixels.len() / size {
        if failed.binary_search(&index).is_err() {
            if kept != index {
                pixels.copy_within(index * size..(index + 1) * size, kept * size);
            }
            kept += 1;
        }
    }
    pixels.truncate(kept * size);
}
