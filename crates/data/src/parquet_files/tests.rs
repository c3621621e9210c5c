//! Parquet as data, against files that pandas, pyarrow and NumPy wrote (`tests/fixtures/formats/generate.py`).

use crate::hub_file;
use crate::{Catalog, Features, ReadOptions, Source};
use std::path::{Path, PathBuf};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/formats").join(name)
}

fn open_as(path: &Path, options: &ReadOptions) -> Result<Source, String> {
    Catalog::from_environment().open(path.to_str().unwrap(), options).map_err(|error| error.to_string())
}

fn open(name: &str) -> Source {
    open_as(&fixture(name), &ReadOptions::default()).unwrap()
}

/// The same data read from another file.
fn called(name: &str, source: Source) -> Source {
    Source { name: name.into(), given: fixture(name).display().to_string(), ..source }
}

fn skipping() -> ReadOptions {
    ReadOptions { skip_bad_rows: true, ..ReadOptions::default() }
}

#[test]
fn every_format_of_a_table_gives_the_same_rows() {
    let csv = open("table.csv");
    assert_eq!((csv.train.len(), &csv.classes[..]), (12, &["apple", "pear", "plum"].map(String::from)[..]));
    assert_eq!(csv.feature_names, ["length", "count", "share", "ripe"]);
    for name in ["table.tsv.gz", "table.parquet", "table_types.parquet"] {
        assert_eq!(open(name), called(name, csv.clone()), "{name}");
    }
    for name in ["table.npz", "table_fortran.npz"] {
        assert_eq!(open(name), Source { feature_names: vec![], ..called(name, csv.clone()) }, "{name}");
    }
}

#[test]
fn images_of_the_hub_are_those_of_the_arrays() {
    let (parquet, arrays) = (open("pictures"), open("pictures.npz"));
    assert_eq!(parquet, called("pictures", arrays));
    assert_eq!((parquet.train.len(), parquet.test.as_ref().unwrap().len()), (5, 3));
    assert_eq!(parquet.train.example_shape(), [3, 5, 1]);
    let Features::U8 { full_scale: 255, .. } = parquet.train.features() else { panic!("images are bytes") };
}

#[test]
fn a_column_may_be_named_as_the_class() {
    let source = open_as(&fixture("table.parquet"), &ReadOptions { label: Some("count".into()), ..ReadOptions::default() });
    let message = source.unwrap_err();
    assert!(message.contains("holds text in column `kind`, where numbers were expected"), "{message}");
    let by_id = ReadOptions { label: Some("id".into()), ..ReadOptions::default() };
    assert_eq!(open_as(&fixture("pictures"), &by_id).unwrap().classes, ["0", "1", "2", "3"]);
    let message = open_as(&fixture("pictures"), &ReadOptions { label: Some("kind".into()), ..ReadOptions::default() }).unwrap_err();
    assert!(message.contains("data.label = \"kind\" is no column of") && message.ends_with("use one of id, label"), "{message}");
}

#[test]
fn columns_and_rows_that_cannot_be_used_are_named() {
    for (name, expected) in [
        ("text", "holds text in column `a`, where numbers were expected"),
        ("dates", "holds dates or times in column `a`, where numbers"),
        ("lists", "holds lists in column `a.list.element`, where numbers"),
        ("decimals", "holds decimals in column `a`, where numbers"),
        ("null", "has no finite number in row 1, column `a`"),
        ("infinite", "has no finite number in row 1, column `a`"),
        ("label", "has no label in row 1"),
    ] {
        let message = open_as(&fixture(&format!("refused_{name}.parquet")), &ReadOptions::default()).unwrap_err();
        assert!(message.contains(expected), "{name}: {message}");
    }
    let message = open_as(&fixture("refused_null.parquet"), &skipping()).unwrap_err();
    assert!(message.contains("one class only"), "one row of two is left: {message}");
}

#[test]
fn bad_images_and_labels_are_named_with_their_row_or_skipped() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("set.parquet");
    let png = |height, width| Some(hub_file::png(height, width, &vec![7; height * width]));
    let images = [png(2, 2), Some(b"GIF89a".to_vec()), png(2, 2), None, png(1, 2), png(2, 2)];
    hub_file::write(&path, hub_file::SCHEMA, &images, 0);
    let message = open_as(&path, &ReadOptions::default()).unwrap_err();
    assert!(message.contains("set.parquet has a bad row 1: the image is a GIF file"), "{message}");
    let source = open_as(&path, &skipping()).unwrap();
    assert_eq!(
        (&source.classes[..], source.train.labels(), source.skipped.rows),
        (&["0", "2", "5"].map(String::from)[..], &[0, 1, 2][..], 3)
    );
    assert_eq!([0, 1, 2].map(|index| source.train.row_numbers().of(index)), [0, 2, 5]);
    hub_file::write(&path, hub_file::SCHEMA, &[png(2, 2), png(1, 2)], 0);
    let message = open_as(&path, &ReadOptions::default()).unwrap_err();
    assert!(message.contains("row 1: the image has 1 x 2 pixels of 1 channel, and the first one 2 x 2"), "{message}");
}

/// A table whose feature is the label; it lists so many classes.
fn table_of_classes(rows: usize, first_label: i64, names: usize, options: &ReadOptions) -> Result<Source, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("set.parquet");
    let names: Vec<String> = (0..names).map(|class| format!("class {class}")).collect();
    let schema = "message schema { required int64 a; required int64 label; }";
    hub_file::write_listing(&path, schema, &[&vec![None; rows]], first_label, &names);
    open_as(&path, options)
}

#[test]
fn a_table_may_have_as_many_classes_as_it_lists() {
    let source = table_of_classes(1500, 0, 1500, &ReadOptions::default()).unwrap();
    assert_eq!((source.classes.len(), source.classes[1499].as_str()), (1500, "class 1499"));
    assert!(source.train.labels().iter().copied().eq(0..1500));
    let message = table_of_classes(1500, 0, 1499, &ReadOptions::default()).unwrap_err();
    assert!(message.contains("has a bad row 1499: the label 1499 is none of 0 to 1498 (-1 means"), "{message}");
    let message = table_of_classes(1500, 0, 0, &ReadOptions::default()).unwrap_err();
    assert!(message.contains("has more than 1000 different values in 1001 rows of column `label`: classes repeat"), "{message}");
    assert!(message.ends_with("read where a Parquet file lists their names (ClassLabel)"), "{message}");
}

#[test]
fn rows_keep_their_numbers_where_others_are_skipped() {
    let source = table_of_classes(5, -1, 3, &skipping()).unwrap();
    assert_eq!((source.train.labels(), source.skipped.rows), (&[0, 1, 2][..], 2));
    assert_eq!([0, 1, 2].map(|index| source.train.row_numbers().of(index)), [1, 2, 3]);
}

#[test]
fn a_damaged_or_cut_file_is_an_error_and_never_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged.parquet");
    for name in ["table.parquet", "table_types.parquet", "pictures/data/train-00000-of-00002.parquet"] {
        let whole = std::fs::read(fixture(name)).unwrap();
        // Every byte with every one of 1, 0x80 and 0xff takes a minute.
        for position in (0..whole.len()).step_by(13) {
            let mut damaged = whole.clone();
            damaged[position] ^= 0xff;
            std::fs::write(&path, damaged).unwrap();
            if let Err(message) = open_as(&path, &ReadOptions::default()) {
                assert_eq!(message.lines().count(), 1, "{message}");
            }
            std::fs::write(&path, &whole[..position]).unwrap();
            assert!(open_as(&path, &ReadOptions::default()).is_err(), "{name}, {position} bytes");
        }
    }
}
