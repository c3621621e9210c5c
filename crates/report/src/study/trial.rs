//! What a study keeps of each trial.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A line of `trials.jsonl`: one cell with one seed, at its end or at the end of a rung of successive halving.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrialRecord {
    /// Its folder under `trials/`. It ends in a checksum of the recipe.
    pub trial: String,
    /// The training seed.
    pub seed: u64,
    /// Epochs of the rung after which it was judged; `None` where it trained to its end.
    pub rung: Option<u64>,
    /// What it failed of; it has the measures then that were to be had.
    pub error: Option<String>,
    /// Numbers that training adjusts.
    pub parameters: u64,
    /// Train rows.
    pub train_rows: u64,
    /// Validation rows.
    pub validation_rows: u64,
    /// A checksum of the data and its division; `None` in records of versions that did not tell, as are the next two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_fingerprint: Option<String>,
    /// The study's target accuracy when `measures` were taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_accuracy: Option<f64>,
    /// The study's patience then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patience: Option<u64>,
    /// By name; those that are not finite are left out.
    pub measures: BTreeMap<String, f64>,
    /// Seconds on its thread.
    pub seconds: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_of_a_version_that_knew_no_fingerprint_is_read() {
        let line = r#"{"trial":"t","seed":0,"rung":null,"error":null,"parameters":1,"train_rows":2,"validation_rows":3,"measures":{},"seconds":0.5}"#;
        let record: TrialRecord = serde_json::from_str(line).unwrap();
        assert_eq!((&record.data_fingerprint, record.target_accuracy, record.patience), (&None, None, None));
        assert_eq!(serde_json::to_string(&record).unwrap(), line);
    }
}
