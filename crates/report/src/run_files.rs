//! The files of a run that only its page reads: predictions, mistakes, weights.

use crate::{Mistakes, ReportError, Run, TestedWeights};
use safetensors::{Dtype, SafeTensors};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What the model said about one test row, from `test/predictions.csv`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Prediction {
    pub(crate) is_right: bool,
    /// The probability of the predicted class, with six decimals.
    pub(crate) confidence: f64,
}

/// A tensor of a safetensors file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Weights {
    pub(crate) shape: Vec<usize>,
    /// Row-major.
    pub(crate) values: Vec<f32>,
}

impl Run {
    /// The predictions of the test rows; empty where the run was not tested.
    pub(crate) fn predictions(&self) -> Result<Vec<Prediction>, ReportError> {
        let path = self.folder.join("test/predictions.csv");
        if !path.is_file() {
            return Ok(Vec::new());
        }
        let damaged = |reason: String| ReportError::Damaged { path: path.clone(), reason };
        let mut reader = csv::Reader::from_path(&path).map_err(|error| damaged(error.to_string()))?;
        let header = reader.headers().map_err(|error| damaged(error.to_string()))?.clone();
        let place = |name: &str| header.iter().position(|column| column == name).ok_or_else(|| damaged(format!("it has no column {name}")));
        let (label, predicted) = (place("label")?, place("prediction")?);
        let columns: BTreeMap<&str, usize> =
            header.iter().enumerate().filter_map(|(place, name)| Some((name.strip_prefix("p_")?, place))).collect();
        let mut predictions = Vec::new();
        for record in reader.records() {
            let record = record.map_err(|error| damaged(error.to_string()))?;
            let cell = |place: usize| record.get(place).unwrap_or_default();
            let confidence = columns.get(cell(predicted)).and_then(|place| cell(*place).parse().ok());
            let confidence = confidence.ok_or_else(|| damaged(format!("no probability of class {}", cell(predicted))))?;
            predictions.push(Prediction { is_right: cell(label) == cell(predicted), confidence });
        }
        Ok(predictions)
    }

    /// The wrong test pictures; `None` where the data are no pictures, the run was not tested, or an earlier version wrote it.
    ///
    /// # Errors
    /// A file that is not what a run writes.
    pub fn mistakes(&self) -> Result<Option<Mistakes>, ReportError> {
        let path = self.folder.join(Mistakes::FILE);
        if path.is_file() { crate::history::read_json(&path).map(Some) } else { Ok(None) }
    }

    /// The weights before training; `None` where the file is not there.
    pub(crate) fn initial_weights(&self) -> Result<Option<BTreeMap<String, Weights>>, ReportError> {
        tensors(self.folder.join("initial.safetensors"))
    }

    /// The weights that the run tested, or that it would have; `None` where the file is not there.
    pub(crate) fn final_weights(&self) -> Result<Option<BTreeMap<String, Weights>>, ReportError> {
        let name = match self.summary.weights {
            TestedWeights::Last => "last",
            TestedWeights::Refit if self.summary.refit.is_some() => "refit",
            TestedWeights::Best | TestedWeights::Refit => "best",
        };
        tensors(self.folder.join(format!("checkpoints/{name}.safetensors")))
    }
}

fn tensors(path: PathBuf) -> Result<Option<BTreeMap<String, Weights>>, ReportError> {
    if !path.is_file() {
        return Ok(None);
    }
    let bytes = std::fs::read(&path).map_err(|reason| ReportError::Unreadable { path: path.clone(), reason })?;
    let damaged = |reason: String| ReportError::Damaged { path: path.clone(), reason };
    let file = SafeTensors::deserialize(&bytes).map_err(|error| damaged(error.to_string()))?;
    let mut tensors = BTreeMap::new();
    for (name, view) in file.tensors() {
        if view.dtype() != Dtype::F32 {
            return Err(damaged(format!("{name} is of type {:?}, not F32", view.dtype())));
        }
        let (numbers, _) = view.data().as_chunks::<4>();
        let values = numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        tensors.insert(name, Weights { shape: view.shape().to_vec(), values });
    }
    Ok(Some(tensors))
}
