//! Text tables: every format gives the same rows, and every kind of broken table its sentence.

use super::{read, text};
use crate::parts::Parts;
use crate::{Features, ReadOptions, Source};
use std::io::Write;

fn read_as(file: &str, bytes: &[u8], options: &ReadOptions) -> Result<Source, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(file);
    std::fs::write(&path, bytes).unwrap();
    read(&Parts::of_file(&path), "table", options, text::read_file).map_err(|error| error.to_string())
}

fn read_csv(text: &str, label: Option<&str>) -> Result<Source, String> {
    read_as("table.csv", text.as_bytes(), &ReadOptions { label: label.map(str::to_owned), ..ReadOptions::default() })
}

#[test]
fn columns_become_features_and_the_last_one_classes() {
    let source = read_csv("a,b,kind\n1,2.5,yes\n-3,4e-1,no\n0,0,no\n5,6,yes\n", None).unwrap();
    assert_eq!(source.classes, ["no", "yes"]);
    assert_eq!(source.train.labels(), [1, 0, 0, 1]);
    assert_eq!(source.train.features(), &Features::F32(vec![1.0, 2.5, -3.0, 0.4, 0.0, 0.0, 5.0, 6.0]));
    assert_eq!(source.feature_names, ["a", "b"]);
}

#[test]
fn a_named_label_column_is_taken_out_and_whole_numbers_sort_as_numbers() {
    let source = read_csv("kind,a\n10,1\n9,2\n10,3\n9,4\n", Some("kind")).unwrap();
    assert_eq!(source.classes, ["9", "10"]);
    assert_eq!(source.train.labels(), [1, 0, 1, 0]);
    assert_eq!((source.train.example_shape(), &source.feature_names[..]), (&[1][..], &["a".to_owned()][..]));
}

#[test]
fn tabs_gzip_quotes_and_a_byte_order_mark_change_nothing() {
    let plain = read_csv("a,b,kind\n1,2,x\n3,4,y\n", None).unwrap();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(b"a\tb\tkind\n1\t2\tx\n3\t4\ty\n").unwrap();
    let gzip = encoder.finish().unwrap();
    for (file, bytes) in [
        ("t.tsv", b"a\tb\tkind\r\n1\t2\tx\r\n3\t4\ty".as_slice()),
        ("t.TAB", b"a\tb\tkind\n 1\t2 \tx\n3\t4\ty\n\n"),
        ("t.tsv.gz", &gzip),
        ("t.csv", b"\xef\xbb\xbfa,b,kind\n\"1\",2,\"x\"\n3,\"4\",y\n"),
        ("t", b"a,b,kind\n1,2,x\n3,4,y\n"),
    ] {
        assert_eq!(read_as(file, bytes, &ReadOptions::default()).unwrap(), plain, "{file}");
    }
}

#[test]
fn each_kind_of_broken_table_is_named_with_its_line() {
    for (text, expected) in [
        ("", "is empty"),
        ("a,kind\n", "has no rows"),
        ("1,2,0\n3,4,1\n", "has numbers in its first line"),
        ("kind\n0\n1\n", "has one column only"),
        ("a;kind\n1;0\n2;1\n", "has one column only: semicolons seem to stand between its columns"),
        ("a\tkind\n1\t0\n2\t1\n", "has one column only: tabs seem to stand between its columns"),
        (",a,kind\n0,1,0\n1,2,1\n", "has no name for column 1: is it pandas' index? write the table with index=False"),
        ("a,kind,\n1,0,\n2,1,\n", "has no name for column 3: name it, or remove it"),
        ("a,kind\n1,0\n2\n", "has 1 columns in line 3 and 2 in its header"),
        ("a,kind\n1,0\ntwo,1\n", "has \"two\" in line 3, column `a`"),
        ("a,kind\n1,0\nNaN,1\n", "has \"NaN\" in line 3, column `a`"),
        ("a,kind\n1,0\n1e99,1\n", "has \"1e99\" in line 3, column `a`"),
        ("a,kind\n1,0\n,1\n", "has \"\" in line 3, column `a`"),
        ("a,kind\n1,0\n2,\n", "has no label in line 3"),
        ("a,kind\n1,0\n2,0\n", "has rows of one class only"),
        ("a,kind\n1,1\n2,01\n", "has the classes `01` and `1` in column `kind`, which are the same number"),
        ("y,a,y\n1,2,1\n0,3,0\n", "has two columns called `y` (columns 1 and 3)"),
        (
            "a,kind\n1,.1\n1,.2\n1,.3\n1,.4\n1,.5\n1,.6\n1,.7\n1,.8\n1,.9\n1,1\n1,1.1\n",
            "has 11 different values in 11 rows of column `kind`",
        ),
    ] {
        let message = read_csv(text, None).unwrap_err();
        assert!(message.contains(expected), "{text:?}: {message}");
    }
    assert!(read_csv("a,kind\n1,0\n2,1\n", Some("sort")).unwrap_err().contains("data.label = \"sort\" is no column"));
    let latin = read_as("t.csv", b"a,kind\n1,caf\xe9\n2,x\n", &ReadOptions::default()).unwrap_err();
    assert!(latin.contains("t.csv is not UTF-8 text in line 2"), "{latin}");
}

