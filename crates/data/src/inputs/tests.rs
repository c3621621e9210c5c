//! Files of every kind, read row by row.

use super::{InputRows, Inputs, RowFormat};
use crate::images::{Fit, Invert};
use crate::{Features, ReadOptions};
use image::codecs::{jpeg::JpegEncoder, png::PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use std::path::{Path, PathBuf};

fn pixels_of(shape: &[usize]) -> RowFormat {
    RowFormat {
        example_shape: shape.to_vec(),
        full_scale: Some(255),
        feature_names: Vec::new(),
        classes: ["cat", "dog"].map(String::from).to_vec(),
        fit: Fit::Pad,
        invert: Invert::No,
        options: ReadOptions::default(),
    }
}

fn columns(names: &[&str]) -> RowFormat {
    let feature_names = names.iter().map(|name| (*name).to_owned()).collect();
    RowFormat { full_scale: None, feature_names, ..pixels_of(&[names.len()]) }
}

fn labelled(mut format: RowFormat, label: &str) -> RowFormat {
    format.options.label = Some(label.into());
    format
}

fn skipping(mut format: RowFormat) -> RowFormat {
    format.options.skip_bad_rows = true;
    format
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn put(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

/// File name, row and label.
type Origin = (String, u64, Option<u32>);

/// All rows, read two at a time: the numbers, where each row is from, and how many were skipped.
fn read(paths: &[PathBuf], format: RowFormat) -> Result<(Vec<f32>, Vec<Origin>, u64), String> {
    let mut inputs = Inputs::find(paths, format).map_err(|error| error.to_string())?;
    let (mut values, mut origins) = (Vec::new(), Vec::new());
    while let Some(InputRows { features, origins: more }) = inputs.next(2).map_err(|error| error.to_string())? {
        assert!((1..=2).contains(&more.len()));
        values.extend((0..features.len()).map(|index| features.get(index)));
        let name = |path: &str| Path::new(path).file_name().unwrap().to_str().unwrap().to_owned();
        origins.extend(more.into_iter().map(|origin| (name(&origin.input), origin.row, origin.label)));
    }
    Ok((values, origins, inputs.skipped().rows))
}

fn values(path: PathBuf, format: RowFormat) -> Vec<f32> {
    read(&[path], format).unwrap().0
}

fn error(path: PathBuf, format: RowFormat) -> String {
    read(&[path], format).unwrap_err()
}

fn png(height: u32, width: u32, pixels: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    PngEncoder::new(&mut file).write_image(pixels, width, height, ExtendedColorType::L8).unwrap();
    file
}

fn idx(sizes: &[u32], values: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, sizes.len() as u8];
    bytes.extend(sizes.iter().flat_map(|size| size.to_be_bytes()));
    bytes.extend(values);
    bytes
}

fn npy(descr: &str, shape: &str, bytes: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut file = b"\x93NUMPY\x01\0".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.as_bytes());
    file.extend(bytes);
    file
}

#[test]
fn pictures_come_in_order_with_the_class_of_their_folder() {
    let folder = Folder::new();
    let last = folder.put("z.png", png(1, 2, &[9, 9]));
    for (name, value) in [("all/dog/2.png", 2), ("all/cat/10.png", 1), ("all/dog/3.PNG", 3), ("all/5.png", 5), ("all/.hidden", 0)] {
        folder.put(name, png(1, 2, &[value, 0]));
    }
    let (values, origins, _) = read(&[folder.0.path().join("all"), last], pixels_of(&[1, 2, 1])).unwrap();
    assert_eq!(values, [5.0, 0.0, 1.0, 0.0, 2.0, 0.0, 3.0, 0.0, 9.0, 9.0]);
    let expected = [("5.png", None), ("10.png", Some(0)), ("2.png", Some(1)), ("3.PNG", Some(1)), ("z.png", None)];
    assert!(origins.iter().map(|(name, row, label)| (name.as_str(), *row, *label)).eq(expected.map(|(name, label)| (name, 0, label))));
}

#[test]
fn a_picture_that_is_named_is_one_by_its_contents() {
    let folder = Folder::new();
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, 100).write_image(&[100, 100], 2, 1, ExtendedColorType::L8).unwrap();
    let paths = [folder.put("dog/digit", png(1, 2, &[7, 8])), folder.put("photo.jfif", &jpeg), folder.put("b.png", png(1, 2, &[9, 9]))];
    let (values, origins, _) = read(&paths, pixels_of(&[1, 2, 1])).unwrap();
    assert_eq!(values, [7.0, 8.0, 100.0, 100.0, 9.0, 9.0]);
    assert!(origins.iter().map(|(name, _, label)| (name.as_str(), *label)).eq([("digit", Some(1)), ("photo.jfif", None), ("b.png", None)]));
}

