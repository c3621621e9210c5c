//! A recipe with its data on a device: all that training and testing need.

use super::plan::{open, shuffled};
use super::shared_data::SharedData;
use super::{ChosenStep, Plan, TrainRows};
use crate::device::Chosen;
use crate::environment::memory_bytes;
use crate::failure::Failure;
use crate::recipe::Recipe;
use crate::threads;
use relumine_data::{Dataset, Features, RowNumbers, Scaler, Source, Split};
use relumine_engine::{Augmentation, Examples, FeatureBuffer, Horizon, Objective, ReferenceStep, Step, TrainingConfig, fused_step};
use relumine_model::{Architecture, ConfigError, Head, calibration};
use relumine_report::{OutputHead, Signature};

/// A recipe made concrete.
#[derive(Debug)]
pub struct Job {
    /// The recipe.
    pub recipe: Recipe,
    /// What runs of it are called after.
    pub recipe_name: String,
    /// What the data is called.
    pub dataset: String,
    /// Rows of the data that were left out because they cannot be used.
    pub skipped_rows: u64,
    /// One name per class.
    pub classes: Vec<String>,
    /// What the model takes and says.
    pub signature: Signature,
    /// The layers.
    pub architecture: Architecture,
    /// Which rows train, validate and test.
    pub split: Split,
    /// The numbers of the test rows in their files.
    pub(super) test_row_numbers: RowNumbers,
    /// What is minimised.
    objective: Objective,
    /// How the training images are changed at random.
    augmentation: Option<Augmentation>,
    /// By which step, and why.
    pub step: ChosenStep,
    /// The plan of the run, by which schedules measure time.
    pub horizon: Horizon,
    /// A checksum of the data and its division.
    pub fingerprint: String,
    /// The device.
    pub device: Chosen,
    /// The source's train rows: train and validation rows, and test rows if it has no test set of its own.
    pub examples: Examples,
    /// The source's own test set.
    own_test: Option<Examples>,
}

/// Rows that the data-driven initialisers look at.
const CALIBRATION_ROWS: usize = 1024;

impl Job {
    /// Opens the data, divides and scales it, and moves it to the device.
    ///
    /// # Errors
    /// Data that is missing or broken, settings that do not fit it, or a device out of memory.
    pub fn prepare(recipe: Recipe, recipe_name: &str, device: Chosen, train_rows: TrainRows) -> Result<Self, Failure> {
        let mut source = open(&recipe)?;
        let plan = Plan::new(&recipe, &source, &device, train_rows)?;
        check_memory(&recipe, &plan.architecture, plan.split.train.len(), &device)?;
        tracing::info!(
            data = source.name,
            train = plan.split.train.len(),
            validation = plan.split.validation.len(),
            test = plan.split.test.len(),
            "data is ready"
        );
        let signature = signature(&source, &plan);
        let upload = |data: Dataset| upload(data, &plan.scaler, &device).map_err(|error| Failure::Run(anyhow::Error::new(error)));
        let own_test = source.test.take().map(upload).transpose()?;
        let uploaded = (upload(source.train)?, own_test);
        let named = (source.name, source.skipped.rows, source.classes);
        Ok(Self::assemble((recipe, recipe_name, device), plan, signature, named, uploaded))
    }

    /// As [`prepare`](Self::prepare), on data that other jobs use too.
    ///
    /// # Errors
    /// Settings that do not fit the data, or a machine without the memory.
    pub fn on(data: &SharedData, recipe: Recipe, recipe_name: &str, device: Chosen) -> Result<Self, Failure> {
        let (source, divided) = (&*data.source, (data.split.clone(), data.fingerprint.clone()));
        let plan = Plan::of_division(&recipe, source, &device, TrainRows::Divided, divided)?;
        check_memory(&recipe, &plan.architecture, plan.split.train.len(), &device)?;
        let signature = signature(source, &plan);
        let named = (source.name.clone(), source.skipped.rows, source.classes.clone());
        Ok(Self::assemble((recipe, recipe_name, device), plan, signature, named, (data.examples.clone(), data.own_test.clone())))
    }

