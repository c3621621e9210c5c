//! Tables: a header line, numeric columns, and one column with the class.

use crate::bytes::Contents;
use crate::{DataError, Dataset, Features, Source};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A table is parsed in memory: this much text is a day's training, or a gzip file that was made to fill the memory.
const MOST_BYTES: u64 = 4 << 30;

/// Reads the CSV file at `path` (plain or gzip). `label` names the class column; the last column where it is `None`.
///
/// The classes are the label column's distinct values: in numeric order where all are whole numbers, in alphabetical order otherwise.
pub(crate) fn read_csv(path: &Path, name: &str, label: Option<&str>) -> Result<Source, DataError> {
    let malformed = |problem: String, remedy: &str| DataError::malformed(path, problem, remedy);
    let bytes = Contents::open(path)?.read(MOST_BYTES + 1)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(malformed(format!("holds more than {} GiB of text", MOST_BYTES >> 30), "give a smaller table"));
    }
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes.as_slice());
    let broken = |error: csv::Error| malformed(describe(&error), "give every line the header's number of columns, as UTF-8 text");

    let header = reader.headers().map_err(broken)?.clone();
    if header.is_empty() {
        return Err(malformed("is empty".into(), "give a header line and at least two rows"));
    }
    if header.iter().all(|cell| cell.parse::<f64>().is_ok()) {
        return Err(malformed("has numbers in its first line, where the column names belong".into(), "add a header line"));
    }
    if header.len() < 2 {
        return Err(malformed("has one column only".into(), "give feature columns and a label column, separated by commas"));
    }
    if let Some((first, again)) = repeated(&header) {
        let problem = format!("has two columns called `{}` (columns {} and {})", &header[again], first + 1, again + 1);
        return Err(malformed(problem, "rename or remove one; a copy of the label among the features would give it away"));
    }
    let label_column = match label {
        None => header.len() - 1,
        Some(label) => header.iter().position(|column| column == label).ok_or_else(|| {
            let columns = header.iter().collect::<Vec<_>>().join(", ");
            DataError::setting(
                "data.label",
                format!("{label:?}"),
                format!("is no column of {}", path.display()),
                format!("use one of {columns}"),
            )
        })?,
    };

    let (mut features, mut cells) = (Vec::new(), Vec::new());
    for record in reader.into_records() {
        let record = record.map_err(broken)?;
        let line = record.position().map_or(0, csv::Position::line);
        for (column, cell) in record.iter().enumerate() {
            if column == label_column {
                if cell.is_empty() {
                    return Err(malformed(format!("has no label in line {line}"), "fill in the class, or remove the line"));
                }
                cells.push(cell.to_owned());
                continue;
            }
            let value = cell.parse::<f32>().ok().filter(|value| value.is_finite()).ok_or_else(|| {
                let problem = format!("has {cell:?} in line {line}, column `{}`, which is not a finite number", &header[column]);
                malformed(problem, "encode or remove what is not a number")
            })?;
            features.push(value);
        }
    }
    let classes = classes(&cells);
    if classes.len() > MOST_CLASSES || (classes.len() > 10 && classes.len() * 2 > cells.len()) {
        let problem = format!("has {} different values in {} rows of column `{}`", classes.len(), cells.len(), &header[label_column]);
        return Err(malformed(problem, "a class column repeats its values; name the right one in data.label"));
    }
    let index_of: BTreeMap<&str, u32> = classes.iter().map(String::as_str).zip(0..).collect();
    let labels: Vec<u32> = cells.iter().map(|cell| index_of[cell.as_str()]).collect();
    let train = Dataset::new(Features::F32(features), vec![header.len() - 1], labels);
    Source { name: name.to_owned(), classes, train, test: None }.validated()
}

/// A column with more values than this is a measurement or a name, not a class.
const MOST_CLASSES: usize = 1000;

