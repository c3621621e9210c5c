//! The `[data]` section.

use relumine_data::{Amount, Fold, Scale, SplitSpec};
use relumine_model::ConfigError;
use serde::{Deserialize, Serialize};

/// `[data]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DataSection {
    /// digits, mnist, fashion-mnist, an MNIST-format folder or a CSV file. A relative path is looked for beside the recipe, then in the
    /// working directory.
    pub name: String,
    /// A table's class column; the last one where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Classes of an MNIST-format folder; 10 where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_classes: Option<usize>,
    /// Rows to choose by: a count or a fraction of the train rows; 0 for none.
    pub validation: Amount,
    /// Rows to test on, for data without a test set of its own: a count or a fraction; 0 for none.
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
        super::at_least_one("data.num_classes", self.num_classes.map(|classes| classes as u64), "10")
    }
}