/// `digits` counts black cells of 16: white is 16 there.
#[test]
fn pictures_come_in_the_unit_of_the_training_data() {
    let folder = Folder::new();
    let path = folder.put("a.png", png(1, 3, &[0, 51, 255]));
    let format = RowFormat { full_scale: Some(16), ..pixels_of(&[1, 3, 1]) };
    assert_eq!(values(path.clone(), format), [0.0, 3.2, 16.0]);
    assert!(error(path.clone(), RowFormat { full_scale: None, ..pixels_of(&[1, 3, 1]) }).contains("trained on measurements"));
    assert!(error(path, columns(&["a", "b"])).contains("is a picture, and the model takes 2 numbers a row"));
}

#[test]
fn idx_and_npy_files_of_several_shapes_and_types_are_rows() {
    let folder = Folder::new();
    let bytes: Vec<u8> = (0..12).collect();
    let expected: Vec<f32> = (0..12).map(|value| value as f32).collect();
    let format = || pixels_of(&[2, 2, 1]);
    assert_eq!(values(folder.put("a", idx(&[3, 2, 2], &bytes)), format()), expected);
    assert_eq!(values(folder.put("b", idx(&[2, 2], &bytes[..4])), format()), expected[..4]);
    let wide = |size: usize, big: bool| -> Vec<u8> {
        let word = |value: &u8| if big { (u64::from(*value) << (64 - 8 * size)).to_be_bytes() } else { u64::from(*value).to_le_bytes() };
        bytes.iter().flat_map(|value| word(value)[..size].to_vec()).collect()
    };
    let floats = |value: &u8| f32::from(*value).to_le_bytes();
    let doubles = |value: &u8| f64::from(*value).to_be_bytes();
    for (descr, shape, contents) in [
        ("|u1", "(3, 2, 2)", bytes.clone()),
        ("|u1", "(3, 4)", bytes.clone()),
        ("<i2", "(3, 2, 2, 1)", wide(2, false)),
        (">u4", "(3, 4)", wide(4, true)),
        ("<i8", "(3, 4)", wide(8, false)),
        ("<f4", "(3, 2, 2)", bytes.iter().flat_map(floats).collect()),
        (">f8", "(3, 4)", bytes.iter().flat_map(doubles).collect()),
    ] {
        let file = npy(descr, shape, &contents);
        assert_eq!(values(folder.put("c.npy", &file), format()), expected, "{descr} {shape}");
        for cut in [file.len() - 1, file.len() - contents.len() - 3, 7] {
            let message = error(folder.put("cut.npy", &file[..cut]), format());
            assert!(message.contains("cut.npy "), "{message}");
        }
    }
    let (_, origins, _) = read(&[folder.put("c.npy", npy("|u1", "(3, 4)", &bytes))], format()).unwrap();
    assert_eq!(origins.iter().map(|origin| origin.1).collect::<Vec<_>>(), [0, 1, 2]);
}

