//! A run's weights, ready to look at rows.

use super::SavedWeights;
use crate::checkpoint::read_tensors;
use crate::device::Chosen;
use crate::failure::Failure;
use crate::pipeline::ChosenStep;
use crate::recipe::Recipe;
use crate::run_directory::RunDirectory;
use crate::threads;
use anyhow::anyhow;
use relumine_data::Features;
use relumine_data::inputs::RowOrigin;
use relumine_engine::metrics::predicted_class;
use relumine_engine::{Examples, FeatureBuffer, OptimizerConfig, ReferenceStep, Step, StepError, TrainingConfig, fused_step};
use relumine_model::Head;
use relumine_report::{OutputHead, Signature};

/// Gives rows their logits, by the step and the kernels that a run's own test uses: the same rows have the same bits.
pub(super) struct Predictor {
    step: Box<dyn Step>,
    device: candle_core::Device,
    pub(super) head: Head,
    pub(super) signature: Signature,
}

impl Predictor {
    /// Loads `weights` of `run` onto `device`.
    pub(super) fn load(
        run: &RunDirectory,
        recipe: &Recipe,
        weights: SavedWeights,
        signature: Signature,
        device: Chosen,
    ) -> Result<Self, Failure> {
        let architecture = recipe.model.architecture(signature.num_features(), signature.classes.len())?;
        let head = architecture.head;
        let is_same_head = matches!((head, signature.head), (Head::Softmax, OutputHead::Softmax) | (Head::Sigmoid, OutputHead::Sigmoid));
        if !is_same_head {
            let (folder, file) = (run.path().display(), weights.signature);
            return Err(Failure::Run(anyhow!(
                "{folder}: recipe.toml and {file} disagree about model.head: restore both from the same run"
            )));
        }
        let path = run.file(weights.file);
        let tensors = read_tensors(&path)?;
        let of_file = |error: StepError| super::super::within(error.into(), path.display().to_string());
        architecture.check_tensors(&tensors).map_err(|error| of_file(error.into()))?;
        let step = ChosenStep::choose(&recipe.train.for_evaluation(), &device, false)?;
        let optimizer = OptimizerConfig::default();
        let config = TrainingConfig { optimizer, threads: threads::count(), ..TrainingConfig::default() };
        let mut step: Box<dyn Step> = match step {
            ChosenStep::Fused => fused_step(&architecture, &config, &device.device)?,
            ChosenStep::Reference { .. } => Box::new(ReferenceStep::new(&architecture, &config, &device.device)?),
        };
        step.load_parameters(&tensors).map_err(of_file)?;
        Ok(Self { step, device: device.device, head, signature })
    }

    /// The logits of rows from `origins`, `[rows, units]` row-major.
    pub(super) fn logits(&self, features: Features, origins: &[RowOrigin]) -> Result<Vec<f32>, Failure> {
        let features = match features {
            Features::U8 { values, .. } => FeatureBuffer::U8(values),
            Features::F32(values) => FeatureBuffer::F32(values),
        };
        let Signature { example_shape, offset, divisor, .. } = &self.signature;
        let labels = vec![0; origins.len()];
        let examples = Examples::new(features, example_shape, labels, offset, divisor, &self.device).map_err(anyhow::Error::new)?;
        let rows: Vec<u32> = (0..origins.len() as u32).collect();
        let logits = self.step.logits(&examples, &rows)?;
        match logits.iter().position(|logit| !logit.is_finite()) {
            None => Ok(logits),
            Some(index) => {
                let RowOrigin { input, row, .. } = &origins[index / self.units()];
                let problem = format!("the model's answer to row {row} (counted from 0) is {}", logits[index]);
                Err(Failure::Run(anyhow!("{input}: {problem}: its numbers are far from those that the model was trained on")))
            }
        }
    }

    /// The most probable class of each row.
    pub(super) fn classes(&self, logits: &[f32]) -> Vec<u32> {
        logits.chunks_exact(self.units()).map(|row| predicted_class(self.head, row)).collect()
    }

    /// Logits of a row.
    pub(super) fn units(&self) -> usize {
        self.signature.num_logits()
    }
}
