//! A recipe with its data on a device: all that training and testing need.

use crate::device::Chosen;
use crate::environment::memory_bytes;
use crate::failure::Failure;
use crate::recipe::{ClassWeights, Recipe, StepChoice, TrainSection};
use crate::threads;
use relumine_data::{Catalog, Dataset, Features, Scaler, Source, Split};
use relumine_engine::{Examples, FeatureBuffer, FusedStep, Horizon, Objective, ReferenceStep, Step, TrainingConfig};
use relumine_model::{Architecture, ConfigError, calibration};
use relumine_random::permutation::permutation;
use relumine_random::{Purpose, Stream};
use std::fmt;

/// A recipe made concrete.
#[derive(Debug)]
pub struct Job {
    /// The recipe.
    pub recipe: Recipe,
    /// What runs of it are called after.
    pub recipe_name: String,
    /// What the data is called.
    pub dataset: String,
    /// One name per class.
    pub classes: Vec<String>,
    /// The layers.
    pub architecture: Architecture,
    /// Which rows train, validate and test.
    pub split: Split,
    /// What is minimised.
    objective: Objective,
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

/// Which rows a job trains on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrainRows {
    /// The train rows.
    Divided,
    /// Train and validation rows together, when everything has been chosen.
    Merged,
}

/// The step that a job trains by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChosenStep {
    /// The fused step.
    Fused,
    /// The reference step.
    Reference {
        /// Why the fused step cannot do it; `None` where the recipe asks for this one.
        instead_of_fused: Option<String>,
    },
}

impl ChosenStep {
    /// What `train.step` makes of this architecture on this device.
    fn choose(choice: StepChoice, architecture: &Architecture, device: &Chosen) -> Result<Self, ConfigError> {
        let reason = match choice {
            StepChoice::Reference => return Ok(Self::Reference { instead_of_fused: None }),
            StepChoice::Auto | StepChoice::Fused => FusedStep::supports(architecture, &device.device),
        };
        match (reason, choice) {
            (Ok(()), _) => Ok(Self::Fused),
            (Err(reason), StepChoice::Fused) => {
                Err(ConfigError::new("train.step", "fused", format!("{reason}; set it to auto, which takes the reference step here")))
            }
            (Err(reason), _) => Ok(Self::Reference { instead_of_fused: Some(reason) }),
        }
    }
}

impl fmt::Display for ChosenStep {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fused => formatter.write_str("fused step"),
            Self::Reference { instead_of_fused: None } => formatter.write_str("reference step"),
            Self::Reference { instead_of_fused: Some(reason) } => write!(formatter, "reference step ({reason})"),
        }
    }
}

/// Rows that the data-driven initialisers look at.
const CALIBRATION_ROWS: usize = 1024;

impl Job {
    /// Opens the data, divides and scales it, and moves it to the device.
    ///
    /// # Errors
    /// Data that is missing or broken, settings that do not fit it, or a device out of memory.
    pub fn prepare(recipe: Recipe, recipe_name: &str, device: Chosen, train_rows: TrainRows) -> Result<Self, Failure> {
        let source = Catalog::from_environment().open(&recipe.data.name, recipe.data.label.as_deref(), recipe.data.num_classes)?;
        let divided = recipe.data.split_spec().split(&source)?;
        check_validation(&recipe, &divided)?;
        let fingerprint = divided.fingerprint(&source);
        let horizon = horizon(&recipe.train, divided.train.len());
        let split = used_rows(divided, &recipe.train, train_rows);
        let architecture = recipe.model.architecture(source.train.num_features(), source.classes.len())?;
        check_memory(&recipe, &architecture, split.train.len(), &device)?;
        let objective = objective(&recipe.train, &source, &split)?;
        let scaler = Scaler::fit(recipe.data.scale, &source.train, &split.train);
        scaler.check(recipe.data.scale)?;
        tracing::info!(
            data = source.name,
            train = split.train.len(),
            validation = split.validation.len(),
            test = split.test.len(),
            "data is ready"
        );
        let upload = |data: Dataset| upload(data, &scaler, &device).map_err(|error| Failure::Run(anyhow::Error::new(error)));
        Ok(Self {
            recipe_name: recipe_name.to_owned(),
            fingerprint,
            dataset: source.name,
            classes: source.classes,
            step: ChosenStep::choose(recipe.train.step, &architecture, &device)?,
            architecture,
            split,
            objective,
            horizon,
            examples: upload(source.train)?,
            own_test: source.test.map(upload).transpose()?,
            device,
            recipe,
        })
    }