/// The first name that stands twice, by its two positions.
fn repeated(header: &csv::StringRecord) -> Option<(usize, usize)> {
    let mut seen = BTreeMap::new();
    header.iter().enumerate().find_map(|(column, name)| seen.insert(name.to_owned(), column).map(|first| (first, column)))
}

fn classes(cells: &[String]) -> Vec<String> {
    let mut distinct: Vec<String> = cells.iter().collect::<BTreeSet<_>>().into_iter().cloned().collect();
    if distinct.iter().all(|class| class.parse::<i64>().is_ok()) {
        distinct.sort_by_key(|class| class.parse::<i64>().unwrap_or_default());
    }
    distinct
}

/// The csv crate's error without its prefix, as a predicate.
fn describe(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { pos, expected_len, len } => {
            let line = pos.as_ref().map_or(0, csv::Position::line);
            format!("has {len} columns in line {line} and {expected_len} in its header")
        }
        csv::ErrorKind::Utf8 { pos, .. } => {
            let line = pos.as_ref().map_or(0, csv::Position::line);
            format!("is not UTF-8 text in line {line}")
        }
        _ => format!("is not a CSV table ({error})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, label: Option<&str>) -> Result<Source, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.csv");
        std::fs::write(&path, text).unwrap();
        read_csv(&path, "table", label).map_err(|error| error.to_string())
    }

    #[test]
    fn columns_become_features_and_the_last_one_classes() {
        let source = read("a,b,kind\n1,2.5,yes\n-3,4e-1,no\n0,0,no\n5,6,yes\n", None).unwrap();
        assert_eq!(source.classes, ["no", "yes"]);
        assert_eq!(source.train.labels(), [1, 0, 0, 1]);
        assert_eq!(source.train.features(), &Features::F32(vec![1.0, 2.5, -3.0, 0.4, 0.0, 0.0, 5.0, 6.0]));
    }

    #[test]
    fn a_named_label_column_is_taken_out_and_whole_numbers_sort_as_numbers() {
        let source = read("kind,a\n10,1\n9,2\n10,3\n9,4\n", Some("kind")).unwrap();
        assert_eq!(source.classes, ["9", "10"]);
        assert_eq!(source.train.labels(), [1, 0, 1, 0]);
        assert_eq!(source.train.example_shape(), [1]);
    }

    #[test]
    fn each_kind_of_broken_table_is_named_with_its_line() {
        for (text, expected) in [
            ("", "is empty"),
            ("a,kind\n", "has no rows"),
            ("1,2,0\n3,4,1\n", "has numbers in its first line"),
            ("kind\n0\n1\n", "has one column only"),
            ("a,kind\n1,0\n2\n", "has 1 columns in line 3 and 2 in its header"),
            ("a,kind\n1,0\ntwo,1\n", "has \"two\" in line 3, column `a`"),
            ("a,kind\n1,0\nNaN,1\n", "has \"NaN\" in line 3, column `a`"),
            ("a,kind\n1,0\n1e99,1\n", "has \"1e99\" in line 3, column `a`"),
            ("a,kind\n1,0\n,1\n", "has \"\" in line 3, column `a`"),
            ("a,kind\n1,0\n2,\n", "has no label in line 3"),
            ("a,kind\n1,0\n2,0\n", "has rows of one class only"),
            ("y,a,y\n1,2,1\n0,3,0\n", "has two columns called `y` (columns 1 and 3)"),
            (
                "a,kind\n1,.1\n1,.2\n1,.3\n1,.4\n1,.5\n1,.6\n1,.7\n1,.8\n1,.9\n1,1\n1,1.1\n",
                "has 11 different values in 11 rows of column `kind`",
            ),
        ] {
            let message = read(text, None).unwrap_err();
            assert!(message.contains(expected), "{text:?}: {message}");
        }
        assert!(read("a,kind\n1,0\n2,1\n", Some("sort")).unwrap_err().contains("data.label = \"sort\" is no column"));
    }
}