    fn assemble(
        (recipe, recipe_name, device): (Recipe, &str, Chosen),
        plan: Plan,
        signature: Signature,
        (dataset, skipped_rows, classes): (String, u64, Vec<String>),
        (examples, own_test): (Examples, Option<Examples>),
    ) -> Self {
        Self {
            recipe_name: recipe_name.to_owned(),
            signature,
            dataset,
            skipped_rows,
            classes,
            examples,
            own_test,
            architecture: plan.architecture,
            split: plan.split,
            test_row_numbers: plan.test_row_numbers,
            objective: plan.objective,
            augmentation: plan.augmentation,
            step: plan.step,
            horizon: plan.horizon,
            fingerprint: plan.fingerprint,
            device,
            recipe,
        }
    }

    /// A step with the weights that training starts with.
    ///
    /// # Errors
    /// A device out of memory, or weights of `train.init_from` that cannot be had.
    pub fn step(&self) -> Result<Box<dyn Step>, Failure> {
        let mut step = self.blank_step()?;
        if let Some(init_from) = &self.recipe.train.init_from {
            step.load_parameters(&init_from.load(&self.architecture)?)?;
        } else if calibration::needs_data(&self.architecture) {
            let rows = self.epoch_rows(1);
            let (inputs, _) = self.examples.batch(&rows[..rows.len().min(CALIBRATION_ROWS)]).map_err(anyhow::Error::new)?;
            let calibrated = calibration::calibrate(&self.architecture, &step.parameters()?, &inputs).map_err(anyhow::Error::new)?;
            step.load_parameters(&calibrated)?;
        }
        Ok(step)
    }

    /// A step whose weights are about to be loaded.
    ///
    /// # Errors
    /// A device out of memory.
    pub fn blank_step(&self) -> Result<Box<dyn Step>, Failure> {
        let config = TrainingConfig {
            optimizer: self.recipe.optimizer.clone(),
            objective: self.objective.clone(),
            augmentation: self.augmentation,
            micro_batch: usize::try_from(self.recipe.train.batch_size).ok(),
            horizon: self.horizon,
            seed: self.recipe.train.seed,
            precision: self.recipe.train.precision,
            threads: threads::count(),
        };
        let device = &self.device.device;
        Ok(match &self.step {
            ChosenStep::Fused => fused_step(&self.architecture, &config, device)?,
            ChosenStep::Reference { .. } => Box::new(ReferenceStep::new(&self.architecture, &config, device)?),
        })
    }

    /// The train rows in the order of an epoch, counted from 1: a pure function of seed and epoch.
    #[must_use]
    pub fn epoch_rows(&self, epoch: u64) -> Vec<u32> {
        shuffled(&self.split.train, self.recipe.train.seed, epoch)
    }

    /// The examples that hold the test rows.
    #[must_use]
    pub fn test_examples(&self) -> &Examples {
        self.own_test.as_ref().unwrap_or(&self.examples)
    }
}

/// Refuses a model or a batch that this machine's memory cannot hold, rather than being killed for it.
fn check_memory(recipe: &Recipe, architecture: &Architecture, train_rows: usize, device: &Chosen) -> Result<(), ConfigError> {
    match (device.device.is_cpu(), memory_bytes()) {
        (true, Some(memory)) => check_memory_of(memory, recipe, architecture, train_rows),
        _ => Ok(()),
    }
}

