//! Examples in memory, validated.

use crate::{DataError, RowNumbers, Skipped};

/// Labelled examples. Every label is under the number of classes and every feature is finite.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    features: Features,
    example_shape: Vec<usize>,
    labels: Vec<u32>,
    row_numbers: RowNumbers,
}

/// The features of all examples, row-major `[examples, example shape..]`.
#[derive(Clone, Debug, PartialEq)]
pub enum Features {
    /// Pixels, kept as the bytes they are; the largest value that the format allows comes with them.
    U8 {
        /// One byte per feature.
        values: Vec<u8>,
        /// The format's white: 255 for most images, 16 for `digits`.
        full_scale: u8,
    },
    /// Measurements.
    F32(Vec<f32>),
}

/// A data set as its publisher divides it.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// What the data is called in messages and results.
    pub name: String,
    /// What it was asked for by: its path, where it has one. This is what errors call it.
    pub given: String,
    /// One name per class; a label is an index into it.
    pub classes: Vec<String>,
    /// The rows to learn from; where there is no `test`, the test rows are taken from them.
    pub train: Dataset,
    /// The publisher's own test rows.
    pub test: Option<Dataset>,
    /// How many of the last rows of `train` the publisher has set aside for validation; 0 where there is no such set.
    pub own_validation: usize,
    /// One name per feature, from a table's header; empty where features have no names, as pixels.
    pub feature_names: Vec<String>,
    /// The rows that were left out because they cannot be used.
    pub skipped: Skipped,
}

impl Features {
    /// How many numbers there are in all.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::U8 { values, .. } => values.len(),
            Self::F32(values) => values.len(),
        }
    }

    /// Whether there is no number at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number at `index`.
    #[must_use]
    pub fn get(&self, index: usize) -> f32 {
        match self {
            Self::U8 { values, .. } => f32::from(values[index]),
            Self::F32(values) => values[index],
        }
    }
}

impl Dataset {
    /// Examples of `example_shape` with their labels.
    ///
    /// The caller has checked that labels are in range and features finite, against the file and row they came from.
    pub(crate) fn new(features: Features, example_shape: Vec<usize>, labels: Vec<u32>) -> Self {
        debug_assert_eq!(features.len(), labels.len() * example_shape.iter().product::<usize>());
        Self { features, example_shape, labels, row_numbers: RowNumbers::default() }
    }

    /// The same examples, of which rows between were left out.
    pub(crate) fn numbered(self, row_numbers: RowNumbers) -> Self {
        Self { row_numbers, ..self }
    }

    /// How many examples there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no example.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The shape of one example: `[28, 28, 1]` for an image, `[30]` for a table's row.
    #[must_use]
    pub fn example_shape(&self) -> &[usize] {
        &self.example_shape
    }

    /// Numbers per example.
    #[must_use]
    pub fn num_features(&self) -> usize {
        self.example_shape.iter().product()
    }

    /// The features of all examples.
    #[must_use]
    pub fn features(&self) -> &Features {
        &self.features
    }

    /// The label of each example.
    #[must_use]
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// The number of each example in what it was read from.
    #[must_use]
    pub fn row_numbers(&self) -> &RowNumbers {
        &self.row_numbers
    }

    /// Feeds the features' bytes and the labels to a checksum.
    pub(crate) fn hash_into(&self, checksum: &mut crc32fast::Hasher) {
        match &self.features {
            Features::U8 { values, .. } => checksum.update(values),
            Features::F32(values) => values.iter().for_each(|value| checksum.update(&value.to_le_bytes())),
        }
        self.labels.iter().for_each(|label| checksum.update(&label.to_le_bytes()));
    }

    /// Gives up the buffers, to be moved to a device.
    #[must_use]
    pub fn into_parts(self) -> (Features, Vec<usize>, Vec<u32>) {
        (self.features, self.example_shape, self.labels)
    }
}

impl Source {
    /// A data set without names of features or validation rows of its own, from which nothing was left out.
    pub(crate) fn new(name: &str, classes: Vec<String>, train: Dataset, test: Option<Dataset>) -> Self {
        let skipped = Skipped::default();
        Self { name: name.to_owned(), given: name.to_owned(), classes, train, test, own_validation: 0, feature_names: Vec::new(), skipped }
    }

    /// The examples that [`Split::test`](crate::Split::test) numbers: the publisher's test rows, or else the train rows.
    #[must_use]
    pub fn tested(&self) -> &Dataset {
        self.test.as_ref().unwrap_or(&self.train)
    }

    /// A checksum (CRC-32, as eight hexadecimal digits) of all examples and labels, however they are divided: the same rows in another format
    /// that keeps them as the same type, bytes or 32-bit floats, have the same one.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut checksum = crc32fast::Hasher::new();
        self.train.hash_into(&mut checksum);
        if let Some(test) = &self.test {
            test.hash_into(&mut checksum);
        }
        format!("{:08x}", checksum.finalize())
    }

    /// Checks what only the whole shows: that there are rows, at least two classes, and a test set like the train set.
    pub(crate) fn validated(self) -> Result<Self, DataError> {
        let Some(first) = self.train.labels.first() else {
            return Err(DataError::unusable(&self.given, "has no rows", "give data with at least two rows of different classes"));
        };
        if self.train.labels.iter().all(|label| label == first) {
            let problem = format!("has rows of one class only (`{}`)", self.classes[*first as usize]);
            return Err(DataError::unusable(&self.given, problem, "give data with two or more classes; there is nothing to tell apart"));
        }
        if self.test.as_ref().is_some_and(|test| test.labels.is_empty()) {
            return Err(DataError::unusable(&self.given, "has a test set without rows", "give it rows, or leave it away"));
        }
        if let Some(test) = &self.test
            && test.example_shape != self.train.example_shape
        {
            let problem =
                format!("has test examples of shape {:?} and train examples of {:?}", test.example_shape, self.train.example_shape);
            return Err(DataError::unusable(&self.given, problem, "give files of the same set"));
        }
        Ok(self)
    }
}
