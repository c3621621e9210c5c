//! The `[train]` section.

use super::{InitFrom, at_least_one};
use relumine_engine::{Objective, Precision};
use relumine_model::ConfigError;
use serde::{Deserialize, Serialize};

/// `[train]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainSection {
    /// How often to go through the train rows.
    pub epochs: u64,
    /// Rows that go through the network together; an epoch's last batch may be smaller.
    pub batch_size: u64,
    /// Batches per optimiser step: their gradients are accumulated into that of all their rows. An epoch's last step may have fewer.
    pub accumulate: u64,
    /// Seed of weights, row order, dropout and noise.
    pub seed: u64,
    /// By which means.
    pub step: StepChoice,
    /// What the factors of matrix products are rounded to; everything but `f32` is for the fused step on CUDA.
    pub precision: Precision,
    /// Share of each label that is spread evenly over all classes, in [0, 1).
    pub label_smoothing: f64,
    /// How much each class counts in what training minimises: one weight per class, or `balanced`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class_weights: Option<ClassWeights>,
    /// Stop when validation no longer improves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub early_stopping: Option<EarlyStopping>,
    /// Stop after so many optimiser steps, even within an epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_steps: Option<u64>,
    /// Stop after so many minutes of training and validation, even within an epoch, in all processes together where a run is stopped and goes on.
    /// The one setting under which a run does not repeat.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_minutes: Option<f64>,
    /// Stop when the validation accuracy reaches this, in (0, 1]; a run that never does ends with exit code 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_accuracy: Option<f64>,
    /// Train again on train and validation rows together, for the steps that validation chose, and test those weights. Scaling and balanced
    /// class weights are those of the merged rows.
    pub refit: bool,
    /// Train and validate on the first so many batches alone, to see whether the model can fit them; nothing is tested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overfit_batches: Option<u64>,
    /// Save a checkpoint every so many steps, besides those at the ends of epochs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoint_steps: Option<u64>,
    /// A safetensors file of weights to start with, in place of those that `model.init` draws: of this program, or the state of a
    /// `torch.nn.Sequential`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub init_from: Option<InitFrom>,
    /// Write an event file that TensorBoard reads. It changes nothing else.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub tensorboard: bool,
}

/// The training step to use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepChoice {
    /// The fused step where it can train the configuration, the reference step elsewhere.
    #[default]
    Auto,
    /// Kernels of our own, on the CPU and on CUDA.
    Fused,
    /// Candle's automatic differentiation.
    Reference,
}

/// `train.class_weights`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected one number per class, as in [1.0, 2.5], or \"balanced\"")]
pub enum ClassWeights {
    /// By the train rows: every class counts the same in all.
    Rule(BalancedRule),
    /// One weight per class, in label order.
    Listed(Vec<f64>),
}

/// The one rule that class weights can follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BalancedRule {
    /// `rows / (classes * rows of the class)`.
    Balanced,
}

/// Stops training when validation has not improved for a while. The best epoch is then the one that is best by what is watched; without
/// early stopping it is the one of the highest validation accuracy, and between equal ones of the lowest loss.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EarlyStopping {
    /// Epochs without improvement after which to stop.
    pub patience: u64,
    /// By how much the watched number must improve for patience to begin anew; the best epoch is best by however little.
    pub min_delta: f64,
    /// What is watched, and what the best epoch is best by. (One that reaches `train.target_accuracy` is best in any case.)
    pub monitor: Monitor,
    /// Whether the weights of the best epoch are tested, or those of the last.
    pub restore_best: bool,
}

/// What early stopping watches on the validation rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Monitor {
    /// The mean loss; lower is better.
    #[default]
    Loss,
    /// The accuracy; higher is better, and for the best epoch the loss breaks ties.
    Accuracy,
}

