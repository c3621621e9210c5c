//! Class names as they are met in files, and the order they are put into.

use crate::DataError;
use std::collections::HashMap;
use std::path::Path;

/// A column with more values than this is a measurement or a name, not a class, unless its file lists the names of its classes: there may
/// be as many of those as it lists.
pub(crate) const MOST_CLASSES: usize = 1000;
/// So few values are never too many, however few the rows.
const FEW_CLASSES: usize = 10;

/// Numbers class names in the order in which they are met.
#[derive(Debug)]
pub(crate) struct ClassIndex {
    numbers: HashMap<String, u32>,
    names: Vec<String>,
    /// More names than this are refused.
    most: usize,
}

/// Why a column's values cannot be classes, as a predicate of the file.
#[derive(Debug, PartialEq)]
pub(crate) struct NoClasses {
    pub(crate) problem: String,
    pub(crate) remedy: &'static str,
}

impl Default for ClassIndex {
    fn default() -> Self {
        Self::of_at_most(MOST_CLASSES)
    }
}

impl ClassIndex {
    /// For at most so many names.
    pub(crate) fn of_at_most(most: usize) -> Self {
        Self { numbers: HashMap::new(), names: Vec::new(), most }
    }

    /// The number of the class `name`, a new one where it has not been met; `None` where that would be one name too many.
    pub(crate) fn number(&mut self, name: &str) -> Option<u32> {
        if let Some(number) = self.numbers.get(name) {
            return Some(*number);
        }
        let number = u32::try_from(self.names.len()).ok().filter(|number| (*number as usize) < self.most)?;
        self.numbers.insert(name.to_owned(), number);
        self.names.push(name.to_owned());
        Some(number)
    }

    /// What is wrong with `column`, where [`number`](Self::number) refused a name after `rows` rows.
    pub(crate) fn overfull(&self, rows: usize, column: &str) -> NoClasses {
        let remedy = "classes repeat; in a table, name their column in data.label; more of them are read where a Parquet file lists their \
                      names (ClassLabel)";
        NoClasses { remedy, ..too_many(&format!("more than {}", self.most), rows, column) }
    }

    /// The names by their numbers.
    #[cfg(feature = "hub")]
    pub(crate) fn into_names(self) -> Vec<String> {
        self.names
    }

    /// The name behind a number.
    #[cfg(feature = "parquet")]
    pub(crate) fn name(&self, number: u32) -> Option<&str> {
        self.names.get(number as usize).map(String::as_str)
    }

    /// The classes in their final order, numeric where all are whole numbers and alphabetical otherwise, and the new number of each.
    ///
    /// `column` is what messages call their place, and `rows` how many rows have them.
    pub(crate) fn ordered(self, column: &str, rows: usize) -> Result<(Vec<String>, Vec<u32>), NoClasses> {
        let count = self.names.len();
        if count > FEW_CLASSES && count * 2 > rows {
            return Err(too_many(&count.to_string(), rows, column));
        }
        if let Some((first, second)) = same_number(&self.names) {
            let problem = format!("has the classes `{first}` and `{second}` in {column}, which are the same number");
            return Err(NoClasses { problem, remedy: "write each class in one way" });
        }
        let mut order: Vec<usize> = (0..count).collect();
        let value = |index: &usize| self.names[*index].parse::<i64>();
        if order.iter().all(|index| value(index).is_ok()) {
            order.sort_by_key(|index| value(index).unwrap_or_default());
        } else {
            order.sort_by(|a, b| self.names[*a].cmp(&self.names[*b]));
        }
        let mut renumbered = vec![0; count];
        for (new, old) in (0..).zip(&order) {
            renumbered[*old] = new;
        }
        Ok((order.into_iter().map(|index| self.names[index].clone()).collect(), renumbered))
    }
}

/// The class names that the files of a set list; a label is an index then.
#[derive(Debug, Default)]
pub(crate) struct ListedClasses {
    /// The label column of the first file, and its list.
    first: Option<(String, Option<Vec<String>>)>,
}

impl ListedClasses {
    /// Notes what the file at `path` lists for its label column. All files of a set must list the same.
    #[cfg(feature = "parquet")]
    pub(crate) fn note(&mut self, path: &Path, column: &str, names: Option<&Vec<String>>) -> Result<(), DataError> {
        let (first_column, first_names) = self.first.get_or_insert_with(|| (column.to_owned(), names.cloned()));
        let problem = match (first_column == column, first_names.as_ref() == names) {
            (true, true) => return Ok(()),
            (false, _) => format!("has its classes in column `{column}`, and the files before it in `{first_column}`"),
            (_, false) => format!("lists other classes for column `{column}` than the files before it"),
        };
        Err(DataError::malformed(path, problem, "give every file the same columns and classes"))
    }

    /// The names, where the files list them.
    #[cfg(feature = "parquet")]
    pub(crate) fn names(&self) -> Option<&Vec<String>> {
        self.first.as_ref()?.1.as_ref()
    }

    /// The number that a row's `label` is, where the files list names; the error says what is wrong with it.
    #[cfg(feature = "parquet")]
    pub(crate) fn number(&self, label: &str) -> Option<Result<u32, String>> {
        let count = self.names()?.len();
        let number = label.parse().ok().filter(|number| (*number as usize) < count);
        Some(number.ok_or_else(|| format!("the label {label} is none of 0 to {} (-1 means that there is none)", count - 1)))
    }

