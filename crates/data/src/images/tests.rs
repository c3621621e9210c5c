//! Folders of pictures, read whole.

use super::{is_image_folder, read_image_folder};
use crate::{Features, ReadOptions, Source};
use image::codecs::{jpeg::JpegEncoder, png::PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use std::path::Path;
use std::sync::{Arc, Mutex};

fn png(height: u32, width: u32, color: ExtendedColorType, bytes: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    PngEncoder::new(&mut file).write_image(bytes, width, height, color).unwrap();
    file
}

fn grey(pixels: [u8; 4]) -> Vec<u8> {
    png(2, 2, ExtendedColorType::L8, &pixels)
}

fn put(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// Two classes of two pictures each.
fn pets() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, pixels) in
        [("dog/2.png", [8, 9, 10, 11]), ("cat/b.PNG", [4, 5, 6, 7]), ("cat/a.png", [0, 1, 2, 3]), ("dog/10.png", [12, 13, 14, 255])]
    {
        put(folder.path(), name, grey(pixels));
    }
    folder
}

fn read(folder: &Path) -> Result<Source, String> {
    read_with(folder, &ReadOptions::default())
}

fn read_with(folder: &Path, options: &ReadOptions) -> Result<Source, String> {
    read_image_folder(folder, "pets", options).map_err(|error| error.to_string())
}

fn pixels(source: &Source) -> &[u8] {
    match source.train.features() {
        Features::U8 { values, full_scale: 255 } => values,
        other => panic!("pictures are bytes: {other:?}"),
    }
}

#[test]
fn classes_and_pictures_come_sorted_by_name() {
    let folder = pets();
    assert!(is_image_folder(folder.path()));
    let source = read(folder.path()).unwrap();
    assert_eq!(source.classes, ["cat", "dog"]);
    assert_eq!(source.train.example_shape(), [2, 2, 1]);
    assert_eq!(source.train.labels(), [0, 0, 1, 1]);
    assert_eq!(pixels(&source), [0, 1, 2, 3, 4, 5, 6, 7, 12, 13, 14, 255, 8, 9, 10, 11]);
    assert!(source.test.is_none() && source.feature_names.is_empty());
}

#[test]
fn train_validation_and_test_folders_stay_apart() {
    let folder = tempfile::tempdir().unwrap();
    for (name, value) in [("train/a/1.png", 1), ("train/b/1.png", 2), ("val/b/1.png", 3), ("test/a/1.png", 4), ("test/b/9.png", 5)] {
        put(folder.path(), name, grey([value; 4]));
    }
    assert!(is_image_folder(folder.path()));
    let source = read(folder.path()).unwrap();
    assert_eq!((source.train.labels(), source.own_validation), ([0, 1, 1].as_slice(), 1));
    assert_eq!(pixels(&source), [1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3]);
    assert_eq!(source.test.unwrap().labels(), [0, 1]);
    put(folder.path(), "test/c/1.png", grey([1; 4]));
    assert!(read(folder.path()).unwrap_err().contains("is a class that `train` does not have"));
}

#[test]
fn pictures_of_other_sizes_are_named_or_brought_to_one() {
    let folder = pets();
    put(folder.path(), "dog/wide.png", png(2, 4, ExtendedColorType::L8, &[200; 8]));
    let message = read(folder.path()).unwrap_err();
    assert!(message.contains("wide.png has 2 x 4 pixels, and ") && message.contains("a.png has 2 x 2"), "{message}");
    assert!(message.contains("set data.image_size = [2, 2] to bring all pictures to one size (in"), "{message}");
    let options = ReadOptions { image_size: Some([3, 3]), ..ReadOptions::default() };
    assert_eq!(read_with(folder.path(), &options).unwrap().train.example_shape(), [3, 3, 1]);
}