impl Default for TrainSection {
    fn default() -> Self {
        Self {
            epochs: 20,
            batch_size: 128,
            accumulate: 1,
            seed: 0,
            step: StepChoice::Auto,
            precision: Precision::F32,
            label_smoothing: 0.0,
            class_weights: None,
            early_stopping: None,
            max_steps: None,
            max_minutes: None,
            target_accuracy: None,
            refit: false,
            overfit_batches: None,
            checkpoint_steps: None,
            init_from: None,
            tensorboard: false,
        }
    }
}

impl Default for EarlyStopping {
    fn default() -> Self {
        Self { patience: 5, min_delta: 0.0, monitor: Monitor::Loss, restore_best: true }
    }
}

impl TrainSection {
    /// Rows of a whole optimiser step.
    #[must_use]
    pub fn rows_per_step(&self) -> usize {
        usize::try_from(self.batch_size.saturating_mul(self.accumulate)).unwrap_or(usize::MAX)
    }

    /// Whether the weights of the best epoch are tested; otherwise those of the last one.
    #[must_use]
    pub fn restores_best(&self) -> bool {
        self.early_stopping.is_none_or(|early_stopping| early_stopping.restore_best)
    }

    /// The first key that looks at validation rows, which must be there then.
    #[must_use]
    pub fn needs_validation(&self) -> Option<&'static str> {
        [
            ("train.early_stopping", self.early_stopping.is_some()),
            ("train.target_accuracy", self.target_accuracy.is_some()),
            ("train.refit", self.refit),
        ]
        .into_iter()
        .find_map(|(key, is_set)| is_set.then_some(key))
    }

    /// The same for weights that are there: how they were trained says nothing of the device that uses them, and the reference step gives what
    /// the fused one would, where there is none.
    #[must_use]
    pub fn for_evaluation(&self) -> Self {
        let step = if self.step == StepChoice::Reference { StepChoice::Reference } else { StepChoice::Auto };
        Self { step, precision: Precision::F32, ..self.clone() }
    }

    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        at_least_one("train.epochs", Some(self.epochs), "20")?;
        if self.epochs > u64::from(u32::MAX) {
            let remedy = format!("give {} at most: the epoch is 32 bits of the shuffle's counter", u32::MAX);
            return Err(ConfigError::new("train.epochs", self.epochs, remedy));
        }
        at_least_one("train.batch_size", Some(self.batch_size), "128")?;
        at_least_one("train.accumulate", Some(self.accumulate), "4")?;
        at_least_one("train.max_steps", self.max_steps, "1000")?;
        at_least_one("train.overfit_batches", self.overfit_batches, "1")?;
        at_least_one("train.checkpoint_steps", self.checkpoint_steps, "1000")?;
        // Class weights are checked beside the data, which says how many classes there are.
        Objective { label_smoothing: self.label_smoothing, class_weights: None }.validate(0)?;
        if let Some(minutes) = self.max_minutes.filter(|minutes| !(*minutes > 0.0 && minutes.is_finite())) {
            return Err(ConfigError::new("train.max_minutes", minutes, "give a finite number over 0, such as 10"));
        }
        if let Some(target) = self.target_accuracy.filter(|target| !(*target > 0.0 && *target <= 1.0)) {
            return Err(ConfigError::new("train.target_accuracy", target, "give a share of the rows, over 0 and at most 1, such as 0.98"));
        }
        if self.refit && self.overfit_batches.is_some() {
            return Err(ConfigError::new("train.refit", true, "it has no meaning beside train.overfit_batches; leave one of them out"));
        }
        if let Some(EarlyStopping { patience, min_delta, .. }) = self.early_stopping {
            at_least_one("train.early_stopping.patience", Some(patience), "5")?;
            if !(0.0..f64::INFINITY).contains(&min_delta) {
                let remedy = "give a finite number of at least 0, such as 0.001";
                return Err(ConfigError::new("train.early_stopping.min_delta", min_delta, remedy));
            }
            if self.refit && !self.restores_best() {
                let remedy = "train.refit trains for as long as the best epoch took; leave one of them out";
                return Err(ConfigError::new("train.early_stopping.restore_best", false, remedy));
            }
        }
        Ok(())
    }
}