    /// An index for what stands in a label column: where the files list names, wrong labels have room beside all of them.
    #[cfg(feature = "parquet")]
    pub(crate) fn index(&self) -> ClassIndex {
        ClassIndex::of_at_most(self.names().map_or(0, Vec::len) + MOST_CLASSES)
    }

    /// The classes and the final number of each number that was given: those of the list, or those that were met, in order.
    pub(crate) fn or_met(self, met: ClassIndex, column: &str, rows: usize) -> Result<(Vec<String>, Vec<u32>), NoClasses> {
        match self.first.and_then(|(_, names)| names) {
            Some(names) => {
                let same = (0..names.len() as u32).collect();
                Ok((names, same))
            }
            None => met.ordered(column, rows),
        }
    }
}

/// The values of `column` are too many to be classes.
fn too_many(values: &str, rows: usize, column: &str) -> NoClasses {
    let problem = format!("has {values} different values in {rows} rows of {column}");
    NoClasses { problem, remedy: "classes repeat; in a table, name their column in data.label" }
}

/// Says which file's column holds no classes.
pub(crate) fn no_classes(path: &Path, NoClasses { problem, remedy }: NoClasses) -> DataError {
    DataError::malformed(path, problem, remedy)
}

/// A number as the name of a class: whole ones without a decimal point, so that 1 and 1.0 are the same class; `None` where it is not finite.
pub(crate) fn number_name(number: f64) -> Option<String> {
    number.is_finite().then(|| if number == 0.0 { "0".into() } else { number.to_string() })
}

/// Two names that a person would call the same number, such as `1` and `01`: they would become two classes.
fn same_number(names: &[String]) -> Option<(&str, &str)> {
    let mut numbers: Vec<(f64, &str)> = names.iter().filter_map(|name| Some((name.parse().ok()?, name.as_str()))).collect();
    numbers.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(b.1)));
    numbers.windows(2).find(|pair| pair[0].0 == pair[1].0).map(|pair| (pair[0].1, pair[1].1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ordered(names: &[&str], rows: usize) -> Result<(Vec<String>, Vec<u32>), NoClasses> {
        let mut classes = ClassIndex::default();
        names.iter().for_each(|name| assert!(classes.number(name).is_some()));
        classes.ordered("column `y`", rows)
    }

    #[test]
    fn whole_numbers_sort_as_numbers_and_anything_else_as_text() {
        assert_eq!(ordered(&["10", "9", "-1"], 9).unwrap(), (["-1", "9", "10"].map(String::from).to_vec(), vec![2, 1, 0]));
        assert_eq!(ordered(&["10", "9", "b"], 9).unwrap(), (["10", "9", "b"].map(String::from).to_vec(), vec![0, 1, 2]));
    }

    #[test]
    fn two_spellings_of_one_number_are_refused() {
        for names in [["1", "01"], ["1.0", "1"], ["-0", "0"]] {
            assert!(ordered(&names, 9).unwrap_err().problem.ends_with("in column `y`, which are the same number"));
        }
        assert!(ordered(&["1", "1.5", "01x"], 9).is_ok());
    }

    #[test]
    fn a_column_that_hardly_repeats_its_values_holds_no_classes() {
        let names: Vec<String> = (0..11).map(|number| format!("c{number}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(ordered(&names, 21).unwrap_err().problem, "has 11 different values in 21 rows of column `y`");
        assert!(ordered(&names, 22).is_ok());
        assert!(ordered(&names[..10], 10).is_ok());
    }

    #[test]
    fn no_more_names_are_kept_than_classes_can_have() {
        let mut classes = ClassIndex::default();
        (0..MOST_CLASSES).for_each(|number| assert!(classes.number(&number.to_string()).is_some()));
        assert_eq!((classes.number("one more"), classes.number("7")), (None, Some(7)));
    }

    #[cfg(feature = "parquet")]
    #[test]
    fn files_that_list_other_classes_than_the_first_are_refused() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let listed = || {
            let mut listed = ListedClasses::default();
            listed.note(Path::new("0.parquet"), "y", Some(&names(&["cat", "dog"]))).unwrap();
            listed
        };
        assert_eq!(listed().or_met(ClassIndex::default(), "column `y`", 9).unwrap(), (names(&["cat", "dog"]), vec![0, 1]));
        assert!(listed().note(Path::new("1.parquet"), "y", Some(&names(&["cat", "dog"]))).is_ok());
        for (column, others, expected) in [
            ("y", Some(names(&["dog", "cat"])), "1.parquet lists other classes for column `y` than the files before it"),
            ("y", None, "1.parquet lists other classes for column `y` than the files before it"),
            ("z", Some(names(&["cat", "dog"])), "1.parquet has its classes in column `z`, and the files before it in `y`"),
        ] {
            let error = listed().note(Path::new("1.parquet"), column, others.as_ref()).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
        let mut unlisted = ListedClasses::default();
        unlisted.note(Path::new("0.parquet"), "y", None).unwrap();
        assert!(unlisted.note(Path::new("1.parquet"), "y", Some(&names(&["cat", "dog"]))).is_err(), "numbers first, names then");
    }
}