#[test]
fn arrays_that_do_not_fit_or_lie_about_their_size_are_named() {
    let folder = Folder::new();
    let format = || pixels_of(&[2, 2, 1]);
    let bytes = [7; 12];
    for (file, expected) in [
        (idx(&[4, 3], &bytes), "holds an array of shape [4, 3], and the model takes [N, 2, 2, 1] or [N, 4]"),
        (idx(&[4, 2, 2], &bytes), "promises 4 rows in its header and holds only 3"),
        (idx(&[2, 2, 2], &bytes), "promises 2 rows in its header and holds more: its header is damaged, or something was added"),
        (idx(&[u32::MAX, 2, 2], &bytes), "promises 4294967295 rows"),
        (vec![0, 0, 13, 1, 0, 0, 0, 4], "not as an IDX file of unsigned bytes"),
        (npy("<f4", "(3, 5)", &bytes), "holds an array of shape [3, 5]"),
        (npy("<U3", "(3, 4)", &bytes), "holds text"),
        (npy("|O", "(3, 4)", &bytes), "pickled Python objects"),
        (npy("|u1", "(99999999999999999999, 4)", &bytes), "damaged .npy header"),
        (npy("|u1", "(0, 4)", &[]), "has no rows"),
        (npy("|u1", "(3, 4)", &bytes[..9]), "promises 3 rows in its header and holds only 2"),
        (b"hello, world".to_vec(), "is of no kind that can be predicted"),
        (Vec::new(), "is of no kind that can be predicted"),
    ] {
        let message = error(folder.put("file", file), format());
        assert!(message.contains(expected), "{expected}: {message}");
    }
    let fortran = String::from_utf8_lossy(&npy("|u1", "(3, 4)", &bytes)).into_owned();
    let mut file = npy("|u1", "(3, 4)", &bytes);
    let at = fortran.find("False").unwrap();
    // The magic's first byte is no UTF-8 and became three.
    file[at - 2..at + 3].copy_from_slice(b"True ");
    assert!(error(folder.put("f.npy", file), format()).contains("column by column"));
}

#[test]
fn rows_that_are_no_numbers_are_named_or_skipped() {
    let folder = Folder::new();
    let bytes: Vec<u8> = [1.0, 2.0, f32::NAN, 4.0, 5.0, 6.0].iter().flat_map(|value| value.to_le_bytes()).collect();
    let path = folder.put("x.npy", npy("<f4", "(3, 2)", &bytes));
    let message = error(path.clone(), columns(&["a", "b"]));
    assert!(message.contains("x.npy has NaN in row 1 (counted from 0), at feature 0"), "{message}");
    let (values, origins, skipped) = read(&[path], skipping(columns(&["a", "b"]))).unwrap();
    assert_eq!((values, origins[1].1, skipped), (vec![1.0, 2.0, 5.0, 6.0], 2, 1));
}