/// As [`check_memory`], of a machine with so many bytes.
fn check_memory_of(memory: u64, recipe: &Recipe, architecture: &Architecture, train_rows: usize) -> Result<(), ConfigError> {
    /// Weights, gradients, two moments, and the temporaries of an update: f32 each. (Micro-batches do not add up.)
    const BYTES_PER_PARAMETER: usize = 4 * 6;
    /// A layer's outputs, their gradients, and the temporaries of activation and dropout: f32 each.
    const BYTES_PER_UNIT: usize = 4 * 6;
    let batch = usize::try_from(recipe.train.batch_size).unwrap_or(usize::MAX);
    let units: usize = architecture.layers.iter().map(|layer| layer.fan_out).sum();
    let parameters = architecture.num_parameters().saturating_mul(BYTES_PER_PARAMETER);
    let with = |rows: usize| parameters.saturating_add(units.saturating_mul(rows).saturating_mul(BYTES_PER_UNIT)) as u64;
    // Evaluation takes so many rows at a time, whatever the batch is.
    let least = with(ReferenceStep::EVALUATION_ROWS.min(train_rows));
    let needed = with(batch.max(ReferenceStep::EVALUATION_ROWS).min(train_rows));
    if needed <= memory {
        return Ok(());
    }
    let gib = |bytes: u64| bytes as f64 / f64::from(1 << 30);
    let problem = format!("takes about {:.0} GiB, this machine has {:.0}", gib(needed), gib(memory));
    if least <= memory {
        let remedy = format!(
            "training on {} rows at a time {problem}; lower it (train.accumulate gathers batches into one step)",
            batch.min(train_rows)
        );
        return Err(ConfigError::new("train.batch_size", batch, remedy));
    }
    let remedy = format!("training it {problem}; use fewer or smaller layers");
    Err(ConfigError::new("model.hidden", format!("{:?}", recipe.model.hidden), remedy))
}

/// What a model of `plan` takes, in the terms of the data it was trained on.
fn signature(source: &Source, plan: &Plan) -> Signature {
    let full_scale = match source.train.features() {
        Features::U8 { full_scale, .. } => Some(*full_scale),
        Features::F32(_) => None,
    };
    Signature {
        format: Signature::FORMAT,
        example_shape: source.train.example_shape().to_vec(),
        full_scale,
        feature_names: source.feature_names.clone(),
        offset: plan.scaler.offset.clone(),
        divisor: plan.scaler.divisor.clone(),
        classes: source.classes.clone(),
        head: match plan.architecture.head {
            Head::Softmax => OutputHead::Softmax,
            Head::Sigmoid => OutputHead::Sigmoid,
        },
    }
}

pub(super) fn upload(data: Dataset, scaler: &Scaler, device: &Chosen) -> candle_core::Result<Examples> {
    let (features, shape, labels) = data.into_parts();
    let features = match features {
        Features::U8 { values, .. } => FeatureBuffer::U8(values),
        Features::F32(values) => FeatureBuffer::F32(values),
    };
    Examples::new(features, &shape, labels, &scaler.offset, &scaler.divisor, &device.device)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 40 features and two layers of 2048 units: 4.3 million parameters, 24 bytes each, and 4098 units, as many for each row.
    #[test]
    fn what_does_not_fit_into_memory_is_named_by_what_takes_it() {
        let mut recipe = Recipe::default();
        recipe.model.hidden = vec![2048, 2048];
        let architecture = recipe.model.architecture(40, 2).unwrap();
        let mut check = |gib: f64, batch_size| {
            recipe.train.batch_size = batch_size;
            let memory = (gib * f64::from(1 << 30)) as u64;
            check_memory_of(memory, &recipe, &architecture, 280_000).map_err(|error| error.to_string())
        };
        assert_eq!(check(16.0, 128), Ok(()));
        assert_eq!(check(26.0, 400_000), Ok(()));
        let message = check(16.0, 400_000).unwrap_err();
        let batch =
            "train.batch_size = 400000 is not usable: training on 280000 rows at a time takes about 26 GiB, this machine has 16; lower it";
        assert!(message.starts_with(batch), "{message}");
        for batch_size in [128, 400_000] {
            let message = check(0.1, batch_size).unwrap_err();
            assert!(message.starts_with("model.hidden = [2048, 2048] is not usable: training it takes about "), "{message}");
        }
    }
}
