//! One column of a row group, read in order as numbers, classes or bytes.

use super::numbers::{class_of_number, to_f32};
use crate::error::in_one_line;
use parquet::basic::{ConvertedType, IntType, LogicalType, Type as PhysicalType};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType};
use parquet::file::reader::RowGroupReader;
use parquet::schema::types::ColumnDescriptor;

/// Values that are read at a time.
const BATCH_ROWS: usize = 4096;

/// How the values of a column are to be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Truth values, numbers with a sign, floats.
    Plain,
    /// Numbers without a sign.
    Unsigned,
    /// Floats of 16 bits.
    Half,
    /// Text in UTF-8, or bytes.
    Text,
}

impl Meaning {
    /// The error is what the column holds instead, such as "dates".
    pub(super) fn of(column: &ColumnDescriptor) -> Result<Self, String> {
        if column.max_rep_level() > 0 {
            return Err("lists".into());
        }
        match (column.logical_type_ref(), column.converted_type(), column.physical_type()) {
            (Some(LogicalType::Decimal(_)), ..) | (_, ConvertedType::DECIMAL, _) => Err("decimals".into()),
            (Some(LogicalType::Date | LogicalType::Time(_) | LogicalType::Timestamp(_)), ..) => Err("dates or times".into()),
            (_, _, PhysicalType::INT96) => Err("dates or times".into()),
            (Some(LogicalType::Integer(IntType { is_signed: false, .. })), ..) => Ok(Self::Unsigned),
            (_, ConvertedType::UINT_8 | ConvertedType::UINT_16 | ConvertedType::UINT_32 | ConvertedType::UINT_64, _) => Ok(Self::Unsigned),
            (Some(LogicalType::Float16), ..) => Ok(Self::Half),
            (_, _, PhysicalType::FIXED_LEN_BYTE_ARRAY) => Err("bytes of fixed length".into()),
            (_, _, PhysicalType::BYTE_ARRAY) => Ok(Self::Text),
            _ => Ok(Self::Plain),
        }
    }
}

/// A column of a row group.
pub(super) struct Column {
    reader: ColumnReader,
    meaning: Meaning,
    /// The definition level of a value that is there: a lower one means that it, or a struct around it, is null.
    present: i16,
}

impl Column {
    /// The error is a predicate of the file.
    pub(super) fn open(group: &dyn RowGroupReader, index: usize) -> Result<Self, String> {
        let descriptor = group.metadata().schema_descr().column(index);
        let meaning = Meaning::of(&descriptor)?;
        let reader = group.get_column_reader(index).map_err(|error| cannot_be_read(&error))?;
        Ok(Self { reader, meaning, present: descriptor.max_def_level() })
    }

    /// The next values, at most [`BATCH_ROWS`], as 32-bit floats: NaN where there is none, infinite where it is too large. None at the end.
    pub(super) fn numbers(&mut self) -> Result<Vec<f32>, String> {
        let (present, meaning) = (self.present, self.meaning);
        macro_rules! floats {
            ($reader:expr, $convert:expr) => {
                next($reader, present)?.into_iter().map(|value| value.map_or(f32::NAN, $convert)).collect()
            };
        }
        Ok(match &mut self.reader {
            ColumnReader::BoolColumnReader(reader) => floats!(reader, |value| f32::from(u8::from(value))),
            ColumnReader::Int32ColumnReader(reader) => floats!(reader, |value| to_f32(i64::from(value), meaning, 32)),
            ColumnReader::Int64ColumnReader(reader) => floats!(reader, |value| to_f32(value, meaning, 64)),
            ColumnReader::FloatColumnReader(reader) => floats!(reader, |value| value),
            ColumnReader::DoubleColumnReader(reader) => floats!(reader, |value| value as f32),
            ColumnReader::FixedLenByteArrayColumnReader(reader) => {
                floats!(reader, |value| value.data().first_chunk().map_or(f32::NAN, |bytes| half::f16::from_le_bytes(*bytes).to_f32()))
            }
            ColumnReader::Int96ColumnReader(_) | ColumnReader::ByteArrayColumnReader(_) => return Err("holds no numbers".into()),
        })
    }

    /// The next values, at most [`BATCH_ROWS`], as the names of classes; `None` for what is null or no class. None at the end.
    pub(super) fn class_names(&mut self) -> Result<Vec<Option<String>>, String> {
        let (present, meaning) = (self.present, self.meaning);
        macro_rules! names {
            ($reader:expr, $convert:expr) => {
                next($reader, present)?.into_iter().map(|value| value.and_then($convert)).collect()
            };
        }
        Ok(match &mut self.reader {
            ColumnReader::BoolColumnReader(reader) => names!(reader, |value| Some(value.to_string())),
            ColumnReader::Int32ColumnReader(reader) => names!(reader, |value| Some(class_of_number(i64::from(value), meaning, 32))),
            ColumnReader::Int64ColumnReader(reader) => names!(reader, |value| Some(class_of_number(value, meaning, 64))),
            ColumnReader::FloatColumnReader(reader) => names!(reader, |value| crate::classes::number_name(f64::from(value))),
            ColumnReader::DoubleColumnReader(reader) => names!(reader, crate::classes::number_name),
            ColumnReader::ByteArrayColumnReader(reader) => {
                names!(reader, |value: ByteArray| Some(value.as_utf8().ok()?.trim().to_owned()).filter(|name| !name.is_empty()))
            }
            ColumnReader::Int96ColumnReader(_) | ColumnReader::FixedLenByteArrayColumnReader(_) => return Err("holds no classes".into()),
        })
    }

    /// The next values, at most [`BATCH_ROWS`], as bytes; `None` for what is null. None at the end.
    pub(super) fn bytes(&mut self, count: usize) -> Result<Vec<Option<ByteArray>>, String> {
        match &mut self.reader {
            ColumnReader::ByteArrayColumnReader(reader) => next_of(reader, self.present, count),
            _ => Err("holds no bytes".into()),
        }
    }
}

fn next<T: DataType>(reader: &mut ColumnReaderImpl<T>, present: i16) -> Result<Vec<Option<T::T>>, String> {
    next_of(reader, present, BATCH_ROWS)
}

/// The next `count` values or fewer, `None` where one is null. The library counts rows; a column that ends early ends the batch.
fn next_of<T: DataType>(reader: &mut ColumnReaderImpl<T>, present: i16, count: usize) -> Result<Vec<Option<T::T>>, String> {
    let (mut levels, mut values) = (Vec::new(), Vec::new());
    let levels_wanted = if present > 0 { Some(&mut levels) } else { None };
    reader.read_records(count, levels_wanted, None, &mut values).map_err(|error| cannot_be_read(&error))?;
    if present == 0 {
        return Ok(values.into_iter().map(Some).collect());
    }
    let mut values = values.into_iter();
    Ok(levels.into_iter().map(|level| if level == present { values.next() } else { None }).collect())
}

fn cannot_be_read(error: &parquet::errors::ParquetError) -> String {
    format!("cannot be read: {}", in_one_line(error))
}
