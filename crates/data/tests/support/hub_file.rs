//! Parquet files as the hub converts image data sets to.

use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::{parser::parse_message_type, types::ColumnDescriptor};
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// The columns of `ylecun/mnist` and its kin.
pub(crate) const SCHEMA: &str =
    "message schema { optional group image { optional binary bytes; optional binary path (UTF8); } optional int64 label; }";

/// An 8-bit grey image.
pub(crate) fn png(height: usize, width: usize, pixels: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    PngEncoder::new(&mut bytes).write_image(pixels, width as u32, height as u32, ExtendedColorType::L8).unwrap();
    bytes
}

/// Writes rows of these images, three to a row group, labelled `first_label`, `first_label + 1`, ...
pub(crate) fn write(path: &Path, schema: &str, images: &[Option<Vec<u8>>], first_label: i64) {
    write_groups(path, schema, &images.chunks(3).collect::<Vec<_>>(), first_label);
}

/// Writes one row group for each slice of images, labelled `first_label`, `first_label + 1`, ...
pub(crate) fn write_groups(path: &Path, schema: &str, groups: &[&[Option<Vec<u8>>]], first_label: i64) {
    write_listing(path, schema, groups, first_label, &[]);
}

/// The same of a file that lists the names of its classes, where there are any, as the `datasets` library does.
pub(crate) fn write_listing(path: &Path, schema: &str, groups: &[&[Option<Vec<u8>>]], first_label: i64, names: &[String]) {
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let listed = names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ");
    let note = format!(r#"{{"info": {{"features": {{"label": {{"names": [{listed}], "_type": "ClassLabel"}}}}}}}}"#);
    let notes = vec![KeyValue::new("huggingface".into(), note)];
    let properties = WriterProperties::builder().set_key_value_metadata((!names.is_empty()).then_some(notes)).build();
    let mut file = SerializedFileWriter::new(File::create(path).unwrap(), schema, Arc::new(properties)).unwrap();
    let columns = file.schema_descr().columns().to_vec();
    let mut labels = first_label..;
    for images in groups {
        let labels: Vec<i64> = labels.by_ref().take(images.len()).collect();
        let mut group = file.next_row_group().unwrap();
        for column in &columns {
            let mut writer = group.next_column().unwrap().unwrap();
            write_column(writer.untyped(), column, images, &labels);
            writer.close().unwrap();
        }
        group.close().unwrap();
    }
    file.close().unwrap();
}

fn write_column(writer: &mut ColumnWriter<'_>, column: &ColumnDescriptor, images: &[Option<Vec<u8>>], labels: &[i64]) {
    let present = column.max_def_level();
    let all = vec![present; labels.len()];
    match writer {
        ColumnWriter::Int64ColumnWriter(writer) => writer.write_batch(labels, Some(&all), None),
        ColumnWriter::Int32ColumnWriter(writer) => {
            let labels: Vec<i32> = labels.iter().map(|label| i32::try_from(*label).unwrap()).collect();
            writer.write_batch(&labels, Some(&all), None)
        }
        ColumnWriter::ByteArrayColumnWriter(writer) if column.name() == "path" => {
            writer.write_batch(&[], Some(&vec![0; labels.len()]), None)
        }
        ColumnWriter::ByteArrayColumnWriter(writer) => {
            let bytes: Vec<ByteArray> = images.iter().flatten().cloned().map(ByteArray::from).collect();
            let levels: Vec<i16> = images.iter().map(|image| if image.is_some() { present } else { present - 1 }).collect();
            writer.write_batch(&bytes, Some(&levels), None)
        }
        _ => panic!("no test needs a column like {}", column.name()),
    }
    .unwrap();
}
