//! What the `datasets` library notes about the columns of a file: its key `huggingface`, with JSON.

use parquet::file::reader::FileReader;
use serde_json::Value;
use std::collections::BTreeMap;

/// Columns that hold classes, with the classes' names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Described(BTreeMap<String, Vec<String>>);

impl Described {
    pub(super) fn of(file: &dyn FileReader) -> Self {
        let notes = file.metadata().file_metadata().key_value_metadata();
        let note = notes.into_iter().flatten().find(|note| note.key == "huggingface");
        note.and_then(|note| serde_json::from_str(note.value.as_deref()?).ok()).map(|note| Self::parse(&note)).unwrap_or_default()
    }

    fn parse(note: &Value) -> Self {
        let features = note["info"]["features"].as_object();
        let class_names = |feature: &Value| -> Option<Vec<String>> {
            let names = feature["names"].as_array().filter(|_| feature["_type"] == "ClassLabel")?;
            let names: Vec<String> = names.iter().map(|name| name.as_str().map(str::to_owned)).collect::<Option<_>>()?;
            // A list of nothing names no class.
            (!names.is_empty()).then_some(names)
        };
        Self(features.into_iter().flatten().filter_map(|(column, feature)| Some((column.clone(), class_names(feature)?))).collect())
    }

    /// The names of the classes of `column`.
    pub(super) fn class_names(&self, column: &str) -> Option<&Vec<String>> {
        self.0.get(column)
    }

    /// The columns that hold classes.
    pub(super) fn columns(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn class_labels_are_found_and_anything_else_is_left_alone() {
        let text = r#"{"info": {"features": {"image": {"_type": "Image"}, "fine": {"names": ["a", "b"], "_type": "ClassLabel"},
            "size": {"dtype": "int64", "_type": "Value"}, "odd": {"names": [1], "_type": "ClassLabel"}, "none": {"names": [], "_type": "ClassLabel"}}}}"#;
        let described = Described::parse(&serde_json::from_str(text).unwrap());
        assert_eq!(described.columns().collect::<Vec<_>>(), ["fine"]);
        assert_eq!(described.class_names("fine").unwrap(), &["a", "b"]);
        assert_eq!(Described::parse(&Value::Null), Described::default());
    }
}
