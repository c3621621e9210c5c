//! The `[data]` section.

use relumine_data::{Amount, Fold, ReadOptions, Scale, SplitSpec};
use relumine_model::ConfigError;
use serde::{Deserialize, Serialize};

/// `[data]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DataSection {
    /// digits, mnist, fashion-mnist, hf://owner/name, or a file or folder: CSV, TSV, Parquet, .npy, .npz, MNIST-format, images. A relative
    /// path is looked for beside the recipe, then in the working directory.
    pub name: String,
    /// A table's class column; the last one where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Classes of an MNIST-format folder; 10 where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_classes: Option<usize>,
    /// The height and width that the pictures of an image folder are brought to; without it they must all have one size.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_size: Option<[usize; 2]>,
    /// 1 to read an image folder in grey, 3 in colour; as its first picture is where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channels: Option<usize>,
    /// Whether rows that cannot be used are left out and counted; without it they are errors.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub skip_bad_rows: bool,
    /// Rows to choose by, for data without validation rows of its own: a count, or a fraction of all rows that are not in a test set of the
    /// data's own; 0 for none.
    pub validation: Amount,
    /// Rows to test on, for data without a test set of its own: a count, or a fraction of all rows; 0 for none.
    pub test: Amount,
    /// Whether every part has the classes in the proportions of the whole.
    pub stratified: bool,
    /// Which rows go where; independent of `train.seed`.
    pub split_seed: u64,
    /// How features are scaled.
    pub scale: Scale,
    /// At most so many train rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit_train: Option<u64>,
    /// One fold of a cross-validation: its rows take the place of `validation`, and the test rows are not read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fold: Option<Fold>,
}

impl Default for DataSection {
    fn default() -> Self {
        Self {
            name: "digits".into(),
            label: None,
            num_classes: None,
            image_size: None,
            channels: None,
            skip_bad_rows: false,
            validation: Amount::Fraction(0.1),
            test: Amount::Fraction(0.2),
            stratified: true,
            split_seed: 0,
            scale: Scale::Unit,
            limit_train: None,
            fold: None,
        }
    }
}

impl DataSection {
    /// How to read the rows.
    #[must_use]
    pub fn read_options(&self) -> ReadOptions {
        ReadOptions {
            label: self.label.clone(),
            num_classes: self.num_classes,
            image_size: self.image_size,
            channels: self.channels,
            skip_bad_rows: self.skip_bad_rows,
            ..ReadOptions::default()
        }
    }

    /// How to divide the rows.
    #[must_use]
    pub fn split_spec(&self) -> SplitSpec {
        SplitSpec {
            validation: self.validation,
            fold: self.fold,
            test: self.test,
            stratified: self.stratified,
            seed: self.split_seed,
            limit_train: self.limit_train,
        }
    }

    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        super::at_least_one("data.limit_train", self.limit_train, "10000")?;
        if let Some(size) = self.image_size.filter(|size| size.iter().any(|side| !(1..=4096).contains(side))) {
            return Err(ConfigError::new("data.image_size", format!("{size:?}"), "give height and width in pixels, such as [28, 28]"));
        }
        if let Some(channels) = self.channels.filter(|channels| ![1, 3].contains(channels)) {
            return Err(ConfigError::new("data.channels", channels, "give 1 for grey or 3 for colour"));
        }
        super::at_least_one("data.num_classes", self.num_classes.map(|classes| classes as u64), "10")
    }
}