    /// A step with fresh weights.
    ///
    /// # Errors
    /// A device out of memory.
    pub fn step(&self) -> Result<Box<dyn Step>, Failure> {
        let config = TrainingConfig {
            optimizer: self.recipe.optimizer.clone(),
            objective: self.objective.clone(),
            micro_batch: usize::try_from(self.recipe.train.batch_size).ok(),
            horizon: self.horizon,
            seed: self.recipe.train.seed,
            threads: threads::count(),
        };
        let device = &self.device.device;
        let mut step: Box<dyn Step> = match &self.step {
            ChosenStep::Fused => Box::new(FusedStep::new(&self.architecture, &config, device)?),
            ChosenStep::Reference { .. } => Box::new(ReferenceStep::new(&self.architecture, &config, device)?),
        };
        if calibration::needs_data(&self.architecture) {
            let rows = self.epoch_rows(1);
            let (inputs, _) = self.examples.batch(&rows[..rows.len().min(CALIBRATION_ROWS)]).map_err(anyhow::Error::new)?;
            let calibrated = calibration::calibrate(&self.architecture, &step.parameters()?, &inputs).map_err(anyhow::Error::new)?;
            step.load_parameters(&calibrated)?;
        }
        Ok(step)
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

/// The permutation is of positions and not of rows, so that it does not depend on the split.
fn shuffled(rows: &[u32], seed: u64, epoch: u64) -> Vec<u32> {
    let order = permutation(&Stream::new(seed, Purpose::Shuffle, 0), (epoch - 1) as u32, rows.len() as u32);
    order.into_iter().map(|position| rows[position as usize]).collect()
}

/// The rows of each part that this job uses, of those that the recipe divides the data into.
fn used_rows(mut split: Split, train: &TrainSection, train_rows: TrainRows) -> Split {
    if train_rows == TrainRows::Merged {
        split.train.append(&mut split.validation);
        split.train.sort_unstable();
    }
    if let Some(batches) = train.overfit_batches {
        let count = usize::try_from(batches.saturating_mul(train.batch_size)).unwrap_or(usize::MAX);
        let mut rows = shuffled(&split.train, train.seed, 1);
        rows.truncate(count);
        rows.sort_unstable();
        split = Split { validation: rows.clone(), train: rows, test: Vec::new() };
    }
    split
}

/// The plan of a run on so many train rows.
fn horizon(train: &TrainSection, rows: usize) -> Horizon {
    let rows = train.overfit_batches.map_or(rows as u64, |batches| batches.saturating_mul(train.batch_size).min(rows as u64));
    let steps_per_epoch = rows.div_ceil(train.rows_per_step() as u64);
    let total_steps = steps_per_epoch.saturating_mul(train.epochs);
    Horizon { steps_per_epoch, total_steps: train.max_steps.map_or(total_steps, |most| most.min(total_steps)) }
}

/// Refuses settings that look at validation rows where there are none.
fn check_validation(recipe: &Recipe, split: &Split) -> Result<(), ConfigError> {
    let of_schedule = recipe.optimizer.schedule.plateau().map(|_| "optimizer.schedule");
    match recipe.train.needs_validation().or(of_schedule) {
        Some(key) if split.validation.is_empty() && recipe.train.overfit_batches.is_none() => {
            let remedy = "it looks at the validation rows; set some aside, as in data.validation = 0.1, or remove it";
            Err(ConfigError::new(key, "set without validation rows", remedy))
        }
        _ => Ok(()),
    }
}

fn objective(train: &TrainSection, source: &Source, split: &Split) -> Result<Objective, ConfigError> {
    let num_classes = source.classes.len();
    let class_weights = train.class_weights.as_ref().map(|weights| match weights {
        ClassWeights::Listed(weights) => weights.clone(),
        ClassWeights::Rule(_) => {
            let labels: Vec<u32> = split.train.iter().map(|row| source.train.labels()[*row as usize]).collect();
            Objective::balanced_weights(&labels, num_classes)
        }
    });
    let objective = Objective { label_smoothing: train.label_smoothing, class_weights };
    objective.validate(num_classes)?;
    Ok(objective)
}

/// Refuses a model that this machine's memory cannot hold, rather than being killed for it.
fn check_memory(recipe: &Recipe, architecture: &Architecture, train_rows: usize, device: &Chosen) -> Result<(), ConfigError> {
    /// Weights, gradients, two moments, and the temporaries of an update: f32 each. (Micro-batches do not add up.)
    const BYTES_PER_PARAMETER: usize = 4 * 6;
    /// A layer's outputs, their gradients, and the temporaries of activation and dropout: f32 each.
    const BYTES_PER_UNIT: usize = 4 * 6;
    let batch = usize::try_from(recipe.train.batch_size).unwrap_or(usize::MAX);
    let rows = batch.max(ReferenceStep::EVALUATION_ROWS).min(train_rows);
    let units: usize = architecture.layers.iter().map(|layer| layer.fan_out).sum();
    let parameters = architecture.num_parameters().saturating_mul(BYTES_PER_PARAMETER);
    let needed = parameters.saturating_add(units.saturating_mul(rows).saturating_mul(BYTES_PER_UNIT)) as u64;
    let (true, Some(memory)) = (device.device.is_cpu(), memory_bytes()) else { return Ok(()) };
    if needed > memory {
        let gib = |bytes: u64| bytes as f64 / f64::from(1 << 30);
        let found = format!("{:?}", recipe.model.hidden);
        let remedy =
            format!("training it takes about {:.0} GiB, this machine has {:.0}; use fewer or smaller layers", gib(needed), gib(memory));
        return Err(ConfigError::new("model.hidden", found, remedy));
    }
    Ok(())
}

fn upload(data: Dataset, scaler: &Scaler, device: &Chosen) -> candle_core::Result<Examples> {
    let (features, shape, labels) = data.into_parts();
    let features = match features {
        Features::U8 { values, .. } => FeatureBuffer::U8(values),
        Features::F32(values) => FeatureBuffer::F32(values),
    };
    Examples::new(features, &shape, labels, &scaler.offset, &scaler.divisor, &device.device)
}