#[test]
fn a_column_of_other_values_is_given_up_before_they_fill_the_memory() {
    let text: String = (0..1500).map(|row| format!("1,{row}\n1,{row}\n1,{row}\n")).collect();
    let message = read_csv(&format!("a,kind\n{text}"), None).unwrap_err();
    assert!(message.contains("has more than 1000 different values in 3001 rows of column `kind`"), "{message}");
}

#[test]
fn bad_rows_are_skipped_where_that_is_asked_for_and_counted() {
    let text = b"a,b,kind\n1,2,x\nbad,2,x\n3,4,y\n5,6\n7,8,\n9,10,caf\xe9\n11,12,y\n";
    let options = ReadOptions { skip_bad_rows: true, ..ReadOptions::default() };
    let source = read_as("t.csv", text, &options).unwrap();
    assert_eq!(source.train.features(), &Features::F32(vec![1.0, 2.0, 3.0, 4.0, 11.0, 12.0]));
    assert_eq!(source.train.labels(), [0, 1, 1]);
    assert_eq!(source.skipped.rows, 4);
    assert_eq!([0, 1, 2].map(|index| source.train.row_numbers().of(index)), [0, 2, 6]);
    assert!(source.skipped.first.unwrap().contains("has \"bad\" in line 3, column `a`"));
}

/// More rows than a batch, with a bad one on either side of its end.
#[test]
fn lines_are_counted_over_batches() {
    let rows: String = (0..5000).map(|row| format!("{row},{}\n", row % 2)).collect();
    let text = format!("a,kind\n{rows}").replace("\n4095,", "\nx,").replace("\n4096,", "\ny,");
    assert!(read_csv(&text, None).unwrap_err().contains("has \"x\" in line 4097"));
    let source = read_as("t.csv", text.as_bytes(), &ReadOptions { skip_bad_rows: true, ..ReadOptions::default() }).unwrap();
    assert_eq!((source.train.len(), source.skipped.rows), (4998, 2));
    assert_eq!(source.train.features().get(4095), 4097.0);
}

#[test]
fn a_quotation_mark_that_is_never_closed_is_given_up() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(b"a,kind\n1,\"").unwrap();
    encoder.write_all(&vec![b' '; 70 << 20]).unwrap();
    let message = read_as("t.csv.gz", &encoder.finish().unwrap(), &ReadOptions::default()).unwrap_err();
    assert!(message.contains("has a row of more than 64 MiB: look for a quotation mark"), "{message}");
}

#[test]
fn rows_are_numbered_over_the_files_of_a_part_with_those_that_are_skipped() {
    let folder = tempfile::tempdir().unwrap();
    for (name, rows) in [("train-0", "1,x\n?,y\n"), ("train-1", "?,x\n2,y\n"), ("val", "3,x\n?,y\n4,y\n"), ("test", "?,x\n5,y\n")] {
        std::fs::write(folder.path().join(format!("{name}.csv")), format!("a,kind\n{rows}")).unwrap();
    }
    let parts = Parts::find(folder.path(), text::is_text_table).unwrap().unwrap();
    let options = ReadOptions { skip_bad_rows: true, ..ReadOptions::default() };
    let source = read(&parts, "table", &options, text::read_file).unwrap();
    assert_eq!(source.train.features(), &Features::F32(vec![1.0, 2.0, 3.0, 4.0]));
    assert_eq!([0, 1, 2, 3].map(|index| source.train.row_numbers().of(index)), [0, 3, 4, 6]);
    assert_eq!(source.tested().row_numbers().of(0), 1);
}

#[test]
fn several_files_are_parts_of_one_table_with_the_same_columns() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("train-0.csv", "a,kind\n1,x\n2,y\n");
    write("train-1.tsv", "a\tkind\n3\tx\n");
    write("val.csv", "a,kind\n4,z\n");
    write("test.csv", "a,kind\n5,w\n");
    let open = || {
        let parts = Parts::find(folder.path(), text::is_text_table).unwrap().unwrap();
        read(&parts, "table", &ReadOptions::default(), text::read_file)
    };
    let source = open().unwrap();
    assert_eq!(source.classes, ["w", "x", "y", "z"]);
    assert_eq!((source.train.labels(), source.own_validation), (&[1, 2, 1, 3][..], 1));
    assert_eq!(source.test.unwrap().labels(), [0]);
    write("test.csv", "b,kind\n5,w\n");
    let message = open().unwrap_err().to_string();
    assert!(message.contains("test.csv has the columns b, kind, and the files before it a, kind"), "{message}");
}
