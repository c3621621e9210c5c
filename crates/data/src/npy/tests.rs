//! Arrays as data, and every kind of broken array.

use super::read;
use crate::{Features, ReadOptions, Source};
use std::io::{Cursor, Write};
use std::path::Path;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

fn npy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    ordered(descr, "False", shape, data)
}

fn ordered(descr: &str, fortran_order: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': {fortran_order}, 'shape': {shape}, }}\n");
    let length = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00".as_slice(), &length, header.as_bytes(), data].concat()
}

fn npz(arrays: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in arrays {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        zip.start_file(format!("{name}.npy"), options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn open(path: &Path, options: &ReadOptions) -> Result<Source, String> {
    read(path, "arrays", options).map_err(|error| error.to_string())
}

fn read_npz(bytes: &[u8], options: &ReadOptions) -> Result<Source, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("set.npz");
    std::fs::write(&path, bytes).unwrap();
    open(&path, options)
}

fn error(x: Vec<u8>, y: Vec<u8>) -> String {
    read_npz(&npz(&[("x", x), ("y", y)]), &ReadOptions::default()).unwrap_err()
}

fn bytes<const N: usize>(values: impl IntoIterator<Item = [u8; N]>) -> Vec<u8> {
    values.into_iter().flatten().collect()
}

fn labels() -> Vec<u8> {
    npy("|u1", "(2,)", &[7, 5])
}

#[test]
fn every_type_and_byte_order_gives_the_same_numbers() {
    let values = [1.0_f32, 0.0, 1.0, 0.0, 0.0, 1.0];
    let whole = values.map(|value| value as i8);
    for (descr, data) in [
        ("<f4", bytes(values.map(f32::to_le_bytes))),
        (">f4", bytes(values.map(f32::to_be_bytes))),
        ("<f8", bytes(values.map(|value| f64::from(value).to_le_bytes()))),
        ("<f2", bytes(values.map(|value| half::f16::from_f32(value).to_le_bytes()))),
        ("|b1", bytes(whole.map(i8::to_le_bytes))),
        ("|i1", bytes(whole.map(i8::to_le_bytes))),
        (">i2", bytes(whole.map(|value| i16::from(value).to_be_bytes()))),
        ("<u2", bytes(whole.map(|value| (value as u16).to_le_bytes()))),
        ("<i8", bytes(whole.map(|value| i64::from(value).to_le_bytes()))),
        (">u8", bytes(whole.map(|value| (value as u64).to_be_bytes()))),
    ] {
        let source = read_npz(&npz(&[("X", npy(descr, "(2, 3)", &data)), ("Y", labels())]), &ReadOptions::default()).unwrap();
        assert_eq!(source.train.features(), &Features::F32(values.to_vec()), "{descr}");
        assert_eq!((source.train.labels(), &source.classes[..]), (&[1, 0][..], &["5".to_owned(), "7".to_owned()][..]));
    }
    let negative = read_npz(
        &npz(&[("x", npy("<i2", "(2, 1)", &bytes([-3_i16, 300].map(i16::to_le_bytes)))), ("y", labels())]),
        &ReadOptions::default(),
    );
    assert_eq!(negative.unwrap().train.features(), &Features::F32(vec![-3.0, 300.0]));
}

#[test]
fn bytes_are_pixels_and_shapes_become_images() {
    for (shape, expected) in [("(2, 4)", vec![4]), ("(2, 2, 2)", vec![2, 2, 1]), ("(2, 1, 2, 2)", vec![1, 2, 2])] {
        let x = npy("|u1", shape, &[1, 2, 3, 4, 5, 6, 7, 8]);
        let source = read_npz(&npz(&[("x", x), ("y", labels())]), &ReadOptions::default()).unwrap();
        assert_eq!(source.train.example_shape(), expected);
        assert_eq!(source.train.features(), &Features::U8 { values: vec![1, 2, 3, 4, 5, 6, 7, 8], full_scale: 255 });
    }
}

#[test]
fn fortran_order_is_turned_around() {
    // numpy.arange(12).reshape(2, 3, 2) in Fortran's order.
    let data = [0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11];
    let source = read_npz(&npz(&[("x", ordered("|u1", "True", "(2, 3, 2)", &data)), ("y", labels())]), &ReadOptions::default()).unwrap();
    assert_eq!(source.train.features(), &Features::U8 { values: (0..12).collect(), full_scale: 255 });
}

#[test]
fn labels_may_be_text_truth_values_or_whole_floats() {
    let text: Vec<u8> = bytes("noyes".chars().chain(['\0']).map(|letter| (letter as u32).to_le_bytes()));
    let swapped = [&text[..8], &[0; 4], &text[8..20]].concat();
    for (y, expected) in [
        (npy("<U3", "(2,)", &swapped), ["no", "yes"]),
        (npy("|S2", "(2, 1)", b"a\0bc"), ["a", "bc"]),
        (npy("|b1", "(2,)", &[0, 1]), ["false", "true"]),
        (npy("<f4", "(2,)", &bytes([-0.0_f32, 1.0].map(f32::to_le_bytes))), ["0", "1"]),
    ] {
        let source = read_npz(&npz(&[("x", npy("|u1", "(2, 1)", &[1, 2])), ("y", y)]), &ReadOptions::default()).unwrap();
        assert_eq!(
            (source.classes.iter().map(String::as_str).collect::<Vec<_>>(), source.train.labels()),
            (expected.to_vec(), &[0, 1][..])
        );
    }
}

#[test]
fn an_archive_a_folder_and_a_file_with_its_neighbours_are_the_same() {
    let [x, x_test] = [npy("|u1", "(2, 1)", &[1, 2]), npy("|u1", "(1, 1)", &[3])];
    let y_test = npy("|u1", "(1,)", &[5]);
    let folder = tempfile::tempdir().unwrap();
    let arrays = [("x_train", x.clone()), ("y_train", labels()), ("x_test", x_test), ("y_test", y_test)];
    for (name, bytes) in &arrays {
        std::fs::write(folder.path().join(format!("{name}.npy")), bytes).unwrap();
    }
    let expected = read_npz(&npz(&arrays), &ReadOptions::default()).unwrap();
    assert_eq!(expected.test.as_ref().unwrap().labels(), [0]);
    assert_eq!(open(folder.path(), &ReadOptions::default()).unwrap(), expected);
    assert_eq!(open(&folder.path().join("x_train.npy"), &ReadOptions::default()).unwrap(), expected);
    std::fs::write(folder.path().join("X.npy"), x).unwrap();
    std::fs::write(folder.path().join("y.npy"), labels()).unwrap();
    assert_eq!(open(&folder.path().join("X.npy"), &ReadOptions::default()).unwrap().test, None);
}

#[test]
fn validation_arrays_follow_the_train_rows() {
    let one = |value| npy("|u1", "(1, 1)", &[value]);
    let arrays =
        [("x_train", npy("|u1", "(2, 1)", &[1, 2])), ("y_train", labels()), ("x_val", one(3)), ("y_val", npy("|u1", "(1,)", &[7]))];
    let source = read_npz(&npz(&arrays), &ReadOptions::default()).unwrap();
    assert_eq!((source.own_validation, source.train.labels()), (1, &[1, 0, 1][..]));
}

#[test]
fn every_kind_of_broken_array_is_named() {
    let x = || npy("|u1", "(2, 1)", &[1, 2]);
    for (message, expected) in [
        (error(npy("|O", "(2, 1)", &[1, 2]), labels()), "has an array `x` that holds pickled Python objects"),
        (error(npy("<c8", "(2, 1)", &[0; 16]), labels()), "`x` that holds elements of type `<c8`"),
        (
            error(npy("|u1", "(3, 1)", &[1, 2]), npy("|u1", "(3,)", &[0, 1, 1])),
            "`x` that promises [3, 1] values in its header and holds only 2",
        ),
        (error(npy("|u1", "(2, 1)", &[1, 2, 3]), labels()), "`x` that promises [2, 1] values in its header and holds more"),
        (
            error(npy("<f8", "(100000000, 100000)", &[1; 8]), labels()),
            "`x` that promises [100000000, 100000] values in its header and holds fewer",
        ),
        (error(npy("<f8", "(9999999999, 9999999999)", &[]), labels()), "promises [9999999999, 9999999999] values in its header"),
        (error(npy("|u1", "(2,)", &[1, 2]), labels()), "`x` that has the shape [2], where [N, F]"),
        (error(npy("|u1", "(2, 0)", &[]), labels()), "`x` that has the shape [2, 0]"),
        (error(x(), npy("|u1", "(3,)", &[1, 2, 3])), "`x` that has 2 rows, but `y` has 3"),
        (error(x(), npy("|u1", "(2, 3)", &[1; 6])), "`y` that has the shape [2, 3], where one class for each row was expected (one-hot"),
        (error(x(), npy("<f4", "(2,)", &bytes([f32::NAN, 1.0].map(f32::to_le_bytes)))), "has no label in row 0"),
        (
            error(npy("<f4", "(2, 1)", &bytes([1.0, f32::INFINITY].map(f32::to_le_bytes))), labels()),
            "has inf in row 1 of `x`, at feature 0",
        ),
        (error(npy("<U1", "(2, 1)", &[65, 0, 0, 0, 66, 0, 0, 0]), labels()), "`x` that holds text"),
        (error(x(), npy("|u1", "(2,)", &[1, 1])), "one class only"),
        (error(b"short".to_vec(), labels()), "`x` that does not start like a .npy file"),
    ] {
        assert!(message.contains(expected), "{expected}: {message}");
    }
}

#[test]
fn arrays_that_are_missing_or_there_twice_are_named() {
    let x = || npy("|u1", "(2, 1)", &[1, 2]);
    let message = |arrays: &[(&str, Vec<u8>)]| read_npz(&npz(arrays), &ReadOptions::default()).unwrap_err();
    assert!(message(&[("x", x())]).contains("does not hold features with their labels (its arrays: x)"));
    assert!(message(&[]).contains("(its arrays: none)"));
    assert!(message(&[("arr_0", x()), ("arr_1", labels())]).contains("(its arrays: arr_0, arr_1): call them x and y"));
    assert!(message(&[("x_test", x()), ("y_test", labels())]).contains("does not hold features with their labels"));
    assert!(message(&[("x", x()), ("x_train", x()), ("y", labels())]).contains("holds both `x` and `x_train`"));
    assert!(read_npz(b"PK\x03\x04 and so on", &ReadOptions::default()).unwrap_err().contains("is not a whole .npz file"));
}

/// A byte of the compressed data, then the archive's end.
#[test]
fn a_damaged_or_cut_archive_is_an_error_and_never_a_panic() {
    let whole = npz(&[("x", npy("|u1", "(2, 1)", &[1, 2])), ("y", labels())]);
    let good = read_npz(&whole, &ReadOptions::default()).unwrap();
    for position in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[position] ^= 0x55;
        // Times and attributes of members mean nothing here.
        if let Ok(source) = read_npz(&damaged, &ReadOptions::default()) {
            assert_eq!(source, good, "byte {position}");
        }
        assert!(read_npz(&whole[..position], &ReadOptions::default()).is_err(), "{position}");
    }
}

#[test]
fn bad_rows_are_skipped_where_that_is_asked_for() {
    let x = npy("<f4", "(4, 1)", &bytes([1.0, f32::NAN, 3.0, 4.0].map(f32::to_le_bytes)));
    let y = npy("<f4", "(4,)", &bytes([0.0, 0.0, 1.0, f32::NAN].map(f32::to_le_bytes)));
    let source = read_npz(&npz(&[("x", x), ("y", y)]), &ReadOptions { skip_bad_rows: true, ..ReadOptions::default() }).unwrap();
    assert_eq!((source.train.features(), source.train.labels()), (&Features::F32(vec![1.0, 3.0]), &[0, 1][..]));
    assert_eq!(source.skipped.rows, 2);
    assert!(source.skipped.first.unwrap().contains("has NaN in row 1 of `x`"));
    assert_eq!([0, 1].map(|index| source.train.row_numbers().of(index)), [0, 2]);
}

#[test]
fn validation_rows_are_numbered_after_the_train_rows_with_those_that_are_skipped() {
    let x = || npy("<f4", "(3, 1)", &bytes([f32::NAN, 2.0, 3.0].map(f32::to_le_bytes)));
    let y = || npy("|u1", "(3,)", &[0, 1, 0]);
    let arrays = [("x_train", x()), ("y_train", y()), ("x_val", x()), ("y_val", y())];
    let source = read_npz(&npz(&arrays), &ReadOptions { skip_bad_rows: true, ..ReadOptions::default() }).unwrap();
    assert_eq!([0, 1, 2, 3].map(|index| source.train.row_numbers().of(index)), [1, 2, 4, 5]);
}