#[test]
fn columns_are_found_by_name_in_any_order_and_others_passed_over() {
    let folder = Folder::new();
    let path = folder.put("t.csv", "id,b,kind,a\nx,2,dog,1\ny,4,cat,3\nz, 6 ,cat, 5\n");
    let (values, origins, _) = read(std::slice::from_ref(&path), labelled(columns(&["a", "b"]), "kind")).unwrap();
    assert_eq!(values, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    assert_eq!(origins.iter().map(|origin| (origin.1, origin.2)).collect::<Vec<_>>(), [(0, Some(1)), (1, Some(0)), (2, Some(0))]);
    assert_eq!(read(&[path], columns(&["a", "b"])).unwrap().1[0].2, None);
    assert_eq!(self::values(folder.put("t.tsv", "b\ta\n2\t1\n"), columns(&["a", "b"])), [1.0, 2.0]);
    assert_eq!(self::values(folder.put("u.csv", "p,q\n2,1\n"), pixels_of(&[2])), [2.0, 1.0]);
}

#[test]
fn tables_that_do_not_fit_are_named() {
    let folder = Folder::new();
    let format = || labelled(columns(&["a", "b"]), "y");
    for (text, expected) in [
        ("a,y\n1,cat\n", "has no column `b`: the model takes 2 columns: a, b"),
        ("c,y\n1,cat\n", "has no column `a`, nor 1 other: the model takes 2 columns"),
        ("a;b;y\n1;2;cat\n", "has one column only: semicolons seem to stand between its columns"),
        ("a,b\n1,2\n", "has no column `y` (--label): it has a, b"),
        ("a,b,a,y\n1,2,3,cat\n", "has two columns called `a`"),
        ("a,b,y\n1,,cat\n", "has \"\" in line 2, column `b`, which is not a finite number"),
        ("a,b,y\n1,2,cat\n1,inf,dog\n", "has \"inf\" in line 3, column `b`"),
        ("a,b,y\n1,2,cow\n", "has the class \"cow\" in line 2, and the model knows cat, dog"),
        ("a,b,y\n1,2\n", "has 2 columns in line 2 and 3 in its header"),
        ("a,b,y\n", "has no rows"),
        ("", "is empty"),
    ] {
        let message = error(folder.put("t.csv", text), format());
        assert!(message.contains("t.csv ") && message.contains(expected), "{expected}: {message}");
    }
    let three = columns(&["a", "b", "c"]);
    assert!(error(folder.put("t.csv", "z\n1\n2\n"), three.clone()).contains("has one column only"));
    assert!(error(folder.put("t.csv", "z,y\n1,2\n"), three).contains("has no column `a`, nor 2 others: the model takes 3 columns"));
    let message = error(folder.put("t.csv", "p,q,r\n1,2,3\n"), pixels_of(&[2]));
    assert!(message.contains("has 3 columns with features, and the model takes 2"), "{message}");
    let mixed = folder.put("t.csv", "a,b,y\nx,2,cat\n3,4,dog\n5,6,cow\n7,8\n");
    let (values, origins, skipped) = read(&[mixed], skipping(format())).unwrap();
    assert_eq!((values, origins[0].1, skipped), (vec![3.0, 4.0], 1, 3));
}

#[test]
fn paths_that_are_not_there_and_folders_without_pictures_are_found_before_anything_is_read() {
    let folder = Folder::new();
    let good = folder.put("a.png", png(1, 1, &[1]));
    std::fs::create_dir(folder.0.path().join("empty")).unwrap();
    for (name, expected) in [("none.png", "cannot read"), ("empty", "has no pictures")] {
        let found = Inputs::find(&[good.clone(), folder.0.path().join(name)], pixels_of(&[1, 1, 1]));
        assert!(found.err().unwrap().to_string().contains(expected));
    }
}

#[test]
fn bad_pictures_are_named_or_skipped_and_a_chunk_of_bad_ones_is_passed_over() {
    let folder = Folder::new();
    for (name, bytes) in
        [("f/1.png", b"no".to_vec()), ("f/2.png", b"no".to_vec()), ("f/3.png", png(1, 1, &[3])), ("f/x.txt", b"a".to_vec())]
    {
        folder.put(name, bytes);
    }
    let path = folder.0.path().join("f");
    assert!(error(path.clone(), pixels_of(&[1, 1, 1])).contains("1.png is neither a PNG nor a JPEG file"));
    let (values, _, skipped) = read(&[path], skipping(pixels_of(&[1, 1, 1]))).unwrap();
    assert_eq!((values, skipped), (vec![3.0], 2));
}

#[test]
fn what_is_no_picture_in_a_folder_is_passed_over_and_counted() {
    let folder = Folder::new();
    let deep = format!("f/{}", "d/".repeat(33));
    for name in ["f/1.png", "f/draw.py", "f/cat/notes.txt", "f/.DS_Store"] {
        folder.put(name, png(1, 1, &[1]));
    }
    let path = folder.0.path().join("f");
    let inputs = Inputs::find(std::slice::from_ref(&path), pixels_of(&[1, 1, 1])).unwrap();
    assert_eq!((inputs.pictures(), inputs.passed_over().files), (Some(1), 2));
    assert_eq!(inputs.passed_over().first, Some(path.join("cat/notes.txt")));
    // The depth is counted from the folder that was named.
    folder.put(&format!("{deep}2.png"), png(1, 1, &[1]));
    assert!(error(path, pixels_of(&[1, 1, 1])).contains("lies too deep"));
    let within = folder.0.path().join("f/d/d");
    assert_eq!(read(&[within], pixels_of(&[1, 1, 1])).unwrap().0, [1.0]);
}

fn npz(arrays: &[(&str, Vec<u8>)]) -> Vec<u8> {
    use std::io::Write;
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in arrays {
        archive.start_file(format!("{name}.npy"), zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

#[test]
fn the_features_of_an_archive_are_rows() {
    let folder = Folder::new();
    let floats: Vec<u8> = [1.0, 2.0, f32::NAN, 4.0, 5.0, 6.0].iter().flat_map(|value| value.to_le_bytes()).collect();
    let x = npy("<f4", "(3, 2)", &floats);
    let path = folder.put("a.npz", npz(&[("x", x.clone()), ("y", npy("|u1", "(3,)", &[0, 1, 0]))]));
    assert!(error(path.clone(), columns(&["a", "b"])).contains("a.npz has NaN in row 1 (counted from 0), at feature 0"));
    let (values, origins, skipped) = read(&[path], skipping(columns(&["a", "b"]))).unwrap();
    assert_eq!((values, origins[1].1, skipped), (vec![1.0, 2.0, 5.0, 6.0], 2, 1));
    let bytes = folder.put("b.npz", npz(&[("X_test", npy("|u1", "(5, 1, 2)", &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]))]));
    assert_eq!(self::values(bytes, pixels_of(&[1, 2, 1])).len(), 10);
    for (arrays, expected) in [
        (npz(&[("data", x.clone())]), "holds no array called x (its arrays: data)"),
        (npz(&[("x_train", x.clone()), ("x_test", x.clone())]), "holds both `x_test` and `x_train`"),
        (npz(&[("x", npy("<f4", "(2, 3)", &floats))]), "holds an array of shape [2, 3], and the model takes [N, 2]"),
        (npz(&[("x", npy("<f4", "(0, 2)", &[]))]), "has no rows"),
        (npz(&[("x", x[..x.len() - 1].to_vec())]), "c.npz has an array `x` that "),
        (b"PK\x03\x04 and no more".to_vec(), "is not a whole .npz file"),
        (b"PAR1 and more".to_vec(), "is a Parquet file: save its rows as a .csv table"),
    ] {
        let message = error(folder.put("c.npz", arrays), columns(&["a", "b"]));
        assert!(message.contains(expected), "{expected}: {message}");
    }
}

#[test]
fn gzip_is_seen_by_its_contents() {
    use std::io::Write;
    let folder = Folder::new();
    let gzip = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let file = gzip(&idx(&[3, 1, 1], &[1, 2, 3]));
    assert_eq!(values(folder.put("a-ubyte.gz", &file), pixels_of(&[1, 1, 1])), [1.0, 2.0, 3.0]);
    assert!(error(folder.put("b-ubyte.gz", &file[..file.len() - 5]), pixels_of(&[1, 1, 1])).contains("not a whole gzip file"));
    assert_eq!(values(folder.put("t.csv.gz", gzip(b"b,a\n2,1\n")), columns(&["a", "b"])), [1.0, 2.0]);
    let features = Inputs::find(&[folder.put("a", &file)], pixels_of(&[1, 1, 1])).unwrap().next(9).unwrap().unwrap().features;
    assert_eq!(features, Features::U8 { values: vec![1, 2, 3], full_scale: 255 });
}

#[test]
fn a_byte_order_mark_is_no_part_of_a_name_even_where_it_comes_in_pieces() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv.gz");
    // Two members of a gzip file come out in two reads.
    let member = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        std::io::Write::write_all(&mut encoder, bytes).unwrap();
        encoder.finish().unwrap()
    };
    std::fs::write(&path, [member(b"\xef\xbb"), member(b"\xbfa,b\n1,2\n")].concat()).unwrap();
    assert_eq!(values(path, columns(&["a", "b"])), [1.0, 2.0]);
}