#[test]
fn colour_among_grey_is_named_and_channels_may_be_asked_for() {
    let folder = pets();
    put(folder.path(), "dog/red.png", png(2, 2, ExtendedColorType::Rgb8, &[255, 0, 0].repeat(4)));
    let message = read(folder.path()).unwrap_err();
    assert!(message.contains("red.png is in colour, and ") && message.contains("set data.channels = 1"), "{message}");
    let with = |channels| read_with(folder.path(), &ReadOptions { channels: Some(channels), ..ReadOptions::default() }).unwrap();
    assert_eq!(pixels(&with(1))[16..], [76; 4]);
    assert_eq!((with(3).train.example_shape(), &pixels(&with(3))[48..]), ([2, 2, 3].as_slice(), [255, 0, 0].repeat(4).as_slice()));
}

#[test]
fn grey_among_colour_becomes_colour() {
    let folder = pets();
    put(folder.path(), "cat/0.png", png(2, 2, ExtendedColorType::Rgb8, &[1, 2, 3].repeat(4)));
    assert_eq!(pixels(&read(folder.path()).unwrap())[..15], [1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3, 0, 0, 0]);
}

#[test]
fn what_cannot_be_used_is_named_or_left_out_and_counted() {
    for (name, bytes, expected, numbers) in [
        ("cat/c.png", b"not a picture".to_vec(), "c.png is neither a PNG nor a JPEG file", [0, 1, 3, 4]),
        ("cat/c.png", grey([1; 4])[..40].to_vec(), "c.png does not decode", [0, 1, 3, 4]),
        ("cat/notes.txt", b"cute".to_vec(), "notes.txt lies among pictures and is neither .png nor .jpg", [0, 1, 3, 4]),
        ("cat/more/a.png", grey([1; 4]), "more is a folder inside a class's folder", [0, 1, 3, 4]),
        ("cat/0.png", Vec::new(), "0.png is empty", [1, 2, 3, 4]),
    ] {
        let folder = pets();
        put(folder.path(), name, bytes);
        let message = read(folder.path()).unwrap_err();
        assert!(message.contains(expected), "{message}");
        let source = read_with(folder.path(), &ReadOptions { skip_bad_rows: true, ..ReadOptions::default() }).unwrap();
        assert_eq!(pixels(&source), pixels(&read(pets().path()).unwrap()), "{name}");
        assert_eq!(source.skipped.rows, 1);
        assert_eq!([0, 1, 2, 3].map(|index| source.train.row_numbers().of(index)), numbers);
        assert!(source.skipped.first.unwrap().contains(expected));
    }
}

#[test]
fn folders_without_classes_or_pictures_are_named() {
    let folder = tempfile::tempdir().unwrap();
    assert!(!is_image_folder(folder.path()));
    assert!(read(folder.path()).unwrap_err().contains("has no folders: give one folder of pictures per class"));
    std::fs::create_dir(folder.path().join("cat")).unwrap();
    assert!(read(folder.path()).unwrap_err().contains("cat has no pictures"));
    put(folder.path(), "cat/1.png", grey([1; 4]));
    assert!(read(folder.path()).unwrap_err().contains("one class only"));
    assert!(read(&folder.path().join("none")).unwrap_err().contains("cannot read"));
}

#[test]
fn jpegs_are_read_by_their_contents_and_links_are_followed() {
    let folder = pets();
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, 100).write_image(&[100; 4], 2, 2, ExtendedColorType::L8).unwrap();
    put(folder.path(), "dog/z.png", &jpeg);
    #[cfg(unix)]
    {
        std::fs::remove_file(folder.path().join("dog/z.png")).unwrap();
        put(folder.path(), "elsewhere.jpg", &jpeg);
        std::os::unix::fs::symlink("../elsewhere.jpg", folder.path().join("dog/z.png")).unwrap();
    }
    assert_eq!(pixels(&read(folder.path()).unwrap())[16..], [100; 4]);
}

#[test]
fn reading_thousands_tells_how_far_it_is() {
    let folder = pets();
    for index in 0..2100 {
        put(folder.path(), &format!("dog/{index:05}.png"), grey([7; 4]));
    }
    let told = Arc::new(Mutex::new(Vec::new()));
    let listener = Arc::clone(&told);
    let progress = crate::Reporter::new(move |progress| listener.lock().unwrap().push((progress.done, progress.total)));
    read_with(folder.path(), &ReadOptions { progress, ..ReadOptions::default() }).unwrap();
    assert_eq!(*told.lock().unwrap(), [(1024, 2104), (2048, 2104)]);
}
