//! Which column holds the images, and which their classes.

use super::columns::Meaning;
use super::described::Described;
use crate::DataError;
use parquet::basic::Type as PhysicalType;
use parquet::file::reader::FileReader;
use parquet::schema::types::ColumnDescriptor;
use std::path::Path;
use std::sync::Arc;

/// Whether a file has a column of images.
pub(super) fn has_pictures(file: &dyn FileReader) -> bool {
    !picture_columns(file).is_empty()
}

/// The columns of encoded images, by index and name.
fn picture_columns(file: &dyn FileReader) -> Vec<(usize, String)> {
    let columns = file.metadata().file_metadata().schema_descr().columns();
    let as_picture = |(index, column): (usize, &Arc<ColumnDescriptor>)| {
        let name = column.path().string().strip_suffix(".bytes")?.to_owned();
        (column.physical_type() == PhysicalType::BYTE_ARRAY && column.max_rep_level() == 0).then_some((index, name))
    };
    columns.iter().enumerate().filter_map(as_picture).collect()
}

/// The index of the one column of images.
pub(super) fn picture_column(path: &Path, file: &dyn FileReader) -> Result<usize, DataError> {
    match &picture_columns(file)[..] {
        [(index, _)] => Ok(*index),
        [] => Err(DataError::malformed(path, "has no image column", "give every file of the set one, by the same name")),
        several => {
            let listed = several.iter().map(|(_, name)| name.as_str()).collect::<Vec<_>>().join(", ");
            Err(DataError::malformed(path, format!("has several image columns ({listed})"), "give a file with one"))
        }
    }
}

/// The index and name of the column with the class.
pub(super) fn label_column(
    path: &Path,
    file: &dyn FileReader,
    described: &Described,
    asked: Option<&str>,
) -> Result<(usize, String), DataError> {
    let schema = file.metadata().file_metadata().schema_descr();
    let is_class = |index: &usize| schema.column(*index).path().parts().len() == 1 && Meaning::of(&schema.column(*index)).is_ok();
    let found: Vec<(usize, String)> =
        (0..schema.num_columns()).filter(is_class).map(|index| (index, schema.column(index).path().string())).collect();
    let listed = || found.iter().map(|(_, name)| name.as_str()).collect::<Vec<_>>().join(", ");
    if let Some(label) = asked {
        return found.iter().find(|(_, name)| name == label).cloned().ok_or_else(|| {
            let (problem, remedy) = (format!("is no column of {}", path.display()), format!("use one of {}", listed()));
            DataError::setting("data.label", format!("{label:?}"), problem, remedy)
        });
    }
    let described: Vec<&(usize, String)> = found.iter().filter(|(_, name)| described.class_names(name).is_some()).collect();
    match (&described[..], found.iter().find(|(_, name)| name == "label"), &found[..]) {
        ([only], ..) => Ok((*only).clone()),
        ([], Some(label), _) => Ok(label.clone()),
        ([], None, [only]) => Ok(only.clone()),
        ([], None, []) => Err(DataError::malformed(path, "has images and no column with their classes", "give labelled images")),
        _ => {
            let problem = format!("has several columns that may be the class ({})", listed());
            Err(DataError::malformed(path, problem, "name the right one in data.label"))
        }
    }
}
